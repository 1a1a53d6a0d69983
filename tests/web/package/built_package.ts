// The package as npm packs it, and a copy of it that a test may spoil.
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../../../", import.meta.url));
export const tarball = join(projectRoot, "build/web/jobwatchdog.tgz");
export const unpacked = join(projectRoot, "tests/web/node_modules/jobwatchdog");
export const toolFolder = join(projectRoot, "tests/node_modules/.bin");

export interface PackageManifest {
  name: string;
  sideEffects: unknown;
  exports: Record<string, unknown>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies: Record<string, string>;
}

export function manifestOf(folder: string): PackageManifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest;
}

/** Every file below a folder, by its path from there. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Calls `work` with a copy of the package that is gone afterwards. */
export async function withCopy<Result>(work: (folder: string) => Result | Promise<Result>): Promise<Result> {
  const home = mkdtempSync(join(tmpdir(), "jobwatchdog-package-"));
  try {
    const folder = join(home, "jobwatchdog");
    cpSync(unpacked, folder, { recursive: true });
    return await work(folder);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export interface Outcome {
  exitCode: number;
  /** What it said, on both streams. */
  said: string;
}

/** Runs a tool of tests/node_modules, or a program by its path, and gives its exit code instead of throwing. */
export function runTool(name: string, args: string[], folder = projectRoot): Promise<Outcome> {
  const program = name.includes("/") ? name : join(toolFolder, name);
  return new Promise((resolve) => {
    execFile(program, args, { cwd: folder, maxBuffer: 1 << 24 }, (error, out, err) => {
      resolve({
        exitCode: error === null ? 0 : typeof error.code === "number" ? error.code : 1,
        said: out + err,
      });
    });
  });
}
