// What the watchdog needs of the browser around it, as an interface: tests and servers have none.

export type PageSignal =
  | "visibilitychange"
  | "focus"
  | "pageshow"
  | "pagehide"
  | "freeze"
  | "resume"
  | "online"
  | "offline";

/** navigator.locks, as far as it is used. */
export interface PageLocks {
  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

/** A BroadcastChannel, as far as it is used. */
export interface PageChannel {
  post(message: unknown): void;
  close(): void;
}

export interface PageEnvironment {
  isVisible(): boolean;
  isOnline(): boolean;
  /** Gives the way to stop listening. */
  listen(signal: PageSignal, callback: () => void): () => void;
  /** Missing where the browser has none, or on a page that is not secure. */
  readonly locks?: PageLocks | undefined;
  readonly openChannel?: ((name: string, heard: (message: unknown) => void) => PageChannel) | undefined;
}

function openBroadcast(name: string, heard: (message: unknown) => void): PageChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => heard(event.data);
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}

/** The page that this script runs in. Where there is no document, it counts as visible and online for ever. */
export function browserPage(): PageEnvironment {
  const hasDocument = typeof document !== "undefined" && typeof window !== "undefined";
  const targetOf = (signal: PageSignal): EventTarget =>
    signal === "visibilitychange" || signal === "freeze" || signal === "resume" ? document : window;
  return {
    isVisible: () => !hasDocument || document.visibilityState !== "hidden",
    isOnline: () => typeof navigator === "undefined" || navigator.onLine !== false,
    listen(signal, callback) {
      if (!hasDocument) return () => {};
      const target = targetOf(signal);
      target.addEventListener(signal, callback);
      return () => target.removeEventListener(signal, callback);
    },
    locks: hasDocument ? (navigator.locks as PageLocks | undefined) : undefined,
    openChannel: typeof BroadcastChannel === "undefined" ? undefined : openBroadcast,
  };
}
