// The core inside of the JavaScript, for pages that cannot fetch a file of their own.
import type { WasmSource } from "./wasm_source.js";

/** A source of the core that fetches nothing. Its bytes are unpacked when they are needed. */
export function inlineWasm(): WasmSource {
  return {
    bytes: async () => {
      const { default: base64 } = await import("./jobwatchdog_core_base64.mjs");
      return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    },
  };
}
