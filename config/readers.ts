/** Readers of argument values, for the rows of keyword tables. */

import { type Family, familyOf, type Ip, isMulticast, parseIp } from "../lib/core/address.ts";
import { type Micros, seconds } from "../lib/core/time.ts";
import type { Reader } from "./keyword.ts";
import type { Severity } from "./problem.ts";

/** What happens to most settings whose value cannot be used. */
const IGNORED = "the line is ignored and the default holds";

/** What a reader says of an argument that is missing or cannot be used. */
export interface Refusal {
  /** How bad it is if the argument is missing. */
  readonly absence: Severity;
  /** What holds as long as it cannot be used. */
  readonly until: string;
}

/** keepalived does not start when an argument is missing. */
const USUAL: Refusal = { absence: "fatal", until: IGNORED };

/** For keywords that keepalived does not have, or can do without. */
export const LENIENT: Refusal = { absence: "error", until: IGNORED };

/** A keyword without arguments. */
export const present: Reader<true> = () => true;

/** Reads decimal digits, with a sign if `low` is negative; null if the word is anything else. */
export function wholeNumber(text: string, low: number, high: number): number | null {
  if (!/^[+-]?\d{1,15}$/.test(text)) return null;
  const value = Number(text);
  return value >= low && value <= high ? value : null;
}

/** A whole number from `low` to `high`. */
export function whole(low: number, high: number, refusal = USUAL): Reader<number> {
  const allowed = `a whole number from ${low} to ${high}`;
  return (args) => {
    const word = args.must(allowed, refusal.absence);
    if (word === undefined) return undefined;
    return wholeNumber(word.text, low, high) ?? args.refuse(word, allowed, refusal.until);
  };
}

/** As `whole`, but nothing works without it, so that a value out of range is fatal. */
export function wholeOrFatal(low: number, high: number): Reader<number> {
  return (args) => {
    const what = `a whole number from ${low} to ${high}`;
    const word = args.must(what);
    if (word === undefined) return undefined;
    const value = wholeNumber(word.text, low, high);
    if (value !== null) return value;
    args.report("fatal", word, `Cannot read "${args.text}": must be ${what}`, `Write ${what}`);
    return undefined;
  };
}

/** A count of which keepalived turns 0 into 1. */
export function atLeastOne(high: number): Reader<number> {
  return (args) => {
    const word = args.must(`a whole number from 1 to ${high}`);
    if (word === undefined) return undefined;
    const value = wholeNumber(word.text, 0, high);
    if (value === null) return args.refuse(word, `a whole number from 1 to ${high}`, IGNORED);
    if (value > 0) return value;
    args.report("error", word, `Cannot use 0 in "${args.text}": 1 is used`, "Write 1 or more");
    return 1;
  };
}

/**
 * A whole number of which keepalived takes the nearest end of the range when it is outside.
 * @param absence What it is if there is none; "error" for what keepalived can do without.
 */
export function clamped(
  low: number,
  high: number,
  absence: "error" | "fatal" = "error",
): Reader<number> {
  return (args) => {
    const word = args.must(`a whole number from ${low} to ${high}`, absence);
    if (word === undefined) return undefined;
    const value = wholeNumber(word.text, -1e15, 1e15);
    if (value === null) return args.refuse(word, `a whole number from ${low} to ${high}`, IGNORED);
    const near = Math.min(high, Math.max(low, value));
    if (near !== value) {
      args.report(
        "error",
        word,
        `Cannot use ${value} in "${args.text}": ${near} is used`,
        `Write a whole number from ${low} to ${high}`,
      );
    }
    return near;
  };
}

/** A duration in seconds, fractions allowed, from `low` to `high` seconds. */
export function duration(low: number, high: number, refusal = USUAL): Reader<Micros> {
  return (args) => {
    const word = args.must("a number of seconds", refusal.absence);
    if (word === undefined) return undefined;
    const value = /^\+?(\d{1,12}(\.\d*)?|\.\d+)$/.test(word.text) ? Number(word.text) : NaN;
    if (value >= low && value <= high) return seconds(value);
    return args.refuse(word, `a number of seconds from ${low} to ${high}`, refusal.until);
  };
}

/** A duration in whole seconds, from 0 to `high` seconds. */
export function wholeSeconds(high: number): Reader<Micros> {
  const read = whole(0, high);
  return (args) => {
    const value = read(args);
    return value === undefined ? undefined : seconds(value);
  };
}

/** One word of any kind; `severity` is of its absence. */
export function word(what: string, severity: Severity = "fatal"): Reader<string> {
  return (args) => args.must(what, severity)?.text;
}

/** One word of any kind, or none. */
export const optionalWord: Reader<string | null> = (args) => args.take()?.text ?? null;

/** One of some words, as they are spelled. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return choice(allowed, USUAL);
}

/** As `oneOf`, with words about what cannot be used. */
export function choice<const T extends string>(
  allowed: readonly T[],
  refusal: Refusal,
): Reader<T> {
  const list = allowed.map((value) => `"${value}"`).join(" or ");
  return (args) => {
    const given = args.must(list, refusal.absence);
    if (given === undefined) return undefined;
    return allowed.find((value) => value === given.text) ?? args.refuse(given, list, refusal.until);
  };
}

/** Words for yes and no (keepalived-behaviour 2.1). */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["on", true],
  ["yes", true],
  ["false", false],
  ["off", false],
  ["no", false],
]);

/** The boolean that a word means; undefined if it is none. */
export function booleanOf(text: string): boolean | undefined {
  return BOOLEANS.get(text);
}

/** A boolean; without an argument it is true. */
export const bool: Reader<boolean> = (args) => {
  const given = args.take();
  if (given === undefined) return true;
  return BOOLEANS.get(given.text) ?? args.refuse(given, [...BOOLEANS.keys()].join(", "), IGNORED);
};

/** A keyword that is on by its presence, whatever follows: a false behind it is said to be no use. */
export const presentWhatever: Reader<true> = (args) => {
  const given = args.take();
  if (given !== undefined && BOOLEANS.get(given.text) !== true) {
    args.report(
      "warning",
      given,
      `"${given.text}" has no effect: "${args.head.text}" is on by its presence`,
      "Delete the line to turn it off",
    );
  }
  return true;
};

/** An IP address without prefix length. */
export const ipAddress: Reader<Ip> = (args) => {
  const given = args.must("an IP address");
  return given && (parseIp(given.text) ?? args.refuse(given, "an IP address", IGNORED));
};

/** A multicast group, of one family or of any. */
export function multicastGroup(family?: Family): Reader<Ip> {
  const range = { ipv4: "from 224.0.0.0 to 239.255.255.255", ipv6: "in ff00::/8" };
  const allowed = family
    ? `a multicast address ${range[family]}`
    : `a multicast address ${range.ipv4} or ${range.ipv6}`;
  return (args) => {
    const given = args.must(allowed);
    const group = given && parseIp(given.text);
    if (group && isMulticast(group) && (!family || familyOf(group) === family)) return group;
    return given && args.refuse(given, allowed, IGNORED);
  };
}

/** Longest name of an interface (IFNAMSIZ - 1, linux/if.h). */
export const INTERFACE_NAME_MAX = 15;

/** The name of an interface. Whether it exists is not asked here. */
export const interfaceName: Reader<string> = (args) => {
  const allowed = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
  const given = args.must(allowed);
  if (given === undefined) return undefined;
  return isInterfaceName(given.text) ? given.text : args.refuse(given, allowed, IGNORED);
};

/** Whether the kernel could have an interface of this name. */
export function isInterfaceName(text: string): boolean {
  return text.length > 0 && text.length <= INTERFACE_NAME_MAX && !/[\s/]/.test(text);
}
