// What is published: which files, for which resolvers, with which dependencies, and no word that a strict page forbids.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  filesOf,
  manifestOf,
  type Outcome,
  projectRoot,
  runTool,
  tarball,
  unpacked,
  withCopy,
} from "./built_package.js";

function spoil(folder: string, name: string, change: (text: string) => string): void {
  const path = join(folder, name);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

const publint = (path: string): Promise<Outcome> =>
  runTool("publint", ["run", path, "--strict", "--pack=false"]);
const attw = (...path: string[]): Promise<Outcome> =>
  runTool("attw", [...path, "--profile", "esm-only", "--no-emoji", "--no-color"]);

describe("resolvers", () => {
  test("publint has nothing to say, however strict", async () => {
    expect(await publint(unpacked)).toMatchObject({ exitCode: 0, said: expect.stringContaining("All good") });
  });

  test("twin: publint notices an export without its file", async () => {
    await withCopy(async (folder) => {
      spoil(folder, "package.json", (text) => text.replace("./dist/index.js", "./dist/gone.js"));
      expect((await publint(folder)).exitCode).not.toBe(0);
    });
  });

  test("every entry has types in every way of resolving ESM", async () => {
    expect(await attw(tarball)).toMatchObject({ exitCode: 0 });
  });

  test("twin: attw notices types that are not there", async () => {
    await withCopy(async (folder) => {
      spoil(folder, "package.json", (text) => text.replace("./dist/index.d.ts", "./dist/gone.d.ts"));
      expect((await attw("--pack", folder)).exitCode).not.toBe(0);
    });
  });
});

describe("contents", () => {
  test("nothing is published but what was built, the manifest, the licence and the introduction", () => {
    const others = filesOf(unpacked).filter(
      (path) => !/^dist\/[\w./]+\.(js|d\.ts|mjs|d\.mts|wasm)$/.test(path),
    );
    expect(others).toEqual(["README.md", "dist/LICENSE", "package.json"]);
  });

  test("there are no dependencies, and React is the only peer", () => {
    const { dependencies, optionalDependencies, peerDependencies } = manifestOf(unpacked);
    expect({ dependencies, optionalDependencies, peerDependencies }).toEqual({
      dependencies: {},
      optionalDependencies: undefined,
      peerDependencies: { react: ">=18" },
    });
  });

  test("a bundler may drop whatever is not used", () => {
    expect(manifestOf(unpacked).sideEffects).toBe(false);
  });
});

const directive = /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*["']use client["'];/;

/** Modules of the package that lost the directive which their source has, or have one that it has not. */
function directiveChanges(folder: string): string[] {
  const sources = filesOf(join(projectRoot, "web/library")).filter((path) => /(?<!\.d)\.tsx?$/.test(path));
  return sources.filter((path) => {
    const source = readFileSync(join(projectRoot, "web/library", path), "utf8");
    const built = readFileSync(join(folder, "dist", path.replace(/\.tsx?$/, ".js")), "utf8");
    return directive.test(source) !== directive.test(built);
  });
}

/** Built modules that say "use client". */
function clientModules(folder: string): string[] {
  return filesOf(folder).filter(
    (path) => path.endsWith(".js") && directive.test(readFileSync(join(folder, path), "utf8")),
  );
}

describe("server rendering", () => {
  test('"use client" stands where it was written', () => {
    expect(directiveChanges(unpacked)).toEqual([]);
    expect(clientModules(unpacked)).not.toEqual([]);
  });

  test("every module that uses React's state says it", () => {
    const users = filesOf(unpacked).filter(
      (path) => path.endsWith(".js") && /\bfrom "react";/.test(readFileSync(join(unpacked, path), "utf8")),
    );
    expect(users).not.toEqual([]);
    expect(clientModules(unpacked)).toEqual(expect.arrayContaining(users));
  });

  test("twin: a directive that was lost is noticed", async () => {
    await withCopy((folder) => {
      const [first = ""] = clientModules(folder);
      spoil(folder, first, (text) => text.replace("use client", "use strict"));
      expect(directiveChanges(folder)).toHaveLength(1);
    });
  });
});

/** Built files that make code from text, which a page without 'unsafe-eval' forbids. */
function evaluatingFiles(folder: string): string[] {
  return filesOf(folder).filter(
    (path) =>
      /\.m?js$/.test(path) &&
      /\bnew Function\b|\beval\s*\(|\bFunction\s*\(/.test(readFileSync(join(folder, path), "utf8")),
  );
}

describe("strict pages", () => {
  test("no built file makes code from text", () => {
    expect(evaluatingFiles(unpacked)).toEqual([]);
  });

  test("twin: one that does is noticed", async () => {
    await withCopy((folder) => {
      spoil(
        folder,
        "dist/jobwatchdog_core.mjs",
        (text) => `${text}\nexport const f = new Function("return 1");`,
      );
      spoil(folder, "dist/index.js", (text) => `${text}\nexport const g = () => eval ("1");`);
      expect(evaluatingFiles(folder)).toEqual(["dist/index.js", "dist/jobwatchdog_core.mjs"]);
    });
  });
});
