/** keepalived.conf: from text to records, with everything that is wrong with it. Pure: no IO. */

import { build } from "./build.ts";
import { check } from "./check.ts";
import { checkScripts } from "./check_scripts.ts";
import { withoutKeys } from "./hmac_key.ts";
import { tokenize } from "./lexer.ts";
import type { Config, Facts } from "./model.ts";
import { parse } from "./parser.ts";
import { type Finding, type Problem, type Severity, sortProblems } from "./problem.ts";
import type { ReadFile } from "./include.ts";
import type { ListFolder } from "./include_glob.ts";
import { preprocess, type PreprocessOptions } from "./preprocess.ts";
import type { SourceLine } from "./source.ts";

export type * from "./model.ts";
export { exitCode, formatProblem, SEVERITIES } from "./problem.ts";
export type { Finding, Problem, Severity } from "./problem.ts";
export type { ReadFailure } from "./include.ts";

/** What `parseConfig` is told besides the text. */
export interface ParseOptions {
  /** The machine the configuration is for; without it nothing is said about interfaces. */
  readonly facts?: Facts;
  /** Reads a file that `include` names; without it none is included. */
  readonly read?: ReadFile;
  /** The names in a folder, for patterns of `include`; null if it cannot be listed. */
  readonly list?: ListFolder;
  /** The absolute folder that relative paths begin at; empty if that is not known. */
  readonly folder?: string;
  /** Lines behind `@ID` are for this one; keepalived's default is the host's name up to the first dot. */
  readonly id?: string;
  /** Every include must find and read its files: keepalived's option -e. */
  readonly checkIncludes?: boolean;
  /** A variable of the environment, for `${_ENV NAME}`; undefined if it is not set. */
  readonly environment?: (name: string) => string | undefined;
  /** A whole number from `low` to `high`, for `${_RANDOM LOW HIGH}`; `low` without it. */
  readonly random?: (low: number, high: number) => number;
  /** The language of the file that its owner writes; UCI's knows no vrrp_check. */
  readonly dialect?: "keepalived" | "uci";
}

/** What a file means, and what is wrong with it: fatal first, then errors, then warnings. */
export interface ParsedConfig {
  readonly config: Config;
  readonly problems: readonly Problem[];
  /** All of it as one text with nothing left to include or to put in, for `config_save_dir`; else null. */
  readonly flat: string | null;
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
  const { lines, files } = preprocess(text, file, surroundingsOf(options), report);
  const tree = parse(tokenize(lines, report), report);
  const facts = options.facts ?? null;
  const built = build(tree, facts, report);
  const { config } = built;
  check(built, tree, facts, report);
  if (options.dialect !== "uci") checkScripts(config, report);
  const { addresses, routes, rules } = config.statics;
  const isIdle = config.instances.length + addresses.length + routes.length + rules.length === 0;
  if (isIdle && !findings.some(({ severity }) => severity === "fatal")) {
    findings.push(nothingToDo(file));
  }
  return {
    config,
    problems: sortProblems(findings.map((finding) => locate(finding, files))),
    flat: config.global.reload.saveFolder === null ? null : flatText(lines),
  };
}

/** Lines as one text. Where they come from another file than the one before, it says from which. */
function flatText(lines: readonly SourceLine[]): string {
  return lines.flatMap(({ file, text }, at) =>
    lines[at - 1]?.file === file ? [text] : [`# ${file}`, text]
  ).join("\n") + "\n";
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

function surroundingsOf(options: ParseOptions): PreprocessOptions {
  return {
    folder: "",
    id: "",
    checkIncludes: false,
    environment: () => undefined,
    random: (low) => low,
    ...options,
  };
}

function locate(
  finding: Finding,
  files: ReadonlyMap<string, readonly SourceLine[]>,
): Problem {
  const { file, line } = finding.position;
  return { ...finding, line: withoutKeys(files.get(file)?.[line - 1]?.text ?? "") };
}

function nothingToDo(file: string): Finding {
  return {
    severity: "warning",
    position: { file, line: 1, column: 1, length: 1 },
    message: `"${file}" has no vrrp_instance: there is nothing to do`,
    remedy: "Write a vrrp_instance block",
  };
}
