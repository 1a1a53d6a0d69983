// A page as users write it: Supabase's own client, the core inline and loaded when it is needed, a flag that is toggled.
import { FunctionsClient } from "@supabase/functions-js";
import { act, cleanup, render, waitFor } from "@testing-library/react";
import {
  createJobWatchdog,
  type JobStatus,
  type JobWatchdog,
  JobWatchdogProvider,
  settableFlags,
  useJobWatchdog,
} from "jobwatchdog";
import { inlineWasm } from "jobwatchdog/inline";
import { supabaseTransport } from "jobwatchdog/supabase";
import { FakeBrowser, settle } from "jobwatchdog/testing";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";

afterEach(cleanup);

function Upscaling({ jobId }: { jobId: string }) {
  const [job, setJob] = useState<{ status: JobStatus; url?: string | undefined }>({ status: "running" });
  const { phase, pauseReason, refresh } = useJobWatchdog("upscaler", jobId, job.status, (update) => {
    if (update.kind === "completed") setJob({ status: "completed", url: update.outputUrl });
  });
  return (
    <button type="button" onClick={refresh}>
      {job.url ?? pauseReason ?? phase}
    </button>
  );
}

function Page({ watchdog }: { watchdog: JobWatchdog }) {
  return (
    <JobWatchdogProvider watchdog={watchdog}>
      <Upscaling jobId="0b9f" />
    </JobWatchdogProvider>
  );
}

test("a job whose webhook was lost is recovered, once the flag is on", async () => {
  const asked: unknown[] = [];
  const customFetch = (async (_url: unknown, init?: RequestInit) => {
    asked.push(JSON.parse(String(init?.body)));
    const reply = { synced: true, status: "completed", outputUrl: "https://cdn.example/1.png", serverNow: 0 };
    return new Response(JSON.stringify(reply), { headers: { "Content-Type": "application/json" } });
  }) as typeof fetch;
  const supabase = { functions: new FunctionsClient("https://ref.example/functions/v1", { customFetch }) };
  const browser = new FakeBrowser();
  const tab = browser.openTab();
  const flags = settableFlags();
  const watchdog = createJobWatchdog({
    transport: supabaseTransport(supabase),
    flags,
    wasm: inlineWasm(),
    clock: tab.clock,
    page: tab.page,
  });
  const { container } = render(<Page watchdog={watchdog} />);
  await act(() => browser.clock.advance(3_600_000));
  expect(container.textContent).toBe("flag_off");
  act(() => flags.set({ WATCHDOG_ENABLED: true }));
  // The core is loaded in its own time; the rest is at once, for the job is long past its first check.
  await waitFor(async () => {
    await act(() => browser.clock.advance(20));
    await act(settle);
    expect(container.textContent).toBe("https://cdn.example/1.png");
  });
  expect(asked).toEqual([{ table: "upscaler_jobs", jobId: "0b9f" }]);
  await act(() => browser.clock.advance(3_600_000));
  expect(asked.length).toBe(1);
});
