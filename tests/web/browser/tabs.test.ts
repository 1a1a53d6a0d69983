// Several tabs of one browser with the same job: one of them asks, and another goes on when that one is gone.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { JobServer } from "../../../web/example/job_server.js";
import {
  Browser,
  freeze,
  openTab,
  runningJob,
  setVisibility,
  shows,
  startServer,
  type Tab,
} from "./browser.js";

let browser: Browser;
let server: JobServer;
let tabs: Record<string, Tab>;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());
beforeEach(async () => {
  server = await startServer();
  tabs = {};
});
afterEach(async () => {
  for (const { page } of Object.values(tabs)) await page.close();
  await server.stop();
});

/** Which tab sent each ask about the job, in order. */
function askers(): string[] {
  const asks = server.requests.filter(({ jobIds }) => jobIds.includes("shared"));
  return asks.map(({ page }) => new URL(page).searchParams.get("tab") ?? "");
}

function tabOf(name: string): Tab {
  const tab = tabs[name];
  if (tab === undefined) throw new Error(`no tab ${name}`);
  return tab;
}

/** Opens two tabs on one job; gives their names once one asks and the other waits for it. */
async function openTwo(): Promise<{ leader: string; follower: string }> {
  server.jobs.set("shared", runningJob());
  for (const tab of ["first", "second"]) tabs[tab] = await openTab(browser, server, { jobs: "shared", tab });
  await server.until(() => askers().length > 0);
  const leader = askers()[0] ?? "";
  const follower = leader === "first" ? "second" : "first";
  await shows(tabOf(follower).page, "shared", { pause: "another_tab" });
  return { leader, follower };
}

/** Resolves when the tab has asked again, from now on. */
function nextAskOf(name: string): Promise<void> {
  const before = askers().length;
  return server.until(() => askers().slice(before).includes(name));
}

test("one tab asks, and the other hears from it how the job ended", async () => {
  const { leader, follower } = await openTwo();
  for (let asks = 0; asks < 3; ++asks) await nextAskOf(leader);
  server.jobs.set("shared", runningJob({ providerStatus: "completed" }));
  await shows(tabOf(leader).page, "shared", { phase: "completed", source: "server" });
  await shows(tabOf(follower).page, "shared", {
    phase: "completed",
    source: "another_tab",
    updates: "completed https://example.com/result.png",
  });
  expect(new Set(askers())).toEqual(new Set([leader]));
  expect([...tabOf(leader).complaints, ...tabOf(follower).complaints]).toEqual([]);
});

test.each([
  { end: "closes", leave: ({ page }: Tab) => page.close() },
  { end: "is hidden", leave: ({ page }: Tab) => setVisibility(page, "hidden") },
  { end: "is frozen", leave: ({ page }: Tab) => freeze(page) },
  { end: "shows another page", leave: ({ page }: Tab) => page.goto("about:blank") },
])("when the tab that asks $end, the other goes on", async ({ leave }) => {
  const { leader, follower } = await openTwo();
  await nextAskOf(leader);
  await leave(tabOf(leader));
  await nextAskOf(follower);
  await shows(tabOf(follower).page, "shared", { pause: "none" });
});

test("the tab that waits asks through the other when a person wants to know", async () => {
  const { leader, follower } = await openTwo();
  await nextAskOf(leader);
  server.jobs.set("shared", runningJob({ providerStatus: "failed" }));
  await tabOf(follower).page.click("[data-job=shared] button");
  await shows(tabOf(follower).page, "shared", { phase: "failed", source: "another_tab" });
  expect(new Set(askers())).toEqual(new Set([leader]));
});
