/** Is a process there, does a file exist. */

import type { BuiltIn, Idiom, Invocation, Unknown } from "./idioms.ts";
import { parseOptions, valueOf } from "./idioms_options.ts";

/** The kernel keeps 15 characters of a process's name (TASK_COMM_LEN - 1, linux/sched.h). */
const COMM_MAX = 15;

/** A process check by name; `negated`: it must not run. */
function process(name: string, { negated }: Invocation, notes: readonly string[] = []): BuiltIn {
  const lines = [`process ${quote(name)}`, ...negated ? ["quorum_max 0"] : []];
  return { kind: "process", lines, timeoutSeconds: null, notes };
}

function byName(name: string | undefined, invocation: Invocation, ...notes: string[]) {
  if (name === undefined) return { why: "it names no process" };
  const base = name.slice(name.lastIndexOf("/") + 1);
  if (base.length > COMM_MAX) return { why: `"${base}" is longer than a process's name can be` };
  return process(base, invocation, notes);
}

const pidof: Idiom = (invocation) => {
  const parsed = parseOptions(invocation.args, {
    flags: ["-s", "-x", "-q", "-c", "-z"],
    valued: [],
  });
  if (parsed === null || invocation.readers.length > 0) return NOT_UNDERSTOOD;
  const [name, ...more] = parsed.operands;
  if (more.length > 0) return { why: "it names several processes, of which one is enough" };
  return byName(name, invocation);
};

const pgrep: Idiom = (invocation) => {
  const parsed = parseOptions(invocation.args, {
    flags: ["-x", "-q", "-l", "-a", "-c", "--exact", "--quiet"],
    valued: [],
  });
  if (parsed === null || invocation.readers.length > 0) {
    return { why: "it looks for more than the name of a process" };
  }
  const [pattern, ...more] = parsed.operands;
  if (more.length > 0 || pattern === undefined || !/^[\w.-]+$/.test(pattern)) return NOT_UNDERSTOOD;
  const isExact = parsed.given.has("-x") || parsed.given.has("--exact");
  return isExact ? byName(pattern, invocation) : byName(
    pattern,
    invocation,
    `pgrep found any name that contains "${pattern}", the check wants the whole name`,
  );
};

const killall: Idiom = (invocation) => {
  const parsed = parseOptions(invocation.args, {
    flags: ["-0", "-q", "-e", "--quiet", "--exact"],
    valued: ["-s", "--signal"],
  });
  if (parsed === null || invocation.readers.length > 0) return NOT_UNDERSTOOD;
  const signal = valueOf(parsed, "-s", "--signal") ?? (parsed.given.has("-0") ? "0" : "TERM");
  const isProbe = signal === "0";
  if (!isProbe) return { why: "it sends a signal" };
  const [name, ...more] = parsed.operands;
  return more.length > 0 ? NOT_UNDERSTOOD : byName(name, invocation);
};

/** `ps -C NAME`. */
const ps: Idiom = (invocation) => {
  const { args, readers } = invocation;
  const parsed = parseOptions(args, {
    flags: ["-f", "-F", "-l", "-w", "--no-headers", "--no-heading"],
    valued: ["-C", "-o", "--format"],
  });
  const [name, ...more] = parsed?.given.get("-C") ?? [], operands = parsed?.operands ?? [];
  const isOne = name !== undefined && !/[\s,]/.test(name) && more.length + operands.length === 0;
  if (!isOne || readers.length > 0) return { why: "what it looks for in the list is not clear" };
  return byName(name, invocation);
};

/** `test -f FILE`, `[ -e FILE ]`, `[ ! -f FILE ]`. */
const test: Idiom = ({ name, args, readers, negated }) => {
  const words = name === "[" ? args.slice(0, -1) : [...args];
  if (readers.length > 0 || (name === "[" && args.at(-1) !== "]")) return NOT_UNDERSTOOD;
  const isNot = words[0] === "!";
  const [operator, path, ...more] = isNot ? words.slice(1) : words;
  if (!/^-[efrs]$/.test(operator ?? "") || !path?.startsWith("/") || more.length > 0) {
    return NOT_UNDERSTOOD;
  }
  const isAbsent = isNot !== negated;
  if (isAbsent && operator === "-s") return { why: "an empty file is good for it" };
  const notes = operator === "-s" ? ["test -s wanted a file that is not empty"] : [];
  const lines = [`path ${quote(path)}`, ...isAbsent ? ["absent"] : []];
  return { kind: "file", lines, timeoutSeconds: null, notes };
};

const NOT_UNDERSTOOD: Unknown = { why: "its arguments are not understood" };

function quote(text: string): string {
  return /[\s"#!{}]/.test(text) ? `"${text}"` : text;
}

/** By the name of the program. */
export const PROCESS_IDIOMS: Readonly<Record<string, Idiom>> = {
  pidof,
  pgrep,
  killall,
  ps,
  test,
  "[": test,
};
