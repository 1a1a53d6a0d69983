// The React hook: a window onto one watch of the page's watchdog. It decides nothing.
"use client";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { JobWatchdog } from "./create.js";
import type { WatchHandle } from "./page_watchdog.js";
import { usePageWatchdog } from "./provider.js";
import type { JobStatus } from "./vocabulary.js";
import { idleSnapshot, type WatchSnapshot, type WatchUpdate } from "./watched_job.js";

export interface UseJobWatchdogOptions {
  /** Instead of the one of <JobWatchdogProvider>. */
  watchdog?: JobWatchdog;
}

export interface JobWatchdogState extends WatchSnapshot {
  /** Asks the server as soon as it may be asked; also after giving up. The same function as long as the job is. */
  refresh(): void;
}

const serverSnapshot = () => idleSnapshot;

/**
 * Watches one job while the component is mounted.
 *
 * @param toolType  upscaler, pose_changer, veste_ai, video_upscaler, or another tool of yours
 * @param jobId     nothing is watched while it is null
 * @param status    what the page knows; a terminal one ends the watch
 * @param onUpdate  told each end and each delay once; may be another function at each render
 */
export function useJobWatchdog(
  toolType: string,
  jobId: string | null | undefined,
  status: JobStatus | null | undefined,
  onUpdate?: (update: WatchUpdate) => void,
  options?: UseJobWatchdogOptions,
): JobWatchdogState {
  const watchdog = usePageWatchdog(options?.watchdog);
  const latest = useRef({ onUpdate, status });
  const handle = useRef<WatchHandle | null>(null);

  // Before the subscription below, which reads it.
  useEffect(() => {
    latest.current = { onUpdate, status };
  });

  const subscribe = useCallback(
    (changed: () => void) => {
      if (!jobId) return () => {};
      const watch = watchdog.watch(
        { toolType, jobId, status: latest.current.status },
        { changed, updated: (update) => latest.current.onUpdate?.(update) },
      );
      handle.current = watch;
      return () => {
        handle.current = null;
        watch.release();
      };
    },
    [watchdog, toolType, jobId],
  );
  const getSnapshot = useCallback(
    () => (jobId ? watchdog.getSnapshot(toolType, jobId) : idleSnapshot),
    [watchdog, toolType, jobId],
  );
  const snapshot = useSyncExternalStore(subscribe, getSnapshot, serverSnapshot);

  useEffect(() => {
    if (status) handle.current?.setStatus(status);
  }, [status]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another job, another function.
  const refresh = useCallback(() => handle.current?.refresh(), [watchdog, toolType, jobId]);
  return useMemo(() => ({ ...snapshot, refresh }), [snapshot, refresh]);
}
