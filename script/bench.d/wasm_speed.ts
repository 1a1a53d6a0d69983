// How fast the browser's core is: loading it, one step of one job, and lists of 10,000, beside plain TypeScript.
import { readFileSync } from "node:fs";
import createCore from "../../build/wasm/module/jobwatchdog_core.mjs";
import type { CoreModule } from "../../wasm/jobwatchdog_core.d.mts";
import { blankEvent, plainWatch } from "./plain_watch.ts";

type Machine = Omit<CoreModule, "policyProblems">;

const runCount = Number(process.env.RUNS ?? 9);
const policy = { initialDelayMs: 30_000, pollIntervalMs: 15_000, timeoutMaxMs: 720_000 };
const jobCount = 10_000;
const bytes = readFileSync(new URL("../../build/wasm/module/jobwatchdog_core.wasm", import.meta.url));

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

function milliseconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

const kindOf = (machine: Machine, word: string) => {
  const words = /^event: (.*)$/m.exec(machine.vocabulary())?.[1]?.split(" ") ?? [];
  return words.indexOf(word);
};
const statusOf = (machine: Machine, word: string) =>
  (/^status: (.*)$/m.exec(machine.vocabulary())?.[1]?.split(" ") ?? []).indexOf(word);

function listOf(machine: Machine, count: number): number {
  const list = machine.openList(policy);
  const watch = { ...blankEvent, kind: kindOf(machine, "watch"), status: statusOf(machine, "running") };
  for (let i = 0; i < count; i++) machine.stepJob(list, machine.addJob(list), watch, 0, 0);
  return list;
}

// A whole turn of one job again and again: due, asked, answered. Microseconds a step.
function oneJob(machine: Machine): number {
  const stepCount = 100_000;
  const list = listOf(machine, 1);
  const tick = { ...blankEvent, kind: kindOf(machine, "tick") };
  const reply = { ...blankEvent, kind: kindOf(machine, "reply"), reason: 5 };
  let now = 30_000;
  const ms = milliseconds(() => {
    for (let i = 0; i < stepCount / 2; i++) {
      reply.requestNumber = machine.stepJob(list, 0, tick, now, 0).ask;
      reply.serverNowMs = i; // The server's clock hardly moves, so that the limit stays far.
      now = machine.stepJob(list, 0, reply, now, 0).wakeAtMs;
    }
  });
  machine.closeList(list);
  return (ms * 1000) / stepCount;
}

// One tick over a list in which `dueCount` jobs are due, and the list's next wake-up. Milliseconds.
function tickOf(machine: Machine, dueCount: number): number {
  const list = listOf(machine, jobCount - dueCount);
  const watch = { ...blankEvent, kind: kindOf(machine, "watch"), status: statusOf(machine, "running") };
  for (let i = 0; i < dueCount; i++) machine.stepJob(list, machine.addJob(list), watch, -20_000, 0);
  let asked = 0;
  const ms = milliseconds(() => {
    asked = machine.stepAll(list, kindOf(machine, "tick"), 10_000, 0).length;
    machine.wakeAt(list);
  });
  machine.closeList(list);
  if (asked !== dueCount) throw new Error(`${asked} jobs asked instead of ${dueCount}`);
  return ms;
}

const loads: number[] = [];
let wasm!: CoreModule;
for (let run = 0; run < runCount; run++) {
  const start = performance.now();
  wasm = await createCore({ wasmBinary: bytes });
  loads.push(performance.now() - start);
}

const ways: [string, Machine][] = [
  ["WebAssembly", wasm],
  ["plain TypeScript", plainWatch()],
];
const figures: [string, (machine: Machine) => number][] = [
  ["step of one job, us", oneJob],
  ["tick of 10,000 jobs, none due, ms", (machine) => tickOf(machine, 0)],
  ["tick of 10,000 jobs, 100 due, ms", (machine) => tickOf(machine, 100)],
  ["tick of 10,000 jobs, all due, ms", (machine) => tickOf(machine, jobCount)],
];

console.log(`compiling and starting the module: ${median(loads).toFixed(2)} ms`);
console.table(
  Object.fromEntries(
    figures.map(([name, measure]) => {
      const taken = ways.map((): number[] => []);
      // In turn, so that a machine that slows down slows both.
      for (let run = 0; run < runCount; run++)
        for (const [way, [, machine]] of ways.entries()) taken[way]?.push(measure(machine));
      const [a, b] = taken.map(median) as [number, number];
      return [
        name,
        { WebAssembly: a.toFixed(3), "plain TypeScript": b.toFixed(3), ratio: (a / b).toFixed(2) },
      ];
    }),
  ),
);
