// Reads tests/golden/watch.txt: scenarios of rows "watch | TIME | EVENT | ACTIONS".
import { readFileSync } from "node:fs";
import type { JobStatus, SyncReason, WatchPolicy } from "jobwatchdog";
import { jobStatuses, syncReasons } from "jobwatchdog/vocabulary";
import { projectFile } from "./core.js";

/** Where the server's clock stands at 0:00 of the rows. */
export const serverEpochMs = 1_700_000_000_000;

export interface GoldenEvent {
  word: string;
  status?: JobStatus | undefined;
  reason?: SyncReason | undefined;
  number: number;
  httpStatus: number;
  /** A URL, or words. */
  rest: string;
  serverNow?: number | undefined;
  deadlineAt?: number | undefined;
  retryAfterMs: number;
  draw: number;
}

export interface GoldenRow {
  line: number;
  at: number;
  event: GoldenEvent;
  actions: string;
}

export interface Scenario {
  name: string;
  policy: WatchPolicy;
  rows: GoldenRow[];
}

/** "m:ss", "m:ss.mmm" or "h:mm:ss" in milliseconds. */
export function msOf(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const parts = text.replace("-", "").split(":");
  return sign * parts.reduce((ms, part) => ms * 60 + Math.round(Number(part) * 1000), 0);
}

export function timeText(ms: number): string {
  if (ms < 0) return `-${timeText(-ms)}`;
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const text = `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(ms / 1000) % 60)}`;
  return ms % 1000 === 0 ? text : `${text}.${String(ms % 1000).padStart(3, "0")}`;
}

function readEvent(text: string, rowMs: number): GoldenEvent {
  const words = text.split(" ").filter(Boolean);
  const event: GoldenEvent = {
    word: words.shift() ?? "",
    number: 0,
    httpStatus: 0,
    rest: "",
    retryAfterMs: 0,
    draw: 0,
  };
  const isAnswer = event.word === "reply" || event.word === "error";
  if (isAnswer) event.number = Number(words.shift());
  if (event.word === "reply") event.serverNow = serverEpochMs + rowMs;
  if (isAnswer || event.word === "watch" || event.word === "status") {
    const outcome = words.shift() ?? "";
    event.status = jobStatuses.find((status) => status === outcome);
    event.reason = syncReasons.find((reason) => reason === outcome);
    if (event.word === "error") event.httpStatus = outcome === "network" ? 0 : Number(outcome);
    else if (!event.status && !event.reason) throw new Error(`"${text}" cannot be read`);
  }
  for (const word of words) {
    const [name, value = ""] = word.split("=");
    if (word.startsWith("at=")) event.serverNow = serverEpochMs + msOf(value);
    else if (word.startsWith("deadline=")) event.deadlineAt = serverEpochMs + msOf(value);
    else if (name === "retry_after") event.retryAfterMs = msOf(value);
    else if (name === "draw") event.draw = Number(value);
    else event.rest = `${event.rest} ${word}`.trim();
  }
  return event;
}

export function goldenScenarios(): Scenario[] {
  const text = readFileSync(projectFile("../../golden/watch.txt"), "utf8");
  const scenarios: Scenario[] = [];
  let policy: WatchPolicy = { initialDelayMs: 30_000, pollIntervalMs: 15_000, maxTimeoutMs: 720_000 };
  text.split("\n").forEach((line, index) => {
    const cells = line.split("|").map((cell) => cell.trim());
    if (line.startsWith("#") || line.trim() === "") return;
    if (cells[0] === "policy") {
      const [initialDelayMs = 0, pollIntervalMs = 0, maxTimeoutMs = 0] = cells.slice(1).map(Number);
      policy = { initialDelayMs, pollIntervalMs, maxTimeoutMs };
      // Written before the rows of a scenario as well as behind them: it holds from there on.
      const open = scenarios.at(-1);
      if (open && open.rows.length === 0) open.policy = policy;
    } else if (cells[0] === "scenario") {
      scenarios.push({ name: cells[1] ?? "", policy, rows: [] });
    } else if (cells[0] === "watch" && cells.length === 4) {
      const [, time = "", event = "", actions = ""] = cells;
      const at = msOf(time);
      scenarios.at(-1)?.rows.push({ line: index + 1, at, event: readEvent(event, at), actions });
    } else {
      throw new Error(`line ${index + 1} of the golden table cannot be read: ${line}`);
    }
  });
  return scenarios;
}
