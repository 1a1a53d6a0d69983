// One watched job as the page sees it: what is told, to whom, and what makes it a new object.
import type { Ask } from "./asker.js";
import type { Clock } from "./clock.js";
import type { WatchEvent, WatchStep } from "./job_list.js";
import { type JobRef, type SyncReply, TransportError } from "./transport.js";
import type { JobStatus, PauseReason, ReportKind, WatchPhase } from "./vocabulary.js";

/** Who said what is known: nobody yet, the page by its `status`, our server, or another tab that asked it. */
export type WatchSource = "none" | "page" | "server" | "another_tab";

/** Where the watch of one job stands. The same object until something changes. */
export interface WatchSnapshot {
  /** `wasm_unavailable`: the core could not be loaded, so nobody watches; the page works on without. */
  readonly phase: WatchPhase | "wasm_unavailable";
  /** Answers, good or bad, to asks of this tab. */
  readonly attempts: number;
  /** Epoch milliseconds by this machine's clock, for people to read. */
  readonly lastCheckedAt: number | null;
  /** Likewise; null while a request is under way, while paused, and after the end. */
  readonly nextCheckAt: number | null;
  readonly isPaused: boolean;
  readonly pauseReason: PauseReason | null;
  readonly source: WatchSource;
}

/** What `onUpdate` is told, once for each: an end, or that the job is late. */
export interface WatchUpdate {
  /** `overdue`: past the limit, still checking. `given_up`: no more checks unless somebody calls refresh(). */
  readonly kind: ReportKind;
  readonly toolType: string;
  readonly jobId: string;
  /** The last status that is known. */
  readonly status: JobStatus;
  readonly outputUrl?: string;
  /** Why it failed, or why nothing is known: the server's words, a reason of its reply, "http 401", "unreachable". */
  readonly reason?: string;
  readonly source: WatchSource;
}

/** What a watch looks like before it begins, and on the server: always this object. */
export const idleSnapshot: WatchSnapshot = Object.freeze({
  phase: "stopped",
  attempts: 0,
  lastCheckedAt: null,
  nextCheckAt: null,
  isPaused: false,
  pauseReason: null,
  source: "none",
});

export interface Watcher {
  /** The snapshot is another object now. */
  changed?(): void;
  updated?(update: WatchUpdate): void;
}

/** Where an event came from, and what was said. */
export interface News {
  source: WatchSource;
  answer?: SyncReply | TransportError;
}

export class WatchedJob {
  readonly ref: JobRef;
  readonly name: string;
  status: JobStatus;
  /** When the page began to watch it, by the clock. */
  readonly since: number;
  snapshot: WatchSnapshot = idleSnapshot;
  /** Its place in core's list; null while core does not know it. */
  key: number | null = null;
  ask: Ask | null = null;
  readonly watchers = new Set<Watcher>();
  #nextAskAt: number | null = null;

  constructor(name: string, ref: JobRef, status: JobStatus, since: number) {
    this.name = name;
    this.ref = ref;
    this.status = status;
    this.since = since;
  }

  /** Makes a new snapshot if that says anything new; tells whether it did. */
  show(changes: Partial<WatchSnapshot>): boolean {
    const next = { ...this.snapshot, ...changes };
    const names = Object.keys(next) as (keyof WatchSnapshot)[];
    if (names.every((name) => next[name] === this.snapshot[name])) return false;
    this.snapshot = Object.freeze(next);
    return true;
  }

  /** Shows a step that core made. */
  showStep(step: WatchStep, news: News | undefined, clock: Clock): boolean {
    const isNextKnown = step.nextAskAt === this.#nextAskAt;
    this.#nextAskAt = step.nextAskAt;
    const wallTime = step.nextAskAt === null ? null : clock.wallTimeAt(step.nextAskAt);
    return this.show({
      phase: step.phase,
      attempts: step.answerCount,
      isPaused: step.pauseReason !== null,
      pauseReason: step.pauseReason,
      // By the wall clock only once: it may wander against the other, and nothing would have changed.
      nextCheckAt: isNextKnown ? this.snapshot.nextCheckAt : wallTime,
      ...(news && { source: news.source }),
      ...(news?.answer && { lastCheckedAt: clock.wallTimeAt(clock.now()) }),
    });
  }

  /** The report as the page is told it. */
  update(kind: ReportKind, event: WatchEvent, news: News | undefined): WatchUpdate {
    const isEnd = kind === "completed" || kind === "failed" || kind === "cancelled";
    const reply = news?.answer instanceof TransportError ? undefined : news?.answer;
    const reason = reasonOf(isEnd, event, reply);
    return {
      kind,
      ...this.ref,
      status: isEnd ? kind : this.status,
      ...(reply?.outputUrl !== undefined && { outputUrl: reply.outputUrl }),
      ...(reason !== undefined && { reason }),
      source: news?.source ?? "server",
    };
  }
}

/** An event without a reply is an error, or the tick at which core gave a request up. */
function reasonOf(isEnd: boolean, event: WatchEvent, reply: SyncReply | undefined): string | undefined {
  if (isEnd || reply?.message !== undefined) return reply?.message;
  if (reply) return reply.reason === undefined || reply.reason === "none" ? "still_processing" : reply.reason;
  return event.httpStatus ? `http ${event.httpStatus}` : "unreachable";
}
