// The exports of the WebAssembly module for flags, written by hand and held against the built module by a test.

/** For whom a flag is asked; "" = not known. */
export interface FlagContext {
  user: string;
  tool: string;
  session: string;
}

/** A resolution as OpenFeature shapes it. */
export interface FlagResolution {
  /** "true", "false" or a whole number, as text. */
  value: string;
  /** "rule 2" when one rule of several gave the value; else "". */
  variant: string;
  /** STATIC, DEFAULT, TARGETING_MATCH, SPLIT, DISABLED or ERROR. */
  reason: string;
  /** FLAG_NOT_FOUND, PARSE_ERROR, TYPE_MISMATCH or GENERAL; "" when there is no error. */
  errorCode: string;
  errorMessage: string;
}

export interface FlagModule {
  /** What the definition says for this context: "true if user in (u1); true for 25% of user; false". */
  evaluateFlag(name: string, definition: string, context: FlagContext): FlagResolution;
  /** The names of all flags, one a line. */
  flagNames(): string;
}

export interface FlagModuleOptions {
  /** The module's bytes; without them they are fetched from `locateFile`. */
  wasmBinary?: ArrayBuffer | Uint8Array;
  /** URL of the .wasm file. */
  locateFile?: (path: string, prefix: string) => string;
  /** Gets what Emscripten would print when the module cannot run; the promise is rejected as well. */
  printErr?: (message: string) => void;
}

export default function createFlags(options?: FlagModuleOptions): Promise<FlagModule>;
