// A page of a real node in Debian's Chromium: it works under the policy that the node sends, and breaks nothing of it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { NODE_URL } = process.env;
const profile = mkdtempSync(join(tmpdir(), "jobwatchdog-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  chromiumSandbox: false,
  args: ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});

try {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      window.violations.push(`${violatedDirective} ${blockedURI}`),
    );
  });
  const violations = () => page.evaluate(() => window.violations);

  // A place that only the page knows: index.html answers for it.
  await page.goto(`${NODE_URL}/jobs/17`);
  await page.waitForSelector("#word:text-is('7 ok 7')");
  const color = await page.$eval("#word", (word) => getComputedStyle(word).color);
  assert.equal(color, "rgb(0, 128, 0)");
  assert.deepEqual(await violations(), []);
  console.log("the page works and nothing is complained about");

  const broken = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.wasRun = true";
    document.head.append(script);
    // In a task of the page's own: what runs at the debugger's wish may make code.
    const channel = new MessageChannel();
    const wasMade = await new Promise((resolve) => {
      channel.port1.onmessage = () => {
        try {
          resolve(new Function("return true")());
        } catch {
          resolve(false);
        }
      };
      channel.port2.postMessage(0);
    });
    const wasSent = await fetch("http://127.0.0.1:1/", { mode: "no-cors" }).then(
      () => true,
      () => false,
    );
    return { wasRun: window.wasRun ?? false, wasMade, wasSent };
  });
  assert.deepEqual(broken, { wasRun: false, wasMade: false, wasSent: false });
  const found = await violations();
  for (const directive of ["script-src-elem inline", "script-src eval", "connect-src http://127.0.0.1:1/"])
    assert.ok(found.includes(directive), `${directive} is not among ${found}`);
  console.log("twin: what the policy forbids is noticed");
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
