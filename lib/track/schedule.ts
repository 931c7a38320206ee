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
  /** A run was due while the one before was still going. */
  readonly skipped: () => void;
  /** A run still goes on GRACE_MS after it was aborted; told once. */
  readonly stuck: () => void;
}

/** What is known about a run besides what it saw. */
export interface RunFacts {
  readonly latencyUs: Micros;
  readonly timedOut: boolean;
}

/** What checkers get to let go of what they hold, after the signal. */
export const GRACE_MS = 2000;

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
  readonly #runners: readonly Runner[];

  constructor(tasks: readonly Task[], clock: Clock) {
    this.#clock = clock;
    this.#agenda = new Agenda(clock);
    this.#runners = tasks.map((task) => new Runner(task, this.#agenda, clock));
  }

  /** Begins; the first run is due at once. */
  start(): void {
    const startMs = this.#clock.monotonicMs();
    const windowMs = Math.min(FIRST_WITHIN_MS, FIRST_APART_MS * this.#runners.length);
    const slotMs = this.#slotMs();
    for (const [index, runner] of this.#runners.entries()) {
      runner.start(startMs, (index * GOLDEN) % 1, windowMs, slotMs);
    }
  }

  /** Between two instants at which runs begin. */
  #slotMs(): number {
    const perMs = this.#runners.reduce((sum, { intervalMs }) => sum + 1 / intervalMs, 0);
    return Math.min(MOVED_MS, TOGETHER / perMs);
  }

  /** Aborts what runs; resolves when all of it has let go, or does not within GRACE_MS. */
  async stop(): Promise<void> {
    this.#agenda.clear();
    const settled = Promise.all(this.#runners.map((runner) => runner.stop()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(GRACE_MS, resolve);
    await Promise.race([settled, late]);
    cancel();
  }
}

/** A run that has begun. */
interface Run {
  readonly beganMs: number;
  readonly controller: AbortController;
  readonly settled: Promise<void>;
  /** When its time is up; later, when it should have let go. */
  deadline: Entry;
  /** It has been told about. */
  isOver: boolean;
}

/** One task, as time goes by. */
class Runner {
  readonly intervalMs: number;
  readonly #task: Task;
  readonly #agenda: Agenda;
  readonly #clock: Clock;
  #run: Run | null = null;
  #isStopped = false;
  #isStuckSaid = false;

  constructor(task: Task, agenda: Agenda, clock: Clock) {
    this.#task = task;
    this.#agenda = agenda;
    this.#clock = clock;
    this.intervalMs = task.intervalUs / 1000;
  }

  /**
   * `phase`: 0 to 1, where in its interval it runs, and where in the window it first does.
   * `slotMs`: it runs at a multiple of this from the start.
   */
  start(startMs: number, phase: number, windowMs: number, slotMs: number): void {
    const phaseMs = startMs + Math.floor(phase * this.intervalMs / slotMs) * slotMs;
    if (!this.#task.isUrgent) return this.#expect(phaseMs);
    const firstMs = startMs + phase * Math.min(windowMs, this.intervalMs);
    this.#agenda.at(firstMs, () => {
      // The second run is where the phase says, at least half an interval after the first.
      const early = (firstMs - phaseMs) / this.intervalMs + 0.5;
      this.#expect(phaseMs + Math.ceil(early) * this.intervalMs);
      this.#begin();
    });
  }

  /** Aborts what runs; resolves when it has let go. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#run?.controller.abort();
    return this.#run?.settled ?? Promise.resolve();
  }

  /** A run at this instant, then at every interval after it that is not over already. */
  #expect(dueMs: number): void {
    this.#agenda.at(dueMs, () => {
      const behind = Math.floor((this.#clock.monotonicMs() - dueMs) / this.intervalMs);
      this.#expect(dueMs + (behind + 1) * this.intervalMs);
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#run !== null) return this.#task.skipped();
    const beganMs = this.#clock.monotonicMs();
    const controller = new AbortController();
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const deadline = this.#agenda.at(
      beganMs + this.#task.timeoutUs / 1000,
      () => this.#timeOut(run),
    );
    const run: Run = { beganMs, controller, settled, deadline, isOver: false };
    this.#run = run;
    this.#look(controller.signal).then((verdict) => {
      this.#agenda.cancel(run.deadline);
      this.#run = null;
      this.#tell(run, verdict, false);
      resolve();
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
    run.deadline = this.#agenda.at(stuckMs, () => {
      if (!this.#isStuckSaid) this.#task.stuck();
      this.#isStuckSaid = true;
    });
    this.#tell(run, failed(`no answer in ${formatMicros(this.#task.timeoutUs)}`), true);
    run.controller.abort();
  }

  #tell(run: Run, verdict: Verdict, timedOut: boolean): void {
    if (run.isOver || this.#isStopped) return;
    run.isOver = true;
    const latencyUs = micros((this.#clock.monotonicMs() - run.beganMs) * 1000);
    this.#task.done(verdict, { latencyUs, timedOut });
  }
}
