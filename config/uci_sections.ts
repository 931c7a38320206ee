/** The sections of /etc/config/keepalived, checked against its schema, and found by name. */

import type { Position } from "./model.ts";
import { nearest } from "./nearest.ts";
import type { Report } from "./problem.ts";
import type { UciOption, UciSection, UciWord } from "./uci.ts";
import {
  UCI_NO,
  UCI_OLD_TYPES,
  UCI_TYPES,
  UCI_YES,
  type UciKind,
  uciOptions,
} from "./uci_schema.ts";

/** A name that keepalived.conf, a directory and a shell word can all hold. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@+-]*$/;

/** One section, asked for its options by name. */
export class Section {
  readonly type: string;
  /** Where it begins: its type. */
  readonly position: Position;
  /** Its `option name`; null for the types that have none. */
  readonly name: UciWord | null;
  readonly #section: UciSection;
  readonly #report: Report;

  constructor(type: string, section: UciSection, name: UciWord | null, report: Report) {
    this.type = type;
    this.position = section.type.position;
    this.name = name;
    this.#section = section;
    this.#report = report;
  }

  /** The name of an option, where it stands; null if it is not given, or empty. */
  given(name: string): UciOption | null {
    const option = this.#section.options.get(name);
    return option !== undefined && option.values.some(({ text }) => text !== "") ? option : null;
  }

  /** The value of an option; null if it is not given, or empty. Of several the last. */
  value(name: string): UciWord | null {
    return this.given(name)?.values.findLast(({ text }) => text !== "") ?? null;
  }

  /** The values of a list. As in the package, blanks separate them, and one `option` makes a list. */
  list(name: string): readonly UciWord[] {
    const values = this.given(name)?.values ?? [];
    return values.flatMap(({ text, position }) =>
      text.split(/\s+/).filter((word) => word !== "").map((text) => ({ text, position }))
    );
  }

  /** Yes or no; `otherwise` if it is not given, or neither. */
  isOn(name: string, otherwise: boolean): boolean {
    const value = this.value(name);
    if (value === null || UCI_YES.has(value.text)) return value === null ? otherwise : true;
    if (UCI_NO.has(value.text)) return false;
    this.#report({
      severity: "error",
      position: value.position,
      message: `Cannot read "${value.text}" as yes or no: it counts as ${otherwise ? 1 : 0}`,
      remedy: "Write 1 or 0",
    });
    return otherwise;
  }

  /** Whether a flag is on: any value turns it on, except those that say no. */
  hasFlag(name: string): boolean {
    const value = this.value(name);
    if (value === null) return false;
    if (!UCI_NO.has(value.text)) return true;
    this.#report({
      severity: "warning",
      position: value.position,
      message: `"${name}" is off by this value; OpenWrt's keepalived turns it on by any value`,
      remedy: `Delete the line to keep it off everywhere`,
    });
    return false;
  }
}

/** All sections of a file. */
export class Sections {
  readonly #byType = new Map<string, Section[]>();
  readonly #report: Report;

  constructor(sections: readonly UciSection[], report: Report) {
    this.#report = report;
    for (const section of sections) {
      const checked = check(section, report);
      if (checked === null) continue;
      const same = this.#byType.get(checked.type) ?? [];
      if (isSecond(checked, same, report)) continue;
      this.#byType.set(checked.type, [...same, checked]);
    }
  }

  /** The sections of a type, in the order of the file. */
  of(type: string): readonly Section[] {
    return this.#byType.get(type) ?? [];
  }

  /** The section of a type by its `option name`. */
  find(type: string, name: string): Section | null {
    return this.of(type).find((section) => section.name?.text === name) ?? null;
  }

  /** The section that a list names; null, after an error at that place, if there is none. */
  refer(word: UciWord, types: readonly string[], allows: string | null = null): Section | null {
    for (const type of types) {
      const found = this.find(type, word.text);
      if (found !== null) return found;
    }
    const names = types.flatMap((type) => this.of(type).flatMap(({ name }) => name?.text ?? []));
    const near = nearest(word.text, names);
    const wanted = types.map((type) => `"${type}"`).join(" or ");
    const other = allows === null ? "" : `, and it is not ${allows}`;
    this.#report({
      severity: "error",
      position: word.position,
      message: `There is no ${wanted} section with option name "${word.text}"${other}: the entry ` +
        "has no effect",
      remedy: near === null
        ? `Add "config ${types[0]}" with "option name '${word.text}'", or delete the entry`
        : `Write '${near}'`,
    });
    return null;
  }
}

function check(section: UciSection, report: Report): Section | null {
  const type = typeOf(section, report);
  if (type === null) return null;
  const schema = UCI_TYPES[type]!, kinds = uciOptions(schema);
  for (const option of section.options.values()) checkOption(option, type, kinds, report);
  if (!schema.isNamed) return new Section(type, section, null, report);
  const name = section.options.get("name")?.values.at(-1);
  const problem = name === undefined || name.text === ""
    ? `This "${type}" has no "option name": nothing refers to it, it is ignored`
    : SAFE_NAME.test(name.text)
    ? null
    : `Cannot use "${name.text}" as a name: must be letters, digits and _ . : @ + -`;
  if (problem === null) return new Section(type, section, name!, report);
  const id = SAFE_NAME.test(section.id?.text ?? "") ? section.id!.text : `${type}1`;
  report({
    severity: "error",
    position: name !== undefined && name.text !== "" ? name.position : section.type.position,
    message: problem,
    remedy: `Write "option name '${id}'" into it`,
  });
  return null;
}

function typeOf({ type: { text, position } }: UciSection, report: Report): string | null {
  if (Object.hasOwn(UCI_TYPES, text)) return text;
  if (Object.hasOwn(UCI_OLD_TYPES, text)) {
    const message = `"${text}" is the old name of this section type`;
    const remedy = `Write "config ${UCI_OLD_TYPES[text]}"`;
    report({ severity: "warning", position, message, remedy });
    return UCI_OLD_TYPES[text]!;
  }
  const near = nearest(text, Object.keys(UCI_TYPES));
  report({
    severity: "error",
    position,
    message: `Unknown section type "${text}": the section is ignored`,
    remedy: near === null ? "Delete it, or correct the type" : `Write "config ${near}"`,
  });
  return null;
}

function checkOption(
  { name, isList, values }: UciOption,
  type: string,
  kinds: ReadonlyMap<string, UciKind>,
  report: Report,
): void {
  const kind = kinds.get(name.text);
  if (kind === undefined) {
    const near = nearest(name.text, kinds.keys());
    report({
      severity: "error",
      position: name.position,
      message: `Unknown option "${name.text}" in "${type}": the line is ignored`,
      remedy: near === null ? "Delete it, or correct the word" : `Write "${near}"`,
    });
  } else if (isList && kind !== "list" && kind !== "sync") {
    report({
      severity: values.length > 1 ? "error" : "warning",
      position: name.position,
      message: `"${name.text}" has one value, not a list: the last one counts`,
      remedy: `Write "option ${name.text} '${values.at(-1)!.text}'"`,
    });
  }
}

/** Whether a name was given to another section of the type already: which one counts is no accident. */
function isSecond({ type, name }: Section, same: readonly Section[], report: Report): boolean {
  const first = name && same.find((section) => section.name?.text === name.text);
  if (!first) return false;
  report({
    severity: "error",
    position: name.position,
    message: `Another "${type}" has the name "${name.text}" already, in line ` +
      `${first.name!.position.line}: this one is ignored`,
    remedy: "Give one of them another name",
  });
  return true;
}
