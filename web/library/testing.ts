// What `import ... from "jobwatchdog/testing"` gives: a clock, a browser and a server that obey your tests.
//
//   const browser = new FakeBrowser();
//   const tab = browser.openTab();
//   const transport = new FakeTransport();
//   const watchdog = createJobWatchdog({
//     transport, clock: tab.clock, page: tab.page, flags: staticFlags({ WATCHDOG_ENABLED: true }), wasm: inlineWasm(),
//   });
//   ... render, then:
//   await browser.clock.advance(30_000);
//   transport.last.reply({ status: "completed", outputUrl: "https://..." });
//   await settle();
export { FakeBrowser, FakeTab } from "./testing/fake_browser.js";
export { FakeClock, settle } from "./testing/fake_clock.js";
export { FakeLocks } from "./testing/fake_locks.js";
export { FakeRequest, type FakeServer, FakeTransport } from "./testing/fake_transport.js";
