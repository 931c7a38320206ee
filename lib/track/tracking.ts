/** All that is asked again and again, and all files with numbers: what the daemon has of them. */

import type { LogEvent } from "../core/log.ts";
import type { CheckSpec, PolledProbe } from "../core/probe_spec.ts";
import { formatMicros } from "../core/time.ts";
import type { ProbeHost, Verdict } from "./checker.ts";
import { checkProbe, prepareProbe } from "./checkers.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { firstState, judge, type JudgeState } from "./judge.ts";
import { prepareAll } from "./preparing.ts";
import { type Probing, probings } from "./probing.ts";
import { type RunFacts, Schedule, type Task } from "./schedule.ts";
import { CheckSaid } from "./said.ts";
import { type CheckStatus, checkStatus, type TrackedState, trackedState } from "./status.ts";
import { FileTracker, type TrackedFile, type WatchFolder } from "./track_file.ts";

/** What was known when an earlier Tracking stopped, by what was checked and how. */
export type Memory = ReadonlyMap<string, JudgeState>;

/** What a Tracking is made of. */
export interface TrackingOptions {
  readonly checks: readonly CheckSpec<PolledProbe>[];
  readonly files: readonly TrackedFile[];
  readonly host: ProbeHost;
  /** Tells of changed files at once; without it they are noticed within 0.2 s. */
  readonly watch?: WatchFolder;
  /** Told what holds at the start unless that is "pending", then of every change. */
  readonly report: (tracker: string, state: TrackedState) => void;
  readonly log: (event: LogEvent) => void;
  /** After a reload: checks that are the same as before go on from there. */
  readonly memory?: Memory;
  readonly clock?: Clock;
  /** Looks once; tests bring their own. */
  readonly look?: typeof checkProbe;
  /** Loads what looking needs, before the first runs; tests that bring their own look need nothing. */
  readonly prepare?: (probe: PolledProbe) => Promise<void>;
}

/** The checks and tracked files of one configuration, from start to stop. */
export class Tracking {
  readonly #options: TrackingOptions;
  readonly #clock: Clock;
  #checks: readonly Judged[] = [];
  /** What is looked at, by the keys of the probings. */
  #looks: ReadonlyMap<string, Look> = new Map();
  readonly #schedule: Schedule;
  readonly #files: FileTracker;
  readonly #stopping = new AbortController();
  #begun: Promise<void> = Promise.resolve();

  constructor(options: TrackingOptions) {
    const { checks, files, report, log, memory, clock = SYSTEM_CLOCK } = options;
    this.#options = options;
    this.#clock = clock;
    this.#arrange(checks, memory);
    this.#schedule = new Schedule([...this.#looks.values()].map(({ task }) => task), clock);
    this.#files = new FileTracker({ files, report, log, clock, watch: options.watch });
  }

  /**
   * Begins: what is known of checks is reported before this returns; the first of them run as soon as
   * all that they need is loaded.
   */
  start(): void {
    for (const check of this.#checks) check.start();
    this.#files.start();
    this.#begun = this.#prepare([...this.#looks.values()]).then(() => this.#schedule.start());
  }

  /**
   * Goes on with other checks and files: those that are the same keep their results and their times,
   * and what runs for them runs on. After `start`.
   */
  reconfigure(checks: TrackingOptions["checks"], files: readonly TrackedFile[]): void {
    const before = this.#looks, known = new Set(this.#checks);
    this.#arrange(checks, undefined);
    const looks = this.#looks;
    this.#schedule.end([...before].flatMap(([key, { task }]) => looks.has(key) ? [] : [task]));
    const fresh = [...looks].filter(([key]) => !before.has(key));
    for (const check of this.#checks) if (!known.has(check)) check.start();
    this.#files.reconfigure(files);
    if (fresh.length === 0) return;
    const prepared = Promise.all([this.#begun, this.#prepare(fresh.map(([, look]) => look))]);
    this.#begun = prepared.then(() => {
      // Another reload may have taken some out again meanwhile.
      const wanted = fresh.filter(([key, look]) => this.#looks.get(key) === look);
      if (!this.#stopping.signal.aborted) this.#schedule.add(wanted.map(([, { task }]) => task));
    });
  }

  /** Makes what is missing of checks and of what they look at, and leaves out what is not wanted. */
  #arrange(checks: TrackingOptions["checks"], memory: Memory | undefined): void {
    const { report, log } = this.#options, clock = this.#clock;
    const known = new Map(this.#checks.map((check) => [identity(check.spec), check]));
    const judged = new Map(checks.map((spec) => {
      const name = identity(spec), before = memory?.get(name);
      return [spec, known.get(name) ?? new Judged(spec, { report, log, clock, before })] as const;
    }));
    this.#checks = [...judged.values()];
    const before = this.#looks;
    this.#looks = new Map(
      probings(checks).map((probing) => {
        const theirs = probing.checks.map((spec) => judged.get(spec)!);
        const look = before.get(probing.key) ?? new Look(probing, theirs, this.#options);
        look.checks = theirs;
        return [probing.key, look];
      }),
    );
  }

  #prepare(looks: readonly Look[]): Promise<void> {
    const { look, prepare = look === undefined ? prepareProbe : () => Promise.resolve() } =
      this.#options;
    const { signal } = this.#stopping;
    return prepareAll(looks.map(({ probe }) => probe), { prepare, clock: this.#clock, signal });
  }

  /** Ends all runs; nothing is reported any more. Resolves when all have let go, in 2.5 s at most. */
  async stop(): Promise<void> {
    this.#files.stop();
    this.#stopping.abort();
    // A reload meanwhile has begun something more.
    for (let begun; begun !== this.#begun;) await (begun = this.#begun);
    await this.#schedule.stop();
  }

  /** All checks, in the order in which they were given. */
  status(): readonly CheckStatus[] {
    return this.#checks.map((check) => check.status());
  }

  /** What a next Tracking takes over for the checks that stay as they are. */
  memory(): Memory {
    return new Map(this.#checks.map(({ spec, state }) => [identity(spec), state]));
  }
}

/** Checks are the same if all that is said about them is. */
function identity(spec: CheckSpec): string {
  return JSON.stringify(spec);
}

/** One thing to look at, for all the checks that want to know. */
class Look {
  readonly probe: PolledProbe;
  readonly task: Task;
  /** Others after a reload. */
  checks: readonly Judged[];

  constructor(
    { spec: { probe, intervalUs, timeoutUs } }: Probing,
    checks: readonly Judged[],
    { host, log, look = checkProbe }: TrackingOptions,
  ) {
    this.probe = probe;
    this.checks = checks;
    this.task = {
      intervalUs,
      timeoutUs,
      isUrgent: checks.some(({ state }) => state.runs === 0),
      run: (signal) => look(probe, { signal, timeoutUs, host }),
      done: (verdict, run) => this.checks.forEach((check) => check.take(verdict, run)),
      skipped: (isFirst) => this.checks.forEach((check) => check.skip(isFirst)),
      stuck: () => {
        const text = `${this.checks[0]!.spec.tracker}: its check does not end though its ` +
          `${formatMicros(timeoutUs)} are up; it is not made again until it does`;
        log({ level: "error", text });
      },
    };
  }
}

/** What a check tells. */
interface Listeners extends Pick<TrackingOptions, "report" | "log"> {
  readonly clock: Clock;
  /** What is known from before; undefined for nothing. */
  readonly before: JudgeState | undefined;
}

/** One check: its judge, and who hears of it. */
class Judged {
  readonly spec: CheckSpec<PolledProbe>;
  readonly #to: Listeners;
  readonly #said: CheckSaid;
  #state: JudgeState;
  #skipped = 0;

  constructor(spec: CheckSpec<PolledProbe>, to: Listeners) {
    this.spec = spec;
    this.#to = to;
    this.#state = to.before ?? firstState(spec, to.clock.wallMs());
    this.#said = new CheckSaid(spec, this.#state, to.log);
  }

  get state(): JudgeState {
    return this.#state;
  }

  start(): void {
    if (this.#state.state !== "pending") this.#report();
  }

  take(verdict: Verdict, { latencyUs, timedOut }: RunFacts): void {
    const before = this.#state;
    this.#state = judge(before, verdict, latencyUs, this.spec, this.#to.clock.wallMs());
    this.#said.result(verdict, before, this.#state, timedOut);
    const { state, why } = this.#state;
    if (state !== before.state || why !== before.why) this.#report();
  }

  skip(isFirst: boolean): void {
    this.#skipped++;
    if (isFirst) this.#said.skip();
  }

  status(): CheckStatus {
    return checkStatus(this.spec.tracker, this.#state, this.#skipped);
  }

  #report(): void {
    this.#to.report(this.spec.tracker, trackedState(this.#state));
  }
}
