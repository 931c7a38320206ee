/** What a check writes to the log: keepalived's lines for scripts, the like for other checks. */

import type { LogEvent } from "../core/log.ts";
import type { CheckSpec } from "../core/probe_spec.ts";
import type { Verdict } from "./checker.ts";
import { type JudgeState, whyInFull } from "./judge.ts";

/** How a script that ran to its end and was not content puts it. */
const EXITED = /^exited with status (\d+)$/;

/** One check's part of the log; it says nothing twice in a row. */
export class CheckSaid {
  readonly #log: (event: LogEvent) => void;
  readonly #isScript: boolean;
  /** "web" of "check web". */
  readonly #name: string;
  /** The latest result in words; null for success. */
  #latest: string | null;
  #warning: string | null;

  /** `known` is what is known from before, and was said then. */
  constructor({ tracker }: CheckSpec, known: JudgeState, log: (event: LogEvent) => void) {
    const [kind, ...name] = tracker.split(" ");
    this.#log = log;
    this.#isScript = kind === "script";
    this.#name = name.join(" ");
    this.#latest = known.runs > 0 ? known.why : null;
    this.#warning = known.warning;
  }

  /** After each result. */
  result(verdict: Verdict, before: JudgeState, now: JudgeState, timedOut: boolean): void {
    const turns = now.state !== before.state;
    this.#latestResult(verdict.good ? null : verdict.why, timedOut, turns);
    if (turns) this.#turn(verdict, timedOut);
    if (now.warning !== null && now.warning !== this.#warning) {
      this.#log({ level: "warning", text: `${this.#label()}: ${now.warning}` });
    }
    // One failure in between does not make the same warning new.
    if (verdict.good) this.#warning = now.warning;
  }

  /** A run was left out, as the one before still goes on: the first of those in a row. */
  skip(): void {
    const text = this.#isScript
      ? `Track script ${this.#name} is already running, expect idle - skipping run`
      : `${this.#label()} is still going on when the next one is due: skipping it`;
    this.#log({ level: "info", text });
  }

  /** That this result is another than the one before, whether or not it counts already. */
  #latestResult(why: string | null, timedOut: boolean, turns: boolean): void {
    if (why === this.#latest) return;
    this.#latest = why;
    if (!this.#isScript) {
      if (why !== null && !turns) this.#log({ level: "info", text: `${this.#label()}: ${why}` });
    } else if (!timedOut) {
      const status = why === null ? "0" : EXITED.exec(why)?.[1];
      const text = status === undefined
        ? `Script \`${this.#name}\`: ${why}`
        : `Script \`${this.#name}\` now returning ${status}`;
      this.#log({ level: "info", text });
    }
  }

  #turn(verdict: Verdict, timedOut: boolean): void {
    if (verdict.good) this.#log({ level: "notice", text: `${this.#label()} succeeded` });
    else {
      const how = this.#isScript && timedOut ? "timed_out" : `failed (${whyInFull(verdict)})`;
      this.#log({ level: "warning", text: `${this.#label()} ${how}` });
    }
  }

  #label(): string {
    return `${this.#isScript ? "VRRP_Script" : "VRRP_Check"}(${this.#name})`;
  }
}
