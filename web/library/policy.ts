// Which numbers are obeyed: those of the page, then of the flags, and the default for each that cannot be meant.
import type { CoreModule } from "./core_module.js";
import { defaultFlags, type FlagValues } from "./flags.js";
import { policyProblems, type WatchPolicy } from "./job_list.js";

const flagOf = {
  initialDelayMs: "WATCHDOG_INITIAL_DELAY_MS",
  pollIntervalMs: "WATCHDOG_POLL_INTERVAL_MS",
  maxTimeoutMs: "WATCHDOG_MAX_TIMEOUT_MS",
} as const;

type PolicyName = keyof WatchPolicy;
const names = Object.keys(flagOf) as PolicyName[];

/** Core reads whole milliseconds; what is no number at all never gets there. */
function isReadable(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

export interface ChosenPolicy {
  policy: WatchPolicy;
  /** Why some numbers were not taken; empty when all were. */
  problems: string[];
}

export function choosePolicy(
  module: CoreModule,
  flags: FlagValues,
  overrides: Partial<WatchPolicy>,
): ChosenPolicy {
  const problems: string[] = [];
  const policy = { initialDelayMs: 0, pollIntervalMs: 0, maxTimeoutMs: 0 };
  for (const name of names) {
    const value: unknown = overrides[name] ?? flags[flagOf[name]];
    if (!isReadable(value))
      problems.push(`${flagOf[name]} is ${String(value)}, which is no number of milliseconds`);
    policy[name] = isReadable(value) ? Math.round(value) : defaultFlags[flagOf[name]];
  }
  // A number that was put right may uncover another that does not fit it: at most once for each.
  for (let round = 0; round < names.length; ++round) {
    const found = policyProblems(module, policy);
    if (found.length === 0) return { policy, problems };
    problems.push(...found);
    for (const name of names) {
      if (found.some((line) => line.startsWith(flagOf[name]))) policy[name] = defaultFlags[flagOf[name]];
    }
  }
  for (const name of names) policy[name] = defaultFlags[flagOf[name]];
  return { policy, problems };
}
