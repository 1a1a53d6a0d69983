// A clock that stands still until a test moves it.
import type { Clock } from "../clock.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Lets everything happen that waits for promises only. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 25; ++turn) await Promise.resolve();
}

export class FakeClock implements Clock {
  /** What drawPermille() gives. */
  draw: () => number = () => 0;
  /** The wall-clock time at moment 0. */
  epochMs = 1_700_000_000_000;
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  wallTimeAt(moment: number): number {
    return this.epochMs + moment;
  }

  drawPermille(): number {
    return this.draw();
  }

  wake(at: number, callback: () => void): () => void {
    const timer = { at, order: ++this.#order, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** When the next one is due; null = none is set. */
  get nextTimerAt(): number | null {
    return this.#next()?.at ?? null;
  }

  /** Goes on, timer by timer. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }

  async advanceTo(moment: number): Promise<void> {
    await settle();
    for (let timer = this.#next(); timer && timer.at <= moment; timer = this.#next()) {
      this.#now = Math.max(this.#now, timer.at);
      await this.#fire(timer);
    }
    this.#now = Math.max(this.#now, moment);
  }

  /** The machine sleeps: timers that were due meanwhile fire late, when it is over. */
  async sleepUntil(moment: number): Promise<void> {
    await settle();
    this.#now = Math.max(this.#now, moment);
    await this.advanceTo(moment);
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer);
    timer.callback();
    await settle();
  }
}
