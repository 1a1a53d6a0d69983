// The golden scenarios through the whole library but React: a fake page, clock and server around the real core.
import { type SyncReply, settableFlags, TransportError, type WatchUpdate } from "jobwatchdog";
import {
  engineOn,
  FakeBrowser,
  type FakeTab,
  FakeTransport,
  type OpenTabs,
  settle,
} from "jobwatchdog/testing";
import { describe, expect, test } from "vitest";
import { type GoldenRow, goldenScenarios, type Scenario, timeText } from "./support/golden_table.js";
import { core, openPage } from "./support/page.js";

/** What a page cannot meet, and why. */
const notForPages: Record<string, string> = {
  "clock jumped a day back": "the clock of a page only goes forward",
  "it goes along when others are asked about, if it is nearly time":
    "needs a second job: see many_jobs.test.ts",
};

const job = { toolType: "upscaler", jobId: "1" };

/** Stands in for the locks and messages of tabs, which take moments that the rows do not know: tabs.test.ts has those. */
class HandTabs {
  role: "lead" | "follow" = "lead";
  readonly #names = new Set<string>();
  #events: Parameters<OpenTabs>[3] | null = null;

  readonly open: OpenTabs = (_page, _clock, _scope, events) => {
    this.#events = events;
    return {
      join: (name) => {
        if (this.#names.has(name)) return;
        this.#names.add(name);
        events[this.role]([name]);
      },
      leave: (name) => void this.#names.delete(name),
      setVisible: () => {},
      setListening: () => {},
      tellNews: () => {},
      askLeader: () => {},
      close: () => {},
    };
  };

  become(role: "lead" | "follow"): void {
    this.role = role;
    this.#events?.[role]([...this.#names]);
  }

  tell(reply: SyncReply): void {
    for (const name of this.#names) this.#events?.news(name, reply);
  }
}

/** Plays the rows on a page and gives what it does, in the words of the table. */
class StorePlayer {
  readonly browser = new FakeBrowser();
  readonly tab: FakeTab = this.browser.openTab();
  readonly flags = settableFlags({ WATCHDOG_ENABLED: true });
  readonly transport = new FakeTransport();
  readonly tabs = new HandTabs();
  readonly updates: WatchUpdate[] = [];
  readonly page;
  #handle: ReturnType<ReturnType<typeof openPage>["watchdog"]["watch"]> | null = null;
  #seen = { asks: 0, aborts: 0, updates: 0, pause: null as string | null };

  constructor(policy: Scenario["policy"]) {
    const { browser, tab, flags, transport } = this;
    const loadEngine = () => Promise.resolve(engineOn(core, this.tabs.open));
    this.page = openPage({ browser, tab, flags, transport, tabs: true, loadEngine, ...policy });
  }

  async play(row: GoldenRow): Promise<string> {
    this.browser.clock.draw = () => row.event.draw;
    const due = this.browser.clock.nextTimerAt;
    // A tick that is due is the page's own timer; one that comes late is a machine that slept.
    if (row.event.word === "tick" && due !== null && due <= row.at)
      await this.browser.clock.sleepUntil(row.at);
    else await this.browser.clock.advanceTo(row.at);
    this.#meet(row);
    await settle();
    return this.#said();
  }

  #meet({ event }: GoldenRow): void {
    const update = (told: WatchUpdate) => this.updates.push(told);
    const request = this.transport.requests[event.number - 1];
    const { status, reason, serverNow, deadlineAt } = event;
    const text = status === "completed" ? { outputUrl: event.rest } : { message: event.rest };
    if (event.word === "watch") {
      const before = this.#handle;
      this.#handle = this.page.watchdog.watch({ ...job, status }, { updated: update });
      before?.release();
    }
    if (event.word === "status" && status) this.#handle?.setStatus(status);
    if (event.word === "follow" || event.word === "lead") this.tabs.become(event.word);
    if (event.word === "reply" && event.number === 0) {
      this.tabs.tell({ status, reason, serverNow, deadlineAt, ...text });
    } else if (event.word === "reply") {
      request?.reply({ status, reason, serverNow, deadlineAt, ...(event.rest && text) });
    }
    if (event.word === "error") {
      request?.answer([new TransportError("golden", event.httpStatus, event.retryAfterMs)]);
    }
    if (event.word === "refresh") this.#handle?.refresh();
    if (event.word === "stop") {
      this.#handle?.release();
      this.#handle = null;
      this.#seen.pause = null;
    }
    if (event.word === "visible") this.tab.show();
    if (event.word === "hidden") this.tab.hide();
    if (event.word === "online") this.tab.goOnline();
    if (event.word === "offline") this.tab.goOffline();
    if (event.word === "flag_on") this.flags.set({ WATCHDOG_ENABLED: true });
    if (event.word === "flag_off") this.flags.set({ WATCHDOG_ENABLED: false });
  }

  #said(): string {
    const said: string[] = [];
    const aborts = this.transport.requests.filter(({ signal }) => signal.aborted).length;
    if (aborts > this.#seen.aborts) said.push("abort");
    for (const { kind, outputUrl, reason } of this.updates.slice(this.#seen.updates)) {
      said.push([kind, outputUrl, reason?.replace(/^http /, "refused ")].filter(Boolean).join(" "));
    }
    const { phase, pauseReason } = this.#handle?.getSnapshot() ?? { phase: "stopped", pauseReason: null };
    const isWatched = ["waiting", "watching", "overdue", "stopped"].includes(phase);
    if (pauseReason !== this.#seen.pause && isWatched)
      said.push(pauseReason ? `paused ${pauseReason}` : "resumed");
    const asks = this.transport.requests.length;
    if (asks > this.#seen.asks) said.push(`ask ${asks}`);
    const wakeAt = this.browser.clock.nextTimerAt;
    if (wakeAt !== null) said.push(`wake ${timeText(wakeAt)}`);
    this.#seen = { asks, aborts, updates: this.updates.length, pause: pauseReason };
    return said.join(", ") || "-";
  }
}

async function replay({ policy, rows }: Scenario): Promise<string[]> {
  const player = new StorePlayer(policy);
  const said: string[] = [];
  for (const row of rows) said.push(`${row.line}: ${await player.play(row)}`);
  return said;
}

const isPlayable = ({ name }: Scenario) => !(name in notForPages);

describe("the page does what core decides", () => {
  const scenarios = goldenScenarios();
  const playable = scenarios.filter(isPlayable);

  test("nearly all scenarios are played", () => {
    for (const name of Object.keys(notForPages))
      expect(scenarios.map((scenario) => scenario.name)).toContain(name);
    expect(scenarios.length - playable.length).toBe(Object.keys(notForPages).length);
  });

  test.each(playable.map((scenario) => [scenario.name, scenario] as const))("%s", async (_name, scenario) => {
    expect(await replay(scenario)).toEqual(scenario.rows.map(({ line, actions }) => `${line}: ${actions}`));
  });

  test("twin: a page with other numbers is noticed", async () => {
    const scenario = playable[0];
    if (!scenario) throw new Error("no scenario");
    const said = await replay({ ...scenario, policy: { ...scenario.policy, initialDelayMs: 31_000 } });
    expect(said).not.toEqual(scenario.rows.map(({ line, actions }) => `${line}: ${actions}`));
  });
});
