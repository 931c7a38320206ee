/**
 * The new entry point of a packed program, and the header that it reads.
 *
 * The dynamic loader jumps to it as it would have to the old one, with the stack as the kernel made it
 * (argc, argv, 0, environment, 0). Below that it builds another: argv[0], then the added arguments, then
 * the caller's; the added variables, then the caller's without those that begin with a prefix of the
 * list. It points libc's `environ` there, the stack too, and jumps to the old entry point. Nothing is
 * written to the old stack: `ps` shows what the caller gave. It needs no memory and calls nobody.
 */

import { concatBytes, fromHex } from "../core/bytes.ts";
import type { Bytes } from "../core/bytes.ts";
import type { Machine } from "./elf.ts";
import { ENTRY_AARCH64 } from "./entry_aarch64.ts";
import { ENTRY_X86_64 } from "./entry_x86_64.ts";

/** One instruction: its place in the code, its bytes, its assembly as objdump writes it, and why. */
export type Instruction = readonly [at: number, bytes: string, assembly: string, why?: string];

/** The instructions, machine by machine. They are the same in every program: what differs is data. */
export const ENTRY: Readonly<Record<Machine, readonly Instruction[]>> = {
  x86_64: ENTRY_X86_64,
  aarch64: ENTRY_AARCH64,
};

/** The code as bytes; the header follows at once. */
export function entryCode(machine: Machine): Bytes {
  return concatBytes(...ENTRY[machine].map(([, bytes]) => fromHex(bytes)));
}

/** What a program is given on top of what its caller gives it. */
export interface Additions {
  /** Arguments behind argv[0]. At least one. */
  readonly args: readonly string[];
  /** Variables of the environment, as NAME=value. At least one. */
  readonly env: readonly string[];
  /** Variables whose names begin so are left out. At least one. */
  readonly droppedPrefixes: readonly string[];
}

/** Where things are, as addresses relative to where the program is loaded. */
export interface Places {
  /** The header itself. */
  readonly header: number;
  readonly oldEntry: number;
  /** The word that holds the address of `environ`. */
  readonly environSlot: number;
}

/** Bytes of a word of the header. */
const WORD = 8;

/** Words before the offsets of the strings: two places, three counts. */
const FIXED_WORDS = 5;

/**
 * The header, all in 64-bit words, places relative to the header: the old entry point; the word that
 * holds the address of `environ`; the number of arguments, of variables, of prefixes; the offset of
 * each of those strings. The strings follow, each with its zero.
 *
 * @throws {RangeError} If a list is empty or a string holds a zero.
 */
export function entryHeader(additions: Additions, places: Places): Bytes {
  const lists = [additions.args, additions.env, additions.droppedPrefixes];
  const texts = lists.flat();
  if (lists.some((list) => list.length === 0)) throw new RangeError("the entry needs each list");
  if (texts.some((text) => text.includes("\0"))) throw new RangeError("a string holds a zero");
  const strings = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  const words = [
    places.oldEntry - places.header,
    places.environSlot - places.header,
    ...lists.map((list) => list.length),
  ];
  let at = (FIXED_WORDS + strings.length) * WORD;
  for (const string of strings) {
    words.push(at);
    at += string.length;
  }
  return concatBytes(wordsOf(words), ...strings);
}

/** Signed 64-bit words, little-endian. */
export function wordsOf(words: readonly number[]): Bytes {
  return new Uint8Array(BigInt64Array.from(words, (word) => BigInt(word)).buffer);
}
