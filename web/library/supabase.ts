// Asks by a client of @supabase/supabase-js, which is given and not imported.
import { type BatchOptions, batchingTransport } from "./batch.js";
import { readRetryAfter } from "./reply_reader.js";
import { asTransportError, type Transport, TransportError } from "./transport.js";

/** The part of a Supabase client that is used. */
export interface SupabaseFunctions {
  functions: {
    invoke(
      name: string,
      // biome-ignore lint/suspicious/noExplicitAny: each version of supabase-js types the body in its own way.
      options: { body: any; signal?: AbortSignal },
      // biome-ignore lint/suspicious/noExplicitAny: FunctionsResponse<any>
    ): Promise<{ data: any; error: any }>;
  };
}

export interface SupabaseTransportOptions extends BatchOptions {
  /** The Edge Function; "runninghub-job-sync" without it. */
  functionName?: string;
}

/**
 * FunctionsHttpError holds the response as `context`; FunctionsFetchError the original error, and FunctionsRelayError
 * means that the function was not reached: both are "no answer".
 */
function errorOf(error: unknown): TransportError {
  const { name, context } = error as { name?: string; context?: Partial<Response> };
  const status = name === "FunctionsRelayError" ? undefined : context?.status;
  if (typeof status !== "number") return asTransportError(error);
  return new TransportError(`http ${status}`, status, readRetryAfter(context?.headers));
}

/**
 * A transport by `supabase.functions.invoke`, so with the visitor's own token, renewed by the client.
 * It never reads or writes tables.
 */
export function supabaseTransport(
  client: SupabaseFunctions,
  options: SupabaseTransportOptions = {},
): Transport {
  return batchingTransport(async (body, signal) => {
    const name = options.functionName ?? "runninghub-job-sync";
    const { data, error } = await client.functions.invoke(name, { body, signal });
    if (error) throw errorOf(error);
    return data;
  }, options);
}
