// The watchdog of one page: all its watched jobs, outside React. Events in, core decides, effects out.
import { type Ask, Asker } from "./asker.js";
import type { Clock } from "./clock.js";
import type { CoreModule } from "./core_module.js";
import type { FlagSource } from "./flags.js";
import { JobList, type WatchEvent, type WatchPolicy, type WatchStep } from "./job_list.js";
import { followConditions, type PageConditions } from "./page_conditions.js";
import type { PageEnvironment } from "./page_environment.js";
import { choosePolicy } from "./policy.js";
import { Tabs } from "./tabs.js";
import { type SyncAnswer, type SyncReply, type Transport, TransportError } from "./transport.js";
import { type EventKind, isTerminal, type JobStatus, jobStatuses } from "./vocabulary.js";
import {
  idleSnapshot,
  type News,
  WatchedJob,
  type Watcher,
  type WatchSnapshot,
  type WatchUpdate,
} from "./watched_job.js";

export interface WatchRequest {
  toolType: string;
  jobId: string;
  /** What the page knows of it. A job that has ended is not watched. */
  status?: JobStatus | null | undefined;
}

/** One user of a watch. The watch goes on until its last user released it. */
export interface WatchHandle {
  getSnapshot(): WatchSnapshot;
  /** The page learned the status by itself. */
  setStatus(status: JobStatus): void;
  /** A person wants to know now. */
  refresh(): void;
  release(): void;
}

/** What createJobWatchdog() makes of its options. */
export interface PageParts {
  transport: Transport;
  flags: FlagSource;
  loadCore: () => Promise<CoreModule>;
  page: PageEnvironment;
  clock: Clock;
  /** Null: every tab asks for itself. */
  tabsScope: string | null;
  policy: Partial<WatchPolicy>;
  warn: (message: string) => void;
  trace?: ((what: string, detail: unknown) => void) | undefined;
}

export const watchName = (toolType: string, jobId: string): string => `${toolType}/${jobId}`;

/** The phases in which a job is asked about. Only then does this tab compete for it. */
const watchedPhases: readonly string[] = ["waiting", "watching", "overdue"];

export class PageWatchdog {
  readonly #parts: PageParts;
  readonly #asker: Asker;
  readonly #jobs = new Map<string, WatchedJob>();
  #module: CoreModule | null = null;
  #loading: Promise<void> | null = null;
  #isUnavailable = false;
  #list: JobList | null = null;
  #isRunning = false;
  #tabs: Tabs | null = null;
  #stopConditions: (() => void) | null = null;
  #stopFlags: (() => void) | null = null;
  #cancelWake: (() => void) | null = null;
  #wakeAt: number | null = null;
  #depth = 0;
  #messages: (() => void)[] = [];
  readonly #warned = new Set<string>();

  constructor(parts: PageParts) {
    this.#parts = parts;
    this.#asker = new Asker(parts.transport, (answers) => this.#drive(() => this.#takeAnswers(answers)));
  }

  /** Begins to watch a job, or joins a watch that is there. */
  watch(request: WatchRequest, watcher: Watcher = {}): WatchHandle {
    const name = watchName(request.toolType, request.jobId);
    const user = { ...watcher };
    let job = this.#jobs.get(name);
    if (job) {
      job.watchers.add(user);
      if (request.status) this.#setStatus(job, request.status);
    } else {
      job = this.#admit(name, request, user);
    }
    return this.#handle(job, user);
  }

  /** Where the watch of a job stands; the idle one when nobody watches it. */
  getSnapshot(toolType: string, jobId: string): WatchSnapshot {
    return this.#jobs.get(watchName(toolType, jobId))?.snapshot ?? idleSnapshot;
  }

  /** Stops everything at once. The page may watch again. */
  dispose(): void {
    this.#drive(() => {
      for (const job of [...this.#jobs.values()]) this.#dismiss(job);
    });
  }

  #handle(job: WatchedJob, user: Watcher): WatchHandle {
    return {
      getSnapshot: () => job.snapshot,
      setStatus: (status) => this.#setStatus(job, status),
      refresh: () => this.#refresh(job),
      release: () => {
        job.watchers.delete(user);
        // Later, so that a component that unmounts and mounts again in one go keeps its watch.
        queueMicrotask(() => {
          if (job.watchers.size === 0) this.#drive(() => this.#dismiss(job));
        });
      },
    };
  }

  #admit(name: string, { toolType, jobId, status }: WatchRequest, user: Watcher): WatchedJob {
    const known = jobStatuses.find((word) => word === status) ?? "pending";
    const job = new WatchedJob(name, { toolType, jobId }, known, this.#parts.clock.now());
    job.watchers.add(user);
    this.#jobs.set(name, job);
    this.#drive(() => {
      if (status) job.show({ source: "page" });
      if (isTerminal(known)) job.show({ phase: known });
      this.#stopFlags ??= this.#parts.flags.subscribe(() => this.#drive(() => this.#obeyFlags()));
      this.#obeyFlags();
    });
    return job;
  }

  #dismiss(job: WatchedJob): void {
    if (this.#jobs.get(job.name) !== job) return;
    if (job.key !== null) {
      this.#step(job, { kind: "stop" });
      this.#list?.remove(job.key);
      job.key = null;
    }
    this.#tabs?.leave(job.name);
    this.#jobs.delete(job.name);
    if (this.#jobs.size > 0) return;
    this.#rest();
    this.#stopFlags?.();
    this.#stopFlags = null;
  }

  #setStatus(job: WatchedJob, status: JobStatus): void {
    if (!jobStatuses.includes(status) || status === job.status) return;
    this.#drive(() => {
      if (isTerminal(job.status)) return;
      job.status = status;
      if (job.key !== null) this.#step(job, { kind: "status_changed", status }, { source: "page" });
      else
        this.#show(job, {
          source: "page",
          ...(isTerminal(status) && { phase: status, isPaused: false, pauseReason: null }),
        });
    });
  }

  #refresh(job: WatchedJob): void {
    this.#drive(() => {
      if (this.#isUnavailable) {
        this.#isUnavailable = false;
        this.#obeyFlags();
      }
      if (job.key === null) return;
      this.#step(job, { kind: "refresh" });
      if (job.snapshot.pauseReason === "another_tab") this.#tabs?.askLeader(job.name);
    });
  }

  // The road: every event comes through here, and what is to be told is told when core is done.

  #drive(work: () => void): void {
    ++this.#depth;
    try {
      work();
      if (this.#depth === 1) this.#setTimer();
    } catch (thrown) {
      this.#breakDown(thrown);
    } finally {
      --this.#depth;
    }
    while (this.#depth === 0 && this.#messages.length > 0) this.#deliver(this.#messages.shift());
  }

  /** A listener of the page that throws is the page's own error: it is shown as one, and stops nobody else. */
  #deliver(message: (() => void) | undefined): void {
    try {
      message?.();
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  #moment() {
    return { now: this.#parts.clock.now(), drawPermille: this.#parts.clock.drawPermille() };
  }

  #step(job: WatchedJob, event: WatchEvent, news?: News): void {
    if (job.key === null || !this.#list) return;
    this.#perform(job, this.#list.step(job.key, event, this.#moment()), event, news);
  }

  #stepAll(kind: EventKind): void {
    const byKey = new Map([...this.#jobs.values()].map((job) => [job.key, job]));
    for (const [key, step] of this.#list?.stepAll(kind, this.#moment()) ?? []) {
      const job = byKey.get(key);
      if (job) this.#perform(job, step, { kind });
    }
  }

  #perform(job: WatchedJob, step: WatchStep, event: WatchEvent, news?: News): void {
    this.#parts.trace?.(`${job.name} ${event.kind}`, step);
    if (step.abort && job.ask) this.#asker.drop(job.ask);
    if (step.abort) job.ask = null;
    if (step.report) this.#tell(job, job.update(step.report, event, news));
    if (step.ask !== 0) {
      job.ask = { job: job.ref, requestNumber: step.ask };
      this.#asker.ask(job.ask);
    }
    if (job.showStep(step, news, this.#parts.clock)) this.#tellChanged(job);
    this.#stand(job, step);
  }

  /** Competes for the job while it is asked about; not after, or a tab that gave up would keep the others from it. */
  #stand(job: WatchedJob, step: WatchStep): void {
    if (!this.#tabs) return;
    if (!watchedPhases.includes(step.phase)) this.#tabs.leave(job.name);
    else this.#tabs.join(job.name);
  }

  #tell(job: WatchedJob, update: WatchUpdate): void {
    job.status = update.status;
    for (const watcher of job.watchers) {
      this.#messages.push(() => {
        if (job.watchers.has(watcher)) watcher.updated?.(update);
      });
    }
  }

  #show(job: WatchedJob, changes: Partial<WatchSnapshot>): void {
    if (job.show(changes)) this.#tellChanged(job);
  }

  #tellChanged(job: WatchedJob): void {
    for (const watcher of job.watchers) {
      this.#messages.push(() => {
        if (job.watchers.has(watcher)) watcher.changed?.();
      });
    }
  }

  #setTimer(): void {
    const wakeAt = this.#isRunning ? (this.#list?.wakeAt() ?? null) : null;
    if (wakeAt === this.#wakeAt) return;
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#wakeAt = wakeAt;
    if (wakeAt === null) return;
    this.#cancelWake = this.#parts.clock.wake(wakeAt, () => {
      this.#wakeAt = null;
      this.#cancelWake = null;
      this.#drive(() => this.#stepAll("tick"));
    });
  }

  // Answers, from the server and from other tabs.

  #takeAnswers(answers: readonly (readonly [Ask, SyncAnswer])[]): void {
    for (const [ask, answer] of answers) {
      const job = [...this.#jobs.values()].find((candidate) => candidate.ask === ask);
      if (!job) continue; // Of a watch that has ended.
      job.ask = null;
      if (answer instanceof TransportError) {
        this.#parts.trace?.(`${job.name} was not answered`, answer);
        const { httpStatus, retryAfterMs } = answer;
        const event: WatchEvent = {
          kind: "error",
          requestNumber: ask.requestNumber,
          httpStatus,
          retryAfterMs,
        };
        this.#step(job, event, { source: "server", answer });
      } else {
        this.#takeReply(job, answer, ask.requestNumber, "server");
        this.#tabs?.tellNews(job.name, answer);
      }
    }
  }

  #takeReply(
    job: WatchedJob,
    answer: SyncReply,
    requestNumber: number,
    source: "server" | "another_tab",
  ): void {
    if (answer.status && !isTerminal(job.status)) job.status = answer.status;
    const { status, reason, serverNow, deadlineAt } = answer;
    this.#step(
      job,
      { kind: "reply", requestNumber, status, reason, serverNow, deadlineAt },
      { source, answer },
    );
  }

  // Beginning and resting.

  /** Does what the flags say now. */
  #obeyFlags(): void {
    if (!this.#parts.flags.get().WATCHDOG_ENABLED) this.#switchOff();
    else if (![...this.#jobs.values()].some((job) => !isTerminal(job.status))) return;
    else if (this.#isUnavailable) this.#showUnavailable();
    else if (!this.#module) this.#load();
    else this.#run(this.#module);
  }

  #obeyPolicy(module: CoreModule): void {
    const { policy, problems } = choosePolicy(module, this.#parts.flags.get(), this.#parts.policy);
    for (const problem of problems) this.#warnOnce(`${problem}. The default is used.`);
    if (this.#list) this.#list.setPolicy(policy);
    else this.#list = new JobList(module, policy);
  }

  #run(module: CoreModule): void {
    this.#obeyPolicy(module);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#openTabs();
      this.#stopConditions = followConditions(this.#parts.page, (conditions) =>
        this.#drive(() => this.#meet(conditions)),
      );
      this.#stepAll("flag_on");
    }
    for (const job of this.#jobs.values()) {
      if (job.key === null && !isTerminal(job.status)) this.#enlist(job);
    }
  }

  #enlist(job: WatchedJob): void {
    if (!this.#list) return;
    job.key = this.#list.add();
    // It was watched from the page's point of view since then; only core was not there to hear it.
    const begun = { now: job.since, drawPermille: 0 };
    this.#perform(job, this.#list.step(job.key, { kind: "watch", status: job.status }, begun), {
      kind: "watch",
    });
    this.#step(job, { kind: "tick" });
  }

  #openTabs(): void {
    const { page, clock, tabsScope } = this.#parts;
    if (tabsScope === null) return;
    const each = (names: readonly string[], work: (job: WatchedJob) => void) =>
      this.#drive(() => {
        for (const name of names) {
          const job = this.#jobs.get(name);
          if (job) work(job);
        }
      });
    this.#tabs = Tabs.open(page, clock, tabsScope, {
      lead: (names) => each(names, (job) => this.#step(job, { kind: "lead" })),
      follow: (names) => each(names, (job) => this.#step(job, { kind: "follow" })),
      news: (name, reply) => each([name], (job) => this.#takeReply(job, reply, 0, "another_tab")),
      refresh: (name) => each([name], (job) => this.#step(job, { kind: "refresh" })),
    });
  }

  #meet({ isVisible, isOnline, isGone }: PageConditions): void {
    this.#stepAll(isOnline ? "online" : "offline");
    this.#stepAll(isVisible ? "visible" : "hidden");
    this.#tabs?.setVisible(isVisible);
    this.#tabs?.setListening(!isGone);
  }

  #switchOff(): void {
    this.#isUnavailable = false;
    if (this.#isRunning) this.#stepAll("flag_off");
    this.#rest();
    for (const job of this.#jobs.values()) {
      if (job.key === null && !isTerminal(job.status)) {
        this.#show(job, { phase: "stopped", isPaused: true, pauseReason: "flag_off" });
      }
    }
  }

  /** No timers, listeners, locks or channels. */
  #rest(): void {
    this.#isRunning = false;
    this.#stopConditions?.();
    this.#stopConditions = null;
    this.#tabs?.close();
    this.#tabs = null;
  }

  // The module: loaded when the first job is watched; without it the page goes on.

  #load(): void {
    for (const job of this.#jobs.values()) {
      if (!isTerminal(job.status)) this.#show(job, { phase: "waiting", isPaused: false, pauseReason: null });
    }
    this.#loading ??= this.#parts.loadCore().then(
      (module) => this.#drive(() => this.#loaded(module)),
      (thrown) => this.#drive(() => this.#breakDown(thrown)),
    );
  }

  #loaded(module: CoreModule): void {
    this.#loading = null;
    this.#module = module;
    if (this.#jobs.size > 0) this.#obeyFlags();
  }

  /** The module could not be loaded, or stopped at a bug of ours. */
  #breakDown(thrown: unknown): void {
    this.#loading = null;
    this.#module = null;
    this.#list = null;
    this.#isUnavailable = true;
    this.#rest();
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#wakeAt = null;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    this.#warnOnce(`no job is watched, for the core cannot run: ${why}`, "unavailable");
    this.#showUnavailable();
  }

  #showUnavailable(): void {
    for (const job of this.#jobs.values()) {
      if (job.ask) this.#asker.drop(job.ask);
      job.ask = null;
      job.key = null;
      if (isTerminal(job.status)) continue;
      this.#show(job, { phase: "wasm_unavailable", nextCheckAt: null, isPaused: false, pauseReason: null });
    }
  }

  #warnOnce(message: string, key = message): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#parts.warn(`jobwatchdog: ${message}`);
  }
}
