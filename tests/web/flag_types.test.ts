// The module for flags: its hand-written types held against it, and the golden definitions replayed through it.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { FlagModule } from "../../wasm/jobwatchdog_flags.d.mts";
import createFlags from "../../web/library/jobwatchdog_flags.mjs";
import { argumentCountOf, exportsOf, namesOf, sorted, typesOf, wasmBytes } from "./support/wasm_types.js";

const membersOf = typesOf("jobwatchdog_flags");
const nobody = { user: "", tool: "", session: "" };

let flags: FlagModule;
beforeAll(async () => {
  flags = await createFlags({ wasmBinary: wasmBytes("jobwatchdog_flags") });
});

describe("the types of the module for flags", () => {
  it("name every function that it exports, with its arguments", () => {
    expect(exportsOf(flags)).toEqual(namesOf(membersOf("FlagModule")));
    for (const { name, parameters } of membersOf("FlagModule"))
      expect([name, argumentCountOf(flags, name)]).toEqual([name, parameters.length]);
  });

  it("list the fields of a resolution, all of them texts", () => {
    const flag = flags.evaluateFlag("WATCHDOG_ENABLED", "true", nobody);
    expect(sorted(Object.keys(flag))).toEqual(namesOf(membersOf("FlagResolution")));
    expect(new Set(Object.values(flag).map((value) => typeof value))).toEqual(new Set(["string"]));
  });

  it("list the fields of a context: without any of them the module refuses", () => {
    expect(sorted(Object.keys(nobody))).toEqual(namesOf(membersOf("FlagContext")));
    for (const name of Object.keys(nobody)) {
      const { [name as keyof typeof nobody]: _, ...rest } = nobody;
      const call = () => flags.evaluateFlag("WATCHDOG_ENABLED", "true", rest as typeof nobody);
      expect(call).toThrow(name);
    }
  });
});

describe("the golden definitions", () => {
  const rows = readFileSync(new URL("../golden/flags.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("flag |"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const known = (cell: string | undefined) => (cell === "-" ? "" : (cell ?? ""));

  it("are many", () => {
    expect(rows.length).toBeGreaterThan(40);
  });

  it("give in the module what they give natively, row by row", () => {
    const wrong = rows.filter(([, name = "", definition = "", user, tool, session, expected]) => {
      const flag = flags.evaluateFlag(name, definition, {
        user: known(user),
        tool: known(tool),
        session: known(session),
      });
      return (flag.errorCode ? `ERROR ${flag.errorCode}` : `${flag.value} ${flag.reason}`) !== expected;
    });
    expect(wrong).toEqual([]);
  });

  it("twin: a wrong row is noticed", () => {
    const flag = flags.evaluateFlag("WATCHDOG_ENABLED", "true for 25% of user", { ...nobody, user: "7" });
    expect(`${flag.value} ${flag.reason}`).not.toBe("true SPLIT");
  });
});
