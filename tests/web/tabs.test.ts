// P5: of many tabs one asks and the others hear of it; whatever happens to that one, somebody asks.
import { type JobWatchdogOptions, type SyncReply, settableFlags, type WatchUpdate } from "jobwatchdog";
import { FakeBrowser, type FakeTab, FakeTransport, settle } from "jobwatchdog/testing";
import { describe, expect, test } from "vitest";
import { openPage, type TestPage } from "./support/page.js";

const minute = 60_000;
const running = { toolType: "upscaler", jobId: "1", status: "running" } as const;

interface Together {
  browser: FakeBrowser;
  pages: TestPage[];
  /** Requests of all tabs. */
  requestCount: () => number;
  kinds: string[][];
}

/** Tabs of one browser that all watch job 1. */
function openTabs(
  count: number,
  options: Partial<JobWatchdogOptions> = {},
  about?: () => SyncReply,
): Together {
  const browser = new FakeBrowser();
  const kinds: string[][] = [];
  const pages = Array.from({ length: count }, (_, place) => {
    const server = {
      clock: browser.clock,
      latencyMs: 200,
      about: about ?? (() => ({ reason: "still_processing" as const })),
    };
    const page = openPage({
      browser,
      tab: browser.openTab(),
      tabs: true,
      transport: new FakeTransport(server),
      ...options,
    });
    const told: string[] = [];
    kinds[place] = told;
    page.watchdog.watch(running, { updated: ({ kind }: WatchUpdate) => told.push(kind) });
    return page;
  });
  return {
    browser,
    pages,
    kinds,
    requestCount: () => pages.reduce((sum, { transport }) => sum + transport.requests.length, 0),
  };
}

const only = (pages: TestPage[], place: number): TestPage => pages[place] as TestPage;

/** The tab that asked last. */
function leaderOf({ pages }: Together): TestPage {
  const asked = pages.filter(({ transport }) => transport.requests.length > 0);
  expect(asked.length).toBe(1);
  return asked[0] as TestPage;
}

describe("ten tabs", () => {
  test("ask as one does, for ten minutes", async () => {
    const one = openTabs(1);
    const ten = openTabs(10);
    await one.browser.clock.advance(10 * minute);
    await ten.browser.clock.advance(10 * minute);
    expect(one.requestCount()).toBeGreaterThan(30);
    expect(ten.requestCount()).toBeLessThanOrEqual(1.2 * one.requestCount());
  });

  test("twin: without locks, or switched off, each asks for itself", async () => {
    const off = openTabs(10, { tabs: false });
    await off.browser.clock.advance(minute);
    expect(off.requestCount()).toBeGreaterThanOrEqual(20);
    const browser = new FakeBrowser();
    const pages = [0, 1].map(() =>
      openPage({ browser, tab: browser.openTab({ withLocks: false }), tabs: true }),
    );
    for (const { watchdog } of pages) watchdog.watch(running);
    await browser.clock.advance(30_000);
    expect(pages.map(({ transport }) => transport.requests.length)).toEqual([1, 1]);
  });

  test("all hear of the end, each once", async () => {
    const browserTime = { now: () => 0 };
    const ten = openTabs(10, {}, () =>
      browserTime.now() < minute
        ? { reason: "still_processing" }
        : { status: "completed", outputUrl: "https://a.b/c" },
    );
    browserTime.now = () => ten.browser.clock.now();
    await ten.browser.clock.advance(2 * minute);
    expect(ten.kinds).toEqual(Array.from({ length: 10 }, () => ["completed"]));
    await ten.browser.clock.advance(minute);
    expect(ten.browser.clock.timerCount).toBe(0);
    expect(ten.browser.locks.heldNames).toEqual([]);
  });

  test("those that follow say why they wait, and what they heard", async () => {
    const two = openTabs(2);
    await two.browser.clock.advance(31_000);
    const follower = two.pages.find(({ transport }) => transport.requests.length === 0) as TestPage;
    expect(follower.watchdog.getSnapshot("upscaler", "1")).toMatchObject({
      phase: "watching",
      isPaused: true,
      pauseReason: "another_tab",
      source: "another_tab",
      lastCheckedAt: two.browser.clock.epochMs + 30_200,
    });
  });
});

describe("the tab that asks", () => {
  /** How long after `event` another tab asks. */
  async function takeover(event: (tab: FakeTab) => void): Promise<number> {
    const three = openTabs(3);
    await three.browser.clock.advance(40_000);
    const leader = leaderOf(three);
    event(leader.tab);
    const before = three.browser.clock.now();
    const others = three.pages.filter((page) => page !== leader);
    const asked = () => others.some(({ transport }) => transport.requests.length > 0);
    while (!asked() && three.browser.clock.now() < before + 10 * minute)
      await three.browser.clock.advance(100);
    return three.browser.clock.now() - before;
  }

  test.each([
    ["is killed", (tab: FakeTab) => tab.kill()],
    ["is hidden", (tab: FakeTab) => tab.hide()],
    ["is left", (tab: FakeTab) => tab.leave()],
  ])("%s: another asks at once, when it is time", async (_what, event) => {
    // The last answer came at 30.2 s, so five seconds later is the earliest.
    expect(await takeover(event)).toBeLessThanOrEqual(15_000);
  });

  test("freezes and keeps its lock: another takes it, and one leads again when it thaws", async () => {
    const three = openTabs(3);
    await three.browser.clock.advance(40_000);
    const frozen = leaderOf(three);
    frozen.tab.freeze();
    await three.browser.clock.advance(40_000);
    const before = three.requestCount();
    expect(before).toBeGreaterThan(frozen.transport.requests.length);
    frozen.tab.thaw();
    await settle();
    await three.browser.clock.advance(10 * minute);
    expect(three.requestCount() - before).toBeLessThanOrEqual(1.2 * 40);
    expect(three.browser.locks.heldNames.length).toBe(1);
  });

  test("gave up, for the server refuses it: another may ask for itself", async () => {
    const browser = new FakeBrowser();
    const pages = [0, 1].map(() => openPage({ browser, tab: browser.openTab(), tabs: true }));
    for (const { watchdog } of pages) watchdog.watch(running);
    await browser.clock.advance(31_000);
    const leader = leaderOf({ browser, pages, kinds: [], requestCount: () => 0 });
    leader.transport.last.fail(401);
    await browser.clock.advance(10_000);
    const other = pages.find((page) => page !== leader) as TestPage;
    expect(other.transport.requests.length).toBe(1);
    other.transport.last.reply({ status: "completed" });
    await settle();
    expect(leader.watchdog.getSnapshot("upscaler", "1")).toMatchObject({
      phase: "completed",
      source: "another_tab",
    });
  });

  test("is switched off by the flag: it lets go of everything", async () => {
    const flags = settableFlags({ WATCHDOG_ENABLED: true });
    const two = openTabs(2, { flags });
    await two.browser.clock.advance(40_000);
    expect(two.browser.locks.heldNames.length).toBe(1);
    flags.set({ WATCHDOG_ENABLED: false });
    await settle();
    expect([two.browser.locks.heldNames, two.browser.channelCount, two.browser.clock.timerCount]).toEqual([
      [],
      0,
      0,
    ]);
    const before = two.requestCount();
    flags.set({ WATCHDOG_ENABLED: true });
    await two.browser.clock.advance(10 * minute);
    expect(two.requestCount() - before).toBeLessThanOrEqual(1.2 * 42);
    expect(two.requestCount() - before).toBeGreaterThan(30);
  });
});

describe("locks and machines that take their time", () => {
  test("a machine that slept with both its tabs: the one that led goes on, for nobody was silent", async () => {
    const browser = new FakeBrowser();
    const open = () => openPage({ browser, tab: browser.openTab(), tabs: true });
    const [leader, follower] = [open(), open()];
    leader.watchdog.watch(running);
    await browser.clock.advance(1_000);
    follower.watchdog.watch(running);
    // The next heartbeat to look for the other's is the follower's.
    await browser.clock.advanceTo(10_500);
    await browser.clock.sleepUntil(8 * 60 * minute);
    await browser.clock.advance(1_000);
    leader.transport.last.reply({ reason: "still_processing" });
    await browser.clock.advance(minute);
    expect([leader.transport.requests.length > 1, follower.transport.requests.length]).toEqual([true, 0]);
  });

  test("a tab that is hidden while it takes a lock lets go of it", async () => {
    const browser = new FakeBrowser({ lockDelayMs: () => 100 });
    const open = () => openPage({ browser, tab: browser.openTab(), tabs: true });
    const [frozen, follower] = [open(), open()];
    frozen.watchdog.watch(running);
    await browser.clock.advance(1_000);
    follower.watchdog.watch(running);
    await browser.clock.advance(5_000);
    frozen.tab.freeze();
    // Silent for three heartbeats: at the next one the lock is stolen, and comes 100 ms later.
    while (browser.locks.heldNames.length > 0) await browser.clock.advance(10);
    follower.tab.hide();
    await browser.clock.advance(1_000);
    expect(browser.locks.heldNames).toEqual([]);
  });

  test("a browser that refuses locks, as to a frame without an origin: each tab asks for itself", async () => {
    const browser = new FakeBrowser();
    const tab = browser.openTab();
    const locks = { request: () => Promise.reject(new DOMException("no", "SecurityError")) };
    const page = openPage({ browser, page: { ...tab.page, locks }, tabs: true });
    page.watchdog.watch(running);
    await browser.clock.advance(30_000);
    expect(page.transport.requests.length).toBe(1);
  });

  test("a browser that refuses channels: likewise", async () => {
    const browser = new FakeBrowser();
    const openChannel = () => {
      throw new DOMException("no", "SecurityError");
    };
    const page = openPage({ browser, page: { ...browser.openTab().page, openChannel }, tabs: true });
    page.watchdog.watch(running);
    await browser.clock.advance(30_000);
    expect([page.transport.requests.length, page.warnings]).toEqual([1, []]);
  });
});

describe("a page in the back/forward cache", () => {
  test("holds neither lock nor channel, and comes back", async () => {
    const one = openTabs(1);
    await one.browser.clock.advance(1_000);
    expect([one.browser.locks.heldNames.length, one.browser.channelCount]).toEqual([1, 1]);
    only(one.pages, 0).tab.leave();
    await settle();
    expect([one.browser.locks.heldNames.length, one.browser.channelCount]).toEqual([0, 0]);
    only(one.pages, 0).tab.comeBack();
    await one.browser.clock.advance(minute);
    expect([one.browser.locks.heldNames.length, one.browser.channelCount]).toEqual([1, 1]);
    expect(one.requestCount()).toBeGreaterThan(1);
  });
});

describe("a follower", () => {
  test("asks the one that leads when a person wants to know", async () => {
    const two = openTabs(2);
    await two.browser.clock.advance(5_000);
    const handles = two.pages.map(({ watchdog }) => watchdog.watch(running));
    for (const [place, handle] of handles.entries()) {
      if (only(two.pages, place).watchdog.getSnapshot("upscaler", "1").isPaused) handle.refresh();
    }
    await two.browser.clock.advance(1_000);
    expect(two.requestCount()).toBe(1);
    expect(only(two.pages, 0).watchdog.getSnapshot("upscaler", "1").lastCheckedAt).not.toBeNull();
    expect(only(two.pages, 1).watchdog.getSnapshot("upscaler", "1").lastCheckedAt).not.toBeNull();
  });

  test("of another job asks for itself; of another scope too", async () => {
    const browser = new FakeBrowser();
    const open = (scope: string) => openPage({ browser, tab: browser.openTab(), tabs: { scope } });
    const pages = [open("ana"), open("ana"), open("rui")];
    only(pages, 0).watchdog.watch(running);
    only(pages, 1).watchdog.watch({ ...running, jobId: "2" });
    only(pages, 2).watchdog.watch(running);
    await browser.clock.advance(30_000);
    expect(pages.map(({ transport }) => transport.requests.length)).toEqual([1, 1, 1]);
  });

  test("becomes visible with many jobs and nobody leads: one request for all", async () => {
    // A browser grants locks one by one, each in its own moment.
    let delayMs = 0;
    const browser = new FakeBrowser({ lockDelayMs: () => (++delayMs % 15) + 1 });
    const page = openPage({ browser, tab: browser.openTab(), tabs: true });
    for (let id = 0; id < 30; ++id) page.watchdog.watch({ ...running, jobId: String(id) });
    await browser.clock.advance(30_000);
    page.transport.last.reply({ reason: "still_processing" });
    page.tab.hide();
    await browser.clock.advance(5 * minute);
    page.tab.show();
    await browser.clock.advance(1_000);
    expect(page.transport.requests.map(({ jobs }) => jobs.length)).toEqual([30, 30]);
  });
});
