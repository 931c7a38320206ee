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

/** Writes lines, and drops what does not fit: nobody waits for a reader. */
export class FifoTarget {
  readonly #parts: FifoParts;
  readonly #tally: Tally = newTally();
  #fifo: LineFifo | null = null;
  #script: RunningProgram | null = null;
  #dropped = 0;
  #stopping = false;

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

  /** Writes a line now, or drops it. */
  write(line: string): void {
    if (this.#fifo === null) {
      this.#dropped++;
      return;
    }
    const why = this.#fifo.writeLine(line);
    this.#tally.last = why ?? "written";
    if (why === null) {
      this.#tally.delivered++;
      return;
    }
    if (this.#dropped++ > 0) return;
    const { path } = this.#parts.fifo;
    const text = `FIFO "${path}": a line was dropped, ${why}; more will be without a word`;
    this.#log("warning", text);
  }

  /** Lets the script read the last lines, then closes the FIFO and ends the script. */
  async stop(): Promise<void> {
    const { clock, fifo: { path } } = this.#parts;
    this.#stopping = true;
    if (this.#script !== null) await this.#scriptEnds(clock, LAST_LINES_MS);
    this.#fifo?.close();
    this.#fifo = null;
    if (this.#dropped > 0) this.#log("info", `FIFO "${path}": ${this.#dropped} lines were dropped`);
    if (this.#script === null) return;
    await this.#scriptEnds(clock, END_OF_FILE_MS);
    this.#script?.stop();
  }

  /** What it has done so far. */
  status(): TargetStatus {
    const target = `FIFO ${this.#parts.fifo.path}`;
    return { target, kind: "fifo", waiting: 0, leftOut: this.#dropped, ...this.#tally };
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
