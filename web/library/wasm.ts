// The core itself, for those who load it their own way: the module's types and the URL of its file.
export { type CoreModule, checkVocabulary, loadCore } from "./core_module.js";
export type { WasmSource } from "./wasm_source.js";

/** The .wasm file beside the library's own; bundlers follow the reference. */
export function wasmUrl(): URL {
  return new URL("./jobwatchdog_core.wasm", import.meta.url);
}
