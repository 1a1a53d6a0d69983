// The package for tests, jobwatchdog/testing: a clock, a browser and a server that obey your tests.
//
//   const browser = new FakeBrowser();
//   const tab = browser.openTab();
//   const transport = new FakeTransport();
//   const engine = await loadEngine(inlineWasm());   // Once: what is loaded in a test cannot be hurried by its clock.
//   const watchdog = createJobWatchdog({
//     transport, clock: tab.clock, page: tab.page, flags: staticFlags({ WATCHDOG_ENABLED: true }),
//     loadEngine: async () => engine,
//   });
//   ... render, then:
//   await browser.clock.advance(30_000);
//   transport.last.reply({ status: "completed", outputUrl: "https://..." });
//   await settle();
export { engineOn, loadEngine, type OpenTabs } from "./engine.js";
export { FakeBrowser, type FakeBrowserOptions, FakeTab } from "./testing/fake_browser.js";
export { FakeClock, settle } from "./testing/fake_clock.js";
export { FakeLocks } from "./testing/fake_locks.js";
export { FakeRequest, type FakeServer, FakeTransport } from "./testing/fake_transport.js";
