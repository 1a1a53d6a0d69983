// The switches of the watchdog, where they come from, and what they are while nobody has said anything: off.

export interface FlagValues {
  WATCHDOG_ENABLED: boolean;
  WATCHDOG_INITIAL_DELAY_MS: number;
  WATCHDOG_POLL_INTERVAL_MS: number;
  WATCHDOG_MAX_TIMEOUT_MS: number;
}

export const defaultFlags: Readonly<FlagValues> = {
  WATCHDOG_ENABLED: false,
  WATCHDOG_INITIAL_DELAY_MS: 30_000,
  WATCHDOG_POLL_INTERVAL_MS: 15_000,
  WATCHDOG_MAX_TIMEOUT_MS: 720_000,
};

export interface FlagSource {
  /** The values now. Asks nobody. */
  get(): FlagValues;
  /** Calls back after each change; only then may a source have timers. Gives the way to stop. */
  subscribe(changed: () => void): () => void;
}

/** Flags that never change. */
export function staticFlags(values: Partial<FlagValues>): FlagSource {
  const all = { ...defaultFlags, ...values };
  return { get: () => all, subscribe: () => () => {} };
}

export interface SettableFlags extends FlagSource {
  /** Changes some of them; takes effect at once. */
  set(values: Partial<FlagValues>): void;
}

/** Flags that the page sets itself: for development, tests, or to bridge a flag service of your own. */
export function settableFlags(values: Partial<FlagValues> = {}): SettableFlags {
  let all = { ...defaultFlags, ...values };
  const listeners = new Set<() => void>();
  return {
    get: () => all,
    subscribe(changed) {
      const listener = () => changed();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(changes) {
      all = { ...all, ...changes };
      for (const listener of [...listeners]) listener();
    },
  };
}
