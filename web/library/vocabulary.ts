// The words of core that cross into TypeScript, in core's order. core_module.ts holds them against the loaded module.

export const jobStatuses = [
  "pending",
  "queued",
  "starting",
  "running",
  "completed",
  "failed",
  "cancelled",
] as const;
/** What a job's row says. */
export type JobStatus = (typeof jobStatuses)[number];

export const eventKinds = [
  "watch",
  "status_changed",
  "tick",
  "reply",
  "error",
  "visible",
  "hidden",
  "online",
  "offline",
  "flag_on",
  "flag_off",
  "lead",
  "follow",
  "refresh",
  "others_ask",
  "stop",
] as const;
export type EventKind = (typeof eventKinds)[number];

export const syncReasons = [
  "none",
  "already_terminal",
  "no_task_id",
  "no_api_key",
  "api_error",
  "still_processing",
] as const;
/** What the server says when it was asked to look at a job again. */
export type SyncReason = (typeof syncReasons)[number];

export const reportKinds = ["completed", "failed", "cancelled", "overdue", "given_up"] as const;
/** What the page is told: an end, "past the limit, still checking", or "no more checks by themselves". */
export type ReportKind = (typeof reportKinds)[number];

export const watchPhases = [
  "stopped",
  "waiting",
  "watching",
  "overdue",
  "given_up",
  "completed",
  "failed",
  "cancelled",
] as const;
export type WatchPhase = (typeof watchPhases)[number];

export const pauseReasons = ["none", "flag_off", "offline", "hidden", "another_tab"] as const;
/** Why a watched job is not asked about; the first that holds. */
export type PauseReason = Exclude<(typeof pauseReasons)[number], "none">;

/** A terminal status never changes again. */
export function isTerminal(status: JobStatus): status is "completed" | "failed" | "cancelled" {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** The vocabulary as the module tells its own, to be compared. */
export const vocabularyText = Object.entries({
  event: eventKinds,
  status: jobStatuses,
  reason: syncReasons,
  report: reportKinds,
  phase: watchPhases,
  pause: pauseReasons,
})
  .map(([kind, words]) => `${kind}: ${words.join(" ")}`)
  .join("\n");
