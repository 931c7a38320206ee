/** Keywords of the top level that are no blocks, and those about reading the file itself. */

import { seconds } from "../lib/core/time.ts";
import { INCLUDE_CHECKS, readIncludeChecks } from "./include.ts";
import type { Reader, Settings, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { RootDefs } from "./model_root.ts";
import { present, wholeSeconds } from "./readers.ts";

/** keepalived's default of `child_wait_time` (keepalived.conf(5)). */
const STOP_WAIT_SECONDS = 5;

/** Longest `child_wait_time` that is of use: service managers give 90 s. */
const STOP_WAIT_MAX = 3600;

/** A name that becomes part of a path. */
const pathPart: Reader<string> = (args) => {
  const allowed = 'a name without "/"';
  const word = args.must(allowed);
  if (word === undefined) return undefined;
  const isPart = !/^\.{0,2}$|[/\0]/.test(word.text);
  return isPart ? word.text : args.refuse(word, allowed, "the line is ignored");
};

/** `include_check`: it acts while files are read; here its words are judged. */
const includeCheck: Reader<true> = (args) => {
  const words: Word[] = [];
  for (let word = args.take(); word !== undefined; word = args.take()) words.push(word);
  const { wrong } = readIncludeChecks(words.map(({ text }) => text), []);
  const word = words.find(({ text }) => text === wrong);
  if (word !== undefined) {
    const allowed = INCLUDE_CHECKS.join(", ");
    args.refuse(word, `${allowed}, with + or - before all but the first`, "the word is ignored");
  }
  return true;
};

/** Rows of the top level. */
export const ROOT_DAEMON = {
  net_namespace: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "the one that the daemon is started in",
    doc:
      "The daemon enters this network namespace of `ip netns` when it starts; -s goes before it.",
    read: pathPart,
  },
  instance: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "none",
    doc: "Goes into the names of the pid files, for several daemons on one host.",
    read: pathPart,
  },
  use_pid_dir: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "Pid files are in /run/keepalived.",
    read: present,
  },
  child_wait_time: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: String(STOP_WAIT_SECONDS),
    doc: "At a stop, how long the end of notifications and their scripts is waited for.",
    read: wholeSeconds(STOP_WAIT_MAX),
  },
  namespace_with_ipsets: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "For kernels before 3.13: vigie has no use for ipsets.",
    read: present,
  },
} as const satisfies Table;

/** Rows of `global_defs`. */
export const GLOBAL_INCLUDE = {
  include_check: {
    kind: "setting",
    status: "works",
    usage: "[CHECK] [+CHECK|-CHECK ...]",
    default: "none",
    doc: "What makes an include below it fatal: read, match, wildcard_match, brace_match; all of " +
      "them without an argument.",
    read: includeCheck,
  },
} as const satisfies Table;

/** What the rows of the top level mean. */
export function buildRoot(tree: Settings<typeof ROOT_DAEMON>): RootDefs {
  const { net_namespace, instance, use_pid_dir, child_wait_time } = tree;
  return {
    netNamespace: net_namespace === undefined
      ? null
      : { name: net_namespace.value, position: net_namespace.position },
    instance: instance?.value ?? null,
    usePidFolder: use_pid_dir !== undefined,
    stopWaitUs: child_wait_time?.value ?? seconds(STOP_WAIT_SECONDS),
  };
}
