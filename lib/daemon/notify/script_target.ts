/** The scripts of one instance or group: never two at once, in order, each in time. */

import type { NotifyDefs, NotifyKind, ScriptCommand } from "../../../config/model.ts";
import type { UserName } from "../../core/probe_spec.ts";
import { type Micros, seconds } from "../../core/time.ts";
import { describeOutcome, type ProgramRequest, type RunningProgram } from "../../track/program.ts";
import type { Logger } from "../logger.ts";
import { type Announcement, scriptArguments, type StateWord } from "./announcement.ts";
import { newTally, type Tally, type TargetStatus } from "./delivery.ts";
import { behindMessages, type JobContext, TargetQueue } from "./target_queue.ts";

/**
 * How long a script may take. keepalived lets them run for ever, beside each other; here the next
 * one waits, so that a minute must do for what a change of state may start, a database included.
 */
export const SCRIPT_TIMEOUT_US: Micros = seconds(60);

/** Starts a program: `startProgram` of lib/track/program.ts. */
export type StartProgram = (request: ProgramRequest) => RunningProgram;

/** What scripts need. */
export interface ScriptParts {
  /** "VRRP Instance VI_1". */
  readonly title: string;
  readonly scripts: NotifyDefs["scripts"];
  /** Who runs a script that names nobody. */
  readonly scriptUser: UserName | null;
  readonly start: StartProgram;
  readonly log: Logger;
  readonly timeoutUs?: Micros;
}

/** Which script has no arguments and is for one state alone. */
const FOR_STATE: Readonly<Record<StateWord, NotifyKind>> = {
  MASTER: "notify_master",
  BACKUP: "notify_backup",
  FAULT: "notify_fault",
  STOP: "notify_stop",
  DELETED: "notify_deleted",
};

/** One script to run. */
interface Run {
  readonly keyword: NotifyKind;
  readonly command: ScriptCommand;
  readonly args: readonly string[];
}

/** Scripts to run one after the other. */
interface Job {
  /** What replaces what when the scripts are slower than the events. */
  readonly about: "state" | "lower";
  readonly runs: readonly Run[];
}

/** Runs the scripts of one subject. */
export class ScriptTarget {
  readonly queue: TargetQueue<Job>;
  #parts: ScriptParts;
  readonly #tally: Tally = newTally();

  constructor(parts: ScriptParts) {
    this.#parts = parts;
    this.queue = new TargetQueue<Job>({
      keyOf: ({ about }) => about,
      run: (job, context) => this.#run(job, context),
      ...behindMessages(`scripts of ${parts.title}`, parts.log),
    });
  }

  /** From now on these are run; what waits is run as it was meant. */
  configure(now: Pick<ScriptParts, "title" | "scripts" | "scriptUser">): void {
    this.#parts = { ...this.#parts, ...now };
  }

  /** The script for the state, then the generic one. */
  announce(announcement: Announcement): void {
    const runs = [
      this.#runOf(FOR_STATE[announcement.state], []),
      this.#runOf("notify", scriptArguments(announcement)),
    ].filter((run) => run !== null);
    if (runs.length > 0) this.queue.add({ about: "state", runs });
  }

  /** A master has heard a lower one: no arguments, and not for the generic script. */
  heardLower(): void {
    const run = this.#runOf("notify_master_rx_lower_pri", []);
    if (run !== null) this.queue.add({ about: "lower", runs: [run] });
  }

  /** What has been run so far; a script is delivered if it has exited with 0. */
  status(): TargetStatus {
    const { queue } = this;
    const waiting = queue.waiting + Number(queue.isRunning), { leftOut } = queue;
    const target = `scripts of ${this.#parts.title}`;
    return { target, kind: "scripts", waiting, leftOut, ...this.#tally };
  }

  #runOf(keyword: NotifyKind, args: readonly string[]): Run | null {
    const command = this.#parts.scripts[keyword];
    return command === undefined ? null : { keyword, command, args };
  }

  async #run({ runs }: Job, { signal }: JobContext): Promise<void> {
    for (const run of runs) {
      if (!signal.aborted) await this.#runOne(run, signal);
    }
  }

  async #runOne({ keyword, command, args }: Run, signal: AbortSignal): Promise<void> {
    const { start, scriptUser, timeoutUs = SCRIPT_TIMEOUT_US, title, log } = this.#parts;
    const { words, user } = command;
    const who = user ?? scriptUser;
    const program = start({ words, user: who, timeoutUs, signal, extraArgs: args });
    const outcome = await program.outcome;
    // Ended or not, it is over only when nothing of it runs any more: never two at once.
    await program.gone;
    const how = describeOutcome(outcome);
    this.#tally.last = `${keyword} ${how}`;
    if (outcome.kind === "exited" && outcome.status === 0) {
      this.#tally.delivered++;
      return;
    }
    this.#tally.failed++;
    const text = `Script ${keyword} of ${title} (${words.join(" ")}): ${how}`;
    log({ level: "warning", text });
  }
}
