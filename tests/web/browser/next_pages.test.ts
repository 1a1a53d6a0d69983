// The Next fixture, served by Next itself: the server draws the page, the browser takes it over and recovers the job.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JobServer } from "../../../web/example/job_server.js";
import { Browser, listenToPage, runningJob, shows, startServer } from "./browser.js";

const fixture = fileURLToPath(new URL("../fixtures/next/", import.meta.url));
const next = fileURLToPath(new URL("../../node_modules/next/dist/bin/next", import.meta.url));

let browser: Browser;
let jobServer: JobServer;
let nextServer: ChildProcess;
beforeAll(async () => {
  browser = await Browser.start();
  jobServer = await startServer();
});
afterAll(async () => {
  await browser.stop();
  await jobServer.stop();
});
afterEach(async () => {
  nextServer.kill("SIGTERM");
  if (nextServer.exitCode === null && nextServer.signalCode === null) await once(nextServer, "exit");
});

/** Starts Next on a free port of the loopback and gives its address, which it prints. */
async function startNext(bundler: string): Promise<string> {
  const environment = { ...process.env, FIXTURE_BUNDLER: bundler, NODE_ENV: "production" as const };
  nextServer = spawn(process.execPath, [next, "start", "--port", "0", "--hostname", "127.0.0.1"], {
    cwd: fixture,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (nextServer.stdout === null) throw new Error("Next has no output");
  for await (const line of createInterface({ input: nextServer.stdout })) {
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error("Next ended before it served");
}

describe.each(["turbopack", "webpack"])("next by %s", (bundler) => {
  test("the page of the server comes alive and its job is recovered", async () => {
    jobServer.jobs.set("next-1", runningJob({ providerStatus: "completed" }));
    const address = await startNext(bundler);
    const page = await browser.context.newPage();
    const complaints = listenToPage(page);
    await page.goto(`${address}/?${new URLSearchParams({ server: jobServer.url })}`);
    await shows(page, "next-1", { phase: "completed" });
    expect(complaints).toEqual([]);
    await page.close();
  });
});
