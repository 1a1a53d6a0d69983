// The jobs that a page watches, by name, and how those who watch them are told.
import type { Road } from "./road.js";
import { isTerminal } from "./vocabulary.js";
import type { WatchedJob, WatchSnapshot, WatchUpdate } from "./watched_job.js";

export class WatchedJobs {
  readonly #byName = new Map<string, WatchedJob>();
  readonly #road: Road;

  constructor(road: Road) {
    this.#road = road;
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): WatchedJob | undefined {
    return this.#byName.get(name);
  }

  all(): WatchedJob[] {
    return [...this.#byName.values()];
  }

  /** Those that have not ended. */
  active(): WatchedJob[] {
    return this.all().filter((job) => !isTerminal(job.status));
  }

  add(job: WatchedJob): void {
    this.#byName.set(job.name, job);
  }

  remove(job: WatchedJob): void {
    this.#byName.delete(job.name);
  }

  show(job: WatchedJob, changes: Partial<WatchSnapshot>): void {
    if (job.show(changes)) this.tellChanged(job);
  }

  tellChanged(job: WatchedJob): void {
    for (const watcher of job.watchers) {
      this.#road.tell(() => job.watchers.has(watcher) && watcher.changed?.());
    }
  }

  tellUpdate(job: WatchedJob, update: WatchUpdate): void {
    job.status = update.status;
    for (const watcher of job.watchers) {
      this.#road.tell(() => job.watchers.has(watcher) && watcher.updated?.(update));
    }
  }
}
