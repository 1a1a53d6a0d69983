// Debian's Chromium, pages of the Vite fixture in it, and the server that they ask. Everything that a page complains about is
// collected.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { JobServer, type ServedJob } from "../../../web/example/job_server.js";
import { countTimers } from "./pending_timers.js";

const fixture = fileURLToPath(new URL("../fixtures/vite/dist/", import.meta.url));

/** What a careful page allows: its own scripts, WebAssembly, and no code made from text. */
export const strictPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:; base-uri 'none'";
/** The same without WebAssembly. */
export const policyWithoutWasm = strictPolicy.replace(" 'wasm-unsafe-eval'", "");

const flags = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One browser with a fresh profile, and nothing of it left behind. */
export class Browser {
  readonly context: BrowserContext;
  readonly #profile: string;

  private constructor(context: BrowserContext, profile: string) {
    this.context = context;
    this.#profile = profile;
  }

  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), "jobwatchdog-chromium-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: "/usr/bin/chromium",
      headless: true,
      chromiumSandbox: false,
      args: flags,
    });
    return new Browser(context, profile);
  }

  async stop(): Promise<void> {
    await this.context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** A server with the fixture's page. */
export function startServer(contentSecurityPolicy = strictPolicy): Promise<JobServer> {
  return JobServer.start({ folder: fixture, contentSecurityPolicy, flags: {} });
}

/** A job that runs, as its server and its provider see it. */
export function runningJob(changes: Partial<ServedJob> = {}): ServedJob {
  return {
    table: "upscaler_jobs",
    status: "running",
    providerStatus: "running",
    outputUrl: "https://example.com/result.png",
    deadlineAt: Date.now() + 720_000,
    ...changes,
  };
}

export interface Tab {
  page: Page;
  /** Errors and warnings of the console, and what was thrown and not caught. */
  complaints: string[];
}

/** Collects what a page complains about, from now on. */
export function listenToPage(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  return complaints;
}

/** Opens the fixture's page; `asks` is its address's query. */
export async function openTab(
  browser: Browser,
  server: JobServer,
  asks: Record<string, string>,
): Promise<Tab> {
  const page = await browser.context.newPage();
  const complaints = listenToPage(page);
  await page.addInitScript(countTimers);
  await page.goto(`${server.url}/?${new URLSearchParams(asks)}`);
  return { page, complaints };
}

/**
 * Tells a page that it is hidden or seen. Playwright keeps every page visible, so this sets what the page reads and sends
 * what a browser sends.
 */
export function setVisibility(page: Page, state: "visible" | "hidden"): Promise<void> {
  return page.evaluate((wanted) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => wanted });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

/** Stops a page's scripts as they stand, as in a tab that the browser froze: timers and messages wait, locks stay. */
export async function freeze(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Debugger.enable");
  await session.send("Debugger.pause");
}

/** Resolves when the page shows the job like this, e.g. {phase: "completed"}. */
export async function shows(page: Page, jobId: string, wanted: Record<string, string>): Promise<void> {
  const attributes = Object.entries(wanted).map(([name, value]) => `[data-${name}="${value}"]`);
  await page.waitForSelector(`[data-job="${jobId}"]${attributes.join("")}`, { state: "attached" });
}

/** How many requests for the core arrived. */
export function coreDownloads(server: JobServer): number {
  return server.requests.filter(({ path }) => path.endsWith(".wasm")).length;
}
