// Whether somebody can see the page and whether it has a network: read anew at every sign that it may have changed.
import type { PageEnvironment, PageSignal } from "./page_environment.js";

export interface PageConditions {
  isVisible: boolean;
  isOnline: boolean;
  /** Left, perhaps for the browser's back/forward cache, where nothing may be held. */
  isGone: boolean;
}

const leavingSignals: readonly PageSignal[] = ["pagehide", "freeze"];
const lookingSignals: readonly PageSignal[] = [
  "visibilitychange",
  "focus",
  "pageshow",
  "resume",
  "online",
  "offline",
];

/** Tells the conditions now and at every sign. Telling the same twice is harmless. Gives the way to stop. */
export function followConditions(
  page: PageEnvironment,
  tell: (conditions: PageConditions) => void,
): () => void {
  const look = (isGone: boolean) =>
    tell({ isVisible: !isGone && page.isVisible(), isOnline: page.isOnline(), isGone });
  const stops = [
    ...leavingSignals.map((signal) => page.listen(signal, () => look(true))),
    ...lookingSignals.map((signal) => page.listen(signal, () => look(false))),
  ];
  look(false);
  return () => {
    for (const stop of stops) stop();
  };
}
