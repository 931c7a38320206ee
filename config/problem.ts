/** What is wrong with a configuration: how bad, where, why, and what to do about it. */

import type { Position } from "./model.ts";

/**
 * How bad a problem is, by what keepalived would do with the same file.
 * `fatal`: it would refuse to start. `error`: it would start, but not do what the file says.
 * `warning`: it does what the file says, which may not be what was meant.
 */
export type Severity = "fatal" | "error" | "warning";

/** The gravest first. */
export const SEVERITIES: readonly Severity[] = ["fatal", "error", "warning"];

/** A problem as its finder states it. */
export interface Finding {
  readonly severity: Severity;
  readonly position: Position;
  /** Capital first letter, no full stop; quotes the input and states what is allowed. */
  readonly message: string;
  /** What to change, as an instruction to the owner of the file. */
  readonly remedy: string;
}

/** A finding with the source line it is about; empty if the file has no such line. */
export interface Problem extends Finding {
  readonly line: string;
}

/** Takes findings as they are made. */
export type Report = (finding: Finding) => void;

/** The gravest first, then in the order of the file. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compareText(a.position.file, b.position.file) ||
    a.position.line - b.position.line || a.position.column - b.position.column
  );
}

/**
 * A problem for people, four lines: where and what, the source line, a caret line, the remedy; before
 * the last one, what was put in at the place, if anything was.
 * Lines of the file that are too long for a terminal are cut around the place, and what would
 * control the terminal is replaced, in the words that are quoted too.
 */
export function formatProblem(problem: Problem): string {
  const { file, line, column } = problem.position;
  const head = `${file}:${line}:${column}: ${problem.severity}: ${problem.message}`;
  const source = problem.line === "" ? [] : excerpt(problem.line, problem.position);
  const via = problem.position.via === undefined ? [] : [`  in ${sentence(problem.position.via)}`];
  return [sentence(head), ...source, ...via, `  remedy: ${sentence(problem.remedy)}`].join("\n");
}

/** Exit status of `vigie check`: 1 if there is a fatal problem or an error, or (strict) any problem. */
export function exitCode(
  problems: readonly Problem[],
  options: { readonly strict?: boolean } = {},
): 0 | 1 {
  return problems.some((problem) => options.strict || problem.severity !== "warning") ? 1 : 0;
}

/** Columns of a source line that are shown at most. */
const EXCERPT_COLUMNS = 160;

function excerpt(line: string, position: Position): readonly string[] {
  const start = Math.max(0, position.column - 1 - EXCERPT_COLUMNS / 2);
  const shown = line.length <= EXCERPT_COLUMNS ? line : line.slice(start, start + EXCERPT_COLUMNS);
  const indent = position.column - 1 - (shown === line ? 0 : start);
  const before = printable(shown.slice(0, indent)).replaceAll(/[^\t]/g, " ");
  const width = Math.max(1, Math.min(position.length, shown.length - indent));
  return [`  ${printable(shown)}`, `  ${before}${"^".repeat(width)}`];
}

/** Controls, formatting such as changes of direction, halves of pairs, and what is no character. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Unprintable signs would move the caret or write to the terminal: each column of them becomes visible. */
function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (sign) => sign === "\t" ? sign : "\ufffd".repeat(sign.length),
  );
}

/** As `printable`; tabs too, which align nothing here. */
function sentence(text: string): string {
  return printable(text.replaceAll("\t", " "));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
