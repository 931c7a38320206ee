/** Readers of what probes need: addresses, ports, contents, paths. What they refuse ends the check. */

import { type Ip, parseIp } from "../lib/core/address.ts";
import type { BodyTest, StatusRange } from "../lib/core/probe_spec.ts";
import type { Arguments, Reader } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { INTERFACE_NAME_MAX, isInterfaceName, type Refusal, wholeNumber } from "./readers.ts";

/** A check with a wrong word in its probe would fail for no reason, or never: it is left out. */
export const NOT_USED = "the check is not used";

/** Of all keywords of probe blocks. */
export const PROBE: Refusal = { absence: "error", until: NOT_USED };

/** Longest path of a unix socket in bytes: sun_path of 108 less its NUL (unix(7)). */
const SOCKET_PATH_MAX = 107;

const PORT_MAX = 65535;

/** One word that a test accepts. */
export function probeWord(allowed: string, accept: (text: string) => boolean): Reader<string> {
  return (args) => takeWord(args, allowed, accept)?.text;
}

/** As `probeWord`, with its place. */
export function takeWord(
  args: Arguments,
  allowed: string,
  accept: (text: string) => boolean,
): Word | undefined {
  const given = args.must(allowed, "error", NOT_USED);
  if (given === undefined) return undefined;
  return accept(given.text) ? given : args.refuse(given, allowed, NOT_USED);
}

/** An absolute path. */
export const absolutePath: Reader<string> = probeWord(
  "an absolute path",
  (text) => text.startsWith("/"),
);

/** The path of a unix socket. */
export const socketPath: Reader<string> = probeWord(
  `an absolute path of at most ${SOCKET_PATH_MAX} bytes`,
  (text) => text.startsWith("/") && new TextEncoder().encode(text).length <= SOCKET_PATH_MAX,
);

/** Where a probe leaves from. */
export const sourceAddress: Reader<Ip> = probeAddress;

/** The interface that a probe leaves from. */
export const device: Reader<string> = probeWord(
  `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`,
  isInterfaceName,
);

/** An address and, if there is one behind it, a port. */
export function addressAndPort(
  port: number,
): Reader<{ readonly address: Ip; readonly port: number }> {
  return (args) => {
    const address = probeAddress(args);
    if (address === undefined) return undefined;
    const given = args.take();
    const number = given === undefined ? port : portOf(args, given);
    return number === undefined ? undefined : { address, port: number };
  };
}

/** `HOST PORT`. */
export const hostAndPort: Reader<{ readonly host: string; readonly port: number }> = (args) => {
  const host = hostName(args);
  if (host === undefined) return undefined;
  const given = args.must(PORT, "error", NOT_USED);
  const port = given && portOf(args, given);
  return port === undefined ? undefined : { host, port };
};

const PORT = `a port from 1 to ${PORT_MAX}`;

function portOf(args: Arguments, word: Word): number | undefined {
  return wholeNumber(word.text, 1, PORT_MAX) ?? args.refuse(word, PORT, NOT_USED);
}

function probeAddress(args: Arguments): Ip | undefined {
  const given = args.must("an IP address", "error", NOT_USED);
  return given && (parseIp(given.text) ?? args.refuse(given, "an IP address", NOT_USED));
}

/** A name or an address, the latter in canonical form. */
export const hostName: Reader<string> = (args) => {
  const text = takeWord(args, "a host name or an IP address", isHost)?.text;
  return text && (parseIp(text) ?? text);
};

/** Letters, digits, "-" and "_" between dots, 253 characters (RFC 1035 2.3.4); or an address. */
function isHost(text: string): boolean {
  if (parseIp(text) !== null) return true;
  // Digits and dots alone are an address that is mistyped.
  return text.length <= 253 && !/^[\d.]+$/.test(text) &&
    /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?$/.test(text);
}

/** What content must be, and where the file says it. */
export interface GivenTest {
  readonly test: BodyTest;
  /** Of the text, pattern or digest. */
  readonly word: Word;
}

const TEST = 'contains "TEXT", regex "RE" or sha256 HEX';

/** `contains "TEXT"`, `regex "RE"` or `sha256 HEX`; with `bare`, a word alone is contained. */
export function contentTest(options: { readonly bare: boolean }): Reader<GivenTest> {
  const allowed = options.bare ? `"TEXT", ${TEST}` : TEST;
  return (args) => {
    const kind = args.must(allowed, "error", NOT_USED);
    if (kind === undefined) return undefined;
    const value = args.take();
    if (value === undefined) {
      return options.bare && kind.text !== ""
        ? { test: { kind: "contains", text: kind.text }, word: kind }
        : args.refuse(kind, allowed, NOT_USED);
    }
    if (kind.text !== "contains" && kind.text !== "regex" && kind.text !== "sha256") {
      return args.refuse(kind, allowed, NOT_USED);
    }
    return testOf(args, kind.text, value);
  };
}

function testOf(
  args: Arguments,
  kind: BodyTest["kind"],
  word: Word,
): GivenTest | undefined {
  if (kind === "sha256") {
    const digest = word.text.toLowerCase();
    return /^[0-9a-f]{64}$/.test(digest)
      ? { test: { kind, digest }, word }
      : args.refuse(word, "64 hexadecimal digits", NOT_USED);
  }
  if (word.text === "") return args.refuse(word, "a text that is not empty", NOT_USED);
  return {
    test: kind === "regex" ? { kind, pattern: word.text } : { kind, text: word.text },
    word,
  };
}

const STATUS = "status codes or ranges of them from 100 to 599, such as 200-299 304";

/** Status codes and ranges of them, at least one. */
export const statusRanges: Reader<readonly StatusRange[]> = (args) => {
  const first = args.must(STATUS, "error", NOT_USED);
  const ranges: StatusRange[] = [];
  for (let word = first; word !== undefined; word = args.take()) {
    const [, low, high = low] = /^(\d{3})(?:-(\d{3}))?$/.exec(word.text) ?? [];
    const range = { low: Number(low), high: Number(high) };
    if (!(range.low >= 100 && range.low <= range.high && range.high <= 599)) {
      return args.refuse(word, STATUS, NOT_USED);
    }
    ranges.push(range);
  }
  return first === undefined ? undefined : ranges;
};

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };

/**
 * Bytes to send, one a character: a text in UTF-8 with its escapes resolved, `\r \n \t \\` and
 * `\xHH`, which is that byte.
 */
export const escapedBytes: Reader<string> = (args) => {
  const allowed = "a text in which a backslash begins \\r, \\n, \\t, \\\\ or \\xHH";
  const accept = (text: string) => /^(?:[^\\]|\\[rnt\\]|\\x[0-9a-fA-F]{2})+$/s.test(text);
  const word = takeWord(args, allowed, accept);
  return word?.text.replaceAll(
    /\\x([0-9a-fA-F]{2})|\\(.)|[^\\]+/g,
    (plain, hex: string | undefined, sign: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      return sign !== undefined ? ESCAPES[sign]! : byteString(plain);
    },
  );
};

function byteString(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}
