/** DNS messages (RFC 1035 4): the question that is asked, and what an answer says about it. */

import { parseIp } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import type { DnsProbe, DnsType } from "../core/probe_spec.ts";
import { failed, GOOD, type Verdict } from "./checker.ts";

/** Head of every message (RFC 1035 4.1.1): id, flags, four counts. */
const HEAD = { id: 0, flags: 2, questions: 4, size: 12 } as const;

/** Bits of the flags. */
const RESPONSE = 0x8000, TRUNCATED = 0x0200, RECURSION_DESIRED = 0x0100, RCODE = 0x000f;

/** Octets of a label and of a whole name on the wire (RFC 1035 2.3.4). */
const MAX_LABEL = 63, MAX_NAME = 255;

/** Response codes in words (IANA, DNS RCODEs); those that people know by name keep it. */
const RCODES: Readonly<Record<number, string>> = {
  1: "the server did not understand the question",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "the server does not support the question",
  5: "REFUSED",
  9: "the server is not responsible for the name",
};

/** So many of the answers are named when none of them is the expected one. */
const SHOWN_ANSWERS = 3;

/** The part of the library that is used here; it reads the records, exchanges are our own. */
interface Codec {
  encode(packet: {
    readonly type: "query";
    readonly id: number;
    readonly flags: number;
    readonly questions: readonly { readonly type: DnsType; readonly name: string }[];
  }): Uint8Array;
  /** Throws if the bytes are no message, unless all that is missing are bytes of the last address. */
  decode: {
    (message: Uint8Array): { readonly answers: readonly DnsRecord[] };
    /** How many bytes the last message should have had. */
    readonly bytes: number;
  };
}

/** A record as the library reads it; what `data` is, depends on the type. */
interface DnsRecord {
  readonly type: string;
  readonly class?: string;
  readonly data?: unknown;
}

/** One question, as it is sent. */
export interface Query {
  readonly type: DnsType;
  readonly message: Bytes;
}

/** What the head of an answer says. */
export interface AnswerHead {
  /** It did not fit a datagram: to be asked again over TCP. */
  readonly truncated: boolean;
}

/** Whether a name can be asked for: labels of 1 to 63 octets, 255 in all. "." is the root. */
export function isDnsName(name: string): boolean {
  if (name === ".") return true;
  const lengths = withoutDot(name).split(".").map((label) =>
    new TextEncoder().encode(label).length
  );
  const total = lengths.reduce((sum, length) => sum + length + 1, 1);
  return total <= MAX_NAME && lengths.every((length) => length >= 1 && length <= MAX_LABEL);
}

/** A question with an id that nobody can guess; recursion is asked for, as every stub resolver does. */
export async function buildQuery(name: string, type: DnsType): Promise<Query> {
  const { encode } = await codec();
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const questions = [{ type, name }];
  const bytes = encode({ type: "query", id, flags: RECURSION_DESIRED, questions });
  return { type, message: new Uint8Array(bytes) };
}

/**
 * The head of an answer to this question; null for whatever else: another id, another question, no
 * answer at all. Upper and lower case are the same; a server that refuses may leave the question out.
 */
export function answerHead(query: Query, message: Uint8Array): AnswerHead | null {
  if (message.length < HEAD.size) return null;
  const asked = query.message, flags = uint16(message, HEAD.flags);
  if (uint16(message, HEAD.id) !== uint16(asked, HEAD.id)) return null;
  if ((flags & RESPONSE) === 0) return null;
  const count = uint16(message, HEAD.questions);
  const mayOmit = count === 0 && (flags & RCODE) !== 0;
  if (!mayOmit && !(count === 1 && repeatsQuestion(asked, message))) return null;
  return { truncated: (flags & TRUNCATED) !== 0 };
}

/** Whether the bytes behind the head are the question: nothing before it that could be pointed to. */
function repeatsQuestion(asked: Uint8Array, message: Uint8Array): boolean {
  if (message.length < asked.length) return false;
  for (let at = HEAD.size; at < asked.length; at++) {
    if (lower(asked[at]!) !== lower(message[at]!)) return false;
  }
  return true;
}

/** ASCII only (RFC 4343); lengths of labels and the numbers of types and classes are below "A". */
function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/**
 * What an answer is worth. Records of the asked type count, wherever an alias led; those of other
 * types and classes do not.
 */
export async function judgeAnswer(
  { type, answer }: Pick<DnsProbe, "type" | "answer">,
  message: Uint8Array,
): Promise<Verdict> {
  const rcode = uint16(message, HEAD.flags) & RCODE;
  if (rcode !== 0) return failed(RCODES[rcode] ?? `DNS error ${rcode}`);
  const texts = await answersOf(type, message);
  if (texts === null) return failed("the answer cannot be read");
  if (texts.length === 0) return failed(`no answer of type ${type}`);
  if (answer === null || texts.some((text) => isSame(type, text, answer))) return GOOD;
  return failed(`answer is ${list(texts)}, not ${answer}`);
}

/** The answers of a type as text, in order of the alphabet: servers rotate theirs. Null: unreadable. */
async function answersOf(type: DnsType, message: Uint8Array): Promise<string[] | null> {
  const { decode } = await codec(), { Buffer } = await import("node:buffer");
  try {
    const { answers } = decode(Buffer.from(message));
    if (decode.bytes > message.length) return null;
    return answers
      .filter((record) => record.type === type && record.class === "IN")
      .map(({ data }) => TO_TEXT[type](data)).toSorted();
  } catch {
    return null;
  }
}

/** What the library makes of MX, SRV and SOA records. */
interface Fields {
  readonly [field: string]: string | number;
}

/**
 * The data of each type as zone files write it (RFC 1035 5.1), on one line, names without the final
 * dot. The strings of a TXT record are joined, without quotes and without separators.
 */
const TO_TEXT: Readonly<Record<DnsType, (data: unknown) => string>> = {
  A: String,
  AAAA: String,
  CNAME: String,
  NS: String,
  PTR: String,
  TXT: (data) => (data as Uint8Array[]).map((part) => new TextDecoder().decode(part)).join(""),
  MX: fields("preference", "exchange"),
  SRV: fields("priority", "weight", "port", "target"),
  SOA: fields("mname", "rname", "serial", "refresh", "retry", "expire", "minimum"),
};

function fields(...names: readonly string[]): (data: unknown) => string {
  return (data) => names.map((name) => (data as Fields)[name]).join(" ");
}

/** Whether an answer is the expected one. */
function isSame(type: DnsType, text: string, expected: string): boolean {
  switch (type) {
    case "TXT":
      return text === expected;
    case "A":
    case "AAAA":
      return parseIp(text) === parseIp(expected);
    case "SOA":
      // The serial changes all the time: as many words are compared as are given.
      return `${plain(text)} `.startsWith(`${plain(expected)} `);
    default:
      return plain(text) === plain(expected);
  }
}

/** Names compare without case and final dot, numbers by value, whatever the space between them. */
function plain(text: string): string {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return words.map((word) => /^\d+$/.test(word) ? String(Number(word)) : withoutDot(word)).join(
    " ",
  );
}

function withoutDot(name: string): string {
  return name.endsWith(".") && name !== "." ? name.slice(0, -1) : name;
}

function list(texts: readonly string[]): string {
  const more = texts.length - SHOWN_ANSWERS;
  const shown = texts.slice(0, SHOWN_ANSWERS).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

/** Loads what questions and answers need. */
export async function prepareCodec(): Promise<void> {
  await Promise.all([codec(), import("node:buffer")]);
}

/** Loaded when the first question is asked: few configurations have one. */
async function codec(): Promise<Codec> {
  return (await import("dns-packet")).default as unknown as Codec;
}
