// A server that answers when a test says so, or by itself after a while.
import type { Clock } from "../clock.js";
import {
  type JobRef,
  type SyncAnswer,
  type SyncReply,
  type Transport,
  TransportError,
} from "../transport.js";

/** One request that the watchdog made. */
export class FakeRequest {
  readonly jobs: readonly JobRef[];
  readonly signal: AbortSignal;
  readonly promise: Promise<readonly SyncAnswer[]>;
  isAnswered = false;
  #resolve!: (answers: readonly SyncAnswer[]) => void;

  constructor(jobs: readonly JobRef[], signal: AbortSignal) {
    this.jobs = jobs;
    this.signal = signal;
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Under way: neither answered nor given up. */
  get isOpen(): boolean {
    return !this.isAnswered && !this.signal.aborted;
  }

  /** Answers, also when nobody waits any more, as a network may. */
  answer(answers: readonly SyncAnswer[]): void {
    this.isAnswered = true;
    this.#resolve(answers);
  }

  /** The same reply for each of its jobs. */
  reply(reply: SyncReply): void {
    this.answer(this.jobs.map(() => reply));
  }

  /** 0 = no answer at all. */
  fail(httpStatus = 0, retryAfterMs = 0): void {
    this.answer(this.jobs.map(() => new TransportError(`http ${httpStatus}`, httpStatus, retryAfterMs)));
  }
}

export interface FakeServer {
  clock: Clock;
  latencyMs?: number;
  /** What the server says about a job; called when the answer leaves. */
  about(job: JobRef): SyncAnswer;
}

export class FakeTransport implements Transport {
  readonly requests: FakeRequest[] = [];
  readonly #server: FakeServer | null;

  /** Without a server each request waits for its answer(), reply() or fail(). */
  constructor(server: FakeServer | null = null) {
    this.#server = server;
  }

  ask(jobs: readonly JobRef[], signal: AbortSignal): Promise<readonly SyncAnswer[]> {
    const request = new FakeRequest(jobs, signal);
    this.requests.push(request);
    const server = this.#server;
    server?.clock.wake(server.clock.now() + (server.latencyMs ?? 0), () => {
      request.answer(jobs.map((job) => server.about(job)));
    });
    return request.promise;
  }

  get openRequests(): FakeRequest[] {
    return this.requests.filter((request) => request.isOpen);
  }

  /** The newest request; throws when there is none. */
  get last(): FakeRequest {
    const request = this.requests.at(-1);
    if (!request) throw new Error("nobody has asked");
    return request;
  }
}
