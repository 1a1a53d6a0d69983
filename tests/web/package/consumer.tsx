// How a user's code uses the package, in types only: compiled with React 18 and 19, and with an old TypeScript.
import {
  createJobWatchdog,
  fetchTransport,
  JobWatchdogProvider,
  remoteFlags,
  useJobWatchdog,
  type WatchUpdate,
} from "jobwatchdog";
import { inlineWasm } from "jobwatchdog/inline";
import { supabaseTransport } from "jobwatchdog/supabase";
import { wasmUrl } from "jobwatchdog/wasm";

const flags = remoteFlags({ url: "/functions/v1" });
const client = { functions: { invoke: async () => ({ data: { synced: true }, error: null }) } };

export const watchdogs = [
  createJobWatchdog({ transport: fetchTransport({ url: "/sync" }), flags, wasm: { url: wasmUrl() } }),
  createJobWatchdog({ transport: supabaseTransport(client), wasm: inlineWasm(), pollIntervalMs: 5000 }),
];

function Job({ jobId }: { jobId: string | null }) {
  const onUpdate = (update: WatchUpdate): void => {
    const told: string = update.kind === "completed" ? (update.outputUrl ?? "") : update.kind;
    void told;
  };
  const { phase, pauseReason, nextCheckAt, refresh } = useJobWatchdog("upscaler", jobId, "running", onUpdate);
  const next: number | null = nextCheckAt;
  // @ts-expect-error A phase is one of a few words, so a misspelt one is an error.
  const isMisspelt: boolean = phase === "runing";
  return (
    <button type="button" onClick={refresh}>
      {pauseReason ?? `${phase} ${next} ${isMisspelt}`}
    </button>
  );
}

export function Page() {
  const [watchdog] = watchdogs;
  return watchdog && <JobWatchdogProvider watchdog={watchdog}>{<Job jobId={null} />}</JobWatchdogProvider>;
}
