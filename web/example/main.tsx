// The example page: jobs whose webhooks were lost, and the watchdog that finds out what became of them.
import {
  createJobWatchdog,
  fetchTransport,
  JobWatchdogProvider,
  remoteFlags,
  useJobWatchdog,
  type WatchUpdate,
} from "jobwatchdog";
import { useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import type { StoryJob } from "./story.js";

const flags = remoteFlags({ url: "", pollIntervalMs: 1000 });
const subscribeToFlags = (changed: () => void) => flags.subscribe(changed);
const isFlagOn = () => flags.get().WATCHDOG_ENABLED;

const watchdog = createJobWatchdog({
  transport: fetchTransport({ url: "/functions/v1/runninghub-job-sync" }),
  flags,
});

async function post<Reply>(path: string, body: unknown = {}): Promise<Reply> {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  return response.json() as Promise<Reply>;
}

/** Seconds of the wall clock, so that a countdown moves. */
function useSeconds(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return now;
}

const pauseTexts = {
  flag_off: "the flag is off",
  offline: "offline",
  hidden: "this tab is hidden",
  another_tab: "another tab asks",
};

function endOf(update: WatchUpdate | undefined): string {
  if (update === undefined) return "";
  if (update.kind === "completed") return `Recovered: ${update.outputUrl}`;
  return `${update.kind}: ${update.reason ?? "no reason given"}`;
}

function Job({ job }: { job: StoryJob }) {
  const [update, setUpdate] = useState<WatchUpdate>();
  const watch = useJobWatchdog(job.toolType, job.jobId, "running", setUpdate);
  const now = useSeconds();
  const ago = (at: number | null) =>
    at === null ? "never" : `${Math.max(0, Math.round((now - at) / 1000))} s ago`;
  const until = (at: number | null) =>
    at === null ? "none" : `in ${Math.max(0, Math.ceil((at - now) / 1000))} s`;
  return (
    <article data-job={job.jobId} data-phase={watch.phase}>
      <header>
        <h2>{job.title}</h2>
        <button type="button" onClick={watch.refresh}>
          Ask now
        </button>
      </header>
      <p>{job.story}</p>
      <dl>
        <div>
          <dt>phase</dt>
          <dd>{watch.phase}</dd>
        </div>
        <div>
          <dt>paused</dt>
          <dd>{watch.pauseReason === null ? "no" : pauseTexts[watch.pauseReason]}</dd>
        </div>
        <div>
          <dt>next check</dt>
          <dd>{until(watch.nextCheckAt)}</dd>
        </div>
        <div>
          <dt>last check</dt>
          <dd>{ago(watch.lastCheckedAt)}</dd>
        </div>
        <div>
          <dt>checks</dt>
          <dd>{watch.attempts}</dd>
        </div>
        <div>
          <dt>told by</dt>
          <dd>{watch.source.replace("_", " ")}</dd>
        </div>
      </dl>
      <output>{endOf(update)}</output>
    </article>
  );
}

function Page() {
  const [jobs, setJobs] = useState<StoryJob[]>([]);
  const isOn = useSyncExternalStore(subscribeToFlags, isFlagOn);
  const show = async (path: string) => setJobs(await post<StoryJob[]>(path));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the story begins once.
  useEffect(() => {
    void show("/demo/jobs");
  }, []);
  return (
    <main>
      <h1>Lost webhooks, found</h1>
      <p>
        The provider's webhooks never arrive. The watchdog rests{" "}
        {flags.get().WATCHDOG_INITIAL_DELAY_MS / 1000} s, then asks the server every{" "}
        {flags.get().WATCHDOG_POLL_INTERVAL_MS / 1000} s. Open this page in a second tab: one of them asks.
      </p>
      <nav>
        <button type="button" onClick={() => show("/demo/lose-webhook")}>
          Lose another webhook
        </button>
        <button
          type="button"
          id="flag"
          aria-pressed={isOn}
          onClick={() => post("/functions/v1/feature-flags", { WATCHDOG_ENABLED: !isOn })}
        >
          WATCHDOG_ENABLED is {isOn ? "on" : "off"}: switch it {isOn ? "off" : "on"}
        </button>
      </nav>
      {jobs.map((job) => (
        <Job key={job.jobId} job={job} />
      ))}
    </main>
  );
}

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <JobWatchdogProvider watchdog={watchdog}>
    <Page />
  </JobWatchdogProvider>,
);
