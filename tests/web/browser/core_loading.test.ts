// The core on a page with a strict policy: by URL, as bytes, inline, and where WebAssembly is forbidden or its file is lost.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JobServer } from "../../../web/example/job_server.js";
import {
  Browser,
  coreDownloads,
  openTab,
  policyWithoutWasm,
  runningJob,
  shows,
  startServer,
} from "./browser.js";

let browser: Browser;
let server: JobServer;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());
afterEach(() => server.stop());

describe("a strict page", () => {
  beforeEach(async () => {
    server = await startServer();
  });

  test.each([
    { wasm: "default", downloads: 1 },
    { wasm: "url", downloads: 1 },
    { wasm: "bytes", downloads: 1 },
    { wasm: "inline", downloads: 0 },
  ])("recovers a job whose webhook was lost, core by $wasm", async ({ wasm, downloads }) => {
    server.jobs.set("lost", runningJob({ providerStatus: "completed" }));
    const { page, complaints } = await openTab(browser, server, { jobs: "lost", wasm });
    await shows(page, "lost", {
      phase: "completed",
      source: "server",
      updates: "completed https://example.com/result.png",
    });
    expect(coreDownloads(server)).toBe(downloads);
    expect(server.asksFor("lost")).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

describe("a page without WebAssembly", () => {
  test("says wasm_unavailable, asks nobody, and goes on", async () => {
    server = await startServer(policyWithoutWasm);
    server.jobs.set("lost", runningJob({ providerStatus: "completed" }));
    const { page, complaints } = await openTab(browser, server, { jobs: "lost" });
    await shows(page, "lost", { phase: "wasm_unavailable" });
    await page.click("#alive");
    await page.waitForSelector("#alive:text-is('1')");
    expect(server.asksFor("lost")).toBe(0);
    expect(complaints.filter((complaint) => complaint.startsWith("thrown"))).toEqual([]);
    expect(complaints.filter((complaint) => complaint.startsWith("warning"))).toEqual([
      expect.stringMatching(/^warning: jobwatchdog: no job is watched/),
    ]);
    await page.close();
  });

  test("goes on where the file of the core is lost, and recovers when it is back", async () => {
    server = await startServer();
    server.jobs.set("lost", runningJob({ providerStatus: "completed" }));
    await browser.context.route("**/*.wasm", (route) => route.fulfill({ status: 503 }));
    const { page } = await openTab(browser, server, { jobs: "lost" });
    await shows(page, "lost", { phase: "wasm_unavailable" });
    await browser.context.unroute("**/*.wasm");
    await page.click("[data-job=lost] button");
    await shows(page, "lost", { phase: "completed" });
    await page.close();
  });
});
