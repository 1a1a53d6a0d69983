// Core's list of watched jobs with words instead of numbers: nothing is decided here.
import type { CoreEvent, CoreModule, CoreStep } from "./core_module.js";
import {
  type EventKind,
  eventKinds,
  type JobStatus,
  jobStatuses,
  type PauseReason,
  pauseReasons,
  type ReportKind,
  reportKinds,
  type SyncReason,
  syncReasons,
  type WatchPhase,
  watchPhases,
} from "./vocabulary.js";

/** The numbers of WATCHDOG_*, in milliseconds. */
export interface WatchPolicy {
  initialDelayMs: number;
  pollIntervalMs: number;
  maxTimeoutMs: number;
}

/** One event; what is left out is "not told". */
export interface WatchEvent {
  kind: EventKind;
  status?: JobStatus | undefined;
  /** The ask that is answered; 0 or left out = news from elsewhere. */
  requestNumber?: number;
  reason?: SyncReason | undefined;
  httpStatus?: number;
  retryAfterMs?: number;
  serverNow?: number | undefined;
  deadlineAt?: number | undefined;
}

/** What one job has to do, and where it stands. */
export interface WatchStep {
  abort: boolean;
  report: ReportKind | null;
  /** Ask now under this number; 0 = do not. */
  ask: number;
  phase: WatchPhase;
  pauseReason: PauseReason | null;
  /** A moment of the clock, or null. */
  nextAskAt: number | null;
  answerCount: number;
}

export interface Moment {
  now: number;
  drawPermille: number;
}

function placeOf<Word extends string>(words: readonly Word[], word: Word): number {
  return words.indexOf(word);
}

function wordAt<Word extends string>(words: readonly Word[], place: number): Word {
  const word = words[place];
  if (word === undefined) throw new Error(`core said ${place}, which is none of ${words.join(", ")}`);
  return word;
}

function coreEvent(event: WatchEvent): CoreEvent {
  return {
    kind: placeOf(eventKinds, event.kind),
    status: event.status === undefined ? -1 : placeOf(jobStatuses, event.status),
    requestNumber: event.requestNumber ?? 0,
    reason: placeOf(syncReasons, event.reason ?? "none"),
    httpStatus: event.httpStatus ?? 0,
    retryAfterMs: event.retryAfterMs ?? 0,
    serverNowMs: event.serverNow ?? Number.NaN,
    deadlineAtMs: event.deadlineAt ?? Number.NaN,
  };
}

function stepOf(step: CoreStep): WatchStep {
  const pause = wordAt(pauseReasons, step.pause);
  return {
    abort: step.abort,
    report: step.report < 0 ? null : wordAt(reportKinds, step.report),
    ask: step.ask,
    phase: wordAt(watchPhases, step.phase),
    pauseReason: pause === "none" ? null : pause,
    nextAskAt: Number.isNaN(step.nextAskAtMs) ? null : step.nextAskAtMs,
    answerCount: step.answerCount,
  };
}

function corePolicy(policy: WatchPolicy) {
  return {
    initialDelayMs: policy.initialDelayMs,
    pollIntervalMs: policy.pollIntervalMs,
    timeoutMaxMs: policy.maxTimeoutMs,
  };
}

/** Why these numbers cannot be obeyed, a line each: "WATCHDOG_NAME what; mend". */
export function policyProblems(module: CoreModule, policy: WatchPolicy): string[] {
  return module.policyProblems(corePolicy(policy)).split("\n").filter(Boolean);
}

export class JobList {
  readonly #module: CoreModule;
  readonly #list: number;

  constructor(module: CoreModule, policy: WatchPolicy) {
    this.#module = module;
    this.#list = module.openList(corePolicy(policy));
  }

  setPolicy(policy: WatchPolicy): void {
    this.#module.setPolicy(this.#list, corePolicy(policy));
  }

  add(): number {
    return this.#module.addJob(this.#list);
  }

  remove(key: number): void {
    this.#module.removeJob(this.#list, key);
  }

  step(key: number, event: WatchEvent, moment: Moment): WatchStep {
    return stepOf(this.#module.stepJob(this.#list, key, coreEvent(event), moment.now, moment.drawPermille));
  }

  /** An event of the page, or a tick. Gives what each job has to do that changed. */
  stepAll(kind: EventKind, moment: Moment): [key: number, step: WatchStep][] {
    const keys = this.#module.stepAll(this.#list, placeOf(eventKinds, kind), moment.now, moment.drawPermille);
    return Array.from(keys, (key) => [key, stepOf(this.#module.lastStep(this.#list, key))]);
  }

  /** When to come back with a tick; null = no timer. */
  wakeAt(): number | null {
    const moment = this.#module.wakeAt(this.#list);
    return Number.isNaN(moment) ? null : moment;
  }

  close(): void {
    this.#module.closeList(this.#list);
  }
}
