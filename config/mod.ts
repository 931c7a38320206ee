/** keepalived.conf: from text to records, with everything that is wrong with it. Pure: no IO. */

import { build } from "./build.ts";
import { check } from "./check.ts";
import { tokenize } from "./lexer.ts";
import type { Config, Facts } from "./model.ts";
import { parse } from "./parser.ts";
import { type Finding, type Problem, type Severity, sortProblems } from "./problem.ts";
import { type SourceLine, splitLines, usableLines } from "./source.ts";

export type * from "./model.ts";
export { exitCode, formatProblem, SEVERITIES } from "./problem.ts";
export type { Problem, Severity } from "./problem.ts";

/** What `parseConfig` is told besides the text. */
export interface ParseOptions {
  /** The machine the configuration is for; without it nothing is said about interfaces. */
  readonly facts?: Facts;
  /** Reads another file, for `include`: its content, or null if it cannot be read. Not used yet. */
  readonly read?: (path: string) => Uint8Array | null;
}

/** What a file means, and what is wrong with it: fatal first, then errors, then warnings. */
export interface ParsedConfig {
  readonly config: Config;
  readonly problems: readonly Problem[];
}

/**
 * Reads a configuration. Answers for any input, also for one that is none; never throws.
 * What keepalived would ignore is ignored too, and reported. If a problem is fatal, keepalived
 * would refuse the file: the configuration is what is left, and is not to be run.
 *
 * @param text The content of the file; bytes are read as UTF-8.
 * @param file Its path, for positions.
 */
export function parseConfig(
  text: string | Uint8Array,
  file: string,
  options: ParseOptions = {},
): ParsedConfig {
  const findings: Finding[] = [];
  const said = new Set<string>();
  const report = (finding: Finding) => {
    const { file, line, column } = finding.position;
    const key = `${file}:${line}:${column}:${finding.message}`;
    if (!said.has(key)) findings.push(finding);
    said.add(key);
  };
  const lines = splitLines(text, file);
  const tree = parse(tokenize(usableLines(lines, report), report), report);
  const facts = options.facts ?? null;
  const built = build(tree, facts, report);
  const { config } = built;
  check(built, tree, facts, report);
  if (config.instances.length === 0 && !findings.some(({ severity }) => severity === "fatal")) {
    findings.push(nothingToDo(file));
  }
  return { config, problems: sortProblems(findings.map((finding) => locate(finding, lines))) };
}

/**
 * The problem of a file that could not be read at all, for callers that do the reading. keepalived
 * refuses to start without its main file.
 *
 * @param reason Why, such as "No such file or directory".
 */
export function unreadableFile(file: string, reason: string): Problem {
  return {
    severity: "fatal",
    position: { file, line: 1, column: 1, length: 1 },
    message: `Cannot read "${file}": ${reason}`,
    remedy: "Name an existing file that this user may read: -f FILE",
    line: "",
  };
}

/** Whether a configuration with these problems must not be run. */
export function isFatal(problems: readonly { readonly severity: Severity }[]): boolean {
  return problems.some((problem) => problem.severity === "fatal");
}

function locate(finding: Finding, lines: readonly SourceLine[]): Problem {
  return { ...finding, line: lines[finding.position.line - 1]?.text ?? "" };
}

function nothingToDo(file: string): Finding {
  return {
    severity: "warning",
    position: { file, line: 1, column: 1, length: 1 },
    message: `"${file}" has no vrrp_instance: there is nothing to do`,
    remedy: "Write a vrrp_instance block",
  };
}
