// The exports of the WebAssembly module, written by hand and held against the built module by a test.
//
// A counter, not a kitchen: numbers and plain value objects in, plain value objects out. Words that core writes as
// enumerators cross as their place in the lists of vocabulary(). Times are milliseconds; NaN means "none".

/** WatchPolicy of core/policy.hpp. */
export interface CorePolicy {
  initialDelayMs: number;
  pollIntervalMs: number;
  timeoutMaxMs: number;
}

/** WatchEvent of core/watch.hpp, without its texts: who reports an end still holds the reply. */
export interface CoreEvent {
  /** Place in vocabulary().event. */
  kind: number;
  /** Place in vocabulary().status; -1 = not told. */
  status: number;
  /** Of the ask that is answered; 0 = news from elsewhere. */
  requestNumber: number;
  /** Place in vocabulary().reason. */
  reason: number;
  /** 0 = no answer at all. */
  httpStatus: number;
  retryAfterMs: number;
  /** The server's clock; NaN = not told. */
  serverNowMs: number;
  /** NaN = not told. */
  deadlineAtMs: number;
}

/** What one job has to do and where it stands: WatchActions and the readable part of WatchState. */
export interface CoreStep {
  /** Ask the server now under this number; 0 = do not. */
  ask: number;
  /** Drop the request under way. */
  abort: boolean;
  /** Place in vocabulary().report; -1 = nothing to tell. */
  report: number;
  /** Place in vocabulary().phase. */
  phase: number;
  /** Place in vocabulary().pause; 0 = not paused. */
  pause: number;
  /** Whether `pause` changed in this step. */
  pauseChanged: boolean;
  /** NaN = no timer. Of this job alone; see wakeAt() for the list. */
  wakeAtMs: number;
  /** When the next check is due, NaN when none is planned; wakeAtMs may be a request's or the limit's. */
  nextAskAtMs: number;
  /** Replies and errors to asks of this watch. */
  answerCount: number;
  /** Failures in a row. */
  failureCount: number;
}

export interface CoreModule {
  /** The words behind the numbers: lines "kind: word word ...", for event, status, reason, report, phase, pause. */
  vocabulary(): string;
  /** Why these numbers cannot be obeyed, as "NAME what; mend" a line; "" when they can. */
  policyProblems(policy: CorePolicy): string;
  /** A new list, by number. An unusable policy is a caller's bug: ask policyProblems() first. */
  openList(policy: CorePolicy): number;
  closeList(list: number): void;
  /** From the next step on. */
  setPolicy(list: number, policy: CorePolicy): void;
  /** Takes a job into the list; gives its key. Its first event is `watch`. */
  addJob(list: number): number;
  removeJob(list: number, key: number): void;
  /** drawPermille: a random number 0..1000. */
  stepJob(list: number, key: number, event: CoreEvent, nowMs: number, drawPermille: number): CoreStep;
  /** An event of the page, or a tick for all that are due. Gives the keys of the jobs that changed: read them with
   *  lastStep(). The array is a copy. */
  stepAll(list: number, eventKind: number, nowMs: number, drawPermille: number): Int32Array;
  /** What the job's last step gave. */
  lastStep(list: number, key: number): CoreStep;
  /** The earliest wake-up of all jobs; NaN = none. */
  wakeAt(list: number): number;
}

export interface CoreModuleOptions {
  /** The module's bytes; without them they are fetched from `locateFile`. */
  wasmBinary?: ArrayBuffer | Uint8Array;
  /** URL of the .wasm file. */
  locateFile?: (path: string, prefix: string) => string;
  /** Gets what Emscripten would print when the module cannot run; the promise is rejected as well. */
  printErr?: (message: string) => void;
}

export default function createCore(options?: CoreModuleOptions): Promise<CoreModule>;
