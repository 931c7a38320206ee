/** How much a configuration may grow while it is preprocessed: a few lines can ask for millions. */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";

/** Lines that sequences, definitions and included files add: 1,000 instances of 100 lines each fit. */
const LINES_MAX = 100_000;

/** Files that are included, counting one that is included twice as two. */
const FILES_MAX = 2_000;

/** Bytes of all included files together. */
const BYTES_MAX = 32 << 20;

/** Characters that are moved while definitions are put in. */
const CHARACTERS_MAX = 20_000_000;

/** Files that are open at a time; keepalived ends with its file descriptors, at about a thousand. */
export const DEPTH_MAX = 32;

/** What is used up of the limits. */
export class Budget {
  readonly #report: Report;
  #isExhausted = false;
  #lines = 0;
  #files = 0;
  #bytes = 0;
  #characters = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  /** True once a limit is reached: nothing more is to be done. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** One more line. */
  line(position: Position): void {
    if (++this.#lines > LINES_MAX) this.#exhaust(position, `more than ${LINES_MAX} lines`);
  }

  /** One more file. */
  file(position: Position, bytes: number): void {
    this.#bytes += bytes;
    if (++this.#files > FILES_MAX) this.#exhaust(position, `more than ${FILES_MAX} files`);
    if (this.#bytes > BYTES_MAX) this.#exhaust(position, `more than ${BYTES_MAX} bytes of files`);
  }

  /** A line of a length is written anew. */
  characters(position: Position, count: number): void {
    this.#characters += count;
    if (this.#characters > CHARACTERS_MAX) this.#exhaust(position, "too long a text");
  }

  #exhaust(position: Position, what: string): void {
    if (this.#isExhausted) return;
    this.#isExhausted = true;
    this.#report({
      severity: "fatal",
      position,
      message: `This line makes the configuration grow to ${what}: the rest of it is not read`,
      remedy: "Look for a definition or an include that repeats itself, or a sequence without end",
    });
  }
}
