// What holds whatever happens in whatever order: random events over a page with several jobs, on the real core.
import fc from "fast-check";
import {
  type CoreModule,
  type SyncAnswer,
  settableFlags,
  TransportError,
  type WatchHandle,
} from "jobwatchdog";
import type { CoreEvent, CoreStep } from "jobwatchdog/core_module";
import { engineOn, FakeBrowser, FakeTransport, settle } from "jobwatchdog/testing";
import { eventKinds, jobStatuses, reportKinds, syncReasons } from "jobwatchdog/vocabulary";
import { describe, expect, test } from "vitest";
import { core, openPage, type TestPage } from "./support/page.js";

const jobIds = ["a", "b", "c"] as const;
type JobId = (typeof jobIds)[number];

type Event =
  | { what: "watch" | "release" | "refresh"; jobId: JobId }
  | { what: "status"; jobId: JobId; status: (typeof jobStatuses)[number] }
  | { what: "answer"; place: number; answer: SyncAnswer }
  | { what: "pass"; ms: number }
  | { what: "sleep"; ms: number }
  | { what: "hide" | "show" | "offline" | "online" | "leave" | "comeBack" | "focus" | "flagOn" | "flagOff" };

const jobId = fc.constantFrom(...jobIds);
const time = fc.integer({ min: 1_700_000_000_000, max: 1_700_002_000_000 });
const reply = fc.record(
  {
    status: fc.constantFrom(...jobStatuses),
    reason: fc.constantFrom(...syncReasons),
    serverNow: time,
    deadlineAt: time,
  },
  { requiredKeys: [] },
);
const failure = fc
  .tuple(fc.constantFrom(0, 401, 404, 429, 500, 503), fc.nat(700_000))
  .map(([httpStatus, retryAfterMs]) => new TransportError("random", httpStatus, retryAfterMs));

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom("watch", "release", "refresh"), jobId }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant("status"), jobId, status: fc.constantFrom(...jobStatuses) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant("answer"), place: fc.nat(), answer: fc.oneof(reply, failure) }),
  },
  { weight: 5, arbitrary: fc.record({ what: fc.constant("pass"), ms: fc.nat(120_000) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("sleep"), ms: fc.nat(10_000_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom(
        "hide",
        "show",
        "offline",
        "online",
        "leave",
        "comeBack",
        "focus",
        "flagOn",
        "flagOff",
      ),
    }),
  },
) as fc.Arbitrary<Event>;

interface WitnessOptions {
  tabs: boolean;
  module?: CoreModule;
}

/** What a page did, and the laws that it broke. */
class Witness {
  readonly browser = new FakeBrowser();
  readonly transport = new FakeTransport();
  readonly flags = settableFlags({ WATCHDOG_ENABLED: true });
  readonly page: TestPage;
  readonly broken: string[] = [];
  readonly handles = new Map<JobId, WatchHandle>();
  readonly #ended = new Map<JobId, string>();

  constructor({ tabs, module = core }: WitnessOptions) {
    const { browser, transport, flags } = this;
    this.page = openPage({ browser, transport, tabs, flags, loadEngine: async () => engineOn(module) });
  }

  async play(happens: Event): Promise<void> {
    const { tab } = this.page;
    if (happens.what === "watch") this.#watch(happens.jobId);
    if (happens.what === "release") await this.#release(happens.jobId);
    if (happens.what === "refresh") this.handles.get(happens.jobId)?.refresh();
    if (happens.what === "status") this.handles.get(happens.jobId)?.setStatus(happens.status);
    if (happens.what === "answer") this.#answer(happens.place, happens.answer);
    if (happens.what === "pass") await this.browser.clock.advance(happens.ms);
    if (happens.what === "sleep") await this.browser.clock.sleepUntil(this.browser.clock.now() + happens.ms);
    if (happens.what === "hide") tab.hide();
    if (happens.what === "show") tab.show();
    if (happens.what === "offline") tab.goOffline();
    if (happens.what === "online") tab.goOnline();
    if (happens.what === "leave") tab.leave();
    if (happens.what === "comeBack") tab.comeBack();
    if (happens.what === "focus") tab.focus();
    if (happens.what === "flagOn") this.flags.set({ WATCHDOG_ENABLED: true });
    if (happens.what === "flagOff") this.flags.set({ WATCHDOG_ENABLED: false });
    await settle();
    this.#look(happens);
  }

  async releaseAll(): Promise<void> {
    for (const id of jobIds) await this.#release(id);
    if (this.browser.clock.timerCount > 0) this.broken.push("a timer lives after all are released");
    if (this.page.tab.listenerCount > 0) this.broken.push("a listener lives after all are released");
    if (this.browser.locks.heldNames.length > 0) this.broken.push("a lock is held after all are released");
    if (this.browser.channelCount > 0) this.broken.push("a channel is open after all are released");
    if (this.transport.openRequests.length > 0) this.broken.push("a request lives after all are released");
  }

  #watch(id: JobId): void {
    if (this.handles.has(id)) return;
    this.#ended.delete(id);
    const told = new Map<string, number>();
    let isReleased = false;
    const handle = this.page.watchdog.watch(
      { toolType: "upscaler", jobId: id, status: "running" },
      {
        changed: () => {
          if (isReleased) this.broken.push(`${id} changed after its release`);
        },
        updated: ({ kind }) => {
          told.set(kind, (told.get(kind) ?? 0) + 1);
          if (isReleased) this.broken.push(`${id} was told ${kind} after its release`);
          if ((told.get(kind) ?? 0) > 1) this.broken.push(`${id} was told ${kind} twice`);
          if (this.#ended.has(id)) this.broken.push(`${id} was told ${kind} after ${this.#ended.get(id)}`);
          if (["completed", "failed", "cancelled"].includes(kind)) this.#ended.set(id, kind);
        },
      },
    );
    const release = handle.release;
    handle.release = () => {
      isReleased = true;
      release();
    };
    this.handles.set(id, handle);
  }

  async #release(id: JobId): Promise<void> {
    this.handles.get(id)?.release();
    this.handles.delete(id);
    await settle();
  }

  #answer(place: number, answer: SyncAnswer): void {
    // Any request, also one that was answered or dropped: networks do that.
    const request = this.transport.requests[place % (this.transport.requests.length || 1)];
    request?.answer(request.jobs.map(() => answer));
  }

  #look(happens: Event): void {
    const said = ` (after ${JSON.stringify(happens)})`;
    for (const id of jobIds) {
      const open = this.transport.openRequests.filter(({ jobs }) => jobs.some((job) => job.jobId === id));
      // A batch goes on for its other jobs when this one was dropped from it.
      const alone = open.filter(({ jobs }) => jobs.length === 1);
      if (alone.length > 1) this.broken.push(`${id} is asked about twice at once${said}`);
      const snapshot = this.handles.get(id)?.getSnapshot();
      if (snapshot && snapshot.isPaused !== (snapshot.pauseReason !== null)) {
        this.broken.push(`${id} contradicts itself about its pause${said}`);
      }
      if (snapshot && this.#ended.has(id) && snapshot.phase !== this.#ended.get(id)) {
        this.broken.push(`${id} left its end${said}`);
      }
    }
    const next = this.browser.clock.nextTimerAt;
    if (next !== null && next < this.browser.clock.now()) this.broken.push(`a timer lies in the past${said}`);
    if (this.page.warnings.length > 0) this.broken.push(`${this.page.warnings[0]}${said}`);
  }
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.info(`random_events: SEED=${seed}`);

async function playAll(events: readonly Event[], options: WitnessOptions): Promise<Witness> {
  const witness = new Witness(options);
  for (const happens of [{ what: "watch", jobId: "a" } as const, ...events]) await witness.play(happens);
  await witness.releaseAll();
  return witness;
}

describe.each([false, true])("with tabs: %s", (tabs) => {
  test("no law is broken by any order of events", async () => {
    let asks = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        const witness = await playAll(events, { tabs });
        asks += witness.transport.requests.length;
        expect(witness.broken).toEqual([]);
      }),
      { seed, numRuns: Number(process.env.RUNS ?? 1_500) },
    );
    // The events reach the server at all.
    expect(asks).toBeGreaterThan(600);
  }, 60_000);
});

/** The real module, but each step of a job goes through `change`. */
function bentCore(change: (step: CoreStep, event: CoreEvent) => CoreStep): CoreModule {
  const stepJob: CoreModule["stepJob"] = (list, key, happens, now, draw) =>
    change(core.stepJob(list, key, happens, now, draw), happens);
  return Object.assign(Object.create(core), { stepJob });
}

describe("twin: noticed is a core that", () => {
  test.each<[string, CoreModule, RegExp]>([
    [
      "asks at each refresh, whatever is under way",
      bentCore((step, { kind }) =>
        kind === eventKinds.indexOf("refresh") ? { ...step, ask: 99, abort: false } : step,
      ),
      /asked about twice/,
    ],
    [
      "tells a delay at each refresh",
      bentCore((step, { kind }) =>
        kind === eventKinds.indexOf("refresh") ? { ...step, report: reportKinds.indexOf("overdue") } : step,
      ),
      /told overdue twice/,
    ],
    [
      "does not drop what is under way when a job is left",
      bentCore((step, { kind }) => (kind === eventKinds.indexOf("stop") ? { ...step, abort: false } : step)),
      /request lives after/,
    ],
  ])(
    "%s",
    async (_what, module, complaint) => {
      const found = await fc.check(
        fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
          const { broken } = await playAll(events, { tabs: false, module });
          return !broken.some((words) => complaint.test(words));
        }),
        { seed, numRuns: 600, endOnFailure: true },
      );
      expect(found.failed).toBe(true);
    },
    60_000,
  );
});
