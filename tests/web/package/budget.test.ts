// What the package costs a visitor, after a bundler: the hook with everything that comes at once, and the core that comes
// when the first job is watched.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { describe, expect, test } from "vitest";
import { projectRoot, unpacked } from "./built_package.js";

/** Bundles a page that imports these names from the package: minified, and without React. Gives its scripts by name. */
async function bundle(names: string, from = "jobwatchdog"): Promise<Map<string, Uint8Array>> {
  const folder = mkdtempSync(join(projectRoot, "tests/web/node_modules/.budget-"));
  try {
    const input = join(folder, "entry.js");
    writeFileSync(input, `import { ${names} } from "${from}";\nconsole.log(${names});\n`);
    const bundler = await rolldown({ input, external: [/^react/], logLevel: "silent" });
    const { output } = await bundler.generate({ format: "es", minify: true });
    const scripts = output.filter((file) => file.type === "chunk");
    return new Map(scripts.map(({ fileName, code }) => [fileName, Buffer.from(code)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The one file that matches. */
function only(files: Map<string, Uint8Array>, name: RegExp): Uint8Array {
  const [found, ...others] = [...files].filter(([path]) => name.test(path));
  if (found === undefined || others.length > 0)
    throw new Error(`not one ${name} in ${[...files.keys()].join(", ")}`);
  return found[1];
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(2)} KiB`;

function gzipSizeOf(script: Uint8Array): number {
  return gzipSync(script, { level: 9 }).byteLength;
}

describe("budget", () => {
  const hook = "useJobWatchdog, JobWatchdogProvider, createJobWatchdog";

  test.each([
    { module: "jobwatchdog_core", names: hook, from: "jobwatchdog" },
    { module: "jobwatchdog_flags", names: "definedFlags", from: "jobwatchdog/definitions" },
  ])("$module costs at most 20 KB, glue and wasm, by brotli", async ({ module, names, from }) => {
    const script = only(await bundle(names, from), new RegExp(`${module}.*\\.js$`));
    const glue = brotliCompressSync(script).byteLength;
    const wasm = brotliCompressSync(readFileSync(join(unpacked, `dist/${module}.wasm`))).byteLength;
    console.info(`brotli: ${module} glue ${kib(glue)} + wasm ${kib(wasm)} = ${kib(glue + wasm)}`);
    expect(Math.min(glue, wasm)).toBeGreaterThan(1_000);
    expect(glue + wasm).toBeLessThanOrEqual(20_000);
  });

  test("the hook costs at most 6 KiB, without what comes with the core and without React, by gzip", async () => {
    const files = await bundle(hook);
    const size = gzipSizeOf(only(files, /entry.*\.js$/));
    for (const [name, script] of files) console.info(`gzip: ${name} ${kib(gzipSizeOf(script))}`);
    expect(size).toBeGreaterThan(1024);
    expect(size).toBeLessThanOrEqual(6 * 1024);
  });

  test("one word of the package costs little more than that word", async () => {
    const word = await bundle("isTerminal");
    expect([...word.keys()]).toHaveLength(1);
    expect(gzipSizeOf(only(word, /entry.*\.js$/))).toBeLessThanOrEqual(600);
  });
});
