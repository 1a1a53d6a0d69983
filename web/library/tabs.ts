// Of all tabs of one browser that watch a job, one visible tab asks about it and tells the others what it heard.
//
// One Web Lock a job, not one a browser: tabs often show different jobs, and the holder of a single lock would have to
// watch jobs of pages that it does not show. Only visible tabs compete, for hidden ones do not ask anyway. A holder says
// every few seconds that it is alive; when it falls silent (a frozen tab keeps its lock), another steals the lock. Two
// tabs that ask for a moment are harmless, none that asks is not.
import type { Clock } from "./clock.js";
import type { PageChannel, PageEnvironment, PageLocks } from "./page_environment.js";
import type { SyncReply } from "./transport.js";

export interface TabEvents {
  lead(names: readonly string[]): void;
  follow(names: readonly string[]): void;
  news(name: string, reply: SyncReply): void;
  refresh(name: string): void;
}

type Message =
  | { kind: "alive"; names: readonly string[] }
  | { kind: "news"; name: string; reply: SyncReply }
  | { kind: "refresh"; name: string };

interface Candidate {
  readonly name: string;
  isLeading: boolean;
  /** What the page was told last. */
  told: "lead" | "follow" | null;
  /** When the holder was last heard of. */
  heardAt: number;
  /** Takes the request for the lock back, or gives the lock back. */
  withdraw: (() => void) | null;
}

export const heartbeatMs = 5_000;
const missedBeatsMax = 3;
/** Locks are granted one by one; those of a moment are told together, so that their jobs are asked about together. */
const gatherMs = 20;

export class Tabs {
  readonly #locks: PageLocks;
  readonly #openChannel: () => PageChannel;
  #channel: PageChannel | null;
  readonly #clock: Clock;
  readonly #events: TabEvents;
  readonly #prefix: string;
  readonly #candidates = new Map<string, Candidate>();
  #isVisible = false;
  #cancelGather: (() => void) | null = null;
  #cancelBeat: (() => void) | null = null;
  #beatDueAt = 0;

  /** Null when this browser cannot do it: then every tab asks for itself. */
  static open(page: PageEnvironment, clock: Clock, scope: string, events: TabEvents): Tabs | null {
    const { locks, openChannel } = page;
    if (!locks || !openChannel) return null;
    try {
      return new Tabs(locks, openChannel, clock, scope, events);
    } catch {
      return null; // A page that may not use its storage may have no channel either.
    }
  }

  private constructor(
    locks: PageLocks,
    openChannel: NonNullable<PageEnvironment["openChannel"]>,
    clock: Clock,
    scope: string,
    events: TabEvents,
  ) {
    this.#locks = locks;
    this.#clock = clock;
    this.#events = events;
    this.#prefix = `jobwatchdog:${scope}:`;
    this.#openChannel = () =>
      openChannel(`jobwatchdog:${scope}`, (message) => this.#hear(message as Message));
    this.#channel = this.#openChannel();
  }

  /** This tab watches the job. In a moment it is told whether it leads. */
  join(name: string): void {
    if (this.#candidates.has(name)) return;
    const candidate: Candidate = { name, isLeading: false, told: null, heardAt: 0, withdraw: null };
    this.#candidates.set(name, candidate);
    if (this.#isVisible) this.#compete(candidate);
    this.#gather();
  }

  leave(name: string): void {
    const candidate = this.#candidates.get(name);
    if (!candidate) return;
    this.#candidates.delete(name);
    this.#withdraw(candidate);
    if (this.#candidates.size === 0) this.#stopTimers();
  }

  setVisible(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    const candidates = [...this.#candidates.values()];
    if (isVisible) {
      for (const candidate of candidates) this.#compete(candidate);
      return;
    }
    this.#stopTimers();
    for (const candidate of candidates) this.#withdraw(candidate);
    this.#settle();
  }

  /** A page in the back/forward cache may hold no channel open; a hidden one listens. */
  setListening(isListening: boolean): void {
    if (isListening) this.#channel ??= this.#openChannel();
    else this.#closeChannel();
  }

  tellNews(name: string, reply: SyncReply): void {
    this.#post({ kind: "news", name, reply });
  }

  /** A person wants to know now: whoever leads is to look. */
  askLeader(name: string): void {
    this.#post({ kind: "refresh", name });
  }

  close(): void {
    for (const candidate of this.#candidates.values()) this.#withdraw(candidate);
    this.#candidates.clear();
    this.#stopTimers();
    this.#closeChannel();
  }

  #compete(candidate: Candidate, steal = false): void {
    const controller = new AbortController();
    const options = steal ? { steal } : { signal: controller.signal };
    let isWanted = true;
    candidate.heardAt = this.#clock.now();
    candidate.withdraw = () => {
      isWanted = false;
      controller.abort();
    };
    const held = (): Promise<void> => {
      if (!isWanted) return Promise.resolve();
      return new Promise((release) => {
        candidate.withdraw = () => {
          isWanted = false;
          release();
        };
        this.#grant(candidate);
      });
    };
    this.#locks.request(this.#prefix + candidate.name, options, held).catch(() => {
      if (isWanted) this.#lose(candidate);
    });
    this.#beat();
  }

  #withdraw(candidate: Candidate): void {
    candidate.isLeading = false;
    candidate.withdraw?.();
    candidate.withdraw = null;
  }

  #grant(candidate: Candidate): void {
    candidate.isLeading = true;
    this.#gather();
  }

  #gather(): void {
    this.#cancelGather ??= this.#clock.wake(this.#clock.now() + gatherMs, () => this.#settle());
  }

  /** Tells who leads and who follows, where that is news. */
  #settle(): void {
    this.#cancelGather?.();
    this.#cancelGather = null;
    const names = { lead: [] as string[], follow: [] as string[] };
    for (const candidate of this.#candidates.values()) {
      const role = candidate.isLeading ? "lead" : "follow";
      if (candidate.told !== role) names[role].push(candidate.name);
      candidate.told = role;
    }
    if (names.follow.length > 0) this.#events.follow(names.follow);
    if (names.lead.length > 0) this.#events.lead(names.lead);
  }

  /** Another tab took the lock, for this one was silent; or the browser refuses locks. */
  #lose(candidate: Candidate): void {
    const wasLeading = candidate.isLeading;
    this.#withdraw(candidate);
    if (wasLeading) {
      this.#settle();
      this.#compete(candidate);
    } else {
      this.#grant(candidate);
    }
  }

  /** Says that this tab is alive, and looks whether the others are. */
  #beat(): void {
    this.#cancelBeat ??= this.#clock.wake(this.#clock.now() + heartbeatMs, () => {
      const now = this.#clock.now();
      const wasAsleep = now > this.#beatDueAt + heartbeatMs;
      this.#cancelBeat = null;
      const names = [...this.#candidates.values()]
        .filter(({ isLeading }) => isLeading)
        .map(({ name }) => name);
      if (names.length > 0) this.#post({ kind: "alive", names });
      for (const candidate of this.#candidates.values()) this.#judge(candidate, now, wasAsleep);
      this.#beat();
    });
    this.#beatDueAt = this.#clock.now() + heartbeatMs;
  }

  #judge(candidate: Candidate, now: number, wasAsleep: boolean): void {
    if (candidate.isLeading) return;
    if (wasAsleep) candidate.heardAt = now; // It was this tab that did not listen.
    if (now - candidate.heardAt <= missedBeatsMax * heartbeatMs) return;
    this.#withdraw(candidate);
    this.#compete(candidate, true);
  }

  #hear(message: Message): void {
    if (message?.kind === "alive" && Array.isArray(message.names)) {
      for (const name of message.names) this.#hearOf(name);
    } else if (message?.kind === "news") {
      this.#hearOf(message.name);
      this.#events.news(message.name, message.reply);
    } else if (message?.kind === "refresh" && this.#candidates.get(message.name)?.isLeading) {
      this.#events.refresh(message.name);
    }
  }

  #hearOf(name: string): void {
    const candidate = this.#candidates.get(name);
    if (candidate) candidate.heardAt = this.#clock.now();
  }

  #post(message: Message): void {
    this.#channel?.post(message);
  }

  #closeChannel(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  #stopTimers(): void {
    this.#cancelBeat?.();
    this.#cancelGather?.();
    this.#cancelBeat = null;
    this.#cancelGather = null;
  }
}
