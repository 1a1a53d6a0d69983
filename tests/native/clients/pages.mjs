// What pages do with the clients that they have, unchanged: supabase-js and OpenFeature's remote provider, at a real node.
// Prints a line for each thing that holds; the first that does not ends it.
import assert from "node:assert/strict";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";
import {
  createClient,
  FunctionsFetchError,
  FunctionsHttpError,
} from "@supabase/supabase-js";

const { NODE_URL, PUBLISHABLE_KEY, USER_ID, USER_TOKEN, OTHER_TOKEN, ADMIN_TOKEN } = process.env;

const clientOf = (token, url = NODE_URL) =>
  createClient(url, PUBLISHABLE_KEY, {
    auth: { persistSession: false, autoRefreshToken: false },
    ...(token && { global: { headers: { Authorization: `Bearer ${token}` } } }),
  });

const user = clientOf(USER_TOKEN);
const other = clientOf(OTHER_TOKEN);
const nobody = clientOf(undefined);
const newJob = {
  user_id: USER_ID,
  session_id: "s1",
  payload: { inputs: { person: "api/a.png", clothing: "api/b.png" } },
  user_credit_cost: 10,
};

async function holds(what, work) {
  await work();
  console.log(what);
}

/** Settles when the channel is joined; rejects when it is not. */
const subscribed = (channel) =>
  new Promise((resolve, reject) =>
    channel.subscribe((status, error) =>
      status === "SUBSCRIBED" ? resolve() : reject(error ?? new Error(status)),
    ),
  );

let job;
await holds("insert().select().single() makes a pending job", async () => {
  const { data, error } = await user.from("veste_ai_jobs").insert(newJob).select().single();
  assert.equal(error, null);
  assert.equal(data.status, "pending");
  job = data;
});

await holds("a job for somebody else is refused by row level security", async () => {
  const { error, status } = await other.from("veste_ai_jobs").insert(newJob).select().single();
  assert.equal(error.code, "42501");
  assert.equal(status, 403);
});

await holds("select() reads own rows, maybeSingle() gives null for others", async () => {
  const own = await user.from("veste_ai_jobs").select("status, task_id, created_at").eq("id", job.id).maybeSingle();
  assert.deepEqual({ ...own.data, created_at: undefined }, { status: "pending", task_id: null, created_at: undefined });
  const foreign = await other.from("veste_ai_jobs").select("status").eq("id", job.id).maybeSingle();
  assert.equal(foreign.error, null);
  assert.equal(foreign.data, null);
  const missing = await user.from("veste_ai_jobs").select().eq("id", USER_ID).single();
  assert.equal(missing.error.code, "PGRST116");
});

await holds("filters, order, limit and an exact count", async () => {
  const { data, count } = await user
    .from("veste_ai_jobs")
    .select("id", { count: "exact" })
    .in("status", ["pending", "queued"])
    .order("created_at", { ascending: false })
    .limit(1);
  assert.deepEqual(data, [{ id: job.id }]);
  assert.equal(count, 1);
});

/** What the page hears of its job, as it comes. */
const heard = [];
let hearing = () => {};
await holds("channel().on('postgres_changes') subscribes to one job", async () => {
  user.realtime.setAuth(USER_TOKEN);
  const filter = { event: "UPDATE", schema: "public", table: "veste_ai_jobs", filter: `id=eq.${job.id}` };
  const channel = user.channel(`job-sync-veste_ai-${job.id}`).on("postgres_changes", filter, (change) => {
    heard.push(change);
    hearing();
  });
  await subscribed(channel);
});

await holds("functions.invoke() sends a picture, and its name is an input", async () => {
  const picture = new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), new Uint8Array(400_000)]);
  const { data, error } = await user.functions.invoke("runninghub-veste-ai/upload", { body: picture });
  assert.equal(error, null);
  assert.match(data.fileName, /\.png$/);
  const refused = await user.functions.invoke("runninghub-veste-ai/upload", { body: new Blob(["no picture"]) });
  assert.equal((await refused.error.context.json()).code, "UNSUPPORTED_FILE");
});

await holds("functions.invoke() starts the job", async () => {
  const { data, error } = await user.functions.invoke("runninghub-veste-ai/run", { body: { jobId: job.id } });
  assert.equal(error, null);
  assert.equal(data.success, true);
  assert.match(data.taskId, /^\d+$/);
});

await holds("functions.invoke() asks about the job", async () => {
  const { data } = await user.functions.invoke("runninghub-job-sync", {
    body: { jobs: [{ table: "veste_ai_jobs", jobId: job.id }] },
  });
  assert.match(data.results[0].status, /^(starting|running|completed)$/);
});

await holds("the page hears of every state up to the result", async () => {
  await new Promise((resolve) => {
    hearing = () => heard.at(-1)?.new.status === "completed" && resolve();
    hearing();
  });
  assert.deepEqual(heard.at(-1).old, { id: job.id });
  assert.match(heard.at(-1).new.output_url, /^http/);
  assert.equal(heard.at(-1).errors, null);
  assert.ok(heard.some((change) => change.new.status === "running"));
});

await holds("somebody else subscribes to that job and hears nothing of it", async () => {
  const foreign = [];
  other.realtime.setAuth(OTHER_TOKEN);
  const filter = { event: "*", schema: "public", table: "veste_ai_jobs", filter: `id=eq.${job.id}` };
  await subscribed(other.channel("spy").on("postgres_changes", filter, (change) => foreign.push(change)));
  await user.from("veste_ai_jobs").select().eq("id", job.id).single();
  assert.deepEqual(foreign, []);
});

await holds("an older client speaks vsn 1.0.0", async () => {
  const socket = new WebSocket(`${NODE_URL.replace("http", "ws")}/realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=1.0.0`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const answer = new Promise((resolve) => socket.addEventListener("message", (event) => resolve(JSON.parse(event.data))));
  socket.send(JSON.stringify({ topic: "phoenix", event: "heartbeat", payload: {}, ref: "1" }));
  assert.deepEqual(await answer, {
    topic: "phoenix",
    event: "phx_reply",
    payload: { status: "ok", response: {} },
    ref: "1",
    join_ref: null,
  });
  socket.close();
});

await holds("a refusal is a FunctionsHttpError with its body", async () => {
  const { error } = await other.functions.invoke("runninghub-job-sync", {
    body: { table: "veste_ai_jobs", jobId: job.id },
  });
  assert.ok(error instanceof FunctionsHttpError);
  assert.deepEqual(await error.context.json(), { error: "Job not found" });
});

await holds("no answer at all is a FunctionsFetchError", async () => {
  const { error } = await clientOf(USER_TOKEN, "http://127.0.0.1:1").functions.invoke("runninghub-job-sync", { body: {} });
  assert.ok(error instanceof FunctionsFetchError);
});

await holds("a publishable key alone reads no job and starts none", async () => {
  const read = await nobody.from("veste_ai_jobs").select();
  assert.equal(read.error.code, "42501");
  assert.equal(read.status, 401);
  const started = await nobody.functions.invoke("runninghub-veste-ai/run", { body: { jobId: job.id } });
  assert.equal(started.error.context.status, 403);
});

await holds("the queue manager answers raw fetch with a publishable key", async () => {
  const response = await fetch(`${NODE_URL}/functions/v1/runninghub-queue-manager/check`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${PUBLISHABLE_KEY}` },
    body: "{}",
  });
  const reply = await response.json();
  assert.equal(reply.maxConcurrent, 3);
  assert.equal(reply.accountApiKey, undefined);
});

await holds("rpc() cancels a job and tells the refund", async () => {
  const made = await other.from("veste_ai_jobs").insert({ ...newJob, user_id: process.env.OTHER_ID }).select().single();
  const started = await other.functions.invoke("runninghub-queue-manager/run-or-queue", {
    body: { table: "veste_ai_jobs", jobId: made.data.id },
  });
  assert.equal(started.error, null);
  const of = { p_table_name: "veste_ai_jobs", p_job_id: made.data.id };
  const denied = await user.rpc("user_cancel_ai_job", of);
  assert.equal(denied.data[0].success, false);
  const { data, error } = await other.rpc("user_cancel_ai_job", of);
  assert.equal(error, null);
  assert.deepEqual(data, [{ success: true, refunded_amount: 10, error_message: null }]);
  const unknown = await other.rpc("no_such_function", {});
  assert.equal(unknown.error.code, "PGRST202");
});

await holds("an OpenFeature provider reads a flag and sees it change", async () => {
  const provider = new OFREPWebProvider({
    baseUrl: NODE_URL,
    pollInterval: 50,
    headers: [["Authorization", `Bearer ${USER_TOKEN}`]],
  });
  await OpenFeature.setProviderAndWait(provider, { targetingKey: USER_ID });
  const flags = OpenFeature.getClient();
  assert.equal(flags.getBooleanValue("WATCHDOG_ENABLED", false), true);
  const changed = new Promise((resolve) => flags.addHandler(ProviderEvents.ConfigurationChanged, resolve));
  const set = await clientOf(ADMIN_TOKEN).functions.invoke("feature-flags", {
    body: { name: "WATCHDOG_ENABLED", definition: "false", reason: "a test" },
  });
  assert.equal(set.error, null);
  await changed;
  assert.equal(flags.getBooleanValue("WATCHDOG_ENABLED", true), false);
  await OpenFeature.close();
});

await Promise.all([user, other, nobody].map((client) => client.removeAllChannels()));
