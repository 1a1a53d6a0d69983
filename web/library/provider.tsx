// Gives the page's watchdog to the components below it.
"use client";
import { createContext, type ReactNode, useContext } from "react";
import type { JobWatchdog } from "./create.js";

const JobWatchdogContext = createContext<JobWatchdog | null>(null);

export interface JobWatchdogProviderProps {
  /** Made once, outside of components, by createJobWatchdog(). */
  watchdog: JobWatchdog;
  children?: ReactNode;
}

export function JobWatchdogProvider({ watchdog, children }: JobWatchdogProviderProps) {
  return <JobWatchdogContext.Provider value={watchdog}>{children}</JobWatchdogContext.Provider>;
}

/** The page's watchdog; `own` instead, when given. */
export function usePageWatchdog(own?: JobWatchdog): JobWatchdog {
  const provided = useContext(JobWatchdogContext);
  const watchdog = own ?? provided;
  if (watchdog) return watchdog;
  throw new Error(
    "useJobWatchdog: this component has no <JobWatchdogProvider> above it. " +
      "Wrap the page in <JobWatchdogProvider watchdog={createJobWatchdog({...})}>, or give {watchdog} as the hook's options.",
  );
}
