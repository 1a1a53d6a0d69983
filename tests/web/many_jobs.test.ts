// Several jobs and several listeners on one page: what they share, and what one does not do to another.
import type { SyncReply, WatchUpdate } from "jobwatchdog";
import { FakeBrowser, FakeTransport } from "jobwatchdog/testing";
import { describe, expect, test } from "vitest";
import { openPage, settle } from "./support/page.js";

const minute = 60_000;
const running = { toolType: "upscaler", jobId: "1", status: "running" } as const;
const stillProcessing: SyncReply = { reason: "still_processing" };

describe("many jobs", () => {
  const two = () => {
    const page = openPage();
    const handles = ["1", "2"].map((jobId) => page.watchdog.watch({ ...running, jobId }));
    return { page, handles };
  };

  test("one that is nearly due goes along with one that is", async () => {
    const page = openPage();
    page.watchdog.watch(running);
    await page.browser.clock.advance(4_000);
    page.watchdog.watch({ ...running, jobId: "2" });
    await page.browser.clock.advance(30_000);
    for (const { jobs } of page.transport.requests) expect(jobs.length).toBe(1);
    page.transport.requests[0]?.reply(stillProcessing);
    await page.browser.clock.advance(3_000);
    page.transport.requests[1]?.reply(stillProcessing);
    await page.browser.clock.advance(15_000);
    expect(page.transport.last.jobs.length).toBe(2);
  });

  test("one that is left does not end the request of the others; all that are left do", async () => {
    const { page, handles } = two();
    await page.browser.clock.advance(30_000);
    const request = page.transport.last;
    handles[0]?.release();
    await settle();
    expect(request.signal.aborted).toBe(false);
    request.answer([{ status: "failed" }, { status: "completed" }]);
    await settle();
    expect(handles[1]?.getSnapshot().phase).toBe("completed");
    const again = two();
    await again.page.browser.clock.advance(30_000);
    for (const handle of again.handles) handle.release();
    await settle();
    expect(again.page.transport.last.signal.aborted).toBe(true);
  });

  test("an ask that nobody wants any more is not even sent", async () => {
    const { page, handles } = two();
    await page.browser.clock.advance(1_000);
    for (const handle of handles) handle.refresh();
    page.watchdog.dispose();
    await settle();
    expect([page.transport.requests.length, page.browser.clock.timerCount]).toEqual([0, 0]);
  });

  test("an event that changes nothing makes no new snapshot, though the wall clock wanders", async () => {
    const page = openPage();
    let changes = 0;
    const handle = page.watchdog.watch(running, { changed: () => ++changes });
    await page.browser.clock.advance(1_000);
    const [before, changesBefore] = [handle.getSnapshot(), changes];
    page.browser.clock.epochMs += 7;
    page.tab.focus();
    handle.setStatus("starting");
    page.flags.set({ WATCHDOG_POLL_INTERVAL_MS: 20_000 });
    await settle();
    expect(handle.getSnapshot()).toBe(before);
    expect(changes).toBe(changesBefore);
  });

  test("whoever joins a watch and knows of the end, ends it for all", async () => {
    const page = openPage();
    const handle = page.watchdog.watch(running);
    await page.browser.clock.advance(1_000);
    page.watchdog.watch({ ...running, status: "cancelled" });
    expect(handle.getSnapshot()).toMatchObject({ phase: "cancelled", source: "page" });
    expect(page.browser.clock.timerCount).toBe(0);
  });

  test("a listener that leaves another watch at a report: the other is not told any more", async () => {
    const page = openPage();
    const told: string[] = [];
    const handles: { release(): void }[] = [];
    for (const name of ["first", "second"]) {
      const tell = (what: string) => {
        told.push(`${name} ${what}`);
        handles[1]?.release();
      };
      const updated = ({ kind }: WatchUpdate) => tell(kind);
      handles.push(
        page.watchdog.watch(running, { updated, changed: () => told.length > 0 && tell("changed") }),
      );
    }
    await page.browser.clock.advance(30_000);
    page.transport.last.reply({ status: "completed" });
    await settle();
    expect(told).toEqual(["first completed", "first changed"]);
  });

  test("the status that the server told last is the one that a delay reports", async () => {
    const browser = new FakeBrowser();
    const about = () => ({ status: "queued", reason: "still_processing" }) as const;
    const page = openPage({ browser, transport: new FakeTransport({ clock: browser.clock, about }) });
    const updates: WatchUpdate[] = [];
    page.watchdog.watch(running, { updated: (update) => updates.push(update) });
    await browser.clock.advance(13 * minute);
    expect(updates).toMatchObject([{ kind: "overdue", status: "queued", reason: "still_processing" }]);
  });
});
