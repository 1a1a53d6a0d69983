// The switch: off means that nothing runs at all, and a toggle takes effect in an open page; flags from a server.
import { defaultFlags, type FlagValues, remoteFlags, staticFlags } from "jobwatchdog";
import { FakeBrowser } from "jobwatchdog/testing";
import { describe, expect, test } from "vitest";
import { openPage, settle } from "./support/page.js";

const minute = 60_000;
const running = { toolType: "upscaler", jobId: "1", status: "running" } as const;

describe("off", () => {
  test("by default: no timer, no request, no module, no listener, no lock", async () => {
    const { browser, tab, transport, watchdog, loads, ...page } = openPage({
      flags: staticFlags({}),
      tabs: true,
    });
    const handle = watchdog.watch(running);
    await browser.clock.advance(60 * minute);
    handle.refresh();
    await settle();
    expect([browser.clock.timerCount, transport.requests.length, loads(), tab.listenerCount]).toEqual([
      0, 0, 0, 0,
    ]);
    expect([browser.locks.heldNames, browser.channelCount, page.warnings]).toEqual([[], 0, []]);
    expect(handle.getSnapshot()).toMatchObject({ phase: "stopped", isPaused: true, pauseReason: "flag_off" });
  });

  test("twin: on, all of it is there", async () => {
    const { browser, tab, transport, watchdog, loads } = openPage({ tabs: true });
    watchdog.watch(running);
    await browser.clock.advance(30_000);
    expect([transport.requests.length, loads(), browser.locks.heldNames.length]).toEqual([1, 1, 1]);
    expect(browser.clock.timerCount).toBeGreaterThan(0);
    expect(tab.listenerCount).toBeGreaterThan(0);
  });

  test("only jobs that have ended: the module is not needed either", async () => {
    const { browser, watchdog, loads, tab } = openPage();
    const handle = watchdog.watch({ ...running, status: "completed" });
    await browser.clock.advance(minute);
    expect(handle.getSnapshot()).toMatchObject({ phase: "completed", source: "page" });
    expect([loads(), browser.clock.timerCount, tab.listenerCount]).toEqual([0, 0, 0]);
  });
});

describe("a toggle in an open page", () => {
  test("off: the request under way is dropped, and nothing runs; on: a check at once", async () => {
    const { browser, tab, flags, transport, watchdog } = openPage();
    const handle = watchdog.watch(running);
    await browser.clock.advance(30_000);
    flags.set({ WATCHDOG_ENABLED: false });
    expect(transport.last.signal.aborted).toBe(true);
    expect([browser.clock.timerCount, tab.listenerCount]).toEqual([0, 0]);
    expect(handle.getSnapshot()).toMatchObject({ phase: "waiting", pauseReason: "flag_off" });
    await browser.clock.advance(5 * minute);
    flags.set({ WATCHDOG_ENABLED: true });
    await settle();
    expect(transport.requests.length).toBe(2);
    expect(handle.getSnapshot().isPaused).toBe(false);
  });

  test("hidden while off: on again, it knows that nobody looks", async () => {
    const { browser, tab, flags, transport, watchdog } = openPage();
    const handle = watchdog.watch(running);
    await browser.clock.advance(1_000);
    flags.set({ WATCHDOG_ENABLED: false });
    tab.hide();
    await browser.clock.advance(5 * minute);
    flags.set({ WATCHDOG_ENABLED: true });
    await browser.clock.advance(5 * minute);
    expect([transport.requests.length, handle.getSnapshot().pauseReason]).toEqual([0, "hidden"]);
  });

  test("another interval holds from the next answer on", async () => {
    const { browser, flags, transport, watchdog } = openPage();
    watchdog.watch(running);
    await browser.clock.advance(30_000);
    flags.set({ WATCHDOG_POLL_INTERVAL_MS: 60_000 });
    transport.last.reply({ reason: "still_processing" });
    await settle();
    expect(browser.clock.nextTimerAt).toBe(90_000);
  });

  test("nobody watches any more: the source is let go", async () => {
    let listeners = 0;
    const flags = {
      get: (): FlagValues => ({ ...defaultFlags, WATCHDOG_ENABLED: true }),
      subscribe: () => {
        ++listeners;
        return () => --listeners;
      },
    };
    const { watchdog } = openPage({ flags });
    const handle = watchdog.watch(running);
    expect(listeners).toBe(1);
    handle.release();
    await settle();
    expect(listeners).toBe(0);
  });
});

describe("numbers", () => {
  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, "15000" as unknown as number])(
    "%s cannot be meant: one warning, and the default is used",
    async (pollIntervalMs) => {
      const { browser, transport, watchdog, warnings } = openPage({ pollIntervalMs });
      watchdog.watch(running);
      watchdog.watch({ ...running, jobId: "2" });
      await browser.clock.advance(30_000);
      transport.last.reply({ reason: "still_processing" });
      await settle();
      expect(browser.clock.nextTimerAt).toBe(45_000);
      expect(warnings.length).toBe(1);
      expect(warnings[0]).toMatch(/WATCHDOG_POLL_INTERVAL_MS/);
    },
  );

  test("twin: a number that can be meant is used, and the page's own goes before the flag's", async () => {
    const flags = staticFlags({ WATCHDOG_ENABLED: true, WATCHDOG_INITIAL_DELAY_MS: 5_000 });
    const { browser, watchdog, warnings } = openPage({ flags, initialDelayMs: 7_000 });
    watchdog.watch(running);
    await settle();
    expect([browser.clock.nextTimerAt, warnings]).toEqual([7_000, []]);
  });

  test("a limit that leaves no time for two checks is put right with the others", async () => {
    const { browser, watchdog, warnings } = openPage({ maxTimeoutMs: 1_000 });
    watchdog.watch(running);
    await settle();
    expect(browser.clock.nextTimerAt).toBe(30_000);
    expect(warnings.length).toBe(1);
  });
});

describe("remoteFlags", () => {
  interface Asked {
    url: string;
    etag: string | null;
    body: unknown;
  }

  function server() {
    const asked: Asked[] = [];
    let values: Record<string, unknown> = { WATCHDOG_ENABLED: true };
    let failure: Response | Error | null = null;
    const fetch = async (url: unknown, init: RequestInit = {}) => {
      const etag = new Headers(init.headers).get("If-None-Match");
      asked.push({ url: String(url), etag, body: JSON.parse(String(init.body)) });
      if (failure instanceof Error) throw failure;
      if (failure) return failure.clone();
      const tag = `"${JSON.stringify(values)}"`;
      if (etag === tag) return new Response(null, { status: 304 });
      const flags = Object.entries(values).map(([key, value]) => ({ key, value, reason: "STATIC" }));
      return new Response(JSON.stringify({ flags }), { headers: { ETag: tag } });
    };
    return {
      asked,
      fetch: fetch as unknown as typeof globalThis.fetch,
      set: (changes: Record<string, unknown>) => {
        values = { ...values, ...changes };
      },
      fail: (how: Response | Error | null) => {
        failure = how;
      },
    };
  }

  function open(pollIntervalMs = 10_000) {
    const browser = new FakeBrowser();
    const tab = browser.openTab();
    const from = server();
    const warnings: string[] = [];
    const flags = remoteFlags({
      url: "https://flags.example/",
      context: () => ({ targetingKey: "ana" }),
      fetch: from.fetch,
      clock: tab.clock,
      page: tab.page,
      pollIntervalMs,
      warn: (message) => warnings.push(message),
    });
    return { browser, tab, server: from, flags, warnings };
  }

  test("asks nobody before somebody watches, nor after", async () => {
    const { browser, server: from, flags } = open();
    await browser.clock.advance(minute);
    expect(from.asked).toEqual([]);
    const stop = flags.subscribe(() => {});
    await browser.clock.advance(minute);
    const count = from.asked.length;
    expect(count).toBe(7);
    stop();
    await browser.clock.advance(minute);
    expect([from.asked.length, browser.clock.timerCount]).toEqual([count, 0]);
  });

  test("speaks OFREP: the bulk path, the context, the ETag", async () => {
    const { browser, server: from, flags } = open();
    flags.subscribe(() => {});
    await browser.clock.advance(10_000);
    expect(from.asked[0]).toEqual({
      url: "https://flags.example/ofrep/v1/evaluate/flags",
      etag: null,
      body: { context: { targetingKey: "ana" } },
    });
    expect(from.asked[1]?.etag).not.toBeNull();
    expect(flags.get()).toEqual({ ...defaultFlags, WATCHDOG_ENABLED: true });
    expect(flags.reason()).toBe("STATIC");
  });

  test("a toggle on the server reaches an open page within one interval", async () => {
    const { browser, tab, server: from, flags } = open();
    from.set({ WATCHDOG_ENABLED: false });
    const page = openPage({ browser, tab, flags });
    page.watchdog.watch(running);
    await browser.clock.advance(40_000);
    expect([page.transport.requests.length, page.loads()]).toEqual([0, 0]);
    from.set({ WATCHDOG_ENABLED: true });
    await browser.clock.advance(10_000);
    expect(page.transport.requests.length).toBe(1);
    from.set({ WATCHDOG_ENABLED: false });
    await browser.clock.advance(10_000);
    expect(page.watchdog.getSnapshot("upscaler", "1").pauseReason).toBe("flag_off");
  });

  test("a server that fails: the last good values stay, with one warning", async () => {
    const { browser, server: from, flags, warnings } = open();
    flags.subscribe(() => {});
    await browser.clock.advance(1_000);
    from.fail(new TypeError("Failed to fetch"));
    await browser.clock.advance(minute);
    expect([flags.get().WATCHDOG_ENABLED, flags.reason(), warnings.length]).toEqual([true, "STALE", 1]);
    from.fail(null);
    await browser.clock.advance(10_000);
    expect(flags.reason()).toBe("STATIC");
  });

  test.each([
    ["an error", new Response("", { status: 500 })],
    ["HTML", new Response("<h1>Sign in</h1>")],
    ["something else", new Response("{}")],
    ["values of another type", new Response('{"flags":[{"key":"WATCHDOG_ENABLED","value":"true"}]}')],
  ])("never anything but %s: off", async (_what, response) => {
    const { browser, server: from, flags } = open();
    from.fail(response);
    flags.subscribe(() => {});
    await browser.clock.advance(minute);
    expect(flags.get()).toEqual(defaultFlags);
  });

  test("leaves a server alone that says later", async () => {
    const { browser, server: from, flags } = open();
    from.fail(new Response("", { status: 429, headers: { "Retry-After": "120" } }));
    flags.subscribe(() => {});
    await browser.clock.advance(119_000);
    expect(from.asked.length).toBe(1);
    await browser.clock.advance(2_000);
    expect(from.asked.length).toBe(2);
  });

  test("asks nothing while hidden, and at once when seen again", async () => {
    const { browser, tab, server: from, flags } = open();
    flags.subscribe(() => {});
    await browser.clock.advance(1_000);
    tab.hide();
    await browser.clock.advance(10 * minute);
    expect(from.asked.length).toBeLessThanOrEqual(2);
    const before = from.asked.length;
    tab.show();
    await settle();
    expect(from.asked.length).toBe(before + 1);
  });

  test.each([0, -5, Number.NaN])("an interval of %s is no loop without rest", async (pollIntervalMs) => {
    const { browser, server: from, flags } = open(pollIntervalMs);
    flags.subscribe(() => {});
    await browser.clock.advance(10_000);
    expect(from.asked.length).toBeLessThanOrEqual(11);
  });
});
