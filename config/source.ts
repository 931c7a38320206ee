/** From the bytes of a file to source lines with positions. */

import type { Position } from "./model.ts";
import type { Report, Severity } from "./problem.ts";

/** One line of a file, without its line end. `number` counts from 1. */
export interface SourceLine {
  readonly file: string;
  readonly number: number;
  readonly text: string;
  /** Where the characters come from, if the text is not the whole line as it stands in the file. */
  readonly origin?: readonly Segment[];
}

/** Neighbouring characters of a line's text that come from one place. */
export interface Segment {
  /** Index of the first character in the text; the segment ends where the next one begins. */
  readonly at: number;
  /** Columns (from 0, end excluded) in the file's line; of the place of use for what was put in. */
  readonly start: number;
  readonly end: number;
  /** What was put in there; absent for characters that stand in the line themselves. */
  readonly via?: string;
}

/** Longest line that keepalived reads, in bytes. Longer ones are skipped. */
export const LINE_BYTES_MAX = 1024;

/** The place of characters `from` to `to` (counted from 0, end excluded) of a line's text. */
export function positionOf(line: SourceLine, from = 0, to = line.text.length): Position {
  const { file, number, origin } = line;
  if (origin === undefined) {
    return { file, line: number, column: from + 1, length: Math.max(1, to - from) };
  }
  const first = placeOf(origin, from), last = placeOf(origin, Math.max(from, to - 1));
  const via = first.via ?? last.via;
  return {
    file,
    line: number,
    column: first.start + 1,
    length: Math.max(1, last.end - first.start),
    ...via === undefined ? {} : { via },
  };
}

/** One character's place in the file's line. */
function placeOf(origin: readonly Segment[], index: number): Omit<Segment, "at"> {
  const segment = origin.findLast(({ at }) => at <= index) ?? { at: 0, start: 0, end: 1 };
  if (segment.via !== undefined) return segment;
  const start = segment.start + index - segment.at;
  return { start, end: start + 1 };
}

/** A part of a line, which knows where it stands in the file. */
export function sliceLine(line: SourceLine, from: number, to = line.text.length): SourceLine {
  if (from === 0 && to >= line.text.length) return line;
  const inside = originOf(line).filter(({ at }, index, all) =>
    at < to && (all[index + 1]?.at ?? Infinity) > from
  );
  const origin = inside.map(({ at, start, end, via }) => {
    const cut = Math.max(0, from - at);
    return via === undefined
      ? { at: at + cut - from, start: start + cut, end }
      : { at: at + cut - from, start, end, via };
  });
  return { ...line, text: line.text.slice(from, to), origin };
}

/** A line with other text in the place of some of its characters. @param via What that text is. */
export function replaceInLine(
  line: SourceLine,
  from: number,
  to: number,
  text: string,
  via: string,
): SourceLine {
  const { column, length } = positionOf(line, from, to);
  const before = sliceLine(line, 0, from), after = sliceLine(line, to);
  const moved = from + text.length;
  const origin = [
    ...from === 0 ? [] : originOf(before),
    ...text === "" ? [] : [{ at: from, start: column - 1, end: column - 1 + length, via }],
    ...after.text === "" ? [] : originOf(after).map((part) => ({ ...part, at: part.at + moved })),
  ];
  return { ...line, text: before.text + text + after.text, origin };
}

function originOf({ text, origin }: SourceLine): readonly Segment[] {
  return origin ?? [{ at: 0, start: 0, end: text.length }];
}

/** Where the comment of a line begins: at the first `#` or `!` outside of double quotes; else its end. */
export function codeLength(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (sign === "\\" && isCommentSign(text[at + 1])) at++;
    else if (isCommentSign(sign)) return at;
  }
  return text.length;
}

/** Whether a sign begins a comment where it stands outside of double quotes. */
export function isCommentSign(sign: string | undefined): boolean {
  return sign === "#" || sign === "!";
}

/** Splits a file into lines. All of them: those that cannot be used are dropped by `usableLines`. */
export function splitLines(content: string | Uint8Array, file: string): readonly SourceLine[] {
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  const lines = text.replace(/^\ufeff/, "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => ({
    file,
    number: index + 1,
    text: line.endsWith("\r") ? line.slice(0, -1) : line,
  }));
}

/**
 * The lines that can be read; what is wrong with the others is reported.
 *
 * @param severity Of a file that is not text at all.
 */
export function usableLines(
  lines: readonly SourceLine[],
  report: Report,
  severity: Severity = "fatal",
): readonly SourceLine[] {
  const binary = firstBinaryLine(lines);
  if (binary !== null) {
    report({
      severity,
      position: positionOf(binary.line, binary.at, binary.at + 1),
      message: `Cannot read "${binary.line.file}" as a configuration: it holds binary data`,
      remedy: "Name a text file in UTF-8, such as /etc/keepalived/keepalived.conf",
    });
    return [];
  }
  return lines.filter((line) => isUsable(line, report));
}

/** NUL is in no text of ours; U+FFFD stands for bytes that are not UTF-8. */
// deno-lint-ignore no-control-regex -- these are what is looked for
const FOREIGN = /[\x00-\x08\x0e-\x1f\x7f\ufffd]/g;

/** How many characters are looked at, and the share of foreign ones that makes a file binary. */
const BINARY_SAMPLE = 4096, BINARY_SHARE = 0.08;

function firstBinaryLine(
  lines: readonly SourceLine[],
): { readonly line: SourceLine; readonly at: number } | null {
  let seen = 0, foreign = 0;
  let first: { readonly line: SourceLine; readonly at: number } | null = null;
  for (const line of lines) {
    const sample = line.text.slice(0, BINARY_SAMPLE - seen);
    seen += sample.length + 1;
    foreign += sample.match(FOREIGN)?.length ?? 0;
    first ??= foreign > 0 ? { line, at: sample.search(FOREIGN) } : null;
    if (seen >= BINARY_SAMPLE) break;
  }
  return foreign > seen * BINARY_SHARE ? first : null;
}

function isUsable(line: SourceLine, report: Report): boolean {
  const nul = line.text.indexOf("\0");
  if (nul >= 0) {
    report({
      severity: "error",
      position: positionOf(line, nul, nul + 1),
      message: "Cannot read this line: it holds a NUL byte",
      remedy: "Delete the byte; until then the whole line is ignored",
    });
    return false;
  }
  // A UTF-16 unit is at most three bytes, so most lines need not be measured.
  const bytes = line.text.length * 3 <= LINE_BYTES_MAX ? 0 : utf8Length(line.text);
  if (bytes > LINE_BYTES_MAX) {
    report({
      severity: "error",
      position: positionOf(line, LINE_BYTES_MAX, line.text.length),
      message: `Cannot read this line of ${bytes} bytes: must be at most ${LINE_BYTES_MAX}`,
      remedy: "Split it, or move a long command into a script file; the whole line is ignored",
    });
    return false;
  }
  return true;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
