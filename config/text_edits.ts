/** Edits of a text by the statements and braces that the lexer found in it. */

import type { Statement, Token } from "./lexer.ts";
import { codeLength } from "./source.ts";

/** A piece of text to put in place of another, by offsets. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Puts another word in place of a statement's first. */
export function wordEdit(
  { words: [first] }: Statement,
  word: string,
  starts: readonly number[],
): Edit {
  const from = starts[first.position.line - 1]! + first.position.column - 1;
  return { from, to: from + first.position.length, text: word };
}

/** Where a statement or a brace begins. */
export function offsetOf(token: Token, starts: readonly number[]): number {
  const { line, column } = token.kind === "statement" ? token.words[0].position : token.position;
  return starts[line - 1]! + column - 1;
}

/** The text of a statement, without the blanks around it. */
export function rangeOf(
  statement: Statement,
  starts: readonly number[],
): readonly [number, number] {
  const start = starts[statement.line.number - 1]!;
  const raw = statement.line.text.slice(statement.from, statement.to);
  const from = start + statement.from + (raw.length - raw.trimStart().length);
  return [from, start + statement.from + raw.trimEnd().length];
}

/** Takes the whole line if the statement is all that is on it; a comment behind it may stay. */
export function deletion(
  statement: Statement,
  text: string,
  starts: readonly number[],
  comment: "stays" | "goes" = "stays",
): Edit {
  const [from, to] = rangeOf(statement, starts), { number } = statement.line;
  if (!isAloneOn(statement, text, starts)) return { from, to, text: "" };
  const start = starts[number - 1]!, end = lineEnd(statement, text, starts);
  const rest = text.slice(to, end);
  if (comment === "goes" || rest.trim() === "") {
    return { from: start, to: starts[number] ?? text.length, text: "" };
  }
  return { from, to: to + rest.length - rest.trimStart().length, text: "" };
}

/** Whether nothing but a comment is on the line of a statement. */
export function isAloneOn(statement: Statement, text: string, starts: readonly number[]): boolean {
  const [from, to] = rangeOf(statement, starts), start = starts[statement.line.number - 1]!;
  return text.slice(start, from).trim() === "" &&
    text.slice(to, start + codeLength(statement.line.text)).trim() === "";
}

/** Where the line of a statement ends, its comment included. */
export function lineEnd({ line }: Statement, text: string, starts: readonly number[]): number {
  const start = starts[line.number - 1]!, next = starts[line.number] ?? text.length + 1;
  return start + text.slice(start, next - 1).trimEnd().length;
}

/** The blanks that a line begins with, before an offset in it. */
export function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))![0];
}

/** The offset of each line. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** A text with its edits, none of which overlap. */
export function applied(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { from, to, text: piece } of edits.toSorted((a, b) => b.from - a.from)) {
    result = result.slice(0, from) + piece + result.slice(to);
  }
  return result;
}
