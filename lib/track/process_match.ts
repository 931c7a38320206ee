/** Which processes count, and how /proc describes a process (proc(5)): pure. */

import type { ProcessMatch } from "../core/probe_spec.ts";

/** What /proc/PID/stat says of a process. */
export interface ProcessStat {
  /** The kernel's name of it, at most 15 bytes (TASK_COMM_LEN of linux/sched.h, with a final zero). */
  readonly comm: string;
  /** One letter: R, S, D, T, t, I; Z and X have ended. */
  readonly state: string;
  /** When it began, in clock ticks since boot: with the pid, what tells it from every other. */
  readonly startTicks: string;
}

/** Fields of /proc/PID/stat behind the name, counted from 0: `state` and `starttime` (proc(5)). */
const STATE = 0, START_TIME = 19;

/** Zombies and the dead: they have a number still, but run no more. */
const ENDED = ["Z", "X", "x"];

/**
 * Reads /proc/PID/stat; null if the text is none. The name stands in parentheses and may hold spaces
 * and parentheses itself; behind the last one there are only numbers and the letter.
 */
export function parseStat(text: string): ProcessStat | null {
  const from = text.indexOf("("), to = text.lastIndexOf(")");
  if (from < 0 || to < from) return null;
  const fields = text.slice(to + 2).split(" ");
  const state = fields[STATE], startTicks = fields[START_TIME];
  if (state === undefined || startTicks === undefined) return null;
  return { comm: text.slice(from + 1, to), state, startTicks };
}

/** Whether a process runs rather than waits for its parent to take note of its end. */
export function isAlive({ state }: ProcessStat): boolean {
  return !ENDED.includes(state);
}

/**
 * Reads /proc/PID/cmdline: words, each with a zero behind it. Empty for threads of the kernel. A
 * program that writes a title over its arguments has what it wrote: usually one word.
 */
export function parseArguments(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

/** Whether matching needs the arguments besides the name. */
export function needsArguments({ by }: ProcessMatch): boolean {
  return by !== "comm";
}

/**
 * Whether a process counts, as check_params of keepalived's track_process.c has it.
 * @param argv Null if it could not be read: then only the name can match.
 */
export function matches(
  { words, by }: ProcessMatch,
  comm: string,
  argv: readonly string[] | null,
): boolean {
  const [name, ...given] = words;
  if (by === "comm") return comm === name;
  if (argv === null || argv[0] !== name) return false;
  return BY_PARAMETERS[by](given, argv.slice(1));
}

const BY_PARAMETERS: Readonly<
  Record<
    Exclude<ProcessMatch["by"], "comm">,
    (given: readonly string[], real: readonly string[]) => boolean
  >
> = {
  any: () => true,
  exact: (given, real) => given.length === real.length && isBeginning(given, real),
  partial: isBeginning,
  initial: (given, real) => {
    const last = given.length - 1;
    if (last < 0) return true;
    return isBeginning(given.slice(0, -1), real) && (real[last]?.startsWith(given[last]!) ?? false);
  },
};

function isBeginning(given: readonly string[], real: readonly string[]): boolean {
  return given.length <= real.length && given.every((word, at) => word === real[at]);
}
