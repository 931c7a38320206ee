/** OpenWrt's /etc/config/keepalived: from text to the same records as keepalived.conf. Pure. */

import { type Config, parseConfig, type ParsedConfig, type ParseOptions } from "./mod.ts";
import type { Position } from "./model.ts";
import { type Finding, type Problem, sortProblems } from "./problem.ts";
import { positionOf, splitLines } from "./source.ts";
import { parseUci, type UciWord } from "./uci.ts";
import { Sections } from "./uci_sections.ts";
import { ConfText } from "./uci_text.ts";
import { translate } from "./uci_translate.ts";

/** What `parseUciConfig` is told besides the text. */
export interface UciOptions extends ParseOptions {
  /** The kernel's devices of netifd's logical interfaces, by their names: "wan" for example. */
  readonly devices?: ReadonlyMap<string, string>;
}

/** What a file means, and what its `globals` say about the daemon. */
export interface ParsedUci extends ParsedConfig {
  /** False after `option enabled 0`: the daemon is not to run. */
  readonly enabled: boolean;
  /** `alt_config_file`: the keepalived.conf that counts instead, if there is such a file. */
  readonly altConfigFile: UciWord | null;
  /** Names that are neither the machine's devices nor in `devices`, as far as the machine is known. */
  readonly unknownDevices: ReadonlySet<string>;
  /** The same in keepalived's own language. */
  readonly text: string;
}

/**
 * Reads a configuration. Answers for any input; never throws. Every problem and every position has
 * its place in the file itself.
 *
 * @param file Its path, for positions.
 */
export function parseUciConfig(
  content: string | Uint8Array,
  file: string,
  options: UciOptions = {},
): ParsedUci {
  const lines = splitLines(content, file);
  const findings: Finding[] = [];
  const report = (finding: Finding) => void findings.push(finding);
  const sections = new Sections(parseUci(lines, report), report);
  const text = new ConfText(report);
  const known = new Set(options.facts?.interfaces.map(({ name }) => name));
  const unknownDevices = new Set<string>();
  const device = (name: string) => {
    if (known.has(name)) return name;
    const found = options.devices?.get(name);
    if (found === undefined && options.facts !== undefined) unknownDevices.add(name);
    return found ?? name;
  };
  const start: Position = lines[0] === undefined
    ? { file, line: 1, column: 1, length: 1 }
    : positionOf(lines[0]);
  translate({ sections, text, device, report }, start);
  const globals = sections.of("globals");
  const enabled = !globals.some((section) => !section.isOn("enabled", true));
  const written = text.toString();
  const parsed = parseConfig(written, file, { ...options, dialect: "uci" });
  const here = (position: Position) => text.origin(position.line, position.column) ?? start;
  const problems = [
    ...findings,
    ...parsed.problems.map((problem) => ({ ...problem, position: here(problem.position) })),
  ].map((finding): Problem => ({
    ...finding,
    line: lines[finding.position.line - 1]?.text ?? "",
  }));
  return {
    config: moved(parsed.config, here) as Config,
    problems: sortProblems(withoutRepetition(problems)),
    enabled,
    altConfigFile: globals.findLast((section) => section.value("alt_config_file"))
      ?.value("alt_config_file") ?? null,
    unknownDevices,
    text: written,
    flat: parsed.flat,
  };
}

/** What was written for one section several times has one place now, and is said once. */
function withoutRepetition(problems: readonly Problem[]): readonly Problem[] {
  const said = new Map(problems.map((problem) => {
    const { line, column } = problem.position;
    return [`${line}:${column}:${problem.severity}:${problem.message}`, problem];
  }));
  return [...said.values()];
}

/** A record with every position in it moved. */
function moved(value: unknown, here: (position: Position) => Position): unknown {
  if (Array.isArray(value)) return value.map((item) => moved(item, here));
  if (typeof value !== "object" || value === null) return value;
  if (isPosition(value)) return here(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, moved(item, here)]),
  );
}

function isPosition(value: object): value is Position {
  return ["file", "line", "column", "length"].every((key) => Object.hasOwn(value, key));
}
