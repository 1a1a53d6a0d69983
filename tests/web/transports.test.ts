// How the server is asked and understood: single and batched asks, both adapters, and every reply that cannot be read.
import { FunctionsClient } from "@supabase/functions-js";
import { fetchTransport, type JobRef, type SyncAnswer, type Transport, TransportError } from "jobwatchdog";
import { supabaseTransport } from "jobwatchdog/supabase";
import { describe, expect, test } from "vitest";

interface Sent {
  url: string;
  headers: Record<string, string>;
  body: { table?: string; jobId?: string; jobs?: { table: string; jobId: string }[] };
  signal: AbortSignal;
}

type Answer = (sent: Sent) => Response | Promise<Response>;

/** A fetch that a test answers, and what it was asked. */
function fakeFetch(answer: Answer) {
  const sent: Sent[] = [];
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = {
      url: String(url),
      headers,
      body: JSON.parse(String(init.body)),
      signal: init.signal as AbortSignal,
    };
    sent.push(request);
    return answer(request);
  };
  return { fetch: fetch as unknown as typeof globalThis.fetch, sent };
}

type Make = (fetch: typeof globalThis.fetch) => Transport;

const bySupabase: Make = (fetch) => {
  const functions = new FunctionsClient("https://api.example/functions/v1", { customFetch: fetch });
  return supabaseTransport({ functions });
};

const adapters: [string, Make][] = [
  [
    "fetchTransport",
    (fetch) => fetchTransport({ url: "https://api.example/functions/v1/runninghub-job-sync", fetch }),
  ],
  ["supabaseTransport with the real client", bySupabase],
];

const json = (body: unknown, init?: ResponseInit) =>
  new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" }, ...init });

const jobs = (...ids: string[]): JobRef[] => ids.map((jobId) => ({ toolType: "upscaler", jobId }));
const signal = () => new AbortController().signal;
const httpStatuses = (answers: readonly SyncAnswer[]) =>
  answers.map((answer) => (answer instanceof TransportError ? answer.httpStatus : "reply"));

async function failureOf(work: Promise<readonly SyncAnswer[]>): Promise<TransportError> {
  const [answer] = await work.catch((thrown: unknown) => [thrown]);
  if (!(answer instanceof TransportError)) throw new Error("it did not fail");
  return answer;
}

describe.each(adapters)("%s", (_name, make) => {
  test("asks about one job by table and id, and reads every field", async () => {
    const reply = {
      synced: true,
      status: "completed",
      outputUrl: "https://cdn.example/1.png",
      reason: "already_terminal",
      serverNow: "2026-01-02T03:04:05.678Z",
      deadlineAt: 1_767_323_045_000,
    };
    const { fetch, sent } = fakeFetch(() => json(reply));
    const answers = await make(fetch).ask([{ toolType: "veste_ai", jobId: "7" }], signal());
    expect(sent.map(({ url, body }) => [url, body])).toEqual([
      ["https://api.example/functions/v1/runninghub-job-sync", { table: "veste_ai_jobs", jobId: "7" }],
    ]);
    expect(answers).toEqual([
      {
        status: "completed",
        outputUrl: "https://cdn.example/1.png",
        reason: "already_terminal",
        message: undefined,
        serverNow: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
        deadlineAt: 1_767_323_045_000,
      },
    ]);
  });

  test("asks about many in one request; each gets its own answer, in whatever order they come", async () => {
    const { fetch, sent } = fakeFetch(() =>
      json({
        results: [
          { table: "upscaler_jobs", jobId: "3", httpStatus: 404 },
          { table: "upscaler_jobs", jobId: "1", synced: false, reason: "still_processing" },
          { table: "other_jobs", jobId: "2", synced: true, status: "failed" },
        ],
      }),
    );
    const answers = await make(fetch).ask(jobs("1", "2", "3"), signal());
    expect(sent.map(({ body }) => body.jobs?.map(({ jobId }) => jobId))).toEqual([["1", "2", "3"]]);
    expect(answers[0]).toMatchObject({ reason: "still_processing" });
    expect(httpStatuses(answers)).toEqual(["reply", 0, 404]);
  });

  test("asks one by one when a batch is answered by 400, and remembers it", async () => {
    const { fetch, sent } = fakeFetch(({ body }) =>
      body.jobs ? json({ error: "table and jobId are required" }, { status: 400 }) : json({ synced: false }),
    );
    const transport = make(fetch);
    expect(httpStatuses(await transport.ask(jobs("1", "2", "3"), signal()))).toEqual([
      "reply",
      "reply",
      "reply",
    ]);
    expect(sent.length).toBe(4);
    await transport.ask(jobs("1", "2"), signal());
    expect(sent.map(({ body }) => body.jobId ?? "batch")).toEqual(["batch", "1", "2", "3", "1", "2"]);
  });

  test("twin: a batch that is refused for one bad job is no server without batches", async () => {
    const { fetch, sent } = fakeFetch(({ body }) => {
      const isBad = body.jobId === "bad" || body.jobs?.some(({ jobId }) => jobId === "bad");
      if (isBad) return json({ error: "no such job" }, { status: 400 });
      return json(
        body.jobs ? { results: body.jobs.map((job) => ({ ...job, synced: false })) } : { synced: false },
      );
    });
    const transport = make(fetch);
    expect(httpStatuses(await transport.ask(jobs("1", "bad"), signal()))).toEqual(["reply", 400]);
    expect(httpStatuses(await transport.ask(jobs("1", "2"), signal()))).toEqual(["reply", "reply"]);
    expect(sent.at(-1)?.body.jobs?.length).toBe(2);
  });

  test("other errors of a batch are those of all: nobody asks one by one", async () => {
    const { fetch, sent } = fakeFetch(() => json({}, { status: 503 }));
    expect((await failureOf(make(fetch).ask(jobs("1", "2"), signal()))).httpStatus).toBe(503);
    expect(sent.length).toBe(1);
  });

  test.each([
    ["30", 30_000],
    ["Fri, 02 Jan 2026 00:01:00 GMT", 60_000],
    ["soon", 0],
  ])("an error tells its status and Retry-After: %s", async (retryAfter, ms) => {
    const headers = { "Retry-After": retryAfter, Date: "Fri, 02 Jan 2026 00:00:00 GMT" };
    const { fetch } = fakeFetch(() => new Response("busy", { status: 429, headers }));
    expect(await failureOf(make(fetch).ask(jobs("1"), signal()))).toMatchObject({
      httpStatus: 429,
      retryAfterMs: ms,
    });
  });

  test("no network is no answer", async () => {
    const { fetch } = fakeFetch(() => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failureOf(make(fetch).ask(jobs("1"), signal()))).toMatchObject({
      httpStatus: 0,
      retryAfterMs: 0,
    });
  });

  test("the signal reaches the request", async () => {
    const { fetch, sent } = fakeFetch(() => json({ synced: false }));
    const controller = new AbortController();
    await make(fetch).ask(jobs("1"), controller.signal);
    controller.abort();
    expect(sent[0]?.signal.aborted).toBe(true);
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["a list", []],
    ["a word", "ok"],
    ["no `synced`", { status: "completed" }],
    ["an unknown status", { synced: true, status: "exploded" }],
    ["an unknown reason", { synced: false, reason: "because" }],
    ["a script for a url", { synced: true, status: "completed", outputUrl: "javascript:alert(1)" }],
    ["a number for a url", { synced: true, status: "completed", outputUrl: 5 }],
    ["a time without its zone", { synced: false, serverNow: "2026-01-02T03:04:05" }],
    ["a word for a time", { synced: false, deadlineAt: "tomorrow" }],
  ])("%s is an error, and not a reply", async (_what, body) => {
    const { fetch } = fakeFetch(() => json(body));
    expect(await failureOf(make(fetch).ask(jobs("1"), signal()))).toMatchObject({ httpStatus: 0 });
  });

  test("a page of HTML is an error, and not a crash", async () => {
    const { fetch } = fakeFetch(
      () => new Response("<h1>Sign in</h1>", { headers: { "Content-Type": "text/html" } }),
    );
    expect((await failureOf(make(fetch).ask(jobs("1"), signal()))).httpStatus).toBe(0);
  });
});

describe("what differs", () => {
  test("a relay error of Supabase is no answer, whatever its status", async () => {
    const { fetch } = fakeFetch(
      () => new Response("", { status: 404, headers: { "x-relay-error": "true" } }),
    );
    const transport = bySupabase(fetch);
    expect((await failureOf(transport.ask(jobs("1"), signal()))).httpStatus).toBe(0);
  });

  test("twin: without the header it is the function's own status", async () => {
    const { fetch } = fakeFetch(() => new Response("", { status: 404 }));
    const transport = bySupabase(fetch);
    expect((await failureOf(transport.ask(jobs("1"), signal()))).httpStatus).toBe(404);
  });

  test("fetchTransport asks for its headers each time, and tables can be named", async () => {
    const { fetch, sent } = fakeFetch(() => json({ synced: false }));
    let token = 0;
    const headers = async () => ({ Authorization: `Bearer ${++token}` });
    const transport = fetchTransport({ url: "/sync", fetch, headers, tables: { music: "songs" } });
    await transport.ask([{ toolType: "music", jobId: "1" }], signal());
    await transport.ask([{ toolType: "poster", jobId: "2" }], signal());
    expect(sent.map((request) => [request.headers.authorization, request.body.table])).toEqual([
      ["Bearer 1", "songs"],
      ["Bearer 2", "poster_jobs"],
    ]);
  });

  test("one by one means a few at a time", async () => {
    let open = 0;
    let most = 0;
    const { fetch } = fakeFetch(async ({ body }) => {
      if (body.jobs) return json({}, { status: 400 });
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      --open;
      return json({ synced: false });
    });
    const ids = Array.from({ length: 100 }, (_, id) => String(id));
    const answers = await fetchTransport({ url: "/sync", fetch }).ask(jobs(...ids), signal());
    expect(httpStatuses(answers).filter((status) => status === "reply").length).toBe(100);
    expect(most).toBe(4);
  });
});
