// What bundlers make of the package in whole projects: the core is one file of its own, and servers draw the page without it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesOf, projectRoot } from "./built_package.js";

const fixtures = join(projectRoot, "tests/web/fixtures");
const clientFolders = {
  vite: "vite/dist",
  "next by turbopack": "next/dist/turbopack/static",
  "next by webpack": "next/dist/webpack/static",
};
const wasmOfPackage = readFileSync(join(projectRoot, "web/dist/jobwatchdog_core.wasm"));

describe("bundled", () => {
  test.each(Object.entries(clientFolders))("%s serves the core as one file", (_, folder) => {
    const home = join(fixtures, folder);
    const cores = filesOf(home).filter((path) => path.endsWith(".wasm"));
    expect(cores).toHaveLength(1);
    expect(readFileSync(join(home, cores[0] ?? "")).equals(wasmOfPackage)).toBe(true);
  });

  test("vite leaves the glue out of what the page loads at once", () => {
    const home = join(fixtures, clientFolders.vite);
    const page = readFileSync(join(home, "index.html"), "utf8");
    const scripts = filesOf(home).filter((path) => path.endsWith(".js"));
    expect(scripts.filter((path) => page.includes(path))).toHaveLength(1);
    expect(scripts.filter((path) => path.startsWith("assets/jobwatchdog_core-"))).toHaveLength(1);
    expect(page).not.toContain("jobwatchdog_core");
  });

  test.each(["turbopack", "webpack"])(
    "next by %s draws the page on the server, where nobody watches yet",
    (bundler) => {
      const page = readFileSync(join(fixtures, "next/dist", bundler, "server/app/index.html"), "utf8");
      expect(page).toContain('<article data-job="next-1" data-phase="stopped">');
      expect(page).toContain('data-running-is-terminal="false"');
    },
  );
});
