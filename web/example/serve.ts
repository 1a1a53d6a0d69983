// Serves the example page on the loopback until it is told to stop: node web/example/serve.ts [PORT]
import { fileURLToPath } from "node:url";
import { startStory } from "./story.ts";

const server = await startStory(
  fileURLToPath(new URL("./dist/", import.meta.url)),
  Number(process.argv[2] ?? 0),
);
console.info(`The example page: ${server.url}   (Ctrl-C ends it)`);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.stop());
