/** keepalived.conf text of which every word knows the place in another file that it comes from. */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";
import type { UciWord } from "./uci.ts";

/** A word of the text, written as it must be read, and where it comes from. */
export interface Piece {
  readonly text: string;
  readonly at: Position;
}

/** One line: its words with a blank between them, behind the indent. */
interface Line {
  readonly indent: number;
  readonly pieces: readonly Piece[];
}

/** Columns of one level. */
const INDENT = 2;

/** A word that needs no quotes, and no second look by a preprocessor. */
const PLAIN = /^[^\s"'#!{}\\$@~]+$/;

/** Written line by line. */
export class ConfText {
  readonly #lines: Line[] = [];
  readonly #report: Report;
  #depth = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  /** A line; nothing, if a word of it could not be written. */
  line(...pieces: readonly (Piece | null)[]): void {
    if (pieces.includes(null)) return;
    this.#lines.push({ indent: this.#depth * INDENT, pieces: pieces as readonly Piece[] });
  }

  /** A block: its head, and what `inside` writes. */
  block(head: readonly (Piece | null)[], inside: () => void): void {
    if (head.includes(null)) return;
    const open = head.at(-1)!.at;
    this.line(...head, { text: "{", at: open });
    this.#depth++;
    inside();
    this.#depth--;
    this.line({ text: "}", at: open });
  }

  /** A value as one word; null, after a report, if keepalived.conf has no way to write it. */
  word({ text, position }: UciWord): Piece | null {
    if (PLAIN.test(text)) return { text, at: position };
    // deno-lint-ignore no-control-regex -- a line holds none of these
    if (!/["\x00-\x1f\x7f]/.test(text)) return { text: `"${text}"`, at: position };
    this.#report({
      severity: "error",
      position,
      message: "Cannot use this value: it holds a double quote or a control character",
      remedy: "Write the value without it; until then the line is ignored",
    });
    return null;
  }

  /**
   * A value as the one argument of a script keyword, which is split into the command and its
   * parameters by the reader. Escapes in octal keep what the reader would take for its own.
   */
  script({ text, position }: UciWord): Piece {
    const escaped = text.replaceAll(
      // deno-lint-ignore no-control-regex -- these are what is escaped
      /["\\\x00-\x1f\x7f]/g,
      (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`,
    );
    return { text: `"${escaped}"`, at: position };
  }

  /** The whole text. */
  toString(): string {
    return this.#lines.map(({ indent, pieces }) =>
      `${" ".repeat(indent)}${pieces.map(({ text }) => text).join(" ")}\n`
    ).join("");
  }

  /** Where the word comes from that stands at a place of the text; null outside of it. */
  origin(line: number, column: number): Position | null {
    const found = this.#lines[line - 1];
    if (found === undefined) return null;
    let end = found.indent;
    for (const { text, at } of found.pieces) {
      end += text.length + 1;
      if (column <= end) return at;
    }
    return found.pieces.at(-1)?.at ?? null;
  }
}
