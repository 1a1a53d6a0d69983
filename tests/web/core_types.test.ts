// The hand-written types of the WebAssembly module, held against the built module: every function, argument and field.
import { beforeAll, describe, expect, it } from "vitest";
import type { CoreEvent, CoreModule } from "../../wasm/jobwatchdog_core.d.mts";
import createCore from "../../web/library/jobwatchdog_core.mjs";
import { argumentCountOf, exportsOf, namesOf, sorted, typesOf, wasmBytes } from "./support/wasm_types.js";

const membersOf = typesOf("jobwatchdog_core");

const policy = { initialDelayMs: 30_000, pollIntervalMs: 15_000, timeoutMaxMs: 720_000 };
const event: CoreEvent = {
  kind: 0,
  status: 3,
  requestNumber: 0,
  reason: 0,
  httpStatus: 0,
  retryAfterMs: 0,
  serverNowMs: Number.NaN,
  deadlineAtMs: Number.NaN,
};

let core: CoreModule;
let calls: Record<string, () => unknown>;
beforeAll(async () => {
  core = await createCore({ wasmBinary: wasmBytes("jobwatchdog_core") });
  const list = core.openList(policy);
  const key = core.addJob(list);
  calls = {
    vocabulary: () => core.vocabulary(),
    policyProblems: () => core.policyProblems(policy),
    openList: () => core.openList(policy),
    closeList: () => core.closeList(core.openList(policy)),
    setPolicy: () => core.setPolicy(list, policy),
    addJob: () => core.addJob(list),
    removeJob: () => core.removeJob(list, core.addJob(list)),
    stepJob: () => core.stepJob(list, key, event, 0, 0),
    stepAll: () => core.stepAll(list, 2, 0, 0),
    lastStep: () => core.lastStep(list, key),
    wakeAt: () => core.wakeAt(list),
  };
});

const kindOf = (value: unknown) =>
  value === undefined
    ? "void"
    : value instanceof Int32Array
      ? "Int32Array"
      : typeof value === "object"
        ? "object"
        : typeof value;

describe("the types of the module", () => {
  it("name every function that it exports, and no other", () => {
    expect(exportsOf(core)).toEqual(namesOf(membersOf("CoreModule")));
  });

  for (const member of membersOf("CoreModule")) {
    it(`${member.name} takes and gives what they say`, () => {
      const got = kindOf(calls[member.name]?.());
      expect(got).toBe(member.type.startsWith("Core") ? "object" : member.type);
      expect(argumentCountOf(core, member.name)).toBe(member.parameters.length);
    });
  }

  it("list the fields of a step, with their types", () => {
    const step = calls.stepJob?.() as Record<string, unknown>;
    const declaredFields = membersOf("CoreStep").map(({ name, type }) => [name, type]);
    expect(Object.entries(step).map(([name, value]) => [name, typeof value])).toEqual(declaredFields);
  });

  for (const [shape, sample, call] of [
    ["CorePolicy", policy, (value: object) => core.openList(value as typeof policy)],
    ["CoreEvent", event, (value: object) => core.stepJob(1, 0, value as CoreEvent, 0, 0)],
  ] as const) {
    it(`list the fields of ${shape}: without any of them the module refuses`, () => {
      expect(sorted(Object.keys(sample))).toEqual(namesOf(membersOf(shape)));
      for (const name of Object.keys(sample)) {
        const { [name as keyof typeof sample]: _, ...rest } = sample;
        expect(() => call(rest)).toThrow(name);
      }
    });
  }
});

describe("the module", () => {
  it("refuses numbers that would make a hot loop, and says which and how to mend it", () => {
    for (const bad of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(core.policyProblems({ ...policy, pollIntervalMs: bad })).toMatch(
        /^WATCHDOG_POLL_INTERVAL_MS .*; give at least 1000/,
      );
    }
    expect(core.policyProblems({ ...policy, timeoutMaxMs: Number.POSITIVE_INFINITY })).toBe("");
    expect(core.policyProblems(policy)).toBe("");
  });

  it("gives a copy of the keys: memory that grows later does not change it", () => {
    const list = core.openList(policy);
    core.stepJob(list, core.addJob(list), event, 0, 0);
    const keys = core.stepAll(list, 2, 30_000, 0);
    for (let i = 0; i < 20_000; i++) core.stepJob(list, core.addJob(list), event, 0, 0);
    expect([...keys]).toEqual([0]);
    core.closeList(list);
  });
});
