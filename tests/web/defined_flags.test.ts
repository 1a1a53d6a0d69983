// Flags that a page decides by their definitions.
import { definedFlags } from "jobwatchdog/definitions";
import { describe, expect, test, vi } from "vitest";
import { wasmBytes } from "./support/wasm_types.js";

const wasm = { bytes: () => wasmBytes("jobwatchdog_flags") };

/** A source that has loaded its module, and how often it told of a change. */
async function loaded(options: Omit<Parameters<typeof definedFlags>[0], "wasm">) {
  const warnings: string[] = [];
  const flags = definedFlags({ wasm, warn: (message) => warnings.push(message), ...options });
  const changed = vi.fn();
  const stop = flags.subscribe(changed);
  await vi.waitUntil(() => changed.mock.calls.length > 0);
  return { flags, changed, stop, warnings };
}

describe("defined flags", () => {
  test("are the defaults, and load nothing, until somebody subscribes", () => {
    const bytes = vi.fn(() => wasmBytes("jobwatchdog_flags"));
    const flags = definedFlags({ definitions: { WATCHDOG_ENABLED: "true" }, wasm: { bytes } });
    expect(flags.get().WATCHDOG_ENABLED).toBe(false);
    expect(flags.explain("WATCHDOG_ENABLED")).toBeUndefined();
    expect(bytes).not.toHaveBeenCalled();
  });

  test("are what core says for this user and tool", async () => {
    const definitions = {
      WATCHDOG_ENABLED: "true if user in (ana) and tool in (upscaler); false",
      WATCHDOG_POLL_INTERVAL_MS: "60000 if tool in (upscaler); 20000",
    };
    const { flags } = await loaded({ definitions, context: { user: "ana", tool: "upscaler" } });
    expect(flags.get()).toEqual({
      WATCHDOG_ENABLED: true,
      WATCHDOG_INITIAL_DELAY_MS: 30_000,
      WATCHDOG_POLL_INTERVAL_MS: 60_000,
      WATCHDOG_MAX_TIMEOUT_MS: 720_000,
    });
    expect(flags.explain("WATCHDOG_ENABLED")).toMatchObject({ reason: "TARGETING_MATCH", variant: "rule 1" });
  });

  test("change at once for another user, and by the kill switch", async () => {
    const { flags, changed, stop } = await loaded({
      definitions: { WATCHDOG_ENABLED: "true if user in (ana); false" },
      context: { user: "ana" },
    });
    flags.define({ context: { user: "bia" } });
    expect([flags.get().WATCHDOG_ENABLED, changed.mock.calls.length]).toEqual([false, 2]);
    flags.define({ definitions: { WATCHDOG_ENABLED: "disabled; true" } });
    expect(flags.explain("WATCHDOG_ENABLED")?.reason).toBe("DISABLED");
    stop();
    flags.define({ definitions: { WATCHDOG_ENABLED: "true" } });
    expect([flags.get().WATCHDOG_ENABLED, changed.mock.calls.length]).toEqual([true, 3]);
  });

  test("that cannot be obeyed give the default, and one warning that says where and why", async () => {
    const { flags, warnings } = await loaded({ definitions: { WATCHDOG_ENABLED: "true if user is ana" } });
    flags.define({ context: { user: "ana" } });
    expect(flags.get().WATCHDOG_ENABLED).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /definition of WATCHDOG_ENABLED is not obeyed: character 14: "is" stands where/,
    );
  });

  test("stay off when the module cannot run, warn once, and try again for who subscribes later", async () => {
    const warn = vi.fn();
    let isThere = false;
    const bytes = () => (isThere ? wasmBytes("jobwatchdog_flags") : new Uint8Array([1, 2, 3]));
    const flags = definedFlags({ definitions: { WATCHDOG_ENABLED: "true" }, wasm: { bytes }, warn });
    flags.subscribe(() => {});
    await vi.waitUntil(() => warn.mock.calls.length > 0);
    expect(flags.get().WATCHDOG_ENABLED).toBe(false);
    isThere = true;
    flags.subscribe(() => {});
    await vi.waitUntil(() => flags.get().WATCHDOG_ENABLED);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
