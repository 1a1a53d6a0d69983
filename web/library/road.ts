// The one road: work that begins while other work goes on belongs to it, and the page is told when all of it is done.

export class Road {
  readonly #finish: () => void;
  readonly #breakDown: (thrown: unknown) => void;
  readonly #messages: (() => void)[] = [];
  #depth = 0;

  /** `finish` is called behind the last work, before anybody is told; `breakDown` when work throws: a bug of ours. */
  constructor(finish: () => void, breakDown: (thrown: unknown) => void) {
    this.#finish = finish;
    this.#breakDown = breakDown;
  }

  drive(work: () => void): void {
    ++this.#depth;
    try {
      work();
      if (this.#depth === 1) this.#finish();
    } catch (thrown) {
      this.#breakDown(thrown);
    } finally {
      --this.#depth;
    }
    while (this.#depth === 0 && this.#messages.length > 0) this.#deliver(this.#messages.shift());
  }

  /** Told to the page when the work is done. The page may drive again from there. */
  tell(message: () => void): void {
    this.#messages.push(message);
  }

  /** A listener that throws is the page's own error: it is shown as one, and stops nobody else. */
  #deliver(message: (() => void) | undefined): void {
    try {
      message?.();
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
