// Counts the timers of a page that are still to come, so that a test can say that there are none.

declare global {
  interface Window {
    /** Set by countTimers(). */
    pendingTimers?: Set<number>;
  }
}

/** Runs in the page, before its own scripts; it is sent there as text, so it uses nothing from around it. */
export function countTimers(): void {
  const pending = new Set<number>();
  const { setTimeout: set, clearTimeout: clear, setInterval: repeat, clearInterval: stop } = window;
  window.pendingTimers = pending;
  window.setTimeout = ((callback: () => void, ms?: number) => {
    const timer = set(() => {
      pending.delete(timer);
      callback();
    }, ms);
    pending.add(timer);
    return timer;
  }) as typeof window.setTimeout;
  window.clearTimeout = (timer) => {
    pending.delete(Number(timer));
    clear(timer);
  };
  window.setInterval = ((callback: () => void, ms?: number) => {
    const timer = repeat(callback, ms);
    pending.add(timer);
    return timer;
  }) as typeof window.setInterval;
  window.clearInterval = (timer) => {
    pending.delete(Number(timer));
    stop(timer);
  };
}
