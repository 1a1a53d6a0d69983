// What a page promises about its requests, timers and reports: P1 to P4, P7, P8, P10 and P11, on the real core.
import { type SyncReply, TransportError, type WatchUpdate } from "jobwatchdog";
import { FakeBrowser, FakeTransport } from "jobwatchdog/testing";
import { describe, expect, test } from "vitest";
import { openPage, settle } from "./support/page.js";
import { randomNumbers } from "./support/random.js";

const minute = 60_000;
const running = { toolType: "upscaler", jobId: "1", status: "running" } as const;
const stillProcessing: SyncReply = { reason: "still_processing" };

describe("P1: requests do not overlap", () => {
  /** The most requests of a page under way at once, over many ticks, when each answer takes `latencyMs`. */
  async function mostAtOnce(latencyMs: number, hours: number): Promise<{ most: number; asks: number }> {
    const browser = new FakeBrowser();
    const transport = new FakeTransport({ clock: browser.clock, latencyMs, about: () => stillProcessing });
    const page = openPage({ browser, transport, pollIntervalMs: 2_000, maxTimeoutMs: 1_000 * 60 * minute });
    page.watchdog.watch(running);
    let most = 0;
    for (let second = 0; second < hours * 3_600; second += 2) {
      await browser.clock.advance(2_000);
      most = Math.max(most, transport.openRequests.length);
    }
    return { most, asks: transport.requests.length };
  }

  test("an answer that takes 30 s, every 2 s, over 10 000 ticks: never two at once", async () => {
    const { most, asks } = await mostAtOnce(30_000, 5.6);
    expect(most).toBe(1);
    expect(asks).toBeGreaterThan(100);
  });

  test("twin: with quick answers the same hours bring many more", async () => {
    expect((await mostAtOnce(100, 0.5)).asks).toBeGreaterThan(600);
  });

  test("an answer after ten seconds is nobody's: its request was aborted", async () => {
    const page = openPage();
    const handle = page.watchdog.watch(running);
    await page.browser.clock.advance(30_000);
    const first = page.transport.last;
    await page.browser.clock.advance(9_999);
    expect(first.signal.aborted).toBe(false);
    await page.browser.clock.advance(1);
    expect(first.signal.aborted).toBe(true);
    first.reply({ status: "completed" });
    await settle();
    expect(handle.getSnapshot().phase).toBe("watching");
  });
});

describe("P3: a server that only fails", () => {
  test("is overdue at the limit, once, and is given up in the end", async () => {
    const updates: WatchUpdate[] = [];
    const browser = new FakeBrowser();
    const transport = new FakeTransport({ clock: browser.clock, about: () => new TransportError("no", 503) });
    const page = openPage({ browser, transport });
    page.watchdog.watch(running, { updated: (update) => updates.push(update) });
    await browser.clock.advanceTo(12 * minute - 1);
    expect(updates).toEqual([]);
    await browser.clock.advanceTo(12 * minute + 1_000);
    expect(updates).toMatchObject([{ kind: "overdue", reason: "http 503", status: "running" }]);
    await browser.clock.advance(60 * minute);
    expect(updates.map(({ kind }) => kind)).toEqual(["overdue", "given_up"]);
    expect(browser.clock.timerCount).toBe(0);
  });

  test("that refuses is not asked again", async () => {
    const page = openPage();
    const updates: WatchUpdate[] = [];
    const handle = page.watchdog.watch(running, { updated: (update) => updates.push(update) });
    await page.browser.clock.advance(30_000);
    page.transport.last.fail(401);
    await page.browser.clock.advance(60 * minute);
    expect(page.transport.requests.length).toBe(1);
    expect(updates).toMatchObject([{ kind: "given_up", reason: "http 401" }]);
    handle.refresh();
    await settle();
    expect(page.transport.requests.length).toBe(2);
  });
});

describe("P4: hidden and offline pages", () => {
  test("hidden for 20 minutes: nothing meanwhile, one request on return, and the right state", async () => {
    const page = openPage();
    const handle = page.watchdog.watch(running);
    await page.browser.clock.advance(1_000);
    page.tab.hide();
    expect(handle.getSnapshot()).toMatchObject({ isPaused: true, pauseReason: "hidden", nextCheckAt: null });
    expect(page.browser.clock.timerCount).toBe(0);
    await page.browser.clock.sleepUntil(20 * minute);
    expect(page.transport.requests.length).toBe(0);
    page.tab.show();
    await settle();
    await page.browser.clock.advance(500);
    expect(page.transport.requests.length).toBe(1);
    page.transport.last.reply({ status: "completed", outputUrl: "https://cdn.example/1.png" });
    await settle();
    expect(handle.getSnapshot()).toMatchObject({ phase: "completed", isPaused: false, pauseReason: null });
  });

  test.each([
    [
      "online",
      "offline",
      (page: ReturnType<typeof openPage>) => page.tab.goOffline(),
      (page: ReturnType<typeof openPage>) => page.tab.goOnline(),
    ],
    [
      "pageshow",
      "hidden",
      (page: ReturnType<typeof openPage>) => page.tab.leave(),
      (page: ReturnType<typeof openPage>) => page.tab.comeBack(),
    ],
    [
      "focus",
      "hidden",
      (page: ReturnType<typeof openPage>) => page.tab.leave(),
      (page: ReturnType<typeof openPage>) => page.tab.focus(),
    ],
  ])("%s: a check at once", async (_sign, pauseReason, go, comeBack) => {
    const page = openPage();
    const handle = page.watchdog.watch(running);
    await page.browser.clock.advance(30_000);
    page.transport.last.reply(stillProcessing);
    await settle();
    go(page);
    expect(handle.getSnapshot().pauseReason).toBe(pauseReason);
    await page.browser.clock.advance(5 * minute);
    expect(page.transport.requests.length).toBe(1);
    comeBack(page);
    await settle();
    expect(page.transport.requests.length).toBe(2);
    expect(handle.getSnapshot()).toMatchObject({ isPaused: false, pauseReason: null });
  });
});

describe("P7: sleep", () => {
  test("8 hours of sleep are no limit reached, when the server says how late it is", async () => {
    const page = openPage();
    const updates: WatchUpdate[] = [];
    page.watchdog.watch(running, { updated: (update) => updates.push(update) });
    await page.browser.clock.advance(30_000);
    page.transport.last.reply({ ...stillProcessing, serverNow: 1_000_000 });
    await page.browser.clock.sleepUntil(8 * 60 * minute);
    page.transport.last.reply({ ...stillProcessing, serverNow: 1_015_500 });
    await settle();
    expect(updates).toEqual([]);
  });

  test("twin: when the server says that it is late, it is", async () => {
    const page = openPage();
    const updates: WatchUpdate[] = [];
    page.watchdog.watch(running, { updated: (update) => updates.push(update) });
    await page.browser.clock.advance(30_000);
    page.transport.last.reply({ ...stillProcessing, serverNow: 1_000_000 });
    await page.browser.clock.sleepUntil(8 * 60 * minute);
    page.transport.last.reply({ ...stillProcessing, serverNow: 1_000_000 + 12 * minute });
    await settle();
    expect(updates.map(({ kind }) => kind)).toEqual(["overdue"]);
  });
});

describe("P8: a late success", () => {
  test.each([12, 13, 15, 20])("%i minutes after the start is told, behind the delay", async (minutes) => {
    const browser = new FakeBrowser();
    const about = () =>
      browser.clock.now() < minutes * minute ? stillProcessing : { status: "completed" as const };
    const page = openPage({ browser, transport: new FakeTransport({ clock: browser.clock, about }) });
    const kinds: string[] = [];
    page.watchdog.watch(running, { updated: ({ kind }) => kinds.push(kind) });
    await browser.clock.advance((minutes + 2) * minute);
    expect(kinds).toEqual(minutes === 12 ? ["completed"] : ["overdue", "completed"]);
  });
});

describe("P10: many pages after an outage", () => {
  /**
   * Requests a second of 1 000 pages that were opened within `openedWithinMs`: on average while all is well, and the most
   * from the beginning of an outage of a minute on.
   */
  async function herd(openedWithinMs: number): Promise<{ steady: number; peak: number }> {
    const browser = new FakeBrowser();
    const draws = randomNumbers(42);
    browser.clock.draw = () => Math.floor(draws() * 1_001);
    const start = 5 * minute;
    const isDown = () => browser.clock.now() >= start && browser.clock.now() < start + minute;
    const perSecond = new Map<number, number>();
    const about = () => {
      const second = Math.floor(browser.clock.now() / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
      return isDown() ? new TransportError("down", 503) : stillProcessing;
    };
    const seeded = randomNumbers(7);
    for (let place = 0; place < 1_000; ++place) {
      browser.clock.wake(seeded() * openedWithinMs, () => {
        const transport = new FakeTransport({ clock: browser.clock, about });
        openPage({ browser, transport, maxTimeoutMs: 60 * minute }).watchdog.watch(running);
      });
    }
    await browser.clock.advanceTo(start + 4 * minute);
    const counts = (from: number, to: number) =>
      Array.from({ length: (to - from) / 1_000 }, (_, place) => perSecond.get(from / 1_000 + place) ?? 0);
    const calm = counts(2 * minute, start);
    const steady = calm.reduce((sum, count) => sum + count, 0) / calm.length;
    return { steady, peak: Math.max(...counts(start, start + 4 * minute)) };
  }

  test("1 000 pages, down for 60 s: at most twice the usual requests", async () => {
    const { steady, peak } = await herd(minute);
    expect(steady).toBeGreaterThan(50);
    expect(peak).toBeLessThanOrEqual(2 * steady);
  }, 60_000);

  test("twin: pages that were all opened at once do more", async () => {
    const { steady, peak } = await herd(1_000);
    expect(peak).toBeGreaterThan(2 * steady);
  }, 60_000);
});

describe("P11: another job", () => {
  test("switched 1 000 times while asked about: nothing of an old job is told", async () => {
    const page = openPage();
    const told: string[] = [];
    let wanted = "";
    let stale = 0;
    for (let round = 0; round < 1_000; ++round) {
      const jobId = `job-${round}`;
      wanted = jobId;
      const handle = page.watchdog.watch(
        { toolType: "upscaler", jobId },
        {
          changed: () => {
            if (wanted !== jobId) ++stale;
          },
          updated: (update) => told.push(update.jobId),
        },
      );
      await settle();
      handle.refresh();
      await settle();
      const request = page.transport.last;
      expect(request.jobs[0]?.jobId).toBe(jobId);
      wanted = "";
      handle.release();
      if (round % 2 === 0) await settle();
      request.reply({ status: "completed" });
    }
    await settle();
    expect({ told, stale, timers: page.browser.clock.timerCount }).toEqual({ told: [], stale: 0, timers: 0 });
  });

  test("twin: an answer before the switch is told", async () => {
    const page = openPage();
    const told: string[] = [];
    const handle = page.watchdog.watch(running, { updated: (update) => told.push(update.jobId) });
    await settle();
    handle.refresh();
    await settle();
    page.transport.last.reply({ status: "completed" });
    await settle();
    handle.release();
    expect(told).toEqual(["1"]);
  });
});
