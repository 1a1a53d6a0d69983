// Flags from their definitions, decided in the page by the same core that decides in the server.
import { defaultFlags, type FlagSource, type FlagValues, settableFlags } from "./flags.js";
import type { FlagContext, FlagModule, FlagResolution } from "./jobwatchdog_flags.mjs";
import * as log from "./log.js";
import { bytesOf, type WasmSource } from "./wasm_source.js";

export type { FlagContext, FlagResolution } from "./jobwatchdog_flags.mjs";

/** A definition for each flag, as `jobwatchdog flags set` takes it: "true if user in (u1); true for 25% of user; false". */
export type FlagDefinitions = Partial<Record<keyof FlagValues, string>>;

export interface DefinedFlagsOptions {
  definitions: FlagDefinitions;
  /** For whom; what is not known is left out. */
  context?: Partial<FlagContext>;
  /** Where the .wasm file of flags is; beside the library's files without it. */
  wasm?: WasmSource;
  /** Told once for each definition that cannot be obeyed, and when the module cannot be loaded; console.warn without it. */
  warn?: (message: string) => void;
}

export interface DefinedFlags extends FlagSource {
  /** Other definitions, or another user; takes effect at once. */
  define(changes: Pick<Partial<DefinedFlagsOptions>, "definitions" | "context">): void;
  /** Why a flag has its value, in OpenFeature's words; nothing before the module is loaded. */
  explain(name: keyof FlagValues): FlagResolution | undefined;
}

/** Loads the module that decides over flags. */
export async function loadFlags(source?: WasmSource): Promise<FlagModule> {
  const wasmBinary = await bytesOf(source, () => new URL("./jobwatchdog_flags.wasm", import.meta.url));
  const { default: createFlags } = await import("./jobwatchdog_flags.mjs");
  return createFlags({ wasmBinary, printErr: () => {} });
}

const names = Object.keys(defaultFlags) as (keyof FlagValues)[];

/**
 * A source that decides by definitions. The module is loaded when somebody subscribes; until then, and when it cannot
 * be loaded, the defaults hold: the watchdog is off.
 */
export function definedFlags(options: DefinedFlagsOptions): DefinedFlags {
  const warn = options.warn ?? log.warn;
  const warned = new Set<string>();
  const decided = settableFlags();
  let { definitions, context = {} } = options;
  let module: FlagModule | undefined;
  let loading: Promise<void> | undefined;

  const warnOnce = (message: string) => {
    if (!warned.has(message)) warn(`jobwatchdog: ${message}`);
    warned.add(message);
  };
  const resolve = (name: keyof FlagValues): FlagResolution | undefined => {
    const definition = definitions[name];
    const known = { user: "", tool: "", session: "", ...context };
    return definition === undefined ? undefined : module?.evaluateFlag(name, definition, known);
  };
  const decide = () => {
    const values: Record<string, boolean | number> = { ...defaultFlags };
    for (const name of names) {
      const flag = resolve(name);
      if (!flag) continue;
      values[name] = flag.value === "true" || (flag.value === "false" ? false : Number(flag.value));
      if (flag.errorCode) warnOnce(`the definition of ${name} is not obeyed: ${flag.errorMessage}`);
    }
    decided.set(values);
  };
  const load = () => {
    if (loading) return;
    loading = loadFlags(options.wasm).then(
      (loaded) => {
        module = loaded;
        decide();
      },
      (thrown) => {
        loading = undefined; // The next who subscribes tries again.
        warnOnce(`no flag is decided, for its module cannot run: ${thrown}`);
      },
    );
  };

  return {
    get: decided.get,
    subscribe(changed) {
      load();
      return decided.subscribe(changed);
    },
    define(changes) {
      definitions = changes.definitions ?? definitions;
      context = changes.context ?? context;
      if (module) decide();
    },
    explain: resolve,
  };
}
