// The published types hold for users with React 18 or 19, TypeScript old or new, and every way of resolving modules.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Outcome, projectRoot, runTool, unpacked } from "./built_package.js";

const tools = join(projectRoot, "tests/node_modules");
const compilers = { current: "typescript", "5.4": "typescript-oldest" };
const reactTypes = { "18": "types-react-18", "19": "@types/react" };

interface Setting {
  typescript: keyof typeof compilers;
  react: keyof typeof reactTypes;
  resolution: "bundler" | "nodenext";
}

const settings: Setting[] = [
  { typescript: "current", react: "19", resolution: "bundler" },
  { typescript: "current", react: "18", resolution: "nodenext" },
  { typescript: "5.4", react: "19", resolution: "nodenext" },
  { typescript: "5.4", react: "18", resolution: "bundler" },
];

/** Compiles a file as a strict user would, who does not skip the types of libraries. */
function compile(file: string, { typescript, react, resolution }: Setting): Promise<Outcome> {
  const folder = join(projectRoot, "build/web/types");
  const config = join(folder, `${basename(file)}-${typescript}-${react}-${resolution}.json`);
  const types = join(tools, reactTypes[react]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipDefaultLibCheck: true,
        noEmit: true,
        target: "es2022",
        lib: ["es2022", "dom", "dom.iterable"],
        module: resolution === "nodenext" ? "nodenext" : "esnext",
        moduleResolution: resolution,
        jsx: "react-jsx",
        types: [],
        paths: { react: [types], "react/jsx-runtime": [join(types, "jsx-runtime")] },
      },
      files: [join(projectRoot, file)],
    }),
  );
  return runTool(process.execPath, [join(tools, compilers[typescript], "lib/tsc.js"), "-p", config]);
}

describe("types", () => {
  test.each(settings)("TypeScript $typescript, React $react, $resolution", async (setting) => {
    expect(await compile("tests/web/package/consumer.tsx", setting)).toEqual({ exitCode: 0, said: "" });
  });

  test.each([
    { document: "the package's README.md", path: join(unpacked, "README.md") },
    { document: "the project's README.md", path: join(projectRoot, "README.md") },
  ])("the example in $document compiles as it stands", async ({ path }) => {
    const introduction = readFileSync(path, "utf8");
    const examples = [...introduction.matchAll(/^```tsx\n(.*?)^```$/gms)].map(([, code]) => code ?? "");
    expect(examples).not.toEqual([]);
    const file = "tests/web/node_modules/introduction.tsx";
    writeFileSync(join(projectRoot, file), examples.join("\n"));
    const setting: Setting = { typescript: "current", react: "19", resolution: "bundler" };
    expect(await compile(file, setting)).toEqual({ exitCode: 0, said: "" });
  });

  test("twin: React's types are those of the version", async () => {
    const config: Setting = { typescript: "current", react: "18", resolution: "bundler" };
    const file = "tests/web/package/react_19_only.ts";
    expect((await compile(file, config)).said).toContain("has no exported member 'use'");
    expect((await compile(file, { ...config, react: "19" })).exitCode).toBe(0);
  });
});
