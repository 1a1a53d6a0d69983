// What asks the server about jobs: the interface, its errors, and what a reply may say.
import type { JobStatus, SyncReason } from "./vocabulary.js";

/** One job of the page. */
export interface JobRef {
  /** upscaler, pose_changer, ...: names the table. */
  readonly toolType: string;
  readonly jobId: string;
}

/** The server's word about one job. Times are epoch milliseconds of the server's clock. */
export interface SyncReply {
  status?: JobStatus | undefined;
  reason?: SyncReason | undefined;
  outputUrl?: string | undefined;
  /** Why it failed, in the server's words. */
  message?: string | undefined;
  serverNow?: number | undefined;
  deadlineAt?: number | undefined;
}

/** An ask that brought no usable reply. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** 0 = no answer, or none that could be read. */
  readonly httpStatus: number;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number;

  constructor(message: string, httpStatus = 0, retryAfterMs = 0, options?: ErrorOptions) {
    super(message, options);
    this.httpStatus = httpStatus;
    this.retryAfterMs = retryAfterMs;
  }
}

export type SyncAnswer = SyncReply | TransportError;

export interface Transport {
  /**
   * Asks about up to 100 jobs. Gives one answer a job, in the order of `jobs`; rejects when the whole ask failed.
   * `signal` is aborted when nobody wants the answers any more, and ten seconds after the ask: core counts them.
   */
  ask(jobs: readonly JobRef[], signal: AbortSignal): Promise<readonly SyncAnswer[]>;
}

/** Whatever was thrown, as a TransportError: what is not one means that there was no answer. */
export function asTransportError(thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  return new TransportError(thrown instanceof Error ? thrown.message : String(thrown), 0, 0, {
    cause: thrown,
  });
}
