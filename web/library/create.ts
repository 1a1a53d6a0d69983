// Makes the watchdog of a page from its options. Nothing begins before the first job is watched.
import { type Clock, systemClock } from "./clock.js";
import type { EngineMaker } from "./engine.js";
import { type FlagSource, staticFlags } from "./flags.js";
import type { WatchPolicy } from "./job_list.js";
import * as log from "./log.js";
import { browserPage, type PageEnvironment } from "./page_environment.js";
import { PageWatchdog, type WatchHandle, type WatchRequest } from "./page_watchdog.js";
import type { Transport } from "./transport.js";
import type { WasmSource } from "./wasm_source.js";
import type { Watcher, WatchSnapshot } from "./watched_job.js";

export interface JobWatchdogOptions extends Partial<WatchPolicy> {
  /** Who asks the server: supabaseTransport(), fetchTransport() or your own. */
  transport: Transport;
  /** Without it the watchdog is off: WATCHDOG_ENABLED is false by default. */
  flags?: FlagSource;
  /** Where the .wasm file is; beside the library's files without it. inlineWasm() of "jobwatchdog/inline" needs no file. */
  wasm?: WasmSource;
  /**
   * One of several visible tabs asks and tells the others; `false` = each asks for itself. `scope` keeps apart what
   * shares an origin, for example two servers or two users.
   */
  tabs?: boolean | { scope: string };
  /** `true` prints each event and decision with console.debug. */
  debug?: boolean | ((what: string, detail: unknown) => void);
  /** Told once for each thing that is wrong; console.warn without it. */
  warn?: (message: string) => void;
  /** For tests: see "jobwatchdog/testing". */
  clock?: Clock;
  page?: PageEnvironment;
  loadEngine?: () => Promise<EngineMaker>;
}

/** One for a page. Give it to <JobWatchdogProvider>, or use it without React. */
export interface JobWatchdog {
  /** Watches a job until the handle is released; the same job twice is one watch. */
  watch(request: WatchRequest, watcher?: Watcher): WatchHandle;
  /** Where the watch of a job stands; "stopped" when nobody watches it. The same object until something changes. */
  getSnapshot(toolType: string, jobId: string): WatchSnapshot;
  /** Stops all watches. */
  dispose(): void;
}

/** Safe to call where there is no browser, as in a module that a server renders: it starts nothing. */
export function createJobWatchdog(options: JobWatchdogOptions): JobWatchdog {
  const { transport, debug, tabs = true } = options;
  const scope = typeof tabs === "object" ? tabs.scope : "page";
  const { initialDelayMs, pollIntervalMs, maxTimeoutMs } = options;
  return new PageWatchdog({
    transport,
    flags: options.flags ?? staticFlags({}),
    // Comes with the core, when the first job is watched.
    loadEngine: options.loadEngine ?? (async () => (await import("./engine.js")).loadEngine(options.wasm)),
    page: options.page ?? browserPage(),
    clock: options.clock ?? systemClock,
    tabsScope: tabs === false ? null : scope,
    policy: {
      ...(initialDelayMs !== undefined && { initialDelayMs }),
      ...(pollIntervalMs !== undefined && { pollIntervalMs }),
      ...(maxTimeoutMs !== undefined && { maxTimeoutMs }),
    },
    warn: options.warn ?? log.warn,
    trace: debug === true ? log.debug : debug || undefined,
  });
}
