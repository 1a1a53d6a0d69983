// Sends the asks of one moment together, at most 100 jobs a request, and drops those that nobody waits for.
import {
  asTransportError,
  type JobRef,
  type SyncAnswer,
  type Transport,
  TransportError,
} from "./transport.js";

/** One ask for one job. The object itself is the identity: an answer belongs to it or to nobody. */
export interface Ask {
  readonly job: JobRef;
  readonly requestNumber: number;
}

export type Answered = (answers: readonly (readonly [Ask, SyncAnswer])[]) => void;

const jobsPerRequestMax = 100;

interface Request {
  readonly asks: Set<Ask>;
  readonly controller: AbortController;
}

export class Asker {
  readonly #transport: Transport;
  readonly #answered: Answered;
  readonly #queue = new Set<Ask>();
  readonly #requests = new Set<Request>();

  constructor(transport: Transport, answered: Answered) {
    this.#transport = transport;
    this.#answered = answered;
  }

  ask(ask: Ask): void {
    if (this.#queue.size === 0) queueMicrotask(() => this.#flush());
    this.#queue.add(ask);
  }

  /** Its answer is not wanted any more. The request ends when none of its jobs is. */
  drop(ask: Ask): void {
    this.#queue.delete(ask);
    for (const request of this.#requests) {
      if (request.asks.delete(ask) && request.asks.size === 0) request.controller.abort();
    }
  }

  #flush(): void {
    const asks = [...this.#queue];
    this.#queue.clear();
    for (let from = 0; from < asks.length; from += jobsPerRequestMax) {
      void this.#send(asks.slice(from, from + jobsPerRequestMax));
    }
  }

  async #send(asks: readonly Ask[]): Promise<void> {
    const request: Request = { asks: new Set(asks), controller: new AbortController() };
    this.#requests.add(request);
    const answers = await this.#answersOf(asks, request.controller.signal);
    this.#requests.delete(request);
    this.#answered(asks.map((ask, place) => [ask, answers(place)]));
  }

  async #answersOf(asks: readonly Ask[], signal: AbortSignal): Promise<(place: number) => SyncAnswer> {
    try {
      const jobs = asks.map(({ job }) => job);
      const answers = await this.#transport.ask(jobs, signal);
      return (place) => answers[place] ?? new TransportError("the transport gave no answer about the job");
    } catch (thrown) {
      const error = asTransportError(thrown);
      return () => error;
    }
  }
}
