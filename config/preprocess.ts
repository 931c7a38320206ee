/**
 * Included files, conditional lines, definitions and sequences: what is resolved line by line before
 * any word is looked at. As keepalived 2.2.7 does it (measured), which is what its manual says; where
 * 2.4 is known to do less, it is done all the same, and said.
 */

import { Definitions, type Surroundings } from "./definitions.ts";
import {
  findIncluded,
  INCLUDE,
  INCLUDE_CHECKS,
  type IncludeCheck,
  type ReadFile,
  readIncludeChecks,
} from "./include.ts";
import { folderOf, joinPath, type ListFolder } from "./include_glob.ts";
import { Budget, DEPTH_MAX } from "./preprocess_budget.ts";
import type { Finding, Report } from "./problem.ts";
import { readSequence, SEQUENCE_HEAD } from "./sequence.ts";
import {
  codeLength,
  positionOf,
  sliceLine,
  type SourceLine,
  splitLines,
  usableLines,
} from "./source.ts";
import { reportUndefined } from "./undefined_names.ts";

/** What a configuration may ask of its surroundings. */
export interface PreprocessOptions extends Surroundings {
  /** Reads a file that is included; without it none is. */
  readonly read?: ReadFile;
  /** Lists a folder, for patterns. */
  readonly list?: ListFolder;
  /** The absolute folder that relative paths begin at, for `${_PWD}`. */
  readonly folder: string;
  /** Every include must find and read its files (option -e). */
  readonly checkIncludes: boolean;
}

/** What is left for the lexer. */
export interface Preprocessed {
  readonly lines: readonly SourceLine[];
  /** All lines of all files as they stand there, for quoting. */
  readonly files: ReadonlyMap<string, readonly SourceLine[]>;
}

/** Resolves a file and all that it includes. Reports, and never throws. */
export function preprocess(
  content: string | Uint8Array,
  file: string,
  options: PreprocessOptions,
  report: Report,
): Preprocessed {
  const preprocessor = new Preprocessor(options, report);
  preprocessor.readFile(content, file, "fatal");
  reportUndefined(preprocessor.definitions, report);
  return preprocessor;
}

/** What any of it begins with; a line without these is as it is. */
const MATTERS = /[$@~]|(?:^|[{}])\s*include/;
const DEFINITION = /^\s*\$([A-Za-z_]\w*)=/;
const SEQUENCE = /^\s*~(SEQx?|LST)\s*\(/;
const CONDITION = /^\s*@(\^?)(\S*)(?:\s+|$)/;
const CHECKS = /^\s*(?:global_defs\s*\{\s*)?include_check(?=[\s}]|$)([^{}]*)/;
/** What may follow a brace as if it stood on a line of its own. */
const BEHIND_BRACE = /^\s*(?:@|~(?:SEQx?|LST)\b|\$[A-Za-z_]\w*=|include[rmwba]?(?:\s|$))/;

/** Definitions in definitions, sequences in sequences. */
const NESTING_MAX = 64;

/** How a line was come to. */
interface Context {
  readonly depth: number;
  /** Behind a condition that holds. */
  readonly isConditional: boolean;
}

const PLAIN: Context = { depth: 0, isConditional: false };

/** A file that is being read. */
interface Reader {
  readonly file: string;
  readonly lines: readonly SourceLine[];
  next: number;
}

class Preprocessor implements Preprocessed {
  readonly lines: SourceLine[] = [];
  readonly files = new Map<string, readonly SourceLine[]>();
  readonly definitions: Definitions;
  readonly #options: PreprocessOptions;
  readonly #report: Report;
  readonly #budget: Budget;
  readonly #readers: Reader[] = [];
  #checks: ReadonlySet<IncludeCheck>;

  constructor(options: PreprocessOptions, report: Report) {
    this.#options = options;
    this.#report = report;
    this.#budget = new Budget(report);
    this.definitions = new Definitions(options, this.#budget, report);
    this.#checks = new Set(options.checkIncludes ? INCLUDE_CHECKS : []);
  }

  readFile(content: string | Uint8Array, file: string, binary: "fatal" | "error"): void {
    const raw = splitLines(content, file);
    this.files.set(file, raw);
    const reader = { file, lines: usableLines(raw, this.#report, binary), next: 0 };
    const before = this.definitions.folder, checks = this.#checks;
    const own = folderOf(file);
    this.definitions.folder = own === ""
      ? this.#options.folder
      : joinPath(this.#options.folder, own);
    this.#readers.push(reader);
    while (reader.next < reader.lines.length && !this.#budget.isExhausted) {
      this.#line(reader.lines[reader.next++]!, PLAIN);
    }
    this.#readers.pop();
    this.definitions.folder = before;
    this.#checks = checks;
  }

  #line(given: SourceLine, context: Context): void {
    if (context.depth > 0) this.#budget.line(positionOf(given));
    if (this.#budget.isExhausted) return;
    if (context.depth > NESTING_MAX) return this.#tooDeep(given);
    let line = given, how = context;
    for (let cut = cutBefore(line.text); cut > 0; cut = cutBefore(line.text)) {
      this.#piece(sliceLine(line, 0, cut), how);
      line = sliceLine(line, cut);
      // What stands behind a brace is a line of its own, which may have a condition of its own.
      how = { ...context, isConditional: false };
    }
    this.#piece(line, how);
  }

  /** A line, or the part of one up to a brace. */
  #piece(line: SourceLine, context: Context): void {
    if (!MATTERS.test(line.text)) this.#keep(line);
    else if (/^\s*@/.test(line.text)) this.#condition(line, context);
    else if (SEQUENCE.test(line.text)) this.#sequence(line, context);
    else if (DEFINITION.test(line.text)) this.#define(line);
    else this.#expand(line, context);
  }

  #keep(line: SourceLine): void {
    const words = CHECKS.exec(line.text)?.[1];
    if (words !== undefined) this.#setChecks(words);
    this.lines.push(line);
  }

  #setChecks(text: string): void {
    const words = text.slice(0, codeLength(text)).split(/\s+/).filter((word) => word !== "");
    this.#checks = readIncludeChecks(words, this.#checks).checks;
  }

  #condition(line: SourceLine, context: Context): void {
    const [head = "", negation, id] = CONDITION.exec(line.text.slice(0, codeLength(line.text))) ??
      [];
    if (context.isConditional) {
      return this.#say(line, "error", {
        message: `A line has one condition only: the line behind "@${negation}${id}" is ignored`,
        remedy: "Write the line once for each ID that it is for",
      });
    }
    if (id!.includes("$")) {
      this.#say(line, "warning", {
        message: `"${id}" is compared with the ID as it is written: no definition is put in there`,
        remedy: "Write the ID itself",
      });
    }
    if ((id === this.#options.id) === (negation === "^")) return;
    const rest = sliceLine(line, head.length);
    if (rest.text.trim() === "") return;
    this.#line(rest, { depth: context.depth + 1, isConditional: true });
  }

  #define(line: SourceLine): void {
    const code = line.text.slice(0, codeLength(line.text));
    const [head, name] = DEFINITION.exec(code)!;
    const values = [{ text: code.slice(head.length), number: line.number }];
    let continues = endsInBackslash(line.text) || endsInBackslash(code);
    for (const reader = this.#readers.at(-1)!; continues && reader.next < reader.lines.length;) {
      const { text, number } = reader.lines[reader.next++]!;
      if (text.trim() === "") break;
      const own = text.slice(0, codeLength(text));
      // keepalived does not see a line that is a comment: it ends no definition.
      if (own.trim() === "") continue;
      values.push({ text: own, number });
      continues = endsInBackslash(text) || endsInBackslash(own);
    }
    const lines = values.map(({ text }) => withoutBackslash(text));
    const via = (index: number) => `$${name}, defined at ${line.file}:${values[index]!.number}`;
    this.definitions.set(name!, { lines, via });
  }

  #sequence(line: SourceLine, context: Context): void {
    const isComplete = SEQUENCE_HEAD.exec(line.text);
    if (isComplete === null) return this.#noSequence(line, 'there is no ")"');
    const [head, kind] = isComplete;
    // Without the "~", as which the rest of the line would wait for its values.
    const call = sliceLine(line, line.text.indexOf("~") + 1, head.length);
    const expanded = this.definitions.expand(call);
    if (expanded === null) return;
    const text = expanded.line.text.trim();
    const sequence = readSequence(kind!, text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")));
    if (typeof sequence === "string") return this.#noSequence(line, sequence);
    const rest = sliceLine(line, head.length);
    for (const binding of sequence.bindings) {
      this.#budget.line(positionOf(line));
      if (this.#budget.isExhausted) return;
      for (const [name, value] of binding) {
        const via = `$${name} = ${value} of the ~${kind} at ${line.file}:${line.number}`;
        this.definitions.set(name, { lines: [value], via: () => via });
      }
      if (rest.text.trim() !== "") this.#line(rest, { ...context, depth: context.depth + 1 });
    }
  }

  #expand(given: SourceLine, context: Context): void {
    const expanded = this.definitions.expand(given);
    if (expanded === null) return;
    const { line, more } = expanded, isChanged = line !== given;
    const include = INCLUDE.exec(line.text.slice(0, codeLength(line.text)));
    const next = { depth: context.depth + 1, isConditional: false };
    if (isChanged && /^\s*@/.test(line.text)) this.#lateCondition(line);
    else if (isChanged && isMore(line.text)) this.#line(line, next);
    else if (include === null) this.#keep(line);
    else {
      if (isChanged || context.depth > 0) this.#lateInclude(line);
      this.#include(line, include[1]!, include[2]!.trim());
    }
    for (const added of more) this.#line(added, next);
  }

  #include(line: SourceLine, word: string, pattern: string): void {
    const { read, list = () => null } = this.#options;
    if (pattern === "" || read === undefined) {
      return this.#say(line, "error", {
        message: pattern === ""
          ? `"${word}" needs the name of a file, or a pattern: the line is ignored`
          : `Cannot include "${pattern}": other files are not read here`,
        remedy: pattern === ""
          ? `Write "${word} conf.d/*.conf"`
          : "Write its lines out in this file",
      });
    }
    const folder = folderOf(line.file);
    const found = findIncluded(pattern, { word, folder, checks: this.#checks, read, list });
    for (const one of found) {
      this.#budget.characters(positionOf(line), pattern.length);
      if (this.#budget.isExhausted) return;
      if ("what" in one) this.#missed(line, pattern, one);
      else if (this.#isTooDeep(line, one.path)) continue;
      else {
        this.#budget.file(positionOf(line), one.content.length);
        if (!this.#budget.isExhausted) this.readFile(one.content, one.path, "error");
      }
    }
  }

  #missed(
    line: SourceLine,
    pattern: string,
    { what, isFatal }: { readonly what: string; readonly isFatal: boolean },
  ): void {
    this.#say(line, isFatal ? "fatal" : "warning", {
      message: isFatal ? `${what}, and the include must succeed` : what,
      remedy: /["']/.test(pattern)
        ? "Write the name without quotes: they are part of it here"
        : "Name a readable regular file that is not executable, relative to the folder of this file",
    });
  }

  /** Reports a file that is being read already, and files in files without end. */
  #isTooDeep(line: SourceLine, path: string): boolean {
    const isCycle = this.#readers.some(({ file }) => file === path);
    if (!isCycle && this.#readers.length < DEPTH_MAX) return false;
    const way = this.#readers.slice(-4).map(({ file }) => file).join(" includes ");
    this.#say(line, "error", {
      message: isCycle
        ? `Cannot include "${path}" in itself (${way}): it is skipped`
        : `Cannot include "${path}": ${DEPTH_MAX} files include each other already: it is skipped`,
      remedy: "Take the file out of the pattern, or delete the line",
    });
    return true;
  }

  #noSequence(line: SourceLine, why: string): void {
    this.#say(line, "error", {
      message: `Cannot repeat this line: ${why}: the line is ignored`,
      remedy: "Write ~SEQ(NAME, START, STEP, END), or ~LST(NAME, VALUE, VALUE), before the line",
    });
  }

  #lateCondition(line: SourceLine): void {
    this.#say(line, "error", {
      message: "A condition that comes out of a definition is none: the line is ignored",
      remedy: "Write @ID itself at the beginning of the line",
    });
  }

  #lateInclude(line: SourceLine): void {
    this.#say(line, "warning", {
      message: "keepalived 2.4 does not see an include behind a condition, or one made of " +
        "definitions: vigie does, and includes the file",
      remedy: "Write the include plainly, and the conditions into the files",
    });
  }

  #tooDeep(line: SourceLine): void {
    this.#say(line, "error", {
      message:
        `Definitions, sequences or conditions stand ${NESTING_MAX} deep in each other: the ` +
        "line is ignored",
      remedy: "Look for a definition that uses itself",
    });
  }

  #say(
    line: SourceLine,
    severity: Finding["severity"],
    said: Pick<Finding, "message" | "remedy">,
  ): void {
    const from = line.text.search(/\S/), to = line.text.trimEnd().length;
    this.#report({ severity, position: positionOf(line, Math.max(0, from), to), ...said });
  }
}

/** Whether a line that came out of a definition has to be looked at again. */
function isMore(text: string): boolean {
  return SEQUENCE.test(text) || DEFINITION.test(text) || cutBefore(text) > 0;
}

/** Where a line is to be cut: behind the brace that something to resolve stands behind; 0 if nowhere. */
function cutBefore(text: string): number {
  if (!/[{}]\s*[@~$i]/.test(text) || /^\s*@/.test(text)) return 0;
  if (SEQUENCE.test(text) || DEFINITION.test(text)) return 0;
  const end = codeLength(text);
  let quoted = false;
  for (let at = 0; at < end; at++) {
    const sign = text[at]!;
    if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    // The braces of a use are none.
    else if (sign === "$" && text[at + 1] === "{") at = skipUse(text, at);
    else if ((sign === "{" || sign === "}") && BEHIND_BRACE.test(text.slice(at + 1, end))) {
      return at + 1;
    }
  }
  return 0;
}

function skipUse(text: string, at: number): number {
  const close = text.indexOf("}", at);
  return close < 0 ? at + 1 : close;
}

function endsInBackslash(text: string): boolean {
  return text.trimEnd().endsWith("\\");
}

function withoutBackslash(text: string): string {
  return text.trim().replace(/\\$/, "").trim();
}
