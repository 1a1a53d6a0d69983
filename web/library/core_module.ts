// Loads the WebAssembly core when it is needed, once a page, and refuses one that speaks another vocabulary.
import type { CoreModule } from "./jobwatchdog_core.mjs";
import { vocabularyText } from "./vocabulary.js";
import { bytesOf, type WasmSource } from "./wasm_source.js";

export type { CoreEvent, CoreModule, CoreStep } from "./jobwatchdog_core.mjs";

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
  const wasmBinary = await bytesOf(source, () => new URL("./jobwatchdog_core.wasm", import.meta.url));
  const { default: createCore } = await import("./jobwatchdog_core.mjs");
  const module = await createCore({ wasmBinary, printErr: () => {} });
  checkVocabulary(module);
  return module;
}
