// What a page of ours needs of its policy: WebAssembly, its own server, sockets to it, and pictures of the provider.
const { instance } = await WebAssembly.instantiateStreaming(fetch("/assets/seven-B2cd4F_h.wasm"));
const health = await (await fetch("/healthz")).text();

const picture = document.createElement("img");
picture.src = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>";
await picture.decode();

// Nobody answers there; the policy would forbid it before that.
const socket = new WebSocket(`${location.origin.replace("http", "ws")}/realtime/v1/none`);
await new Promise((resolve) => socket.addEventListener("close", resolve));

const word = document.querySelector("#word");
word.textContent = `${instance.exports.seven()} ${health.trim()} ${picture.naturalWidth}`;
