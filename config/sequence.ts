/** `~SEQ`, `~SEQx` and `~LST`: lines that are repeated with other values of their names. */

/** Names with their values, of one repetition. */
export type Binding = readonly (readonly [name: string, value: string])[];

/** A line that is to be repeated. */
export interface Sequence {
  /** Computed as they are asked for: there may be very many. */
  readonly bindings: Iterable<Binding>;
}

/** The head of such a line: up to the parenthesis that closes it. */
export const SEQUENCE_HEAD = /^\s*~(SEQx?|LST)\s*\(([^)]*)\)/;

const NAME = /^[A-Za-z_]\w*$/;

/** As strtol(3) reads them: hexadecimal behind 0x, octal behind 0. */
const NUMBER = /^[+-]?(?:0[xX][0-9a-fA-F]{1,13}|\d{1,15})$/;

/** Reads what stands between the parentheses. @returns What is wrong with it, if it cannot be used. */
export function readSequence(kind: string, text: string): Sequence | string {
  const parts = splitParts(text);
  if (parts === null) return 'a "{" without its "}"';
  return kind === "LST" ? readList(parts) : readNumbers(parts, kind === "SEQx");
}

/** Splits at the commas outside of braces. */
function splitParts(text: string): readonly string[] | null {
  const parts = text.match(/(?:\{[^{}]*\}|[^,{}])+|(?<=,|^)(?=,|$)/g) ?? [];
  const whole = parts.join(",");
  return whole.length === text.length ? parts.map((part) => part.trim()) : null;
}

function readNumbers([name, ...given]: readonly string[], isHex: boolean): Sequence | string {
  if (name === undefined || !NAME.test(name)) return `"${name ?? ""}" is no name`;
  if (given.length < 1 || given.length > 3) return "1 to 3 numbers stand behind the name";
  const wrong = given.find((text) => !NUMBER.test(text));
  if (wrong !== undefined) return `"${wrong}" is no whole number`;
  const numbers = given.map(wholeOf), end = numbers.at(-1)!;
  const start = numbers.length > 1 ? numbers[0]! : end >= 0 ? 1 : -1;
  const step = numbers.length > 2 ? numbers[1]! : end >= start ? 1 : -1;
  if (step === 0 || (end - start) * step < 0) return `a step of ${step} never comes to ${end}`;
  if (isHex && Math.min(start, end) < 0) return "there are no negative hexadecimal numbers";
  return { bindings: count(name, { start, step, end }, isHex ? 16 : 10) };
}

function* count(
  name: string,
  { start, step, end }: { readonly start: number; readonly step: number; readonly end: number },
  radix: number,
): Generator<Binding> {
  for (let value = start; step > 0 ? value <= end : value >= end; value += step) {
    yield [[name, value.toString(radix)]];
  }
}

function wholeOf(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1, digits = text.replace(/^[+-]/, "");
  const octal = /^0[0-7]+$/.test(digits);
  return sign * (octal ? parseInt(digits, 8) : Number(digits));
}

function readList([head, ...values]: readonly string[]): Sequence | string {
  const names = tupleOf(head ?? "");
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined || names.length === 0) return `"${wrong ?? ""}" is no name`;
  if (values.length === 0) return "there are no values";
  const tuples = values.map(tupleOf);
  const long = values.find((_, at) => tuples[at]!.length > names.length);
  if (long !== undefined) return `"${long}" has more values than there are names`;
  const torn = tuples.flat().find((value) => /\s/.test(value));
  if (torn !== undefined) return `"${torn}" has a blank in it`;
  return {
    bindings: tuples.map((tuple) => names.map((name, at) => [name, tuple[at] ?? ""] as const)),
  };
}

function tupleOf(text: string): readonly string[] {
  const inside = /^\{(.*)\}$/.exec(text)?.[1];
  return inside === undefined ? [text] : inside.split(",").map((value) => value.trim());
}
