// The package in plain Node, without a bundler, a browser or React: the core is read from disk and decides.
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Outcome, projectRoot, runTool } from "./built_package.js";

const run = (script: string): Promise<Outcome> =>
  runTool(process.execPath, ["--input-type=module", "--eval", script], join(projectRoot, "tests/web"));

test("a job is watched and recovered", async () => {
  const script = `
    import { createJobWatchdog, settableFlags } from "jobwatchdog";
    import { nodeWasm } from "jobwatchdog/node";
    const transport = {
      ask: async (jobs) => jobs.map(() => ({ status: "completed", outputUrl: "https://cdn.example/out.png" })),
    };
    const flags = settableFlags({ WATCHDOG_ENABLED: true, WATCHDOG_INITIAL_DELAY_MS: 1000, WATCHDOG_POLL_INTERVAL_MS: 1000 });
    const watchdog = createJobWatchdog({ transport, flags, wasm: nodeWasm() });
    const update = await new Promise((updated) => watchdog.watch({ toolType: "upscaler", jobId: "1" }, { updated }));
    if (update.outputUrl !== "https://cdn.example/out.png") throw new Error(JSON.stringify(update));
    watchdog.dispose();`;
  expect(await run(script)).toEqual({ exitCode: 0, said: "" });
});

test("flags are decided by their definitions", async () => {
  const script = `
    import { definedFlags } from "jobwatchdog/definitions";
    import { nodeWasm } from "jobwatchdog/node";
    const flags = definedFlags({ definitions: { WATCHDOG_ENABLED: "true" }, wasm: nodeWasm("flags") });
    await new Promise((changed) => flags.subscribe(changed));
    if (!flags.get().WATCHDOG_ENABLED) throw new Error("off");`;
  expect(await run(script)).toEqual({ exitCode: 0, said: "" });
});

test("twin: without a source Node finds no file, and says so", async () => {
  const script = `
    import { loadCore } from "jobwatchdog/wasm";
    await loadCore();`;
  const outcome = await run(script);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.said).toContain("fetch failed");
});
