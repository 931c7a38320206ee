/** One notify FIFO, and the script that reads it. */

import type { NotifyFifo } from "../../../config/model.ts";
import type { UserName } from "../../core/probe_spec.ts";
import type { FifoOwner, LineFifo } from "../../net/fifo.ts";
import { type Account, accounts } from "../../track/accounts.ts";
import type { Clock } from "../../track/clock.ts";
import { describeOutcome, type RunningProgram } from "../../track/program.ts";
import type { Logger } from "../logger.ts";
import { newTally, sleep, type Tally, type TargetStatus } from "./delivery.ts";
import type { StartProgram } from "./script_target.ts";

/** How long the script may take for the last lines before the FIFO goes: keepalived waits as long. */
const LAST_LINES_MS = 1000;

/** How long the script may take to end by itself at the end of the FIFO. */
const END_OF_FILE_MS = 500;

/** How often what did not fit is tried again; at the stop, while the script reads the last lines. */
const TRY_AGAIN_MS = 1000, TRY_AGAIN_AT_STOP_MS = 50;

/** Opens a FIFO: `openLineFifo` of lib/net/fifo.ts. */
export type OpenFifo = (path: string, owner: FifoOwner | null) => LineFifo;

/** What a FIFO needs. */
export interface FifoParts {
  readonly fifo: NotifyFifo;
  readonly scriptUser: UserName | null;
  readonly open: OpenFifo;
  readonly start: StartProgram;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Writes lines; nobody waits for a reader. Of what does not fit, the newest line of each subject and
 * kind is kept and tried again, so that who reads at last knows the state that holds.
 */
export class FifoTarget {
  readonly #parts: FifoParts;
  readonly #tally: Tally = newTally();
  #fifo: LineFifo | null = null;
  #script: RunningProgram | null = null;
  /** Lines that did not fit, the newest last, by what they are about. */
  readonly #kept = new Map<string, string>();
  #cancelRetry: (() => void) | null = null;
  #dropped = 0;
  /** Of them, those since it was last full. */
  #droppedSinceFull = 0;
  #stopping = false;
  /** Whoever had this path before has still to let go of it. */
  #isWaiting = false;

  constructor(parts: FifoParts) {
    this.#parts = parts;
  }

  /** Opens it and starts its script; what goes wrong is logged, and the FIFO does without. */
  start(): void {
    const { fifo: { path, owner }, open } = this.#parts;
    try {
      this.#fifo = open(path, owner === null ? null : this.#account(owner));
    } catch (error) {
      this.#tally.last = (error as Error).message;
      this.#log("error", `No notifications go to the FIFO "${path}": ${this.#tally.last}`);
      return;
    }
    this.#startScript();
  }

  /** Opens it when another has let go of it; what is to be written meanwhile is kept. */
  startAfter(gone: Promise<void>): void {
    this.#isWaiting = true;
    gone.then(() => {
      this.#isWaiting = false;
      if (this.#stopping) return;
      this.start();
      this.#writeKept();
      this.#retryLater();
    });
  }

  /** Writes a line now, or keeps it in the place of an older one. */
  write(line: string): void {
    if (this.#isWaiting) return this.#keep(line);
    if (this.#fifo === null) {
      this.#dropped++;
      return;
    }
    this.#writeKept();
    // One behind another: what was kept longer goes first.
    const why = this.#kept.size > 0 ? this.#tally.last : this.#put(line);
    if (why === null) return;
    if (this.#kept.size === 0) this.#isFull(why);
    this.#keep(line);
    this.#retryLater();
  }

  /** Lets the script read the last lines, then closes the FIFO and ends the script. */
  async stop(): Promise<void> {
    const { clock } = this.#parts;
    this.#stopping = true;
    this.#retryLater();
    if (this.#script !== null) await this.#scriptEnds(clock, LAST_LINES_MS);
    this.#writeKept();
    this.#cancelRetry?.();
    this.#fifo?.close();
    this.#fifo = null;
    this.#dropped += this.#kept.size;
    this.#droppedSinceFull += this.#kept.size;
    if (this.#kept.size > 0) this.#sumUp("was full to the end");
    this.#kept.clear();
    if (this.#script === null) return;
    await this.#scriptEnds(clock, END_OF_FILE_MS);
    this.#script?.stop();
  }

  /** What it has done so far. */
  status(): TargetStatus {
    const target = `FIFO ${this.#parts.fifo.path}`;
    return {
      target,
      kind: "fifo",
      waiting: this.#kept.size,
      leftOut: this.#dropped,
      ...this.#tally,
    };
  }

  /** @returns Why the line was not written; null if it was. */
  #put(line: string): string | null {
    const why = this.#fifo === null ? "it is closed" : this.#fifo.writeLine(line);
    this.#tally.last = why ?? "written";
    if (why === null) this.#tally.delivered++;
    return why;
  }

  #keep(line: string): void {
    const about = aboutOf(line);
    if (this.#kept.delete(about)) {
      this.#dropped++;
      this.#droppedSinceFull++;
    }
    this.#kept.set(about, line);
  }

  /** Writes what was kept, in order, as far as it goes. */
  #writeKept(): void {
    if (this.#kept.size === 0) return;
    for (const [about, line] of this.#kept) {
      if (this.#put(line) !== null) return;
      this.#kept.delete(about);
    }
    this.#sumUp("takes lines again");
  }

  #retryLater(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    if (this.#kept.size === 0) return;
    const ms = this.#stopping ? TRY_AGAIN_AT_STOP_MS : TRY_AGAIN_MS;
    this.#cancelRetry = this.#parts.clock.after(ms, () => {
      this.#writeKept();
      this.#retryLater();
    });
  }

  #isFull(why: string): void {
    this.#droppedSinceFull = 0;
    const { path } = this.#parts.fifo;
    const text =
      `FIFO "${path}": a line was not written, ${why}; until it can be, only the newest` +
      " of each instance and group are kept";
    this.#log("warning", text);
  }

  #sumUp(what: string): void {
    const count = this.#droppedSinceFull;
    const lines = count === 1 ? "1 line was" : `${count === 0 ? "no" : count} lines were`;
    this.#log("info", `FIFO "${this.#parts.fifo.path}" ${what}: ${lines} dropped`);
  }

  #startScript(): void {
    const { fifo: { path, script }, scriptUser, start } = this.#parts;
    if (script === null) return;
    const user = script.user ?? scriptUser;
    const running = start({ words: script.words, user, timeoutUs: null, extraArgs: [path] });
    this.#script = running;
    running.outcome.then((outcome) => {
      this.#script = null;
      if (outcome.kind === "could not start" || !this.#stopping) {
        const how = describeOutcome(outcome);
        this.#tally.failed++;
        this.#log("warning", `The script of the FIFO "${path}" ${how}; it is not started again`);
      }
    });
  }

  async #scriptEnds(clock: Clock, ms: number): Promise<void> {
    const over = new AbortController();
    const ended = this.#script?.outcome.then(() => over.abort());
    await Promise.race([ended, sleep(clock, ms, over.signal)]);
    over.abort();
  }

  #account(owner: UserName): Account {
    const found = accounts.resolve(owner);
    if (!found.ok) throw new Error(found.error);
    return found.value;
  }

  #log(level: "error" | "warning" | "info", text: string): void {
    this.#parts.log({ level, text });
  }
}

/** The words that are a subject's state: a newer one makes the older ones history. */
const STATES = ["BACKUP", "MASTER", "FAULT", "STOP", "DELETED"];

/** What a line is about: a subject's state, or one other word about it ('INSTANCE "VI_1" MASTER 100'). */
function aboutOf(line: string): string {
  const end = line.lastIndexOf('"') + 1;
  const [, word = ""] = line.slice(end).split(" ");
  return `${line.slice(0, end)} ${STATES.includes(word) ? "is" : word}`;
}
