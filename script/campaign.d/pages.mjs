// The pages of the campaign over lives: each user starts its job at any node and then asks what became of it, and does
// not mind nodes that die or a server that is away: it asks the next one. Run by script/campaign lives; SIGTERM ends it.
//
// Usage: node pages.mjs NODES JOBS SECRET REPORT
//   NODES   a file with the address of a node on each line, read anew for every request
//   JOBS    a file with "USER_ID JOB_ID" on each line
//   SECRET  of the tokens
//   REPORT  a file that names each answer that no page may get, on a line of its own
import { createHmac } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as rest } from "node:timers/promises";

const [nodesFile, jobsFile, secret, report] = process.argv.slice(2);
const requestTimeoutMs = 8_000;
/** No round takes so long; without it the pages would outlive a campaign that was killed. */
const lifetimeMs = 300_000;

const base64url = (text) => Buffer.from(text).toString("base64url");

function tokenOf(userId) {
  const claims = { sub: userId, role: "authenticated", aud: "authenticated", exp: Math.floor(Date.now() / 1000) + 3600 };
  const input = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

function anyNode() {
  const nodes = readFileSync(nodesFile, "utf8").split("\n").filter(Boolean);
  return nodes[Math.floor(Math.random() * nodes.length)];
}

/** The answer of any node; nothing when it broke off or the database is away: then it is to be asked again. */
async function ask(token, path, body) {
  const node = anyNode();
  if (!node) return undefined;
  let reply;
  let answer;
  try {
    reply = await fetch(`${node}/functions/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    answer = await reply.json();
  } catch {
    return undefined;
  }
  if (reply.status === 503 && reply.headers.get("retry-after")) return undefined;
  if (reply.status !== 200) appendFileSync(report, `${path}: ${reply.status} ${JSON.stringify(answer)}\n`);
  return answer;
}

async function live(userId, jobId) {
  const token = tokenOf(userId);
  while (!(await ask(token, "runninghub-veste-ai/run", { jobId }))) await rest(100);
  for (;;) {
    const answer = await ask(token, "runninghub-job-sync", { table: "veste_ai_jobs", jobId });
    if (["completed", "failed", "cancelled"].includes(answer?.status ?? answer?.currentStatus)) return;
    await rest(1_000);
  }
}

setTimeout(() => process.exit(1), lifetimeMs).unref();
const jobs = readFileSync(jobsFile, "utf8").split("\n").filter(Boolean);
await Promise.all(jobs.map((line) => live(...line.split(" "))));
