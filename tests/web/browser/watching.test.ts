// A watched job in a real page: when it is asked about and, above all, when it is not.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobServer } from "../../../web/example/job_server.js";
import {
  Browser,
  coreDownloads,
  openTab,
  runningJob,
  setVisibility,
  shows,
  startServer,
  type Tab,
} from "./browser.js";

let browser: Browser;
let server: JobServer;
let tab: Tab;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await tab.page.close();
  await server.stop();
});

/** Timers of the page that are still to come. */
function pendingTimers(): Promise<number | undefined> {
  return tab.page.evaluate(() => window.pendingTimers?.size);
}

/** Resolves after some more checks of a job that goes on: time that passed for the others as well. */
function checksOf(jobId: string, count: number): Promise<void> {
  const wanted = server.asksFor(jobId) + count;
  return server.until(() => server.asksFor(jobId) >= wanted);
}

test("twin: while a job is watched, a timer is pending", async () => {
  server.jobs.set("a", runningJob());
  tab = await openTab(browser, server, { jobs: "a" });
  await checksOf("a", 1);
  expect(await pendingTimers()).toBeGreaterThan(0);
});

describe("the end", () => {
  test("nobody asks about a job after its terminal reply", async () => {
    server.jobs.set("ends", runningJob({ providerStatus: "completed" }));
    server.jobs.set("goes-on", runningJob());
    tab = await openTab(browser, server, { jobs: "ends,goes-on" });
    await shows(tab.page, "ends", { phase: "completed" });
    await checksOf("goes-on", 3);
    expect(server.asksFor("ends")).toBe(1);
    expect(tab.complaints).toEqual([]);
  });

  test("with the last job ended no timer is left and nothing is asked", async () => {
    server.jobs.set("ends", runningJob({ providerStatus: "failed" }));
    tab = await openTab(browser, server, { jobs: "ends" });
    await shows(tab.page, "ends", { phase: "failed" });
    expect(server.asksFor("ends")).toBe(1);
    expect(await pendingTimers()).toBe(0);
  });

  test("jobs of one page are asked about in one request", async () => {
    for (const id of ["a", "b", "c"]) server.jobs.set(id, runningJob());
    tab = await openTab(browser, server, { jobs: "a,b,c" });
    await server.until(() => server.requests.some(({ jobIds }) => jobIds.length === 3));
    expect(tab.complaints).toEqual([]);
  });
});

describe("hidden", () => {
  test("a hidden page pauses and says so; seen again it asks", async () => {
    server.jobs.set("a", runningJob());
    tab = await openTab(browser, server, { jobs: "a" });
    await checksOf("a", 1);
    await setVisibility(tab.page, "hidden");
    await shows(tab.page, "a", { pause: "hidden" });
    expect(await pendingTimers()).toBe(0);
    server.jobs.set("a", runningJob({ providerStatus: "completed" }));
    await setVisibility(tab.page, "visible");
    await shows(tab.page, "a", { phase: "completed", pause: "none" });
    expect(tab.complaints).toEqual([]);
  });
});

describe("the network", () => {
  test("offline it pauses and says so; online it asks at once", async () => {
    server.jobs.set("a", runningJob());
    tab = await openTab(browser, server, { jobs: "a" });
    await checksOf("a", 1);
    await browser.context.setOffline(true);
    await shows(tab.page, "a", { pause: "offline" });
    server.jobs.set("a", runningJob({ providerStatus: "completed" }));
    await browser.context.setOffline(false);
    await shows(tab.page, "a", { phase: "completed", pause: "none" });
  });

  test("a server that refuses is not asked again, until a person wants to know", async () => {
    server.jobs.set("a", runningJob({ providerStatus: "completed" }));
    server.refusal = { httpStatus: 401 };
    tab = await openTab(browser, server, { jobs: "a" });
    await shows(tab.page, "a", { phase: "given_up" });
    expect(server.asksFor("a")).toBe(1);
    server.refusal = undefined;
    await tab.page.click("[data-job=a] button");
    await shows(tab.page, "a", { phase: "completed" });
  });
});

describe("the flag", () => {
  test("off: no request, no core, no timer; on: it begins; off again: it stops", async () => {
    server.jobs.set("a", runningJob());
    tab = await openTab(browser, server, { jobs: "a", flag: "off" });
    await shows(tab.page, "a", { phase: "stopped", pause: "flag_off" });
    expect(coreDownloads(server) + server.asksFor("a")).toBe(0);
    expect(await pendingTimers()).toBe(0);

    await tab.page.click("#flag");
    await shows(tab.page, "a", { phase: "waiting", pause: "none" });
    await checksOf("a", 2);
    expect(coreDownloads(server)).toBe(1);

    await tab.page.click("#flag");
    await shows(tab.page, "a", { pause: "flag_off" });
    expect(await pendingTimers()).toBe(0);
    expect(tab.complaints).toEqual([]);
  });
});
