// How many empty jobs a second graphile-worker completes: its own way to add and to run them. Prints one line of JSON.
//
// Usage: graphile_rate.ts DATABASE_URL CONNECTIONS JOBS default|tuned
// "default" changes nothing but the number of connections and of jobs at once; "tuned" turns on what its documents name for
// speed: a local queue of jobs, and completions in batches. All jobs wait when the clock starts.
import { Logger, makeWorkerUtils, run } from "graphile-worker";

const [databaseUrl, connections, jobs, way] = process.argv.slice(2) as [
  string,
  string,
  string,
  "default" | "tuned",
];
const connectionCount = Number(connections);
const jobCount = Number(jobs);
const logger = new Logger(() => () => undefined);

const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger });
await utils.migrate();
await utils.withPgClient((client) =>
  client.query(
    `SELECT graphile_worker.add_job('nothing', json_build_object('n', n)) FROM generate_series(1, $1::integer) AS n`,
    [jobCount],
  ),
);
await utils.release();

let done = 0;
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => {
  finish = resolve;
});
const speed = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const started = performance.now();
const runner = await run({
  connectionString: databaseUrl,
  concurrency: connectionCount,
  maxPoolSize: connectionCount,
  noHandleSignals: true,
  logger,
  ...(way === "tuned" ? { preset: { worker: speed } } : {}),
  taskList: { nothing: () => undefined },
});
runner.events.on("job:complete", () => {
  if (++done === jobCount) finish();
});
await finished;
await runner.stop();
const ms = performance.now() - started;
console.log(
  JSON.stringify({ jobs: jobCount, ms: Math.round(ms), jobs_per_second: Math.round((jobCount * 1000) / ms) }),
);
