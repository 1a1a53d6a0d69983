// Asks about many jobs in one request; about each alone when the server does not know batches.
import { readReply, readResults } from "./reply_reader.js";
import {
  asTransportError,
  type JobRef,
  type SyncAnswer,
  type Transport,
  TransportError,
} from "./transport.js";

/** Sends one body to the server's runninghub-job-sync and gives the parsed reply; throws a TransportError. */
export type Send = (body: unknown, signal: AbortSignal) => Promise<unknown>;

export interface BatchOptions {
  /** Table by tool type, beside the four that are known and the rule "<tool type>_jobs". */
  tables?: Readonly<Record<string, string>>;
}

/** Single asks under way at once, when the server does not know batches. */
const singlesAtOnceMax = 4;

const knownTables: Readonly<Record<string, string>> = {
  upscaler: "upscaler_jobs",
  pose_changer: "pose_changer_jobs",
  veste_ai: "veste_ai_jobs",
  video_upscaler: "video_upscaler_jobs",
};

function answerOf(read: () => SyncAnswer): SyncAnswer {
  try {
    return read();
  } catch (thrown) {
    return asTransportError(thrown);
  }
}

/** One element of a batch's reply. It may hold `httpStatus` instead of a reply: what a single ask would have met. */
function readElement(fields: Record<string, unknown> | undefined, name: string): SyncAnswer {
  if (fields === undefined) return new TransportError(`the batch's reply says nothing about ${name}`);
  const httpStatus = fields.httpStatus;
  if (typeof httpStatus === "number" && httpStatus >= 400)
    return new TransportError(`http ${httpStatus}`, httpStatus);
  return readReply(fields);
}

/** Calls `work` for each item, a few at once, and gives the results in order. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [place, item] of queue) results[place] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(singlesAtOnceMax, items.length) }, lane));
  return results;
}

/** The transport that both adapters are: they differ in how they send. */
export function batchingTransport(send: Send, options: BatchOptions = {}): Transport {
  let knowsBatches = true;
  const bodyOf = ({ toolType, jobId }: JobRef) => ({
    table: options.tables?.[toolType] ?? knownTables[toolType] ?? `${toolType}_jobs`,
    jobId,
  });

  async function askOne(job: JobRef, signal: AbortSignal): Promise<SyncAnswer> {
    try {
      return readReply(await send(bodyOf(job), signal));
    } catch (thrown) {
      return asTransportError(thrown);
    }
  }

  async function askTogether(jobs: readonly JobRef[], signal: AbortSignal): Promise<SyncAnswer[]> {
    const bodies = jobs.map(bodyOf);
    const results = readResults(await send({ jobs: bodies }, signal));
    return bodies.map(({ table, jobId }) =>
      answerOf(() => readElement(results.get(`${table} ${jobId}`), jobId)),
    );
  }

  /** A 400 to a batch means "I know no batches", unless one of its jobs is refused with 400 alone as well. */
  async function askEach(jobs: readonly JobRef[], signal: AbortSignal): Promise<SyncAnswer[]> {
    const answers = await eachOf(jobs, (job) => askOne(job, signal));
    const isRefusedAlone = (answer: SyncAnswer) =>
      answer instanceof TransportError && answer.httpStatus === 400;
    const isAnswered = (answer: SyncAnswer) => !(answer instanceof TransportError);
    if (answers.some(isAnswered) && !answers.some(isRefusedAlone)) knowsBatches = false;
    return answers;
  }

  return {
    async ask(jobs, signal) {
      if (jobs.length === 1 || !knowsBatches) return eachOf(jobs, (job) => askOne(job, signal));
      try {
        return await askTogether(jobs, signal);
      } catch (thrown) {
        const error = asTransportError(thrown);
        if (error.httpStatus !== 400) throw error;
        return askEach(jobs, signal);
      }
    },
  };
}
