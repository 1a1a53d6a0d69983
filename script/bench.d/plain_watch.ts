// The watchdog's machine once more, in plain TypeScript: what core/watch.cpp is measured against. It has the face of
// the WebAssembly module, and a test holds both to the same golden rows.
import type { CoreEvent, CorePolicy, CoreStep } from "../../wasm/jobwatchdog_core.d.mts";

const lists = {
  event:
    "watch status_changed tick reply error visible hidden online offline flag_on flag_off lead follow refresh others_ask stop",
  reason: "none already_terminal no_task_id no_api_key api_error still_processing",
  report: "completed failed cancelled overdue given_up",
  phase: "stopped waiting watching overdue given_up completed failed cancelled",
  pause: "none flag_off offline hidden another_tab",
  status: "pending queued starting running completed failed cancelled",
};

const placeIn = (list: keyof typeof lists, word: string) => lists[list].split(" ").indexOf(word);
const WATCH = placeIn("event", "watch");
const STATUS_CHANGED = placeIn("event", "status_changed");
const TICK = placeIn("event", "tick");
const REPLY = placeIn("event", "reply");
const ERROR = placeIn("event", "error");
const VISIBLE = placeIn("event", "visible");
const REFRESH = placeIn("event", "refresh");
const OTHERS_ASK = placeIn("event", "others_ask");
const STOP = placeIn("event", "stop");
const ALREADY_TERMINAL = placeIn("reason", "already_terminal");
const NO_API_KEY = placeIn("reason", "no_api_key");
const API_ERROR = placeIn("reason", "api_error");
const STOPPED = placeIn("phase", "stopped");
const WAITING = placeIn("phase", "waiting");
const WATCHING = placeIn("phase", "watching");
const OVERDUE = placeIn("phase", "overdue");
const GIVEN_UP = placeIn("phase", "given_up");
const COMPLETED = placeIn("phase", "completed");
const TOLD_OVERDUE = placeIn("report", "overdue");
const TOLD_GIVEN_UP = placeIn("report", "given_up");
const FIRST_END = 4; // of the statuses: completed, failed, cancelled
const REQUEST_MS_MAX = 10_000;
const DELAY_MS_MAX = 60_000;
const REST_MS_MIN = 5_000;
const TOGETHER_WITHIN_MS = 5_000;
const LATENESS_MS_MAX = 90_000;
const RETRY_AFTER_MS_MAX = 600_000;
const LATE_ANSWERS_MAX = 10;

const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);
const isRefusal = (status: number) => status >= 400 && status < 500 && ![408, 425, 429].includes(status);

class PlainJob {
  phase = STOPPED;
  pause = 0;
  inFlight = 0;
  wakeAt = Number.NaN;
  lastNow = 0;
  // visible, online, enabled, leading
  readonly page = [true, true, true, true];
  private requestNumber = 0;
  private overdueTold = false;
  private givingUpTold = false;
  private answerCount = 0;
  private failureCount = 0;
  private lateAnswerCount = 0;
  private lived = 0;
  private askedAt = 0;
  private answeredAt = 0;
  private nextAskAt = 0;
  private notBefore = 0;
  private limitAt = 0;
  private beganByServer = Number.NaN;
  private serverNow = Number.NaN;
  last: CoreStep = this.told(0, false, -1, false);

  step(event: CoreEvent, now: number, draw: number, policy: CorePolicy): CoreStep {
    if (this.phase >= COMPLETED) {
      this.last = this.told(0, false, -1, false);
      return this.last;
    }
    const act = { abort: false, report: -1 };
    const pauseBefore = this.pause;
    this.passTime(now);
    if (this.isWatched()) this.endLostRequest(event, draw, policy, act);
    this.applyToPage(event.kind);
    this.applyToJob(event, draw, policy, act);
    this.pause = this.pauseNow();
    let ask = 0;
    const pauseChanged = this.isWatched() && this.pause !== pauseBefore;
    if (this.isWatched()) ask = this.act(act);
    this.last = this.told(ask, act.abort, act.report, pauseChanged);
    return this.last;
  }

  goesAlong(now: number): boolean {
    return this.inFlight === 0 && this.wakeAt <= now + TOGETHER_WITHIN_MS;
  }

  private told(ask: number, abort: boolean, report: number, pauseChanged: boolean): CoreStep {
    const isPlanned = !Number.isNaN(this.wakeAt) && this.inFlight === 0;
    return {
      ask,
      abort,
      report,
      phase: this.phase,
      pause: this.pause,
      pauseChanged,
      wakeAtMs: this.wakeAt,
      nextAskAtMs: isPlanned ? this.lastNow + (this.nextAskAt - this.lived) : Number.NaN,
      answerCount: this.answerCount,
      failureCount: this.failureCount,
    };
  }

  private isWatched(): boolean {
    return this.phase === WAITING || this.phase === WATCHING || this.phase === OVERDUE;
  }

  private passTime(now: number): void {
    const expected = Number.isNaN(this.wakeAt) ? 0 : this.wakeAt - this.lastNow;
    this.lived += clamp(now - this.lastNow, 0, expected + LATENESS_MS_MAX);
    this.lastNow = now;
    this.wakeAt = Number.NaN;
  }

  private pauseNow(): number {
    if (!this.isWatched()) return 0;
    if (!this.page[2]) return 1;
    if (!this.page[1]) return 2;
    if (!this.page[0]) return 3;
    return this.page[3] ? 0 : 4;
  }

  private leave(phase: number, act: Acts): void {
    if (this.inFlight !== 0) act.abort = true;
    this.inFlight = 0;
    this.phase = phase;
  }

  private giveUp(act: Acts): void {
    this.leave(GIVEN_UP, act);
    if (!this.givingUpTold) act.report = TOLD_GIVEN_UP;
    this.givingUpTold = true;
  }

  private goOverdue(act: Acts): void {
    this.phase = OVERDUE;
    if (!this.overdueTold) act.report = TOLD_OVERDUE;
    this.overdueTold = true;
  }

  private countAnswer(wasFailure: boolean): void {
    this.inFlight = 0;
    this.answerCount++;
    this.answeredAt = this.lived;
    this.failureCount = wasFailure ? this.failureCount + 1 : 0;
  }

  private settleAnswer(wasFailure: boolean, draw: number, policy: CorePolicy, act: Acts): void {
    this.countAnswer(wasFailure);
    const slowest = Math.max(DELAY_MS_MAX, policy.pollIntervalMs);
    if (this.lived >= this.limitAt) {
      this.goOverdue(act);
      if (++this.lateAnswerCount > LATE_ANSWERS_MAX) this.giveUp(act);
      else this.nextAskAt = this.lived + slowest;
      return;
    }
    this.phase = WATCHING;
    let rest = policy.pollIntervalMs;
    if (wasFailure) {
      const doubled = Math.min(policy.pollIntervalMs * 2 ** (this.failureCount - 1), slowest);
      const jitter = Math.trunc(clamp(draw, 0, 1000) / 2);
      rest = Math.max(1, doubled - Math.trunc((doubled * jitter) / 1000));
    }
    this.nextAskAt = this.lived + rest;
  }

  private learnTime(event: CoreEvent, policy: CorePolicy): void {
    if (Number.isNaN(event.serverNowMs)) return;
    this.serverNow = event.serverNowMs;
    if (Number.isNaN(this.beganByServer)) this.beganByServer = event.serverNowMs - this.lived;
    let limit = this.beganByServer + policy.timeoutMaxMs;
    if (event.deadlineAtMs < limit) limit = event.deadlineAtMs;
    this.limitAt = this.lived + (limit - event.serverNowMs);
  }

  private takeReply(event: CoreEvent, draw: number, policy: CorePolicy, act: Acts): void {
    const isOurs = event.requestNumber !== 0;
    if (isOurs && event.requestNumber !== this.inFlight) return;
    if (event.status >= FIRST_END) {
      if (isOurs) this.countAnswer(false);
      this.leave(COMPLETED + event.status - FIRST_END, act);
      act.report = event.status - FIRST_END;
      return;
    }
    if (!isOurs) {
      this.hearNews(event, policy, act);
      return;
    }
    this.learnTime(event, policy);
    const { reason } = event;
    this.settleAnswer(
      reason === NO_API_KEY || reason === API_ERROR || reason === ALREADY_TERMINAL,
      draw,
      policy,
      act,
    );
  }

  private hearNews(event: CoreEvent, policy: CorePolicy, act: Acts): void {
    if (event.serverNowMs < this.serverNow) return;
    this.learnTime(event, policy);
    if (this.lived >= this.limitAt) this.goOverdue(act);
    else this.phase = WATCHING;
    this.answeredAt = this.lived;
    if (this.inFlight === 0) this.nextAskAt = this.lived + policy.pollIntervalMs;
  }

  private takeError(event: CoreEvent, draw: number, policy: CorePolicy, act: Acts): void {
    if (event.requestNumber !== this.inFlight || this.inFlight === 0) return;
    if (isRefusal(event.httpStatus)) {
      this.countAnswer(true);
      this.giveUp(act);
      return;
    }
    this.settleAnswer(true, draw, policy, act);
    this.notBefore = this.lived + clamp(event.retryAfterMs, 0, RETRY_AFTER_MS_MAX);
    this.nextAskAt = Math.max(this.nextAskAt, this.notBefore);
  }

  private begin(status: number, policy: CorePolicy, act: Acts): void {
    if (this.isWatched()) return;
    this.inFlight = this.answerCount = this.failureCount = this.lateAnswerCount = 0;
    this.lived = this.answeredAt = this.notBefore = 0;
    this.overdueTold = this.givingUpTold = false;
    this.beganByServer = this.serverNow = Number.NaN;
    if (status >= FIRST_END) {
      this.leave(COMPLETED + status - FIRST_END, act);
      return;
    }
    this.phase = WAITING;
    this.nextAskAt = policy.initialDelayMs;
    this.limitAt = policy.timeoutMaxMs;
  }

  private askSoon(earliest: number): void {
    if (this.phase === GIVEN_UP) {
      this.phase = this.lived >= this.limitAt ? OVERDUE : WATCHING;
      this.lateAnswerCount = Math.min(this.lateAnswerCount, LATE_ANSWERS_MAX);
      this.nextAskAt = earliest;
    }
    this.nextAskAt = Math.max(Math.min(this.nextAskAt, earliest), this.notBefore, 0);
  }

  private comeBack(): void {
    if (this.phase === WAITING || this.pauseNow() !== 0) return;
    this.askSoon(Math.max(this.lived, this.answeredAt + REST_MS_MIN));
  }

  // The events of the page come in pairs, for the four conditions in their order.
  private applyToPage(kind: number): void {
    const pair = kind - VISIBLE;
    if (pair < 0 || pair >= 2 * this.page.length) return;
    const condition = pair >> 1;
    const held = this.page[condition];
    this.page[condition] = pair % 2 === 0;
    if (this.page[condition] && !held) this.comeBack();
  }

  private applyToJob(event: CoreEvent, draw: number, policy: CorePolicy, act: Acts): void {
    if (event.kind === WATCH) this.begin(event.status, policy, act);
    if (this.phase === STOPPED || event.kind === WATCH || event.kind === TICK) return;
    if (event.kind === STATUS_CHANGED && event.status >= FIRST_END)
      this.leave(COMPLETED + event.status - FIRST_END, act);
    if (event.kind === REPLY) this.takeReply(event, draw, policy, act);
    if (event.kind === ERROR) this.takeError(event, draw, policy, act);
    if (event.kind === REFRESH) this.askSoon(this.lived);
    if (
      event.kind === OTHERS_ASK &&
      this.phase !== WAITING &&
      this.nextAskAt <= this.lived + TOGETHER_WITHIN_MS
    )
      this.nextAskAt = Math.min(this.nextAskAt, Math.max(this.lived, this.notBefore));
    if (event.kind === STOP) this.leave(STOPPED, act);
  }

  private endLostRequest(event: CoreEvent, draw: number, policy: CorePolicy, act: Acts): void {
    const isAnswer = event.kind === REPLY || event.kind === ERROR;
    if (isAnswer && event.requestNumber === this.inFlight) return;
    if (this.inFlight === 0 || this.lived < this.askedAt + REQUEST_MS_MAX) return;
    act.abort = true;
    this.takeError({ ...blankEvent, kind: ERROR, requestNumber: this.inFlight }, draw, policy, act);
  }

  private nextWake(): number {
    if (this.inFlight !== 0) return this.askedAt + REQUEST_MS_MAX;
    if (this.phase === OVERDUE) return this.nextAskAt;
    return Math.min(this.nextAskAt, Math.max(this.limitAt, this.notBefore));
  }

  private act(act: Acts): number {
    if (this.pause !== 0) {
      if (this.pause === 1) this.leave(this.phase, act);
      return 0;
    }
    let ask = 0;
    if (this.inFlight === 0 && this.lived >= this.nextWake()) {
      ask = this.inFlight = ++this.requestNumber;
      this.askedAt = this.lived;
    }
    this.wakeAt = this.lastNow + (this.nextWake() - this.lived);
    return ask;
  }
}

interface Acts {
  abort: boolean;
  report: number;
}

export const blankEvent: CoreEvent = {
  kind: TICK,
  status: -1,
  requestNumber: 0,
  reason: 0,
  httpStatus: 0,
  retryAfterMs: 0,
  serverNowMs: Number.NaN,
  deadlineAtMs: Number.NaN,
};

interface PlainList {
  policy: CorePolicy;
  page: PlainJob;
  jobs: (PlainJob | undefined)[];
  freeKeys: number[];
}

export function plainWatch() {
  const opened: PlainList[] = [];
  const listOf = (list: number) => opened[list - 1] as PlainList;
  const jobOf = (list: number, key: number) => listOf(list).jobs[key] as PlainJob;
  return {
    vocabulary: () =>
      Object.entries(lists)
        .map(([kind, words]) => `${kind}: ${words}\n`)
        .join(""),
    openList: (policy: CorePolicy) => opened.push({ policy, page: new PlainJob(), jobs: [], freeKeys: [] }),
    closeList: (list: number) => delete opened[list - 1],
    setPolicy: (list: number, policy: CorePolicy) => {
      listOf(list).policy = policy;
    },
    addJob: (list: number) => {
      const { jobs, freeKeys, page } = listOf(list);
      const job = new PlainJob();
      job.page.splice(0, 4, ...page.page);
      const key = freeKeys.pop() ?? jobs.length;
      jobs[key] = job;
      return key;
    },
    removeJob: (list: number, key: number) => {
      listOf(list).jobs[key] = undefined;
      listOf(list).freeKeys.push(key);
    },
    stepJob: (list: number, key: number, event: CoreEvent, now: number, draw: number) =>
      jobOf(list, key).step(event, now, draw, listOf(list).policy),
    lastStep: (list: number, key: number) => jobOf(list, key).last,
    stepAll: (list: number, kind: number, now: number, draw: number) => {
      const { jobs, page, policy } = listOf(list);
      const event = { ...blankEvent, kind };
      page.step(event, now, draw, policy);
      const news = new Set<PlainJob>();
      let somebodyAsks = false;
      const step = (job: PlainJob, what: CoreEvent) => {
        const before = job.phase;
        const told = job.step(what, now, draw, policy);
        if (told.abort || told.report >= 0 || told.pauseChanged || told.ask !== 0 || before !== told.phase)
          news.add(job);
        somebodyAsks ||= told.ask !== 0;
      };
      for (const job of jobs)
        if (job && (kind !== TICK || job.wakeAt <= now || now < job.lastNow)) step(job, event);
      if (somebodyAsks)
        for (const job of jobs)
          if (job && !news.has(job) && job.goesAlong(now)) step(job, { ...blankEvent, kind: OTHERS_ASK });
      return Int32Array.from([...jobs.keys()].filter((key) => news.has(jobs[key] as PlainJob)));
    },
    wakeAt: (list: number) => {
      let earliest = Number.NaN;
      for (const job of listOf(list).jobs)
        if (job && !Number.isNaN(job.wakeAt) && !(earliest <= job.wakeAt)) earliest = job.wakeAt;
      return earliest;
    },
  };
}
