// The real core, built by script/build web and read from disk.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CoreModule, loadCore } from "jobwatchdog/wasm";

/** A file of the project, by its path from tests/web/support. As text, for jsdom has another URL than Node. */
export const projectFile = (path: string): string => fileURLToPath(new URL(path, import.meta.url).href);

export const coreBytes = (): Uint8Array =>
  readFileSync(projectFile("../../../web/library/jobwatchdog_core.wasm"));

let loading: Promise<CoreModule> | undefined;

/** One module for all tests of a file: its lists do not know each other. */
export function realCore(): Promise<CoreModule> {
  loading ??= loadCore({ bytes: coreBytes });
  return loading;
}
