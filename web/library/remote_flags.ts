// Flags from a server that speaks OFREP, asked again and again while somebody watches.
import { type Clock, systemClock } from "./clock.js";
import { defaultFlags, type FlagSource, type FlagValues } from "./flags.js";
import * as log from "./log.js";
import { browserPage, type PageEnvironment } from "./page_environment.js";
import { readRetryAfter } from "./reply_reader.js";

export interface RemoteFlagsOptions {
  /** The server; "/ofrep/v1/evaluate/flags" is added. "" = the page's own origin. */
  url: string;
  /** For targeting: {targetingKey: userId, ...}. */
  context?: () => Record<string, unknown>;
  /** For each request, e.g. {Authorization: `Bearer ${token}`}. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Rest between two requests: the longest time that a toggle takes to arrive. 30 000 without it, never below 1 000. */
  pollIntervalMs?: number;
  fetch?: typeof fetch;
  clock?: Clock;
  page?: PageEnvironment;
  warn?: (message: string) => void;
}

export interface RemoteFlags extends FlagSource {
  /** DEFAULT: nothing was heard yet. STATIC: as last heard. STALE: last heard, but the server fails now. ERROR: it never answered. */
  reason(): "DEFAULT" | "STATIC" | "STALE" | "ERROR";
}

const requestMsMax = 10_000;
const retryAfterMsMax = 600_000;

/** The flags of ours in a bulk evaluation; what is missing or of another type keeps its default. */
function readFlags(body: unknown): FlagValues {
  const evaluations = (body as { flags?: unknown } | null)?.flags;
  if (!Array.isArray(evaluations)) throw new Error("the reply has no `flags`");
  const values: FlagValues & Record<string, unknown> = { ...defaultFlags };
  for (const evaluation of evaluations as { key?: unknown; value?: unknown }[]) {
    const key = String(evaluation?.key);
    if (key in defaultFlags && typeof evaluation.value === typeof values[key]) values[key] = evaluation.value;
  }
  return values;
}

class RemoteFlagSource implements RemoteFlags {
  readonly #options: RemoteFlagsOptions;
  readonly #clock: Clock;
  readonly #page: PageEnvironment;
  readonly #listeners = new Set<() => void>();
  #values: FlagValues = { ...defaultFlags };
  #reason: "DEFAULT" | "STATIC" | "STALE" | "ERROR" = "DEFAULT";
  #etag: string | null = null;
  #dueAt = 0;
  #hasWarned = false;
  #controller: AbortController | null = null;
  #cancelWake: (() => void) | null = null;
  #stopListening: (() => void) | null = null;

  constructor(options: RemoteFlagsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#page = options.page ?? browserPage();
  }

  get(): FlagValues {
    return this.#values;
  }

  reason() {
    return this.#reason;
  }

  subscribe(changed: () => void): () => void {
    const listener = () => changed();
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  #start(): void {
    this.#stopListening = this.#page.listen("visibilitychange", () => this.#look());
    this.#look();
  }

  #stop(): void {
    this.#stopListening?.();
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#controller?.abort();
    this.#controller = null;
  }

  /** Asks when it is time and the page is seen; else comes back when it will be. */
  #look(): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    if (!this.#page.isVisible() || this.#controller) return;
    if (this.#clock.now() >= this.#dueAt) void this.#ask();
    else this.#cancelWake = this.#clock.wake(this.#dueAt, () => this.#look());
  }

  async #ask(): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    const cancelTimeout = this.#clock.wake(this.#clock.now() + requestMsMax, () => controller.abort());
    let rest = Math.max(this.#options.pollIntervalMs ?? 30_000, 1_000) || 30_000;
    try {
      rest = Math.max(rest, await this.#exchange(controller.signal));
    } catch (thrown) {
      if (this.#controller === controller) this.#fail(thrown);
    }
    cancelTimeout();
    if (this.#controller !== controller) return; // Stopped meanwhile.
    this.#controller = null;
    this.#dueAt = this.#clock.now() + rest;
    this.#look();
  }

  /** One request; gives how long the server wants to be left alone. */
  async #exchange(signal: AbortSignal): Promise<number> {
    const { url, context, headers } = this.#options;
    const response = await (this.#options.fetch ?? fetch)(
      `${url.replace(/\/$/, "")}/ofrep/v1/evaluate/flags`,
      {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(this.#etag !== null && { "If-None-Match": this.#etag }),
          ...(await headers?.()),
        },
        body: JSON.stringify({ context: context?.() ?? {} }),
        signal,
      },
    );
    const retryAfter = Math.min(readRetryAfter(response.headers), retryAfterMsMax);
    if (response.ok) {
      const values = readFlags(await response.json());
      if (signal.aborted) return 0;
      this.#etag = response.headers.get("etag");
      this.#take(values);
    } else if (response.status === 304) {
      this.#reason = "STATIC";
    } else {
      this.#fail(new Error(`http ${response.status}`));
    }
    return retryAfter;
  }

  #take(values: FlagValues): void {
    const names = Object.keys(values) as (keyof FlagValues)[];
    const isNews = names.some((name) => values[name] !== this.#values[name]);
    this.#values = values;
    this.#reason = "STATIC";
    if (isNews) for (const listener of [...this.#listeners]) listener();
  }

  #fail(thrown: unknown): void {
    this.#reason = this.#reason === "STATIC" || this.#reason === "STALE" ? "STALE" : "ERROR";
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    (this.#options.warn ?? log.warn)(
      `jobwatchdog: the flags cannot be read (${why}); the last ones known are kept`,
    );
  }
}

/** Flags by OFREP's bulk evaluation, with ETag. Until the server answered, the watchdog is off. */
export function remoteFlags(options: RemoteFlagsOptions): RemoteFlags {
  return new RemoteFlagSource(options);
}
