// The modules' files from disk, for Node: its fetch knows no files.
/// <reference types="node" />
import { readFile } from "node:fs/promises";
import type { WasmSource } from "./wasm_source.js";

const files = {
  core: () => new URL("./jobwatchdog_core.wasm", import.meta.url),
  flags: () => new URL("./jobwatchdog_flags.wasm", import.meta.url),
};

/** A source for createJobWatchdog() and loadCore() ("core"), or for definedFlags() ("flags"), in Node. */
export function nodeWasm(module: keyof typeof files = "core"): WasmSource {
  return { bytes: () => readFile(files[module]()) };
}
