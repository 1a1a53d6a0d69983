// Web Locks among the tabs of one fake browser.
import type { PageLocks } from "../page_environment.js";

/** Who holds locks: a tab. What it is told reaches it when it runs. */
export interface LockOwner {
  run(work: () => void): void;
}

interface Request {
  readonly owner: LockOwner;
  readonly held: () => Promise<void>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface Lock {
  holder: Request | null;
  waiting: Request[];
}

const aborted = () => new DOMException("The lock was taken away or is not wanted any more", "AbortError");

export class FakeLocks {
  readonly #locks = new Map<string, Lock>();
  readonly #later: (grant: () => void) => void;

  /** `later` says when a lock that is free is granted; without it, in the next microtask. */
  constructor(later: (grant: () => void) => void = queueMicrotask) {
    this.#later = later;
  }

  /** navigator.locks as one tab sees it. */
  of(owner: LockOwner): PageLocks {
    return { request: (name, options, held) => this.#request(owner, name, options, held) };
  }

  /** Names that somebody holds. */
  get heldNames(): string[] {
    return [...this.#locks].filter(([, lock]) => lock.holder).map(([name]) => name);
  }

  /** The tab is gone, and with it all that it held or waited for. */
  forget(owner: LockOwner): void {
    for (const [name, lock] of this.#locks) {
      lock.waiting = lock.waiting.filter((request) => request.owner !== owner);
      if (lock.holder?.owner === owner) lock.holder = null;
      this.#grant(name);
    }
  }

  #request(
    owner: LockOwner,
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    held: () => Promise<void>,
  ): Promise<unknown> {
    const lock = this.#locks.get(name) ?? { holder: null, waiting: [] };
    this.#locks.set(name, lock);
    return new Promise((resolve, reject) => {
      const request: Request = { owner, held, resolve, reject };
      options.signal?.addEventListener("abort", () => {
        if (!lock.waiting.includes(request)) return;
        lock.waiting = lock.waiting.filter((waiting) => waiting !== request);
        reject(aborted());
      });
      if (options.steal) {
        lock.waiting.unshift(request);
        const robbed = lock.holder;
        robbed?.owner.run(() => robbed.reject(aborted()));
        lock.holder = null;
      } else {
        lock.waiting.push(request);
      }
      this.#later(() => this.#grant(name));
    });
  }

  #grant(name: string): void {
    const lock = this.#locks.get(name);
    if (!lock || lock.holder) return;
    const request = lock.waiting.shift();
    if (!request) return;
    lock.holder = request;
    request.owner.run(() => {
      request.held().then((value) => {
        request.resolve(value);
        if (lock.holder !== request) return;
        lock.holder = null;
        this.#grant(name);
      });
    });
  }
}
