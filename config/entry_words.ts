/**
 * Lines of route and rule blocks, word by word. They are kept whole when a file is parsed and read by
 * the builder: names in them mean what the machine's tables of iproute2 say.
 */

import { type Family, familyOf, HOST_PREFIX, ip, parseIp } from "../lib/core/address.ts";
import type { Ip } from "../lib/core/address.ts";
import { type IpPrefix, KEEPALIVED_PROTOCOL, type NumberRange } from "../lib/core/route_entry.ts";
import type { Reader } from "./keyword.ts";
import type { NameKind, Names } from "./iproute_names.ts";
import type { Word } from "./lexer.ts";
import type { Report } from "./problem.ts";
import { INTERFACE_NAME_MAX, isInterfaceName } from "./readers.ts";

/** A line as it stands in the file; never empty. */
export type EntryLine = readonly [Word, ...Word[]];

/** Keeps all words of a line. */
export const entryLine: Reader<EntryLine> = (args) => {
  const line: [Word, ...Word[]] = [args.head];
  args.take();
  for (let word = args.take(); word !== undefined; word = args.take()) line.push(word);
  return line;
};

/** The line cannot be used: it is reported, and left out. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

/** The words that mean any address, of every length (keepalived-behaviour 3.5). */
const ANY: ReadonlySet<string> = new Set(["default", "any", "all"]);

/** Reads one line; null, after a report, if it is left out. */
export function readLine<T>(words: EntryWords, read: (words: EntryWords) => T): T | null {
  try {
    return read(words);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return null;
  }
}

/** What a line says about whose its route or rule is. */
export interface OwnedDraft {
  readonly protocol: { readonly word: Word; readonly value: number } | null;
  readonly track: boolean;
}

/** Takes the words of one line. Every method but `warn` and `error` throws `Unusable` after a report. */
export class EntryWords {
  readonly line: EntryLine;
  readonly #names: Names;
  readonly #report: Report;
  readonly #what: "route" | "rule";
  #next = 0;

  constructor(line: EntryLine, what: "route" | "rule", names: Names, report: Report) {
    this.line = line;
    this.#what = what;
    this.#names = names;
    this.#report = report;
  }

  /** The line with single spaces. */
  get text(): string {
    return this.line.map(({ text }) => text).join(" ");
  }

  /** What is put back must be told from what others make: it carries keepalived's protocol. */
  protocol({ protocol, track }: OwnedDraft): number {
    if (protocol === null) return KEEPALIVED_PROTOCOL;
    if (!track || protocol.value === KEEPALIVED_PROTOCOL) return protocol.value;
    this.warn(
      protocol.word,
      `The protocol is keepalived (${KEEPALIVED_PROTOCOL}): by it vigie tells what is its own`,
      `Delete it, or write "no_track" for a ${this.#what} that is not put back`,
    );
    return KEEPALIVED_PROTOCOL;
  }

  /** The next word, which stays; undefined at the end. */
  peek(): Word | undefined {
    return this.line[this.#next];
  }

  /** The next word; undefined at the end. */
  take(): Word | undefined {
    return this.line[this.#next++];
  }

  /** Takes the next word if it is this one. */
  skip(text: string): boolean {
    if (this.peek()?.text !== text) return false;
    this.#next++;
    return true;
  }

  /** The word that must follow a keyword. */
  value(keyword: Word, what: string): Word {
    const word = this.take();
    if (word !== undefined) return word;
    return this.fail(
      keyword,
      `Cannot read "${this.text}": ${what} is missing behind "${keyword.text}"`,
      `Write ${what} behind "${keyword.text}"`,
    );
  }

  /** A word that is one of few. */
  choice<T>(keyword: Word, choices: ReadonlyMap<string, T>): T {
    const allowed = [...choices.keys()].join(", ");
    const word = this.value(keyword, `one of ${allowed}`), found = choices.get(word.text);
    return found === undefined ? this.refuse(word, `one of ${allowed}`) : found;
  }

  /** A whole number, decimal or hexadecimal with 0x. */
  number(keyword: Word, low: number, high: number): number {
    const what = `a whole number from ${low} to ${high}`, word = this.value(keyword, what);
    return numberIn(word.text, low, high) ?? this.refuse(word, what);
  }

  /** A number of up to 64 bits, as decimal digits. */
  number64(keyword: Word): string {
    const what = "a whole number of at most 64 bits", word = this.value(keyword, what);
    if (!/^(\d{1,20}|0x[0-9a-f]{1,16})$/i.test(word.text)) return this.refuse(word, what);
    const value = BigInt(word.text);
    return value < 1n << 64n ? `${value}` : this.refuse(word, what);
  }

  /** A number, or a name that iproute2 has for one. */
  named(keyword: Word, kind: NameKind): number {
    return this.name(this.value(keyword, this.#names.what(kind)), kind);
  }

  /** The number that a word stands for. */
  name(word: Word, kind: NameKind): number {
    return this.#names.resolve(kind, word.text) ?? this.refuse(word, this.#names.what(kind));
  }

  /** `[SRC/]DST`, the source's in the upper half. */
  realms(keyword: Word): number {
    const word = this.value(keyword, "[SOURCE/]DESTINATION");
    const parts = word.text.split("/");
    if (parts.length > 2) return this.refuse(word, "[SOURCE/]DESTINATION");
    const numbers = parts.map((text) => this.name({ ...word, text }, "realm"));
    return (parts.length === 1 ? numbers[0]! : numbers[0]! << 16 | numbers[1]!) >>> 0;
  }

  /** `LOW[-HIGH]`. */
  range(keyword: Word, high: number): NumberRange {
    const what = `LOW-HIGH, from 0 to ${high}`, word = this.value(keyword, what);
    const [low, last = low, ...rest] = word.text.split("-").map((text) => numberIn(text, 0, high));
    if (low === null || low === undefined || last === null || last === undefined) {
      return this.refuse(word, what);
    }
    return rest.length > 0 || low > last ? this.refuse(word, what) : { low, high: last };
  }

  /** The name of an interface. */
  device(keyword: Word): string {
    const what = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
    const { text, position } = this.value(keyword, what);
    return isInterfaceName(text) ? text : this.refuse({ text, position }, what);
  }

  /** An address without a prefix length. */
  address(keyword: Word): Ip {
    const word = this.value(keyword, "an IP address");
    return parseIp(word.text) ?? this.refuse(word, "an IP address without a prefix length");
  }

  /** `ADDR[/LEN]`, or a word for all addresses of a family. */
  prefix(word: Word, family: Family | null): IpPrefix {
    if (word.text === "default6") return { address: ip("::"), length: 0 };
    if (ANY.has(word.text)) return { address: ip(family === "ipv6" ? "::" : "0.0.0.0"), length: 0 };
    const [, text = "", length] = /^([^/]*)(?:\/(.*))?$/.exec(word.text) ?? [];
    const address = parseIp(text);
    if (address === null) {
      return this.refuse(word, "an IP address, with or without a prefix length");
    }
    const host = HOST_PREFIX[familyOf(address)];
    const bits = length === undefined ? host : /^\d{1,3}$/.test(length) ? Number(length) : -1;
    if (bits >= 0 && bits <= host) return { address, length: bits };
    this.error(
      word,
      `Cannot read the prefix length of "${word.text}": must be a whole number from 0 to ${host}`,
      `Correct the length; until then ${host} is used`,
    );
    return { address, length: host };
  }

  /** Leaves the line out for a word that is not what is allowed. */
  refuse(word: Word, allowed: string): never {
    const place = word.text === this.text ? "" : ` in "${this.text}"`;
    return this.fail(word, `Cannot read "${word.text}"${place}: must be ${allowed}`, "Correct it");
  }

  /** Leaves the line out. */
  fail(at: Word, message: string, remedy: string): never {
    this.error(at, message, `${remedy}; until then there is no such ${this.#what}`);
    throw new Unusable(message);
  }

  /** Reports what is not as the file says, and goes on. */
  error(at: Word, message: string, remedy: string): void {
    this.#report({ severity: "error", position: at.position, message, remedy });
  }

  /** Reports what may not be meant, and goes on. */
  warn(at: Word, message: string, remedy: string): void {
    this.#report({ severity: "warning", position: at.position, message, remedy });
  }
}

/** Null if the text is no number, or out of range. */
function numberIn(text: string, low: number, high: number): number | null {
  if (!/^(\d{1,15}|0x[0-9a-f]{1,8})$/i.test(text)) return null;
  const value = Number(text);
  return value >= low && value <= high ? value : null;
}
