/** What all writers of keepalived.conf text from sections have in common. */

import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";
import type { UciWord } from "./uci.ts";
import type { Section, Sections } from "./uci_sections.ts";
import type { ConfText, Piece } from "./uci_text.ts";

/** What is written from, and to. */
export interface Translation {
  readonly sections: Sections;
  readonly text: ConfText;
  /** The kernel's device for a name: netifd's logical interfaces have names of their own. */
  readonly device: (name: string) => string;
  readonly report: Report;
}

/** A keyword that stands for a whole section. */
export function word(text: string, { position }: Section): Piece {
  return { text, at: position };
}

/** Where an option stands; its section, if it is not given. */
export function at(section: Section, option: string): Position {
  return section.given(option)?.name.position ?? section.position;
}

/** The options whose names are keywords with one argument. */
export function settings(
  { text }: Translation,
  section: Section,
  names: readonly string[],
): void {
  for (const name of names) {
    const value = section.value(name);
    if (value) text.line({ text: name, at: at(section, name) }, text.word(value));
  }
}

/** The device that a value means. */
export function devicePiece({ text, device }: Translation, value: UciWord): Piece | null {
  return text.word({ ...value, text: device(value.text) });
}

/** What an IP address begins with, so that a list entry of it is one, not a name. */
export const LITERAL_ADDRESS = /^(\d{1,3}\.\d{1,3}\.|[0-9a-fA-F]{0,4}:)/;

/** Something refers to a section that lacks what it is for. */
export function missingOption(
  { report }: Translation,
  { type, name, position }: Section,
  option: string,
  what: string,
): void {
  report({
    severity: "error",
    position,
    message: `The "${type}" section "${name?.text}" has no "option ${option}": what names it has ` +
      "no effect",
    remedy: `Write "option ${option}" with ${what}`,
  });
}
