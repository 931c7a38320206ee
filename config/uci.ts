/**
 * The language of OpenWrt's /etc/config files, as libuci reads it: sections with options and lists.
 * Words are quoted as in a shell; `#` ends a line, `;` a statement. Pure: no IO.
 */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";
import { positionOf, type SourceLine } from "./source.ts";

/** One word, without its quotes. */
export interface UciWord {
  readonly text: string;
  readonly position: Position;
}

/** One `option NAME VALUE` or `list NAME VALUE`. */
export interface UciEntry {
  readonly name: UciWord;
  readonly value: UciWord;
}

/** What one name of a section holds: several values if it is a list. */
export interface UciOption {
  /** Of the last line that gives it. */
  readonly name: UciWord;
  readonly isList: boolean;
  readonly values: readonly UciWord[];
}

/** One `config TYPE [NAME]` with what follows it. */
export interface UciSection {
  readonly type: UciWord;
  /** Null for an anonymous one. */
  readonly id: UciWord | null;
  readonly options: ReadonlyMap<string, UciOption>;
}

/** A section under construction. */
interface Draft {
  readonly type: UciWord;
  readonly id: UciWord | null;
  readonly options: Map<string, UciOption>;
}

/** What uci calls a name; values and types may be anything printable. */
const NAME = /^[A-Za-z0-9_]+$/;

/** The statements, and how many words follow their keyword (uci takes their first letters too). */
const STATEMENTS: Readonly<
  Record<string, { readonly least: number; readonly most: number; readonly usage: string }>
> = {
  package: { least: 1, most: 1, usage: "package NAME" },
  config: { least: 1, most: 2, usage: "config TYPE ['NAME']" },
  option: { least: 2, most: 2, usage: "option NAME 'VALUE'" },
  list: { least: 2, most: 2, usage: "list NAME 'VALUE'" },
};

const KEYWORDS: ReadonlyMap<string, string> = new Map(
  Object.keys(STATEMENTS).flatMap((word) => [[word, word], [word[0]!, word]]),
);

/**
 * Reads the sections of a file, in its order; sections of one type and name are one. Never throws.
 * uci refuses a file in which anything cannot be read, so every such problem is fatal.
 */
export function parseUci(lines: readonly SourceLine[], report: Report): readonly UciSection[] {
  const sections: Draft[] = [];
  let current: Draft | null = null;
  for (const words of statements(lines, report)) {
    const [head, ...rest] = words as readonly [UciWord, ...UciWord[]];
    const keyword = KEYWORDS.get(head.text);
    if (keyword === undefined) {
      refuse(report, head.position, `Unknown word "${head.text}": must be config, option or list`);
      continue;
    }
    if (!hasItsWords(keyword, head, rest, report) || keyword === "package") continue;
    if (keyword === "config") {
      current = openSection(sections, rest, report);
    } else if (current === null) {
      refuse(report, head.position, `"${head.text}" stands before the first "config" line`);
    } else addValue(current, keyword === "list", rest as [UciWord, UciWord], report);
  }
  return sections;
}

function hasItsWords(
  keyword: string,
  head: UciWord,
  rest: readonly UciWord[],
  report: Report,
): boolean {
  const { least, most, usage } = STATEMENTS[keyword]!;
  if (rest.length >= least && rest.length <= most) return true;
  const [at, what] = rest.length < least
    ? [rest.at(-1) ?? head, "a word is missing"]
    : [rest[most]!, `"${rest[most]!.text}" is one word too many`];
  refuse(report, at.position, `Cannot read this line: ${what}`, `Write: ${usage}`);
  return false;
}

function openSection(sections: Draft[], rest: readonly UciWord[], report: Report): Draft {
  const [type, id = null] = rest as readonly [UciWord, UciWord?];
  if (id !== null && id.text !== "" && !NAME.test(id.text)) {
    refuse(report, id.position, `Cannot name a section "${id.text}": ${NAME_RULE}`);
  }
  const named = id === null || id.text === "" ? null : id;
  const same = named &&
    sections.find((section) => section.id?.text === named.text && section.type.text === type.text);
  if (same) return same;
  const section = { type, id: named, options: new Map() };
  sections.push(section);
  return section;
}

const NAME_RULE = "must be letters, digits and underscores";

function addValue(
  { options }: Draft,
  isList: boolean,
  [name, value]: readonly [UciWord, UciWord],
  report: Report,
): void {
  if (!NAME.test(name.text)) {
    refuse(report, name.position, `Cannot name an option "${name.text}": ${NAME_RULE}`);
    return;
  }
  const before = isList ? options.get(name.text)?.values ?? [] : [];
  options.set(name.text, { name, isList, values: [...before, value] });
}

function refuse(
  report: Report,
  position: Position,
  message: string,
  remedy = "Correct the line: uci refuses the whole file as it is",
): void {
  report({ severity: "fatal", position, message, remedy });
}

/** Where the reader is; quoted text may go over line ends. */
interface Cursor {
  readonly lines: readonly SourceLine[];
  line: number;
  column: number;
}

/** The statements of a file: at least one word each. */
function* statements(
  lines: readonly SourceLine[],
  report: Report,
): Generator<readonly UciWord[]> {
  const at: Cursor = { lines, line: 0, column: 0 };
  while (at.line < lines.length) {
    const words: UciWord[] = [];
    while (at.line < lines.length) {
      const text = lines[at.line]!.text;
      while (at.column < text.length && /\s/.test(text[at.column]!)) at.column++;
      const sign = text[at.column];
      if (sign === undefined || sign === "#") {
        at.line++;
        at.column = 0;
        break;
      }
      if (sign === ";") {
        at.column++;
        break;
      }
      words.push(readWord(at, report));
    }
    if (words.length > 0) yield words;
  }
}

function readWord(at: Cursor, report: Report): UciWord {
  const startLine = at.lines[at.line]!, start = at.column;
  const first = at.line;
  let text = "", quote = "";
  while (true) {
    const line = at.lines[at.line]!.text, sign = line[at.column];
    if (sign === undefined) {
      if (quote === "") break;
      if (at.line + 1 >= at.lines.length) {
        const message = `Unterminated quote: there is no second ${quote}`;
        refuse(report, positionOf(startLine, start), message, `Close the quotation with ${quote}`);
        break;
      }
      text += "\n";
      at.line++;
      at.column = 0;
    } else if (sign === "\\" && quote !== "'") {
      const next = line[at.column + 1];
      if (next !== undefined) {
        text += next;
        at.column += 2;
      } else if (at.line + 1 < at.lines.length) {
        // A backslash at the end joins the next line.
        at.line++;
        at.column = 0;
      } else at.column++;
    } else if (quote !== "") {
      if (sign === quote) quote = "";
      else text += sign;
      at.column++;
    } else if (sign === "'" || sign === '"') {
      quote = sign;
      at.column++;
    } else if (/[\s;#]/.test(sign)) break;
    else {
      text += sign;
      at.column++;
    }
  }
  const end = at.line === first ? at.column : startLine.text.length;
  return { text, position: positionOf(startLine, start, end) };
}
