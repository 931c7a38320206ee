/** Looks at files that may take for ever: one at a time, and what is said of one that does. */

import type { LogEvent } from "../core/log.ts";
import type { Clock } from "./clock.ts";
import { inWords } from "./words.ts";

/** A file system that is silent for so long is told of. */
const SILENT_MS = 1000;

/** What a Look needs. */
export interface LookOptions {
  readonly log: (event: LogEvent) => void;
  readonly clock: Clock;
}

/** One thing that is looked at, once at a time, however long that takes. */
export class Look {
  /** "the tracked file /run/f". */
  readonly #what: string;
  readonly #log: (event: LogEvent) => void;
  readonly #clock: Clock;
  #beganMs: number | null = null;
  #isSilenceSaid = false;
  /** What went wrong in the latest look, which nothing here can be blamed for. */
  #broken: string | null = null;

  constructor(what: string, { log, clock }: LookOptions) {
    this.#what = what;
    this.#log = log;
    this.#clock = clock;
  }

  /** Begins unless the one before still goes on; says once when that is so for long. */
  begin(run: () => Promise<void>): void {
    if (this.#beganMs !== null) return this.#saySilence(this.#beganMs);
    this.#beganMs = this.#clock.monotonicMs();
    run().then(() => null, (error) => inWords(error)).then((broken) => this.#end(broken));
  }

  #end(broken: string | null): void {
    this.#beganMs = null;
    if (this.#isSilenceSaid) {
      this.#log({ level: "info", text: `The file system of ${this.#what} answers again` });
    }
    this.#isSilenceSaid = false;
    if (broken !== null && broken !== this.#broken) {
      this.#log({ level: "error", text: `Cannot look at ${this.#what}: ${broken}` });
    }
    this.#broken = broken;
  }

  #saySilence(beganMs: number): void {
    if (this.#isSilenceSaid || this.#clock.monotonicMs() - beganMs < SILENT_MS) return;
    this.#isSilenceSaid = true;
    const text = `No answer from the file system of ${this.#what}: what is known stays as it is`;
    this.#log({ level: "warning", text });
  }
}
