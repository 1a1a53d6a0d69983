// Loads the WebAssembly core when it is needed, once a page, and refuses one that speaks another vocabulary.
import type { CoreModule } from "./jobwatchdog_core.mjs";
import { vocabularyText } from "./vocabulary.js";

export type { CoreEvent, CoreModule, CoreStep } from "./jobwatchdog_core.mjs";

/**
 * Where the module's bytes come from. A function is called when the bytes are needed, not before.
 * Without one, `jobwatchdog_core.wasm` is fetched from beside the library's own files; bundlers follow that reference.
 */
export type WasmSource =
  | { url: string | URL }
  | {
      bytes: ArrayBuffer | Uint8Array | (() => ArrayBuffer | Uint8Array | Promise<ArrayBuffer | Uint8Array>);
    };

async function fetchBytes(url: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.arrayBuffer();
}

async function bytesOf(source: WasmSource | undefined): Promise<ArrayBuffer | Uint8Array> {
  if (source === undefined) return fetchBytes(new URL("./jobwatchdog_core.wasm", import.meta.url));
  if ("url" in source) return fetchBytes(source.url);
  return typeof source.bytes === "function" ? source.bytes() : source.bytes;
}

function sameWords(ours: string, theirs: string): boolean {
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.trim())
      .sort()
      .join("\n");
  return lines(ours) === lines(theirs);
}

/** Throws when the module is of another version than this library. */
export function checkVocabulary(module: CoreModule): void {
  const theirs = module.vocabulary();
  if (sameWords(vocabularyText, theirs)) return;
  throw new Error(
    `the .wasm file is of another version than the library: it says\n${theirs}\nand not\n${vocabularyText}`,
  );
}

/** Loads the module. Rejects when it cannot be fetched, compiled or understood; a later call may try again. */
export async function loadCore(source?: WasmSource): Promise<CoreModule> {
  const wasmBinary = await bytesOf(source);
  const { default: createCore } = await import("./jobwatchdog_core.mjs");
  const module = await createCore({ wasmBinary });
  checkVocabulary(module);
  return module;
}
