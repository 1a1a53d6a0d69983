// The only place that reads clocks, sets timers and draws random numbers; everything else is given a Clock.

export interface Clock {
  /** Milliseconds of a clock that only goes forward, from an origin of its own. */
  now(): number;
  /** The wall-clock time, in epoch milliseconds, of a moment of now(). For people to read; nothing is decided by it. */
  wallTimeAt(moment: number): number;
  /** A random whole number, 0 to 1000. */
  drawPermille(): number;
  /** Calls back once, at `moment` of now() or later. Gives the way to call it off. */
  wake(moment: number, callback: () => void): () => void;
}

/** Longer timers overflow in browsers and fire at once. */
const timerMsMax = 2 ** 31 - 1;

/** The clock of the browser (or of Node). */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTimeAt: (moment) => Math.round(Date.now() + moment - performance.now()),
  drawPermille: () => Math.floor(Math.random() * 1001),
  wake(moment, callback) {
    // A timer may fire a little early by this clock: never less than a millisecond, so that nobody spins.
    const delay = Math.min(Math.max(Math.ceil(moment - performance.now()), 1), timerMsMax);
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};
