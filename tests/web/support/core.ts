// The real core, built by script/build web and read from disk.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CoreModule, loadCore } from "jobwatchdog/wasm";

const library = new URL("../../../web/library/", import.meta.url);

export const coreBytes = (): Uint8Array => readFileSync(fileURLToPath(new URL("jobwatchdog_core.wasm", library)));

let loading: Promise<CoreModule> | undefined;

/** One module for all tests of a file: its lists do not know each other. */
export function realCore(): Promise<CoreModule> {
  loading ??= loadCore({ bytes: coreBytes });
  return loading;
}
