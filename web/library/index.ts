// The package by its own name: the hook, the watchdog of a page, transports and flags. Importing it does nothing.
export type { BatchOptions } from "./batch.js";
export type { Clock } from "./clock.js";
export type { CoreModule } from "./core_module.js";
export { createJobWatchdog, type JobWatchdog, type JobWatchdogOptions } from "./create.js";
export { type FetchTransportOptions, fetchTransport } from "./fetch_transport.js";
export {
  defaultFlags,
  type FlagSource,
  type FlagValues,
  type SettableFlags,
  settableFlags,
  staticFlags,
} from "./flags.js";
export type { WatchPolicy } from "./job_list.js";
export {
  browserPage,
  type PageChannel,
  type PageEnvironment,
  type PageLocks,
  type PageSignal,
} from "./page_environment.js";
export type { WatchHandle, WatchRequest } from "./page_watchdog.js";
export { JobWatchdogProvider, type JobWatchdogProviderProps } from "./provider.js";
export { type RemoteFlagsOptions, remoteFlags } from "./remote_flags.js";
export { type JobRef, type SyncAnswer, type SyncReply, type Transport, TransportError } from "./transport.js";
export { type JobWatchdogState, type UseJobWatchdogOptions, useJobWatchdog } from "./use_job_watchdog.js";
export {
  isTerminal,
  type JobStatus,
  type PauseReason,
  type ReportKind,
  type SyncReason,
  type WatchPhase,
} from "./vocabulary.js";
export type { WasmSource } from "./wasm_source.js";
export type { Watcher, WatchSnapshot, WatchSource, WatchUpdate } from "./watched_job.js";
