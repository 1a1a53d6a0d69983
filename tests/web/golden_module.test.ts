// The golden scenarios through the WebAssembly module as the library uses it, and through the plain TypeScript that the
// benchmark sets beside it: every row as core itself decides.
import type { CoreModule } from "jobwatchdog";
import { JobList, type WatchEvent, type WatchStep } from "jobwatchdog/job_list";
import { type EventKind, isTerminal, type JobStatus } from "jobwatchdog/vocabulary";
import { describe, expect, test } from "vitest";
import { plainWatch } from "../../script/bench.d/plain_watch.js";
import { realCore } from "./support/core.js";
import {
  type GoldenEvent,
  type GoldenRow,
  goldenScenarios,
  type Scenario,
  timeText,
} from "./support/golden_table.js";

const core = await realCore();
const machines = [
  { machine: "the module", core },
  { machine: "the plain machine of the benchmark", core: { ...plainWatch(), policyProblems: () => "" } },
];

function kindOf(word: string): EventKind {
  return word === "status" ? "status_changed" : (word as EventKind);
}

function watchEvent(event: GoldenEvent): WatchEvent {
  const { status, reason, number, httpStatus, retryAfterMs, serverNow, deadlineAt } = event;
  return {
    kind: kindOf(event.word),
    status,
    reason,
    requestNumber: number,
    httpStatus,
    retryAfterMs,
    serverNow,
    deadlineAt,
  };
}

/** Texts do not cross into the module: a report is compared by its kind. */
function withoutTexts(actions: string): string {
  return actions.replace(/\b(completed|failed|cancelled|overdue|given_up)\b[^,]*/, "$1");
}

function actionsText(step: WatchStep, previousPause: string | null, wakeAt: number | null): string {
  const said: string[] = [];
  if (step.abort) said.push("abort");
  if (step.report) said.push(step.report);
  const hasEnded = isTerminal(step.phase as JobStatus); // An end says nothing about its pause any more.
  if (step.pauseReason !== previousPause && !hasEnded)
    said.push(step.pauseReason ? `paused ${step.pauseReason}` : "resumed");
  if (step.ask !== 0) said.push(`ask ${step.ask}`);
  if (wakeAt !== null) said.push(`wake ${timeText(wakeAt)}`);
  return said.join(", ") || "-";
}

/** What each row of a scenario gives. */
function replay(machine: CoreModule, { policy, rows }: Scenario): string[] {
  const list = new JobList(machine, policy);
  const key = list.add();
  let pause: string | null = null;
  const said = rows.map(({ at, event }) => {
    const step = list.step(key, watchEvent(event), { now: at, drawPermille: event.draw });
    const text = actionsText(step, pause, list.wakeAt());
    pause = step.pauseReason;
    return text;
  });
  list.close();
  return said;
}

const expectation = ({ line, actions }: GoldenRow) => `${line}: ${withoutTexts(actions)}`;

describe.each(machines)("$machine decides as core does", ({ core }) => {
  const scenarios = goldenScenarios();

  test("the table was found", () => {
    expect(scenarios.length).toBeGreaterThan(30);
    expect(scenarios.flatMap(({ rows }) => rows).length).toBeGreaterThan(200);
  });

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s", (_name, scenario) => {
    const said = replay(core, scenario);
    expect(scenario.rows.map(({ line }, place) => `${line}: ${said[place]}`)).toEqual(
      scenario.rows.map(expectation),
    );
  });

  test("twin: another number in the policy is noticed", () => {
    const scenario = scenarios[0];
    if (!scenario) throw new Error("no scenario");
    const said = replay(core, { ...scenario, policy: { ...scenario.policy, pollIntervalMs: 16_000 } });
    expect(said).not.toEqual(scenario.rows.map(({ actions }) => withoutTexts(actions)));
  });
});
