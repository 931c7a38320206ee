/**
 * From the bytes of a file to source lines with positions. This is where included files,
 * definitions, conditions and sequences are resolved, before any word is looked at.
 */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";

/** One line of a file, without its line end. `number` counts from 1. */
export interface SourceLine {
  readonly file: string;
  readonly number: number;
  readonly text: string;
}

/** Longest line that keepalived reads, in bytes. Longer ones are skipped. */
export const LINE_BYTES_MAX = 1024;

/** The place of columns `from` to `to` (counted from 0, end excluded) of a line. */
export function positionOf(line: SourceLine, from = 0, to = line.text.length): Position {
  return {
    file: line.file,
    line: line.number,
    column: from + 1,
    length: Math.max(1, to - from),
  };
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

/** The lines that the lexer shall see; what is wrong with the others is reported. */
export function usableLines(lines: readonly SourceLine[], report: Report): readonly SourceLine[] {
  const binary = firstBinaryLine(lines);
  if (binary !== null) {
    report({
      severity: "fatal",
      position: positionOf(binary.line, binary.at, binary.at + 1),
      message: `Cannot read "${binary.line.file}" as a configuration: it holds binary data`,
      remedy: "Name a text file in UTF-8, such as /etc/keepalived/keepalived.conf",
    });
    return [];
  }
  return withoutPreprocessing(lines.filter((line) => isUsable(line, report)), report);
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

/** What the line-wise language of keepalived offers before words are looked at. */
const PREPROCESSOR: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /^\s*(include[rmwba]?)(?=\s)/, what: "included files" },
  { pattern: /^\s*(\$[A-Za-z_]\w*)=/, what: "definitions" },
  { pattern: /^\s*(@\^?\S*)/, what: "conditional lines" },
  { pattern: /^\s*(~(?:SEQx?|LST))\(/, what: "sequences" },
];

/** A definition in use: `${NAME}` anywhere, `$NAME` only before a blank, a comma, ")" or the end. */
const USE = /\$(?:\{[A-Za-z_]\w*(?: [^}]*)?\}|[A-Za-z_]\w*(?=[\s,)]|$))/g;

/** Drops the lines that only a preprocessor understands, each with a report. */
function withoutPreprocessing(
  lines: readonly SourceLine[],
  report: Report,
): readonly SourceLine[] {
  const kept: SourceLine[] = [];
  const defined = new Set<string>();
  let continued = false;
  for (const line of lines) {
    const continues = line.text.trimEnd().endsWith("\\");
    if (continued) {
      continued = continues;
      continue;
    }
    const row = PREPROCESSOR.find(({ pattern }) => pattern.test(line.text));
    if (row === undefined) {
      kept.push(unresolved(line, defined, report));
      continue;
    }
    const word = row.pattern.exec(line.text)![1]!;
    if (word.startsWith("$")) {
      defined.add(word.slice(1));
      continued = continues;
    }
    const from = line.text.indexOf(word);
    reportUnsupported(line, from, word, row.what, report);
  }
  return kept;
}

/** Reports definitions in use, and hides their braces so that they do not look like a block's. */
function unresolved(line: SourceLine, defined: ReadonlySet<string>, report: Report): SourceLine {
  const text = line.text.replaceAll(USE, (use: string, at: number) => {
    const name = use.replaceAll(/[${}]/g, "");
    // An undefined name is text to keepalived, without a message: scripts are full of shell variables.
    if (!defined.has(name) && !use.startsWith("${_")) return use;
    reportUnsupported(line, at, use, "definitions", report);
    return use.replace("{", "(").replace("}", ")");
  });
  return text === line.text ? line : { ...line, text };
}

function reportUnsupported(
  line: SourceLine,
  from: number,
  word: string,
  what: string,
  report: Report,
): void {
  report({
    severity: "error",
    position: positionOf(line, from, from + word.length),
    message: `"${word}" is known, not supported yet: ${what} are not resolved`,
    remedy: "Write the lines out in this file",
  });
}
