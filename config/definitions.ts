/** Definitions, `$NAME=value`, and what takes their place where they are used. */

import type { Budget } from "./preprocess_budget.ts";
import type { Report } from "./problem.ts";
import { codeLength, positionOf, replaceInLine, sliceLine, type SourceLine } from "./source.ts";

/** What a name stands for. */
export interface Definition {
  /** At least one; more than one for a definition over several lines. */
  readonly lines: readonly string[];
  /** For messages: `$NAME, defined at FILE:LINE`, of each line. */
  readonly via: (index: number) => string;
}

/** What the surroundings give to the names that are defined already. */
export interface Surroundings {
  /** `-i ID`, or the host's name. */
  readonly id: string;
  /** Value of a variable of the environment; undefined if it is not set. */
  readonly environment: (name: string) => string | undefined;
  /** A random whole number, both ends included. */
  readonly random: (low: number, high: number) => number;
}

/** A line after its definitions were put in, and the lines that a last one adds. */
export interface Expanded {
  readonly line: SourceLine;
  /** From the second line on, of a definition over several lines. */
  readonly more: readonly SourceLine[];
}

/** `${NAME}` or `${NAME ARGS}` anywhere; `$NAME` before a blank, a comma, ")" or the end. */
const USE = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+[^\s{}]+)*)\}|([A-Za-z_]\w*)(?=[\s,)]|$))/g;

/** A line whose definitions were put in must not be longer: 16 lines of the greatest length. */
const EXPANDED_MAX = 16_384;

/** Definitions in one line, those in definitions included. */
const STEPS_MAX = 1_000;

/** The largest of `${_RANDOM}` (keepalived.conf(5)). */
const RANDOM_MAX = 32_767;

/** A line that begins so is repeated: its own names have no value yet. */
const SEQUENCE = /^\s*~(?:SEQx?|LST)\b/;

/** A use of a name that has no definition. */
export interface Undefined {
  readonly line: SourceLine;
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** All names that are defined so far. */
export class Definitions {
  readonly #defined = new Map<string, Definition>();
  readonly #surroundings: Surroundings;
  readonly #budget: Budget;
  readonly #report: Report;
  readonly undefined: Undefined[] = [];
  /** `${_PWD}`: the folder of the file that is being read. */
  folder = "";

  constructor(surroundings: Surroundings, budget: Budget, report: Report) {
    this.#surroundings = surroundings;
    this.#budget = budget;
    this.#report = report;
  }

  get names(): readonly string[] {
    return [...this.#defined.keys()];
  }

  set(name: string, definition: Definition): void {
    this.#defined.set(name, definition);
  }

  /** Where a name was defined, for messages; null if it was not. */
  whereIs(name: string): string | null {
    return this.#defined.get(name)?.via(0) ?? null;
  }

  /**
   * Puts the values in, again and again until none is left. Null, reported, if that has no end. A
   * comment is dropped if anything is put in.
   */
  expand(given: SourceLine): Expanded | null {
    if (!given.text.includes("$")) return { line: given, more: [] };
    let line = sliceLine(given, 0, codeLength(given.text));
    const missing: Undefined[] = [];
    let at = 0, more: readonly SourceLine[] = [], isChanged = false;
    for (let steps = 0;; steps++) {
      if (SEQUENCE.test(line.text)) break;
      USE.lastIndex = at;
      const use = USE.exec(line.text);
      if (use === null) break;
      const from = use.index, to = USE.lastIndex, name = use[1] ?? use[3]!;
      const found = this.#find(name, words(use[2]), line, from, to);
      if (found === null || found.lines.length > 1 && !this.#isLast(line, name, from, to)) {
        if (found === null) missing.push({ line, from, to, name });
        at = to;
        continue;
      }
      if (found.lines.length > 1) {
        more = [...added(line, from, to, found), ...more];
      }
      const value = fitQuotes(found.lines[0]!, line.text.slice(0, from));
      line = replaceInLine(line, from, to, value, found.via(0));
      isChanged = true;
      // The value may complete a use that begins before it.
      at = Math.max(0, from === 0 ? 0 : line.text.lastIndexOf("$", from - 1));
      this.#budget.characters(positionOf(line), line.text.length);
      if (this.#budget.isExhausted) return null;
      if (steps >= STEPS_MAX || line.text.length > EXPANDED_MAX) return this.#endless(given, name);
    }
    if (!SEQUENCE.test(line.text)) this.undefined.push(...missing);
    return { line: isChanged ? line : given, more };
  }

  #find(
    name: string,
    args: readonly string[],
    line: SourceLine,
    from: number,
    to: number,
  ): Definition | null {
    const defined = this.#defined.get(name);
    if (defined !== undefined && args.length === 0) return defined;
    const value = this.#builtIn(name, args, line, from, to);
    return value === null ? null : { lines: [value], via: () => `\${${name}}` };
  }

  #builtIn(
    name: string,
    args: readonly string[],
    line: SourceLine,
    from: number,
    to: number,
  ): string | null {
    const { id, environment, random } = this.#surroundings;
    if (name === "_ENV" && args.length === 1) {
      const value = environment(args[0]!);
      if (value === undefined) this.#reportUnset(line, from, to, args[0]!);
      return value?.replaceAll(/\s+/g, " ") ?? "";
    }
    if (name === "_RANDOM") {
      const [low = 0, high = RANDOM_MAX] = args.map(Number);
      const isRange = [low, high].every((n) => Number.isSafeInteger(n) && n >= 0) && low <= high;
      return isRange && args.length <= 2 ? String(random(low, high)) : null;
    }
    if (args.length > 0) return null;
    if (name === "_PWD") return this.folder;
    if (name === "_INSTANCE") return id;
    if (name === "_HASH") return "\\#";
    return name === "_BANG" ? "\\!" : null;
  }

  /** Whether nothing stands behind a definition over several lines. */
  #isLast(line: SourceLine, name: string, from: number, to: number): boolean {
    if (line.text.slice(to).trim() === "") return true;
    this.#report({
      severity: "error",
      position: positionOf(line, from, to),
      message: `"$${name}" has several lines, and something stands behind it: it is left as text`,
      remedy: "Begin another line behind the name",
    });
    return false;
  }

  #reportUnset(line: SourceLine, from: number, to: number, name: string): void {
    this.#report({
      severity: "warning",
      position: positionOf(line, from, to),
      message: `The environment has no "${name}": nothing takes its place`,
      remedy: `Set ${name} for the daemon, and for "vigie check", too`,
    });
  }

  #endless(line: SourceLine, name: string): null {
    this.#report({
      severity: "error",
      position: positionOf(line),
      message: `Cannot put in the definitions of this line, "$${name}" the last one: they grow ` +
        `without end, and the line is ignored`,
      remedy: "Look for a definition that uses itself",
    });
    return null;
  }
}

function words(text: string | undefined): readonly string[] {
  return text?.split(/\s+/).filter((word) => word !== "") ?? [];
}

/** The lines behind the first one, each as if it stood in the place of the name. */
function added(
  line: SourceLine,
  from: number,
  to: number,
  { lines, via }: Definition,
): readonly SourceLine[] {
  const place = sliceLine(line, from, to);
  return lines.slice(1).map((text, at) =>
    replaceInLine(place, 0, place.text.length, text, via(at + 1))
  );
}

/** `\#` protects from being a comment outside of quotes; inside of them it would be two characters. */
function fitQuotes(value: string, before: string): string {
  if (!value.includes("\\")) return value;
  const isQuoted = before.split('"').length % 2 === 0;
  return isQuoted ? value.replaceAll(/\\([#!])/g, "$1") : value;
}
