// What happens on the example page: which jobs there are, and when the provider ends them without anybody being told.
import { randomUUID } from "node:crypto";
import { JobServer } from "./job_server.ts";

/** A job as the page is told of it. */
export interface StoryJob {
  jobId: string;
  toolType: string;
  title: string;
  story: string;
}

interface Scene {
  toolType: string;
  title: string;
  story: string;
  ends: "completed" | "failed";
  afterMs: number;
}

const lost: Scene = {
  toolType: "upscaler",
  title: "Upscaler: portrait.png",
  story: "Done at the provider after 5 s; the webhook was lost, and the row says running.",
  ends: "completed",
  afterMs: 5_000,
};

const beginning: Scene[] = [
  lost,
  {
    toolType: "veste_ai",
    title: "Veste AI: red jacket",
    story: "Fails at the provider after 2 s; nobody is told.",
    ends: "failed",
    afterMs: 2_000,
  },
  {
    toolType: "video_upscaler",
    title: "Video upscaler: holiday.mp4",
    story: "Works for a minute, and is asked about again and again.",
    ends: "completed",
    afterMs: 60_000,
  },
];

function play(server: JobServer, { toolType, title, story, ends, afterMs }: Scene): StoryJob {
  const jobId = randomUUID();
  const job = {
    table: `${toolType}_jobs`,
    status: "running" as const,
    outputUrl: `https://example.com/results/${jobId.slice(0, 8)}.png`,
    errorMessage: "the provider ran out of memory; credits given back",
    deadlineAt: Date.now() + 720_000,
  };
  server.jobs.set(jobId, { ...job, providerStatus: "running" });
  setTimeout(() => {
    const row = server.jobs.get(jobId);
    if (row !== undefined) row.providerStatus = ends;
  }, afterMs).unref();
  return { jobId, toolType, title, story };
}

/** The server of the example page; `folder` holds the built page. All tabs see the same jobs, the newest first. */
export async function startStory(folder: string, port = 0): Promise<JobServer> {
  const jobs: StoryJob[] = [];
  const add = (...scenes: Scene[]) => {
    jobs.unshift(...scenes.map((scene) => play(server, scene)));
    return jobs;
  };
  const server: JobServer = await JobServer.start({
    folder,
    port,
    contentSecurityPolicy:
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src data:",
    flags: { WATCHDOG_ENABLED: true, WATCHDOG_INITIAL_DELAY_MS: 3000, WATCHDOG_POLL_INTERVAL_MS: 4000 },
    routes: {
      "/demo/jobs": () => (jobs.length === 0 ? add(...beginning) : jobs),
      "/demo/lose-webhook": () => add(lost),
    },
  });
  return server;
}
