// Without the module the page goes on: a state that says so, one warning, and nothing that runs.
import { createJobWatchdog, type WatchHandle } from "jobwatchdog";
import { engineOn, FakeTransport, settle } from "jobwatchdog/testing";
import { type CoreModule, checkVocabulary, loadCore } from "jobwatchdog/wasm";
import { describe, expect, test, vi } from "vitest";
import { coreBytes } from "./support/core.js";
import { core, openPage, type TestPage } from "./support/page.js";

const running = { toolType: "upscaler", jobId: "1", status: "running" } as const;

/** The real module, but for some of its functions. */
const moduleWith = (changes: Partial<CoreModule>): CoreModule => Object.assign(Object.create(core), changes);

describe("the module cannot be loaded", () => {
  test("one warning for all jobs, and the page goes on", async () => {
    const page = openPage({
      tabs: true,
      loadEngine: () => Promise.reject(new Error("blocked by the page's policy")),
    });
    const handles = ["1", "2", "3"].map((jobId) => page.watchdog.watch({ ...running, jobId }));
    await page.browser.clock.advance(3_600_000);
    expect(handles.map((handle) => handle.getSnapshot().phase)).toEqual(Array(3).fill("wasm_unavailable"));
    expect(page.warnings).toEqual([
      "jobwatchdog: no job is watched, for the core cannot run: blocked by the page's policy",
    ]);
    expect([page.browser.clock.timerCount, page.transport.requests.length]).toEqual([0, 0]);
    expect([page.tab.listenerCount, page.browser.locks.heldNames, page.browser.channelCount]).toEqual([
      0,
      [],
      0,
    ]);
    for (const handle of handles) {
      handle.setStatus("completed");
      expect(handle.getSnapshot().phase).toBe("completed");
      handle.release();
    }
  });

  test.each<[string, (page: TestPage, handle: WatchHandle) => void]>([
    ["refresh()", (_page, handle) => handle.refresh()],
    [
      "the flag, off and on again,",
      ({ flags }) => {
        flags.set({ WATCHDOG_ENABLED: false });
        flags.set({ WATCHDOG_ENABLED: true });
      },
    ],
  ])("%s tries again; nothing else does", async (_what, act) => {
    let isBlocked = true;
    let loads = 0;
    const page = openPage({
      loadEngine: () => {
        ++loads;
        return isBlocked ? Promise.reject(new Error("offline")) : Promise.resolve(engineOn(core));
      },
    });
    const handle = page.watchdog.watch(running);
    await settle();
    expect(handle.getSnapshot().phase).toBe("wasm_unavailable");
    isBlocked = false;
    page.watchdog.watch({ ...running, jobId: "2" });
    page.tab.focus();
    await page.browser.clock.advance(60_000);
    expect(loads).toBe(1);
    act(page, handle);
    await settle();
    expect(["waiting", "watching"]).toContain(handle.getSnapshot().phase);
    await page.browser.clock.advance(30_000);
    expect(page.transport.requests.length).toBeGreaterThan(0);
  });

  test.each<[string, () => Promise<CoreModule>]>([
    ["bytes that are no module", () => loadCore({ bytes: new Uint8Array([1, 2, 3]) })],
    ["bytes that cannot be had", () => loadCore({ bytes: () => Promise.reject(new Error("gone")) })],
  ])("%s: thrown, and nothing is printed", async (_what, load) => {
    const spies = [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(console, "log")];
    await expect(load()).rejects.toThrow();
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test("a server that has no such file", async () => {
    const fetch = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("", { status: 404 }));
    await expect(loadCore({ url: "https://a.example/core.wasm" })).rejects.toThrow(/404/);
    fetch.mockRestore();
  });

  test("twin: bytes by URL, by hand and by function are all taken", async () => {
    const fetch = vi
      .spyOn(globalThis, "fetch")
      .mockResolvedValue(new Response(coreBytes() as Uint8Array<ArrayBuffer>));
    const sources = [
      { url: "https://a.example/core.wasm" },
      { bytes: coreBytes() },
      { bytes: () => coreBytes() },
    ];
    for (const source of sources) expect((await loadCore(source)).vocabulary()).toContain("status:");
    fetch.mockRestore();
  });
});

describe("a module of another version", () => {
  test("is refused, in words", () => {
    const other = moduleWith({ vocabulary: () => core.vocabulary().replace("given_up", "abandoned") });
    expect(() => checkVocabulary(other)).toThrow(/another version/);
  });

  test("twin: ours is not", () => {
    expect(() => checkVocabulary(core)).not.toThrow();
  });
});

describe("the module stops at a bug", () => {
  test("in the middle of a watch: as if it could not be loaded", async () => {
    let isBroken = false;
    const failing = moduleWith({
      stepAll: (...args) => {
        if (isBroken) throw new WebAssembly.RuntimeError("unreachable");
        return core.stepAll(...args);
      },
    });
    const page = openPage({ tabs: true, loadEngine: () => Promise.resolve(engineOn(failing)) });
    const handle = page.watchdog.watch(running);
    await page.browser.clock.advance(30_000);
    expect(handle.getSnapshot().phase).toBe("waiting");
    const request = page.transport.last;
    isBroken = true;
    page.tab.hide();
    expect(handle.getSnapshot().phase).toBe("wasm_unavailable");
    expect(request.signal.aborted).toBe(true);
    expect([page.browser.clock.timerCount, page.tab.listenerCount, page.warnings.length]).toEqual([0, 0, 1]);
  });
});

test("a listener that throws stops nobody else", async () => {
  const page = openPage();
  const thrown: unknown[] = [];
  const notice = (error: unknown) => thrown.push(error);
  process.once("uncaughtException", notice);
  const kinds: string[] = [];
  page.watchdog.watch(running, {
    updated: () => {
      throw new Error("the page's own");
    },
  });
  page.watchdog.watch(running, { updated: ({ kind }) => kinds.push(kind) });
  await page.browser.clock.advance(30_000);
  page.transport.last.reply({ status: "failed", message: "out of memory" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(kinds).toEqual(["failed"]);
  expect(thrown).toMatchObject([{ message: "the page's own" }]);
  process.removeListener("uncaughtException", notice);
});

test("where there is no browser, making a watchdog starts nothing", () => {
  const transport = new FakeTransport();
  const watchdog = createJobWatchdog({ transport });
  expect(watchdog.getSnapshot("upscaler", "1").phase).toBe("stopped");
  expect(transport.requests).toEqual([]);
});
