// Reads what the server sent, strictly: what is not understood is an error, never a guess.
import { type SyncReply, TransportError } from "./transport.js";
import { type JobStatus, jobStatuses, type SyncReason, syncReasons } from "./vocabulary.js";

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new TransportError(`${what} is not an object`);
}

function optional<Value>(
  fields: Fields,
  name: string,
  read: (value: unknown) => Value | undefined,
): Value | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const known = read(value);
  if (known === undefined)
    throw new TransportError(`the reply's ${name} cannot be read: ${JSON.stringify(value)}`);
  return known;
}

const readStatus = (value: unknown) => jobStatuses.find((word): word is JobStatus => word === value);
const readReason = (value: unknown) => syncReasons.find((word): word is SyncReason => word === value);
const readText = (value: unknown) => (typeof value === "string" ? value : undefined);

/** Epoch milliseconds, or ISO 8601 with its time zone: a time without one would be read as the visitor's own. */
function readTime(value: unknown): number | undefined {
  const isZoned = typeof value === "string" && /^\d{4}-\d\d-\d\d[T ].*(Z|[+-]\d\d(:?\d\d)?)$/i.test(value);
  const ms = isZoned ? Date.parse(value.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00")) : value;
  return typeof ms === "number" && Number.isFinite(ms) ? Math.round(ms) : undefined;
}

/** Only what a browser may safely put into a link or an image: http, https, or a path of the page's own server. */
function readUrl(value: unknown): string | undefined {
  return typeof value === "string" && /^(https?:\/\/|\/(?!\/))\S+$/i.test(value) ? value : undefined;
}

/** The reply about one job: {synced, status?, outputUrl?, reason?, serverNow?, deadlineAt?, errorMessage?}. */
export function readReply(value: unknown): SyncReply {
  const fields = fieldsOf(value, "the reply");
  if (typeof fields.synced !== "boolean") throw new TransportError("the reply does not say `synced`");
  return {
    status: optional(fields, "status", readStatus),
    reason: optional(fields, "reason", readReason),
    outputUrl: optional(fields, "outputUrl", readUrl),
    message: optional(fields, "errorMessage", readText),
    serverNow: optional(fields, "serverNow", readTime),
    deadlineAt: optional(fields, "deadlineAt", readTime),
  };
}

/** The elements of a batch's reply {results: [{table, jobId, ...}]}, by table and job. */
export function readResults(value: unknown): Map<string, Fields> {
  const results = fieldsOf(value, "the batch's reply").results;
  if (!Array.isArray(results)) throw new TransportError("the batch's reply has no `results`");
  return new Map(
    results.map((element: unknown) => {
      const fields = fieldsOf(element, "a result");
      return [`${fields.table} ${fields.jobId}`, fields];
    }),
  );
}

/** The Retry-After header: seconds, or a date, which is held against the server's own Date and not our clock. */
export function readRetryAfter(headers: Headers | undefined): number {
  const text = headers?.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const wait = Date.parse(text) - Date.parse(headers?.get("date") ?? "");
  return Number.isFinite(wait) ? Math.max(wait, 0) : 0;
}
