// The hook in React: one watch a job however often it renders, mounts and changes (P1, P2, P6, P11), and its returns.
import { act, cleanup, render, renderHook } from "@testing-library/react";
import { type JobStatus, JobWatchdogProvider, useJobWatchdog, type WatchUpdate } from "jobwatchdog";
import { FakeBrowser, FakeTransport } from "jobwatchdog/testing";
import { type ReactNode, StrictMode } from "react";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openPage, settle, type TestPage } from "./support/page.js";

const minute = 60_000;

afterEach(cleanup);

function within(page: TestPage, strict = false) {
  return ({ children }: { children: ReactNode }) => {
    const tree = <JobWatchdogProvider watchdog={page.watchdog}>{children}</JobWatchdogProvider>;
    return strict ? <StrictMode>{tree}</StrictMode> : tree;
  };
}

interface RowProps {
  id: string;
  name?: string;
  tell?: (line: string) => void;
}

function Row({ id, name, tell }: RowProps) {
  const { phase } = useJobWatchdog("upscaler", id, "running", ({ kind }) => tell?.(`${name} ${kind}`));
  return <p>{phase}</p>;
}

const advance = (page: TestPage, ms: number) => act(() => page.browser.clock.advance(ms));

describe("what the hook returns", () => {
  test("follows the watch from the first rest to the end", async () => {
    const page = openPage();
    const updates: WatchUpdate[] = [];
    const { result, rerender } = renderHook(
      ({ status }: { status: JobStatus }) =>
        useJobWatchdog("upscaler", "1", status, (update) => updates.push(update)),
      { wrapper: within(page), initialProps: { status: "running" } },
    );
    await advance(page, 0);
    const epochMs = page.browser.clock.epochMs;
    expect(result.current).toEqual({
      phase: "waiting",
      attempts: 0,
      lastCheckedAt: null,
      nextCheckAt: epochMs + 30_000,
      isPaused: false,
      pauseReason: null,
      source: "page",
      refresh: expect.any(Function),
    });
    await advance(page, 30_000);
    page.transport.last.reply({ reason: "still_processing" });
    await act(settle);
    expect(result.current).toMatchObject({
      phase: "watching",
      attempts: 1,
      lastCheckedAt: epochMs + 30_000,
      nextCheckAt: epochMs + 45_000,
      source: "server",
    });
    await advance(page, 15_000);
    page.transport.last.reply({ status: "completed", outputUrl: "https://cdn.example/1.png" });
    await act(settle);
    expect(result.current).toMatchObject({ phase: "completed", attempts: 2, nextCheckAt: null });
    const told = {
      kind: "completed",
      toolType: "upscaler",
      jobId: "1",
      status: "completed",
      source: "server",
    };
    expect(updates).toEqual([{ ...told, outputUrl: "https://cdn.example/1.png" }]);
    rerender({ status: "completed" });
    await advance(page, 60 * minute);
    expect(updates.length).toBe(1);
    expect(page.transport.requests.length).toBe(2);
  });

  test("is the same object, with the same refresh, until something changes", async () => {
    const page = openPage();
    const { result, rerender } = renderHook(() => useJobWatchdog("upscaler", "1", "running", () => {}), {
      wrapper: within(page),
    });
    await advance(page, 1_000);
    const before = result.current;
    rerender();
    await advance(page, 1_000);
    expect(result.current).toBe(before);
    page.tab.hide();
    await act(settle);
    expect(result.current).not.toBe(before);
    expect(result.current.refresh).toBe(before.refresh);
  });

  test("a terminal status of the page's own ends the watch, mid-request", async () => {
    const page = openPage();
    const { result, rerender } = renderHook(
      ({ status }: { status: JobStatus }) => useJobWatchdog("upscaler", "1", status),
      { wrapper: within(page), initialProps: { status: "running" } },
    );
    await advance(page, 30_000);
    rerender({ status: "failed" });
    await advance(page, 60 * minute);
    expect(result.current).toMatchObject({ phase: "failed", source: "page", isPaused: false });
    expect(page.transport.requests.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(page.browser.clock.timerCount).toBe(0);
  });

  test("the newest callback is told, and another callback subscribes nobody anew", async () => {
    const page = openPage();
    const watch = vi.spyOn(page.watchdog, "watch");
    const told: number[] = [];
    const { rerender } = renderHook(
      ({ render }: { render: number }) => useJobWatchdog("upscaler", "1", "running", () => told.push(render)),
      { wrapper: within(page), initialProps: { render: 0 } },
    );
    for (let render = 1; render <= 50; ++render) rerender({ render });
    await advance(page, 30_000);
    page.transport.last.reply({ status: "completed" });
    await act(settle);
    expect(told).toEqual([50]);
    expect(watch).toHaveBeenCalledOnce();
  });

  test("refresh() asks now", async () => {
    const page = openPage();
    const { result } = renderHook(() => useJobWatchdog("upscaler", "1", "running"), {
      wrapper: within(page),
    });
    await advance(page, 1_000);
    act(() => result.current.refresh());
    await act(settle);
    expect(page.transport.requests.length).toBe(1);
  });

  test("without a provider it says what to do", () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(() => renderHook(() => useJobWatchdog("upscaler", "1", "running"))).toThrow(/JobWatchdogProvider/);
    quiet.mockRestore();
  });

  test("a watchdog given as an option needs no provider", async () => {
    const page = openPage();
    const { result } = renderHook(() =>
      useJobWatchdog("upscaler", "1", "running", undefined, { watchdog: page.watchdog }),
    );
    await advance(page, 0);
    expect(result.current.phase).toBe("waiting");
  });
});

describe("P2: rendering again and again", () => {
  async function rendersFor12Minutes(key: (render: number) => string): Promise<WatchUpdate[]> {
    const browser = new FakeBrowser();
    const transport = new FakeTransport({
      clock: browser.clock,
      about: () => ({ reason: "still_processing" }),
    });
    const page = openPage({ browser, transport });
    const updates: WatchUpdate[] = [];
    const { rerender } = renderHook(
      ({ render }: { render: number }) => {
        const status = (["queued", "starting", "running"] as const)[render % 3];
        // A new callback and another status each time, as pages give them.
        return useJobWatchdog("upscaler", key(render), status, (update) => updates.push(update));
      },
      { wrapper: within(page), initialProps: { render: 0 } },
    );
    for (let render = 1; render <= 12 * 600 - 1; ++render) {
      await advance(page, 100);
      rerender({ render });
    }
    expect(updates).toEqual([]);
    for (let render = 0; render < 20; ++render) {
      await advance(page, 100);
      rerender({ render });
    }
    return updates;
  }

  test("every 100 ms for 12 minutes: one delay is told, at 12:00", async () => {
    expect((await rendersFor12Minutes(() => "1")).map(({ kind }) => kind)).toEqual(["overdue"]);
  }, 60_000);

  test("twin: a job that changes on the way starts anew and is not late", async () => {
    expect(await rendersFor12Minutes((render) => (render < 4_000 ? "1" : "2"))).toEqual([]);
  }, 60_000);
});

describe("P6: StrictMode, and many components of one job", () => {
  test("mounted twice: one timer, one watch; none after unmounting", async () => {
    const page = openPage();
    const { unmount } = renderHook(() => useJobWatchdog("upscaler", "1", "running"), {
      wrapper: within(page, true),
    });
    await advance(page, 0);
    expect(page.browser.clock.timerCount).toBe(1);
    await advance(page, 30_000);
    expect(page.transport.requests.map(({ jobs }) => jobs.length)).toEqual([1]);
    unmount();
    await act(settle);
    expect(page.browser.clock.timerCount).toBe(0);
    expect(page.transport.last.signal.aborted).toBe(true);
    expect(page.tab.listenerCount).toBe(0);
  });

  test("two components of one job share its watch, and each is told once", async () => {
    const page = openPage();
    const told: string[] = [];
    const tell = (line: string) => told.push(line);
    const Page = within(page, true);
    const { rerender, container } = render(
      <Page>
        {[<Row key="a" id="1" name="a" tell={tell} />, <Row key="b" id="1" name="b" tell={tell} />]}
      </Page>,
    );
    await advance(page, 30_000);
    page.transport.last.reply({ reason: "still_processing" });
    await act(settle);
    rerender(<Page>{[<Row key="b" id="1" name="b" tell={tell} />]}</Page>);
    await advance(page, 15_000);
    expect(page.transport.requests.map(({ jobs }) => jobs.length)).toEqual([1, 1]);
    page.transport.last.reply({ status: "completed" });
    await act(settle);
    expect(told).toEqual(["b completed"]);
    expect(container.textContent).toBe("completed");
  });

  test("another component takes the job over in the same render: its watch goes on", async () => {
    const page = openPage();
    const Page = within(page);
    const { rerender } = render(<Page>{[<Row key="a" id="1" />]}</Page>);
    await advance(page, 20_000);
    rerender(<Page>{[<Row key="b" id="1" />]}</Page>);
    await act(settle);
    expect(page.browser.clock.nextTimerAt).toBe(30_000);
  });

  test("many components: one request for all", async () => {
    const page = openPage();
    const Page = within(page);
    const ids = Array.from({ length: 250 }, (_, id) => id);
    render(
      <Page>
        {ids.map((id) => (
          <Row key={id} id={String(id)} />
        ))}
      </Page>,
    );
    await advance(page, 30_000);
    expect(page.transport.requests.map(({ jobs }) => jobs.length)).toEqual([100, 100, 50]);
  });
});

describe("P11: the component shows another job", () => {
  test("an old answer changes nothing, and the new job begins anew", async () => {
    const page = openPage();
    const updates: WatchUpdate[] = [];
    const { result, rerender } = renderHook(
      ({ id }: { id: string | null }) =>
        useJobWatchdog("upscaler", id, "running", (update) => updates.push(update)),
      { wrapper: within(page), initialProps: { id: "1" as string | null } },
    );
    await advance(page, 30_000);
    rerender({ id: "2" });
    page.transport.last.reply({ status: "completed" });
    await act(settle);
    expect(updates).toEqual([]);
    expect(result.current).toMatchObject({ phase: "waiting", attempts: 0 });
    rerender({ id: null });
    await act(settle);
    expect(result.current.phase).toBe("stopped");
    expect(page.browser.clock.timerCount).toBe(0);
  });
});
