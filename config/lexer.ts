/**
 * keepalived.conf's lexical grammar: lines to statements, which are words between braces.
 *
 * The unit is the line. `#` and `!` start a comment outside double quotes; a line is cut at the
 * first brace outside double quotes and what follows counts as another line. Backslashes do not
 * protect a double quote from these two rules, not even in the argument of a script keyword.
 */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";
import { isCommentSign, positionOf, type SourceLine } from "./source.ts";

/** One word, without its quotes. */
export interface Word {
  readonly text: string;
  readonly position: Position;
}

/** Words that stand together: a line, or the part of one up to a brace. */
export interface Statement {
  readonly kind: "statement";
  readonly words: readonly [Word, ...Word[]];
  /** Columns (from 0, end excluded) of the line that hold the statement. */
  readonly line: SourceLine;
  readonly from: number;
  readonly to: number;
  /** Where the words behind the first one begin. */
  readonly afterKeyword: number;
}

/** A brace outside quotes. */
export interface Brace {
  readonly kind: "open" | "close";
  readonly position: Position;
}

/** What the parser walks. */
export type Token = Statement | Brace;

/** All tokens of the lines, in order. */
export function tokenize(lines: readonly SourceLine[], report: Report): readonly Token[] {
  const tokens: Token[] = [];
  for (const line of lines) {
    for (const piece of pieces(line.text)) {
      if (piece.brace !== null) {
        const kind = piece.brace === "{" ? "open" : "close";
        tokens.push({ kind, position: positionOf(line, piece.from, piece.to) });
        continue;
      }
      const [first, ...rest] = splitWords(line, piece.from, piece.to, report);
      if (first === undefined) continue;
      tokens.push({
        kind: "statement",
        words: [first, ...rest],
        line,
        from: piece.from,
        to: piece.to,
        afterKeyword: wordEnd(line.text, piece.from, piece.to),
      });
    }
  }
  return tokens;
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly brace: "{" | "}" | null;
}

/** Cuts a line at its braces and ends it at its comment; blank pieces are left out. */
function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let from = 0, quoted = false, at = 0;
  const finish = (to: number) => {
    if (text.slice(from, to).trim() !== "") found.push({ from, to, brace: null });
  };
  for (; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (sign === "\\" && isCommentSign(text[at + 1])) at++;
    else if (isCommentSign(sign)) break;
    else if (sign === "{" || sign === "}") {
      finish(at);
      found.push({ from: at, to: at + 1, brace: sign });
      from = at + 1;
    }
  }
  finish(at);
  return found;
}

/**
 * Words of an ordinary keyword: separated by blanks or by a double quote, which groups and
 * disappears; no escapes. After an unclosed quote nothing is a word.
 */
function splitWords(line: SourceLine, from: number, to: number, report: Report): readonly Word[] {
  const words: Word[] = [];
  let at = from;
  while (at < to) {
    if (isBlank(line.text[at]!)) at++;
    else if (line.text[at] === '"') {
      const end = line.text.indexOf('"', at + 1);
      if (end < 0 || end >= to) {
        reportUnterminated(positionOf(line, at, to), '"', report, line.text[to]);
        break;
      }
      words.push({ text: line.text.slice(at + 1, end), position: positionOf(line, at, end + 1) });
      at = end + 1;
    } else {
      const end = wordEnd(line.text, at, to);
      const text = line.text.slice(at, end).replaceAll(/\\([#!])/g, "$1");
      words.push({ text, position: positionOf(line, at, end) });
      at = end;
    }
  }
  return words;
}

/** The end of the first word in a part of a text; its quotes are part of it. */
function wordEnd(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text[at]!)) at++;
  if (text[at] === '"') return text.indexOf('"', at + 1) + 1;
  while (at < to && !isBlank(text[at]!) && text[at] !== '"') at++;
  return at;
}

/**
 * The words behind the keyword, read again as script keywords read them: single and double quotes
 * group, also inside a word, and backslashes escape. Null after a report if a quote is not closed.
 */
export function scriptWords(statement: Statement, report: Report): readonly Word[] | null {
  const { line, to, afterKeyword: from } = statement;
  return splitEscaped(
    line.text.slice(from, to),
    (start, end) => {
      return positionOf(line, from + start, from + end);
    },
    report,
    line.text[to],
  );
}

/**
 * Splits the first argument of a script keyword into the command and its parameters, by the same
 * rules once more. Null after a report if a quote is not closed.
 */
export function commandWords(argument: Word, report: Report): readonly string[] | null {
  const words = splitEscaped(argument.text, () => argument.position, report);
  return words && words.map((word) => word.text);
}

function splitEscaped(
  text: string,
  position: (from: number, to: number) => Position,
  report: Report,
  cut?: string,
): readonly Word[] | null {
  const words: Word[] = [];
  let at = 0;
  while (true) {
    while (at < text.length && isBlank(text[at]!)) at++;
    if (at >= text.length) return words;
    const start = at;
    let word = "", quote = "", quoteAt = at;
    while (at < text.length && (quote !== "" || !isBlank(text[at]!))) {
      const sign = text[at]!;
      if (sign === "\\" && at + 1 < text.length) {
        const escape = readEscape(text, at + 1);
        word += escape.text;
        at = escape.end;
      } else {
        if (sign === quote) quote = "";
        else if (quote === "" && (sign === '"' || sign === "'")) [quote, quoteAt] = [sign, at];
        else word += sign;
        at++;
      }
    }
    if (quote !== "") {
      reportUnterminated(position(quoteAt, text.length), quote, report, cut);
      return null;
    }
    words.push({ text: word, position: position(start, at) });
  }
}

/** What one letter behind a backslash stands for; any other sign stands for itself. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Reads the escape whose backslash stands before `at`: `\nnn` octal, `\xHH`, `\cC`, or a letter. */
function readEscape(text: string, at: number): { readonly text: string; readonly end: number } {
  const rest = text.slice(at, at + 3);
  const octal = /^[0-3]?[0-7]{1,2}/.exec(rest)?.[0];
  if (octal !== undefined) return charOf(parseInt(octal, 8), at + octal.length);
  const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest);
  if (hex !== null) return charOf(parseInt(hex[1]!, 16), at + hex[0].length);
  if (/^c./.test(rest)) return charOf(rest.charCodeAt(1) & 0x1f, at + 2);
  const sign = text[at]!;
  return { text: Object.hasOwn(ESCAPES, sign) ? ESCAPES[sign]! : sign, end: at + 1 };
}

function charOf(code: number, end: number): { readonly text: string; readonly end: number } {
  return { text: String.fromCharCode(code), end };
}

function isBlank(sign: string): boolean {
  return sign === " " || sign === "\t" || sign === "\f" || sign === "\v" || sign === "\r";
}

/** `cut` is the sign that ended the text before the line's end, if one did. */
function reportUnterminated(
  position: Position,
  quote: string,
  report: Report,
  cut?: string,
): void {
  const why = isCommentSign(cut)
    ? `a comment begins at its "${cut}"`
    : `there is no second ${quote}`;
  report({
    severity: "error",
    position,
    message: `Unterminated quote: ${why}, so that what stands behind the quote is ignored`,
    remedy: isCommentSign(cut)
      ? `Write "\\${cut}" for a literal "${cut}"`
      : `Close the quotation with ${quote}`,
  });
}
