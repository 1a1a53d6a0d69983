// Importing the package does nothing: no timer, no request, no listener, no global, and Node ends at once.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { manifestOf, type Outcome, projectRoot, runTool, unpacked, withCopy } from "./built_package.js";

const entries = Object.keys(manifestOf(unpacked).exports).filter((entry) => !/\.(json|css)$/.test(entry));

/** Imports one module in a fresh Node where everything that acts is a trap; fails when one was touched. */
function importQuietly(specifier: string): Promise<Outcome> {
  const script = `
    const touched = [];
    const trap = (holder, name) => {
      holder[name] = (...args) => { touched.push(name); };
    };
    globalThis.window = new EventTarget();
    globalThis.document = new EventTarget();
    for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]) trap(globalThis, name);
    for (const name of ["BroadcastChannel", "Worker", "WebSocket"]) trap(globalThis, name);
    for (const holder of [window, document, globalThis]) trap(holder, "addEventListener");
    for (const name of ["instantiate", "compile", "instantiateStreaming", "Module", "Memory"]) trap(WebAssembly, name);
    const before = new Set(Reflect.ownKeys(globalThis));
    await import(${JSON.stringify(specifier)});
    const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key));
    if (touched.length > 0 || added.length > 0) {
      console.error("touched", touched, "added", added);
      process.exitCode = 1;
    }`;
  return runTool(process.execPath, ["--input-type=module", "--eval", script], join(projectRoot, "tests/web"));
}

describe("importing", () => {
  test("all entries are looked at", () => {
    expect(entries).toEqual(expect.arrayContaining([".", "./inline", "./supabase", "./testing"]));
  });

  test.each(entries)("%s does nothing", async (entry) => {
    expect(await importQuietly(join("jobwatchdog", entry))).toEqual({ exitCode: 0, said: "" });
  });

  test.each([
    "setTimeout(() => {}, 1)",
    "globalThis.jobwatchdog = 1",
    "document.addEventListener('focus', () => {})",
  ])("twin: %s is noticed", async (act) => {
    await withCopy(async (folder) => {
      writeFileSync(join(folder, "dist/loud.js"), `${act};\nexport {};\n`);
      expect((await importQuietly(join(folder, "dist/loud.js"))).exitCode).toBe(1);
    });
  });
});
