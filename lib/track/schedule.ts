/** When checks run: spread over their interval, never two runs of one at once, none for longer than its time. */

import { formatMicros, type Micros, micros } from "../core/time.ts";
import { Agenda, type Entry } from "./agenda.ts";
import { couldNotRun, failed, type Verdict } from "./checker.ts";
import type { Clock } from "./clock.ts";
import { inWords } from "./words.ts";

/** Something to do again and again. */
export interface Task {
  readonly intervalUs: Micros;
  readonly timeoutUs: Micros;
  /** Nobody has a result of it yet: the first run is at once rather than when its turn comes. */
  readonly isUrgent: boolean;
  /** Looks once; settles soon after the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<Verdict>;
  /** Told of every run that began, exactly once, unless the schedule was stopped meanwhile. */
  readonly done: (verdict: Verdict, run: RunFacts) => void;
  /**
   * A run was left out, as the one before still goes on. `isFirst`: no run has ended since one that
   * no other had to be left out for.
   */
  readonly skipped: (isFirst: boolean) => void;
  /** A run still goes on GRACE_MS after it was aborted; told once. */
  readonly stuck: () => void;
}

/** What is known about a run besides what it saw. */
export interface RunFacts {
  readonly latencyUs: Micros;
  readonly timedOut: boolean;
}

/**
 * What checkers get to let go of what they hold, after the signal: a script that is deaf to SIGTERM
 * is killed after 2 s, and what it was made of must be seen to be gone.
 */
export const GRACE_MS = 2500;

/**
 * A deadline that is so late was late in all that this process does: the answer may well be there,
 * for timers come before sockets are read. It is put back by as much, and by enough to read what
 * waits for many checks.
 */
const LATE_MS = 20, PUT_BACK_MS = 100;
/** A run whose time is up so soon after the next one is due, or within this part of the interval, is waited for. */
const SOON_MS = 20, SOON_PART = 0.05;

/** The first runs are so far apart: about what one check on this host takes. */
const FIRST_APART_MS = 4;
/** However many there are, the first runs of all have begun after this. */
const FIRST_WITHIN_MS = 1000;
/**
 * About so many runs begin at one instant, and none is moved by more than this for it: waking up
 * takes as long as a check, and the next ones find everything in the processor's caches. 50 HTTP
 * checks a second take 1.4 % of a core five at a time, 3.6 % one by one.
 */
const TOGETHER = 5, MOVED_MS = 100;
/** The golden ratio less 1: its multiples less their whole parts are spread evenly for any number of them. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Each task has its phase in its interval, by its place in the list, so that tasks of one interval
 * are spread over it whichever others there are in between; a few share each instant. Urgent first runs do not wait for their
 * phase: they begin 4 ms apart, within a second at most. From then on a task keeps its phase: a late
 * timer makes one run late, not those after it.
 */
export class Schedule {
  readonly #clock: Clock;
  readonly #agenda: Agenda;
  readonly #runners = new Map<Task, Runner>();
  /** Those that were ended, until they have let go. */
  readonly #ending = new Set<Promise<void>>();
  #isStarted = false;
  /** How many tasks there have been: the next one's phase. */
  #count = 0;

  constructor(tasks: readonly Task[], clock: Clock) {
    this.#clock = clock;
    this.#agenda = new Agenda(clock);
    for (const task of tasks) this.#runners.set(task, new Runner(task, this.#agenda, clock));
  }

  /** Begins; the first run is due at once. */
  start(): void {
    this.#isStarted = true;
    this.#begin([...this.#runners.values()]);
  }

  /** More tasks; those that there are keep their phases. */
  add(tasks: readonly Task[]): void {
    const runners = tasks.map((task) => new Runner(task, this.#agenda, this.#clock));
    for (const [at, runner] of runners.entries()) this.#runners.set(tasks[at]!, runner);
    if (this.#isStarted) this.#begin(runners);
  }

  /** No more of these: what runs is aborted, and not told about. */
  end(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const ended = this.#runners.get(task)?.stop();
      this.#runners.delete(task);
      if (ended === undefined) continue;
      this.#ending.add(ended);
      ended.then(() => this.#ending.delete(ended));
    }
  }

  #begin(runners: readonly Runner[]): void {
    const startMs = this.#clock.monotonicMs();
    const windowMs = Math.min(FIRST_WITHIN_MS, FIRST_APART_MS * runners.length);
    const slotMs = this.#slotMs();
    for (const runner of runners) {
      runner.start(startMs, (this.#count++ * GOLDEN) % 1, windowMs, slotMs);
    }
  }

  /** Between two instants at which runs begin. */
  #slotMs(): number {
    const runners = [...this.#runners.values()];
    const perMs = runners.reduce((sum, { intervalMs }) => sum + 1 / intervalMs, 0);
    return Math.min(MOVED_MS, TOGETHER / perMs);
  }

  /** Aborts what runs; resolves when all of it has let go, or does not within GRACE_MS. */
  async stop(): Promise<void> {
    this.#agenda.clear();
    const runners = [...this.#runners.values()].map((runner) => runner.stop());
    const settled = Promise.all([...runners, ...this.#ending]);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(GRACE_MS, resolve);
    await Promise.race([settled, late]);
    cancel();
  }
}

/** A run that has begun. */
interface Run {
  readonly beganMs: number;
  /** When its time is up, if nothing is late. */
  readonly endMs: number;
  readonly controller: AbortController;
  readonly settled: Promise<void>;
  /** When its time is up; later, when it should have let go. */
  deadline: Entry | null;
  /** It has been told about. */
  isOver: boolean;
  /** It has not let go within GRACE_MS. */
  isStuck: boolean;
  /** Another one was left out for it. */
  hasCausedSkip: boolean;
}

/** One task, as time goes by. */
class Runner {
  readonly intervalMs: number;
  readonly #timeoutMs: number;
  readonly #task: Task;
  readonly #agenda: Agenda;
  readonly #clock: Clock;
  #run: Run | null = null;
  /** When the next run is due. */
  #next: Entry | null = null;
  /** Since when a run waits for the one before to let go; null if none does. */
  #waitsSinceMs: number | null = null;
  #isStopped = false;
  #isStuckSaid = false;
  #isSkipSaid = false;

  constructor(task: Task, agenda: Agenda, clock: Clock) {
    this.#task = task;
    this.#agenda = agenda;
    this.#clock = clock;
    this.intervalMs = task.intervalUs / 1000;
    this.#timeoutMs = task.timeoutUs / 1000;
  }

  /**
   * `phase`: 0 to 1, where in its interval it runs, and where in the window it first does.
   * `slotMs`: it runs at a multiple of this from the start.
   */
  start(startMs: number, phase: number, windowMs: number, slotMs: number): void {
    const phaseMs = startMs + Math.floor(phase * this.intervalMs / slotMs) * slotMs;
    if (!this.#task.isUrgent) return this.#expect(phaseMs);
    const firstMs = startMs + phase * Math.min(windowMs, this.intervalMs);
    this.#next = this.#agenda.at(firstMs, () => {
      // The second run is where the phase says, at least half an interval after the first, and not
      // before the time of that is up.
      const apart = Math.min(1, Math.max(0.5, this.#timeoutMs / this.intervalMs));
      const early = (firstMs - phaseMs) / this.intervalMs + apart;
      this.#expect(phaseMs + Math.ceil(early) * this.intervalMs);
      this.#due();
    });
  }

  /** Aborts what runs; resolves when it has let go. */
  stop(): Promise<void> {
    this.#isStopped = true;
    for (const entry of [this.#next, this.#run?.deadline]) if (entry) this.#agenda.cancel(entry);
    this.#run?.controller.abort();
    return this.#run?.settled ?? Promise.resolve();
  }

  /** A run at this instant, then at every interval after it that is not over already. */
  #expect(dueMs: number): void {
    this.#next = this.#agenda.at(dueMs, () => {
      const behind = Math.floor((this.#clock.monotonicMs() - dueMs) / this.intervalMs);
      this.#expect(dueMs + (behind + 1) * this.intervalMs);
      this.#due();
    });
  }

  /** Begins a run, or waits for the one before if its time is up, or leaves it out. */
  #due(): void {
    const run = this.#run, nowMs = this.#clock.monotonicMs();
    if (run === null) return this.#begin(0);
    const soonMs = nowMs + Math.max(SOON_MS, SOON_PART * this.intervalMs);
    const isEnding = run.endMs <= soonMs && !run.isStuck;
    if (isEnding && this.#waitsSinceMs === null) this.#waitsSinceMs = nowMs;
    else this.#skip(run);
  }

  /**
   * A run that had to wait makes up for that with a little of its time: else, with a timeout of the
   * whole interval, the next one would wait longer still, and so on.
   */
  #begin(waitedMs: number): void {
    const beganMs = this.#clock.monotonicMs();
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const run: Run = {
      beganMs,
      endMs: beganMs + this.#timeoutMs - Math.min(waitedMs, SOON_PART * this.#timeoutMs),
      controller: new AbortController(),
      settled,
      deadline: null,
      isOver: false,
      isStuck: false,
      hasCausedSkip: false,
    };
    this.#run = run;
    this.#setDeadline(run, run.endMs, this.#timeoutMs, () => this.#timeOut(run));
    this.#look(run.controller.signal).then((verdict) => {
      if (run.deadline !== null) this.#agenda.cancel(run.deadline);
      this.#run = null;
      if (!run.hasCausedSkip) this.#isSkipSaid = false;
      this.#tell(run, verdict, false);
      resolve();
      this.#beginWaiting();
    });
  }

  #beginWaiting(): void {
    const sinceMs = this.#waitsSinceMs;
    this.#waitsSinceMs = null;
    if (sinceMs === null || this.#isStopped) return;
    this.#begin(this.#clock.monotonicMs() - sinceMs);
  }

  #skip(run: Run): void {
    run.hasCausedSkip = true;
    const isFirst = !this.#isSkipSaid;
    this.#isSkipSaid = true;
    this.#task.skipped(isFirst);
  }

  /** What to do at an instant. If that comes late, it is put back once: by as much, `mostMs` at most. */
  #setDeadline(run: Run, dueMs: number, mostMs: number, act: () => void, isPutBack = false): void {
    run.deadline = this.#agenda.at(dueMs, () => {
      const nowMs = this.#clock.monotonicMs(), lateMs = nowMs - dueMs;
      if (lateMs <= LATE_MS || isPutBack) return act();
      const moreMs = Math.min(mostMs, Math.max(lateMs, PUT_BACK_MS));
      this.#setDeadline(run, nowMs + moreMs, mostMs, act, true);
    });
  }

  /** What the checker saw; that it rejected is a verdict, too. */
  async #look(signal: AbortSignal): Promise<Verdict> {
    try {
      return await this.#task.run(signal);
    } catch (error) {
      return couldNotRun(inWords(error));
    }
  }

  /** The verdict does not wait for a checker that lets go slowly, or never. */
  #timeOut(run: Run): void {
    const stuckMs = this.#clock.monotonicMs() + GRACE_MS;
    this.#setDeadline(run, stuckMs, GRACE_MS, () => this.#stick(run));
    this.#tell(run, failed(`no answer in ${formatMicros(this.#task.timeoutUs)}`), true);
    run.controller.abort();
  }

  /** It does not let go: nothing waits for it any more. */
  #stick(run: Run): void {
    run.isStuck = true;
    if (this.#waitsSinceMs !== null) {
      this.#waitsSinceMs = null;
      this.#skip(run);
    }
    if (this.#isStuckSaid) return;
    this.#isStuckSaid = true;
    this.#task.stuck();
  }

  #tell(run: Run, verdict: Verdict, timedOut: boolean): void {
    if (run.isOver || this.#isStopped) return;
    run.isOver = true;
    const latencyUs = micros((this.#clock.monotonicMs() - run.beganMs) * 1000);
    try {
      this.#task.done(verdict, { latencyUs, timedOut });
    } catch (error) {
      // Whoever cannot hear of this run must not keep it from ending, nor the next from beginning.
      reportError(error);
    }
  }
}
