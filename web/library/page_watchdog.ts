// The watchdog of one page, outside React: who watches what, whether the flag is on, and whether the engine is there.
import type { Engine, EngineMaker, EngineSite } from "./engine.js";
import type { FlagSource } from "./flags.js";
import { Road } from "./road.js";
import { isTerminal, type JobStatus, jobStatuses } from "./vocabulary.js";
import { idleSnapshot, WatchedJob, type Watcher, type WatchSnapshot } from "./watched_job.js";
import { WatchedJobs } from "./watched_jobs.js";

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
export interface PageParts extends Omit<EngineSite, "jobs" | "road" | "warnOnce"> {
  flags: FlagSource;
  loadEngine: () => Promise<EngineMaker>;
  warn: (message: string) => void;
}

const nameOf = (toolType: string, jobId: string): string => `${toolType}/${jobId}`;

const notPaused = { isPaused: false, pauseReason: null } as const;

export class PageWatchdog {
  readonly #parts: PageParts;
  readonly #road = new Road(
    () => this.#engine?.setTimer(),
    (thrown) => this.#breakDown(thrown),
  );
  readonly #jobs = new WatchedJobs(this.#road);
  readonly #warned = new Set<string>();
  #engine: Engine | null = null;
  #isLoading = false;
  #isUnavailable = false;
  #stopFlags: (() => void) | null = null;

  constructor(parts: PageParts) {
    this.#parts = parts;
  }

  /** Begins to watch a job, or joins a watch that is there. */
  watch(request: WatchRequest, watcher: Watcher = {}): WatchHandle {
    const user = { ...watcher };
    const known = this.#jobs.get(nameOf(request.toolType, request.jobId));
    const job = known ?? this.#admit(request);
    job.watchers.add(user);
    if (known && request.status) this.#setStatus(known, request.status);
    if (!known) this.#road.drive(() => this.#begin(job));
    return this.#handle(job, user);
  }

  /** Where the watch of a job stands; the idle one when nobody watches it. */
  getSnapshot(toolType: string, jobId: string): WatchSnapshot {
    return this.#jobs.get(nameOf(toolType, jobId))?.snapshot ?? idleSnapshot;
  }

  /** Stops everything at once. The page may watch again. */
  dispose(): void {
    this.#road.drive(() => {
      for (const job of this.#jobs.all()) {
        this.#dismiss(job);
        this.#jobs.tellChanged(job);
      }
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
          if (job.watchers.size === 0) this.#road.drive(() => this.#dismiss(job));
        });
      },
    };
  }

  #admit({ toolType, jobId, status }: WatchRequest): WatchedJob {
    const known = jobStatuses.find((word) => word === status);
    const name = nameOf(toolType, jobId);
    const job = new WatchedJob(name, { toolType, jobId }, known ?? "pending", this.#parts.clock.now());
    if (known) job.show({ source: "page" });
    if (known && isTerminal(known)) job.show({ phase: known });
    this.#jobs.add(job);
    return job;
  }

  #begin(job: WatchedJob): void {
    this.#jobs.tellChanged(job);
    this.#stopFlags ??= this.#parts.flags.subscribe(() => this.#road.drive(() => this.#obeyFlags()));
    this.#obeyFlags();
  }

  #dismiss(job: WatchedJob): void {
    if (this.#jobs.get(job.name) !== job) return;
    this.#engine?.forget(job);
    this.#jobs.remove(job);
    if (this.#jobs.size > 0) return;
    this.#engine?.rest();
    this.#stopFlags?.();
    this.#stopFlags = null;
  }

  #setStatus(job: WatchedJob, status: JobStatus): void {
    if (!jobStatuses.includes(status) || status === job.status || isTerminal(job.status)) return;
    this.#road.drive(() => {
      job.status = status;
      if (job.key !== null) this.#engine?.changeStatus(job, status);
      else
        this.#jobs.show(job, { source: "page", ...(isTerminal(status) && { phase: status, ...notPaused }) });
    });
  }

  #refresh(job: WatchedJob): void {
    this.#road.drive(() => {
      if (this.#isUnavailable) {
        this.#isUnavailable = false;
        this.#obeyFlags();
      }
      this.#engine?.refresh(job);
    });
  }

  #obeyFlags(): void {
    const flags = this.#parts.flags.get();
    if (!flags.WATCHDOG_ENABLED) this.#switchOff();
    else if (this.#jobs.active().length === 0) return;
    else if (this.#isUnavailable)
      this.#showAll({ phase: "wasm_unavailable", nextCheckAt: null, ...notPaused });
    else if (this.#engine) this.#engine.run(flags);
    else this.#load();
  }

  #switchOff(): void {
    this.#isUnavailable = false;
    this.#engine?.switchOff();
    this.#showAll({ phase: "stopped", isPaused: true, pauseReason: "flag_off" });
  }

  /** What holds for jobs that core does not know, and that have not ended. */
  #showAll(changes: Partial<WatchSnapshot>): void {
    for (const job of this.#jobs.active()) if (job.key === null) this.#jobs.show(job, changes);
  }

  #load(): void {
    this.#showAll({ phase: "waiting", ...notPaused });
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#parts.loadEngine().then(
      (make) => this.#road.drive(() => this.#loaded(make)),
      (thrown) => this.#road.drive(() => this.#breakDown(thrown)),
    );
  }

  #loaded(make: EngineMaker): void {
    this.#isLoading = false;
    const warnOnce = (message: string) => this.#warnOnce(message);
    this.#engine = make({ ...this.#parts, jobs: this.#jobs, road: this.#road, warnOnce });
    if (this.#jobs.size > 0) this.#obeyFlags();
  }

  /** The core could not be loaded, or stopped at a bug. The page goes on without; refresh() or the flag tries again. */
  #breakDown(thrown: unknown): void {
    this.#isLoading = false;
    this.#isUnavailable = true;
    this.#engine?.abandon();
    this.#engine = null;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    this.#warnOnce(`no job is watched, for the core cannot run: ${why}`, "unavailable");
    this.#showAll({ phase: "wasm_unavailable", nextCheckAt: null, ...notPaused });
  }

  #warnOnce(message: string, key = message): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#parts.warn(`jobwatchdog: ${message}`);
  }
}
