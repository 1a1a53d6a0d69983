// The example page does what it shows: lost webhooks are found, and the flag, switched on the page, stops and starts it.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobServer } from "../../../web/example/job_server.js";
import { startStory } from "../../../web/example/story.js";
import { Browser, listenToPage } from "./browser.js";

const built = fileURLToPath(new URL("../../../web/example/dist/", import.meta.url));

let browser: Browser;
let server: JobServer;
beforeAll(async () => {
  browser = await Browser.start();
  server = await startStory(built);
});
afterAll(async () => {
  await browser.stop();
  await server.stop();
});

test("the example page recovers lost webhooks and obeys the flag while it runs", async () => {
  const page = await browser.context.newPage();
  const complaints = listenToPage(page);
  await page.goto(server.url);
  const card = (title: string) => page.locator("article", { hasText: title });
  await card("Veste AI").getByText("failed: the provider ran out of memory").waitFor();
  await card("portrait.png").getByText("Recovered: https://example.com/results/").waitFor();

  await page.click("#flag");
  await card("holiday.mp4").getByText("the flag is off").waitFor();
  await page.click("#flag");
  await card("holiday.mp4").locator("dd", { hasText: "watching" }).waitFor();

  await page.getByText("Lose another webhook").click();
  await page.locator("article[data-phase=completed]").nth(1).waitFor();
  expect(complaints).toEqual([]);
});
