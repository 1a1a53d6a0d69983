// The watching itself, loaded with the core when it is needed: events in, core decides, effects out.
import { type Ask, Asker } from "./asker.js";
import type { Clock } from "./clock.js";
import { type CoreModule, loadCore } from "./core_module.js";
import type { FlagValues } from "./flags.js";
import { JobList, type WatchEvent, type WatchPolicy, type WatchStep } from "./job_list.js";
import { followConditions, type PageConditions } from "./page_conditions.js";
import type { PageEnvironment } from "./page_environment.js";
import { choosePolicy } from "./policy.js";
import type { Road } from "./road.js";
import { type TabEvents, Tabs } from "./tabs.js";
import { type SyncAnswer, type SyncReply, type Transport, TransportError } from "./transport.js";
import { type EventKind, isTerminal, type JobStatus } from "./vocabulary.js";
import type { WasmSource } from "./wasm_source.js";
import type { News, WatchedJob } from "./watched_job.js";
import type { WatchedJobs } from "./watched_jobs.js";

/** Where an engine works. */
export interface EngineSite {
  jobs: WatchedJobs;
  road: Road;
  transport: Transport;
  page: PageEnvironment;
  clock: Clock;
  /** Null: every tab asks for itself. */
  tabsScope: string | null;
  policy: Partial<WatchPolicy>;
  warnOnce(message: string): void;
  trace?: ((what: string, detail: unknown) => void) | undefined;
}

export type EngineMaker = (site: EngineSite) => Engine;

/** The phases in which a job is asked about. Only then does this tab compete for it. */
const watchedPhases: readonly string[] = ["waiting", "watching", "overdue"];

/** How an engine learns which tab asks; null when every tab asks for itself. */
export type OpenTabs = (
  page: PageEnvironment,
  clock: Clock,
  scope: string,
  events: TabEvents,
) => Pick<Tabs, "join" | "leave" | "setVisible" | "setListening" | "tellNews" | "askLeader" | "close"> | null;

/** Makes engines on a module that is loaded. */
export const engineOn =
  (module: CoreModule, openTabs: OpenTabs = Tabs.open): EngineMaker =>
  (site) =>
    new Engine(module, site, openTabs);

/** Loads the module. Rejects when it cannot be fetched, compiled or understood; a later call may try again. */
export async function loadEngine(source?: WasmSource): Promise<EngineMaker> {
  return engineOn(await loadCore(source));
}

export class Engine {
  readonly #module: CoreModule;
  readonly #site: EngineSite;
  readonly #openTabsOf: OpenTabs;
  readonly #asker: Asker;
  #list: JobList | null = null;
  #isRunning = false;
  #tabs: ReturnType<OpenTabs> = null;
  #stopConditions: (() => void) | null = null;
  #cancelWake: (() => void) | null = null;

  constructor(module: CoreModule, site: EngineSite, openTabs: OpenTabs) {
    this.#module = module;
    this.#site = site;
    this.#openTabsOf = openTabs;
    this.#asker = new Asker(site.transport, (answers) => site.road.drive(() => this.#takeAnswers(answers)));
  }

  /** Watches all jobs that have not ended, by these numbers. */
  run(flags: FlagValues): void {
    const list = this.#obeyPolicy(flags);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#openTabs();
      const meet = (conditions: PageConditions) => this.#site.road.drive(() => this.#meet(conditions));
      this.#stopConditions = followConditions(this.#site.page, meet);
      this.#stepAll("flag_on");
    }
    for (const job of this.#site.jobs.active()) if (job.key === null) this.#enlist(job, list);
  }

  /** The flag is off: what is under way is dropped, and nothing runs. */
  switchOff(): void {
    if (this.#isRunning) this.#stepAll("flag_off");
    this.rest();
  }

  /** No timers, listeners, locks or channels. */
  rest(): void {
    this.#isRunning = false;
    this.#stopConditions?.();
    this.#stopConditions = null;
    this.#tabs?.close();
    this.#tabs = null;
    this.setTimer();
  }

  /** It stopped at a bug: everything is dropped without asking core. */
  abandon(): void {
    this.#list = null;
    this.rest();
    for (const job of this.#site.jobs.all()) {
      if (job.ask) this.#asker.drop(job.ask);
      job.ask = null;
      job.key = null;
    }
  }

  forget(job: WatchedJob): void {
    if (job.key === null) return;
    this.#step(job, { kind: "stop" });
    this.#tabs?.leave(job.name);
    this.#list?.remove(job.key);
    job.key = null;
  }

  changeStatus(job: WatchedJob, status: JobStatus): void {
    this.#step(job, { kind: "status_changed", status }, { source: "page" });
  }

  /** A person wants to know now; when another tab asks, it is told so. */
  refresh(job: WatchedJob): void {
    this.#step(job, { kind: "refresh" });
    if (job.snapshot.pauseReason === "another_tab") this.#tabs?.askLeader(job.name);
  }

  /** One timer, for the earliest wake-up that core wishes. */
  setTimer(): void {
    const wakeAt = this.#isRunning ? (this.#list?.wakeAt() ?? null) : null;
    this.#cancelWake?.();
    this.#cancelWake = null;
    if (wakeAt === null) return;
    const tick = () => this.#site.road.drive(() => this.#stepAll("tick"));
    this.#cancelWake = this.#site.clock.wake(wakeAt, tick);
  }

  #obeyPolicy(flags: FlagValues): JobList {
    const { policy, problems } = choosePolicy(this.#module, flags, this.#site.policy);
    for (const problem of problems) this.#site.warnOnce(`${problem}. The default is used.`);
    this.#list?.setPolicy(policy);
    this.#list ??= new JobList(this.#module, policy);
    return this.#list;
  }

  #enlist(job: WatchedJob, list: JobList): void {
    job.key = list.add();
    // It was watched from the page's point of view since then; only core was not there to hear it.
    const event: WatchEvent = { kind: "watch", status: job.status };
    this.#perform(job, list.step(job.key, event, { now: job.since, drawPermille: 0 }), event);
    this.#step(job, { kind: "tick" });
  }

  #moment() {
    return { now: this.#site.clock.now(), drawPermille: this.#site.clock.drawPermille() };
  }

  #step(job: WatchedJob, event: WatchEvent, news?: News): void {
    if (job.key === null || !this.#list) return;
    this.#perform(job, this.#list.step(job.key, event, this.#moment()), event, news);
  }

  #stepAll(kind: EventKind): void {
    const byKey = new Map(this.#site.jobs.all().map((job) => [job.key, job]));
    for (const [key, step] of this.#list?.stepAll(kind, this.#moment()) ?? []) {
      const job = byKey.get(key);
      if (job) this.#perform(job, step, { kind });
    }
  }

  #perform(job: WatchedJob, step: WatchStep, event: WatchEvent, news?: News): void {
    const { jobs, clock, trace } = this.#site;
    trace?.(`${job.name} ${event.kind}`, step);
    if (step.abort && job.ask) this.#asker.drop(job.ask);
    if (step.abort) job.ask = null;
    if (step.report) jobs.tellUpdate(job, job.update(step.report, event, news));
    if (step.ask !== 0) {
      job.ask = { job: job.ref, requestNumber: step.ask };
      this.#asker.ask(job.ask);
    }
    if (job.showStep(step, news, clock)) jobs.tellChanged(job);
    // Competes only while it is asked about: a tab that gave up would keep the others from asking.
    if (watchedPhases.includes(step.phase)) this.#tabs?.join(job.name);
    else this.#tabs?.leave(job.name);
  }

  #takeAnswers(answers: readonly (readonly [Ask, SyncAnswer])[]): void {
    const byAsk = new Map(this.#site.jobs.all().map((job) => [job.ask, job]));
    for (const [ask, answer] of answers) {
      const job = byAsk.get(ask);
      if (!job) continue; // Of a watch that has ended.
      job.ask = null;
      if (answer instanceof TransportError) {
        this.#takeError(job, answer, ask.requestNumber);
      } else {
        this.#takeReply(job, answer, { requestNumber: ask.requestNumber, source: "server" });
        this.#tabs?.tellNews(job.name, answer);
      }
    }
  }

  #takeError(job: WatchedJob, answer: TransportError, requestNumber: number): void {
    this.#site.trace?.(`${job.name} was not answered`, answer);
    const { httpStatus, retryAfterMs } = answer;
    this.#step(job, { kind: "error", requestNumber, httpStatus, retryAfterMs }, { source: "server", answer });
  }

  #takeReply(
    job: WatchedJob,
    answer: SyncReply,
    from: Pick<News, "source"> & { requestNumber: number },
  ): void {
    const { status, reason, serverNow, deadlineAt } = answer;
    const { requestNumber, source } = from;
    if (status && !isTerminal(job.status)) job.status = status;
    this.#step(
      job,
      { kind: "reply", requestNumber, status, reason, serverNow, deadlineAt },
      { source, answer },
    );
  }

  #openTabs(): void {
    const { page, clock, tabsScope, jobs, road } = this.#site;
    if (tabsScope === null) return;
    const each = (names: readonly string[], work: (job: WatchedJob) => void) =>
      road.drive(() => {
        for (const job of names.map((name) => jobs.get(name))) if (job) work(job);
      });
    this.#tabs = this.#openTabsOf(page, clock, tabsScope, {
      lead: (names) => each(names, (job) => this.#step(job, { kind: "lead" })),
      follow: (names) => each(names, (job) => this.#step(job, { kind: "follow" })),
      news: (name, reply) =>
        each([name], (job) => this.#takeReply(job, reply, { requestNumber: 0, source: "another_tab" })),
      refresh: (name) => each([name], (job) => this.#step(job, { kind: "refresh" })),
    });
  }

  #meet({ isVisible, isOnline, isGone }: PageConditions): void {
    this.#stepAll(isOnline ? "online" : "offline");
    this.#stepAll(isVisible ? "visible" : "hidden");
    this.#tabs?.setVisible(isVisible);
    this.#tabs?.setListening(!isGone);
  }
}
