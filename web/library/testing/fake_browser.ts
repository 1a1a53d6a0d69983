// A browser without a browser: tabs that can be hidden, frozen, left and killed, with locks and messages between them.
import type { Clock } from "../clock.js";
import type { PageChannel, PageEnvironment, PageLocks, PageSignal } from "../page_environment.js";
import { FakeClock } from "./fake_clock.js";
import { FakeLocks, type LockOwner } from "./fake_locks.js";

interface Receiver {
  readonly tab: FakeTab;
  readonly name: string;
  readonly heard: (message: unknown) => void;
}

/** One tab. Give `page` and `clock` to createJobWatchdog(). */
export class FakeTab {
  readonly page: PageEnvironment;
  readonly clock: Clock;
  readonly #browser: FakeBrowser;
  readonly #listeners = new Set<{ signal: PageSignal; callback: () => void }>();
  #isVisible = true;
  #isOnline = true;
  #isFrozen = false;
  #isClosed = false;
  #held: (() => void)[] = [];

  constructor(browser: FakeBrowser, locks: PageLocks | undefined) {
    this.#browser = browser;
    const { clock } = browser;
    this.clock = {
      now: () => clock.now(),
      wallTimeAt: (moment) => clock.wallTimeAt(moment),
      drawPermille: () => clock.drawPermille(),
      wake: (moment, callback) => this.#wake(moment, callback),
    };
    this.page = {
      isVisible: () => this.#isVisible,
      isOnline: () => this.#isOnline,
      listen: (signal, callback) => this.#listen(signal, callback),
      locks,
      openChannel: locks && ((name, heard) => browser.openChannel({ tab: this, name, heard })),
    };
  }

  hide(): void {
    this.#isVisible = false;
    this.#signal("visibilitychange");
  }

  show(): void {
    this.#isVisible = true;
    this.#signal("visibilitychange");
  }

  goOffline(): void {
    this.#isOnline = false;
    this.#signal("offline");
  }

  goOnline(): void {
    this.#isOnline = true;
    this.#signal("online");
  }

  focus(): void {
    this.#signal("focus");
  }

  /** The visitor went on to another page; this one is kept in the back/forward cache. */
  leave(): void {
    this.#signal("pagehide");
  }

  comeBack(): void {
    this.#signal("pageshow");
  }

  /** Stands still without being told, and keeps its locks. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Goes on; what should have happened meanwhile happens now. */
  thaw(): void {
    this.#isFrozen = false;
    const held = this.#held;
    this.#held = [];
    for (const work of held) this.run(work);
  }

  /** Is gone from one instruction to the next. */
  kill(): void {
    this.#isClosed = true;
    this.#browser.forget(this);
  }

  /** Does something in this tab: at once, after it thawed, or never. */
  run(work: () => void): void {
    if (this.#isClosed) return;
    if (this.#isFrozen) this.#held.push(work);
    else work();
  }

  /** Listeners that are registered. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  #listen(signal: PageSignal, callback: () => void): () => void {
    const listener = { signal, callback };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #signal(signal: PageSignal): void {
    for (const listener of [...this.#listeners]) if (listener.signal === signal) this.run(listener.callback);
  }

  #wake(moment: number, callback: () => void): () => void {
    let isWanted = true;
    const cancel = this.#browser.clock.wake(moment, () => {
      this.run(() => {
        if (isWanted) callback();
      });
    });
    return () => {
      isWanted = false;
      cancel();
    };
  }
}

export interface FakeBrowserOptions {
  clock?: FakeClock;
  /** How long the browser takes to grant a lock: a number for each request. At once without it. */
  lockDelayMs?: () => number;
}

export class FakeBrowser {
  readonly clock: FakeClock;
  readonly locks: FakeLocks;
  readonly #receivers = new Set<Receiver>();
  readonly #owners = new Map<FakeTab, LockOwner>();

  constructor({ clock = new FakeClock(), lockDelayMs }: FakeBrowserOptions = {}) {
    this.clock = clock;
    this.locks = new FakeLocks(lockDelayMs && ((grant) => clock.wake(clock.now() + lockDelayMs(), grant)));
  }

  /** `withLocks: false`: a browser that has neither Web Locks nor BroadcastChannel. */
  openTab({ withLocks = true }: { withLocks?: boolean } = {}): FakeTab {
    const owner = { run: (work: () => void) => tab.run(work) };
    const tab: FakeTab = new FakeTab(this, withLocks ? this.locks.of(owner) : undefined);
    this.#owners.set(tab, owner);
    return tab;
  }

  /** Channels that are open. */
  get channelCount(): number {
    return this.#receivers.size;
  }

  openChannel(receiver: Receiver): PageChannel {
    this.#receivers.add(receiver);
    return {
      post: (message) => this.#post(receiver, structuredClone(message)),
      close: () => this.#receivers.delete(receiver),
    };
  }

  forget(tab: FakeTab): void {
    for (const receiver of this.#receivers) if (receiver.tab === tab) this.#receivers.delete(receiver);
    const owner = this.#owners.get(tab);
    if (owner) this.locks.forget(owner);
  }

  #post(from: Receiver, message: unknown): void {
    for (const receiver of this.#receivers) {
      if (receiver === from || receiver.name !== from.name) continue;
      queueMicrotask(() => {
        receiver.tab.run(() => {
          if (this.#receivers.has(receiver)) receiver.heard(message);
        });
      });
    }
  }
}
