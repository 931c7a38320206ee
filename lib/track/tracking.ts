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
  readonly #checks: readonly Judged[];
  readonly #schedule: Schedule;
  readonly #files: FileTracker;
  readonly #prepare: () => Promise<void>;
  readonly #stopping = new AbortController();
  #begun: Promise<void> = Promise.resolve();

  constructor(options: TrackingOptions) {
    const { checks, files, report, log, memory, clock = SYSTEM_CLOCK } = options;
    const judged = new Map(
      checks.map((spec) =>
        [
          spec,
          new Judged(spec, { report, log, clock, before: memory?.get(identity(spec)) }),
        ] as const
      ),
    );
    this.#checks = [...judged.values()];
    const looks = probings(checks);
    const tasks = looks.map((probing) =>
      taskOf(probing, probing.checks.map((spec) => judged.get(spec)!), options)
    );
    const { prepare = options.look === undefined ? prepareProbe : () => Promise.resolve() } =
      options;
    const preparation = { prepare, clock, signal: this.#stopping.signal };
    this.#prepare = () => prepareAll(looks.map(({ spec }) => spec.probe), preparation);
    this.#schedule = new Schedule(tasks, clock);
    this.#files = new FileTracker({ files, report, log, clock, watch: options.watch });
  }

  /**
   * Begins: what is known of checks is reported before this returns; the first of them run as soon as
   * all that they need is loaded.
   */
  start(): void {
    for (const check of this.#checks) check.start();
    this.#files.start();
    this.#begun = this.#prepare().then(() => this.#schedule.start());
  }

  /** Ends all runs; nothing is reported any more. Resolves when all have let go, in 2.5 s at most. */
  async stop(): Promise<void> {
    this.#files.stop();
    this.#stopping.abort();
    await this.#begun;
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
function taskOf(
  { spec: { probe, intervalUs, timeoutUs } }: Probing,
  checks: readonly Judged[],
  { host, log, look = checkProbe }: TrackingOptions,
): Task {
  const { tracker } = checks[0]!.spec;
  return {
    intervalUs,
    timeoutUs,
    isUrgent: checks.some(({ state }) => state.runs === 0),
    run: (signal) => look(probe, { signal, timeoutUs, host }),
    done: (verdict, run) => checks.forEach((check) => check.take(verdict, run)),
    skipped: (isFirst) => checks.forEach((check) => check.skip(isFirst)),
    stuck: () => {
      const text =
        `${tracker}: its check does not end though its ${formatMicros(timeoutUs)} are up;` +
        " it is not made again until it does";
      log({ level: "error", text });
    },
  };
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
