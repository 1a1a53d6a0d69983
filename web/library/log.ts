// The only place that writes to the console.

/** Told to the developer of the page: something is wrong. */
export function warn(message: string): void {
  console.warn(message);
}

/** Told when `debug` is on. */
export function debug(what: string, detail: unknown): void {
  console.debug(`jobwatchdog: ${what}`, detail);
}
