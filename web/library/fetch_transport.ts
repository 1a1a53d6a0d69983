// Asks by plain fetch.
import { type BatchOptions, batchingTransport } from "./batch.js";
import { readRetryAfter } from "./reply_reader.js";
import { type Transport, TransportError } from "./transport.js";

export interface FetchTransportOptions extends BatchOptions {
  /** Of runninghub-job-sync, e.g. "/functions/v1/runninghub-job-sync". */
  url: string | URL;
  /** Called for each request, so that a renewed token is used: {Authorization: `Bearer ${token}`, apikey}. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Instead of the global fetch. */
  fetch?: typeof fetch;
}

/**
 * A transport by fetch. Cookies are not sent to other origins; give a bearer token by `headers`.
 * Across origins the server must expose Retry-After (Access-Control-Expose-Headers) for it to be obeyed.
 */
export function fetchTransport(options: FetchTransportOptions): Transport {
  return batchingTransport(async (body, signal) => {
    const response = await (options.fetch ?? fetch)(options.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(await options.headers?.()) },
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok) {
      throw new TransportError(`http ${response.status}`, response.status, readRetryAfter(response.headers));
    }
    return response.json();
  }, options);
}
