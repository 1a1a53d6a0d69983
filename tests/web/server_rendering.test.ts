// On a server the hook renders what never changes, and starts nothing; a browser takes over from there.
import {
  createJobWatchdog,
  type JobWatchdog,
  JobWatchdogProvider,
  staticFlags,
  useJobWatchdog,
} from "jobwatchdog";
import { FakeTransport, settle } from "jobwatchdog/testing";
import { createElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, expect, test, vi } from "vitest";

const states: unknown[] = [];

function Job() {
  const state = useJobWatchdog("upscaler", "1", "running", () => {});
  states.push(state);
  return createElement("p", null, state.phase);
}

/** A watchdog of the real surroundings, which here are Node's, and how often its engine was asked for. */
function realWatchdog(): { watchdog: JobWatchdog; transport: FakeTransport; loads: () => number } {
  const transport = new FakeTransport();
  let loads = 0;
  const watchdog = createJobWatchdog({
    transport,
    flags: staticFlags({ WATCHDOG_ENABLED: true }),
    loadEngine: () => {
      ++loads;
      return new Promise(() => {});
    },
  });
  return { watchdog, transport, loads: () => loads };
}

afterEach(() => vi.restoreAllMocks());

test("the server renders the idle watch and starts nothing", async () => {
  const spies = [
    vi.spyOn(globalThis, "setTimeout"),
    vi.spyOn(globalThis, "fetch"),
    vi.spyOn(globalThis, "BroadcastChannel"),
  ];
  const { watchdog, transport, loads } = realWatchdog();
  const html = renderToString(
    createElement(StrictMode, null, createElement(JobWatchdogProvider, { watchdog }, createElement(Job))),
  );
  await settle();
  expect(html).toBe("<p>stopped</p>");
  expect(states[0]).toEqual({
    phase: "stopped",
    attempts: 0,
    lastCheckedAt: null,
    nextCheckAt: null,
    isPaused: false,
    pauseReason: null,
    source: "none",
    refresh: expect.any(Function),
  });
  expect([transport.requests.length, loads()]).toEqual([0, 0]);
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
});

test("twin: a watch that begins would be noticed", () => {
  const { watchdog, loads } = realWatchdog();
  const handle = watchdog.watch({ toolType: "upscaler", jobId: "1" });
  expect([handle.getSnapshot().phase, loads()]).toEqual(["waiting", 1]);
});
