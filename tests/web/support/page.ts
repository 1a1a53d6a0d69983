// One page of a fake browser with its watchdog on the real core: what most tests begin with.
import {
  createJobWatchdog,
  type JobWatchdog,
  type JobWatchdogOptions,
  type SettableFlags,
  settableFlags,
  type Transport,
} from "jobwatchdog";
import { engineOn, FakeBrowser, type FakeTab, FakeTransport, settle } from "jobwatchdog/testing";
import { realCore } from "./core.js";

export const core = await realCore();

export interface TestPage<Asks extends Transport = FakeTransport> {
  browser: FakeBrowser;
  tab: FakeTab;
  transport: Asks;
  flags: SettableFlags;
  watchdog: JobWatchdog;
  warnings: string[];
  /** How often the module was asked for. */
  loads: () => number;
}

export interface TestPageOptions extends Partial<JobWatchdogOptions> {
  browser?: FakeBrowser;
  tab?: FakeTab;
}

/** The watchdog is on, and alone in its browser, unless `options` says otherwise. */
export function openPage(options: TestPageOptions = {}): TestPage {
  const browser = options.browser ?? new FakeBrowser();
  const tab = options.tab ?? browser.openTab();
  const transport = (options.transport ?? new FakeTransport()) as FakeTransport;
  const flags = settableFlags({ WATCHDOG_ENABLED: true });
  const warnings: string[] = [];
  let loads = 0;
  const watchdog = createJobWatchdog({
    flags,
    clock: tab.clock,
    page: tab.page,
    tabs: false,
    warn: (message) => warnings.push(message),
    loadEngine: () => {
      ++loads;
      return Promise.resolve(engineOn(core));
    },
    ...options,
    transport,
  });
  return { browser, tab, transport, flags, watchdog, warnings, loads: () => loads };
}

export { settle };
