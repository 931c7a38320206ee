/** The keywords of `global_defs` about how the daemon's process and threads run. */

import type { Reader, Setting, Table } from "./keyword.ts";
import { clamped, LENIENT, present, presentWhatever, whole, wholeNumber, word } from "./readers.ts";

/** CPU_SETSIZE of glibc (sched.h): more processors than that have no number here. */
const PROCESSORS = 1024;

/** Longest name of a thread (TASK_COMM_LEN - 1, linux/sched.h). */
const NAME_BYTES = 15;

const UINT32_MAX = 0xffff_ffff;

/** One or more processors, counted from 0. Those that cannot be used are left out. */
const processors: Reader<readonly number[]> = (args) => {
  const what = `a processor from 0 to ${PROCESSORS - 1}`;
  const first = args.must(what, "error");
  const numbers: number[] = [];
  for (let given = first; given !== undefined; given = args.take()) {
    const number = wholeNumber(given.text, 0, PROCESSORS - 1);
    if (number === null) args.refuse(given, what, "it is left out");
    else numbers.push(number);
  }
  return numbers.length === 0 ? undefined : [...new Set(numbers)];
};

/** The name of a process: the kernel keeps the beginning of a longer one. */
const processName: Reader<string> = (args) => {
  const given = args.must("a name");
  if (given === undefined) return undefined;
  const bytes = new TextEncoder().encode(given.text);
  if (bytes.length <= NAME_BYTES) return given.text;
  const kept = new TextDecoder().decode(bytes.subarray(0, NAME_BYTES)).replace(/\ufffd+$/, "");
  args.report(
    "error",
    given,
    `"${given.text}" is longer than ${NAME_BYTES} bytes: it becomes "${kept}"`,
    `Write at most ${NAME_BYTES} characters`,
  );
  return kept;
};

/** Permissions that a umask takes away, by keepalived's names: those of stat(2) without the S_. */
const UMASK_BITS: Readonly<Record<string, number>> = {
  IRUSR: 0o400,
  IWUSR: 0o200,
  IXUSR: 0o100,
  IRWXU: 0o700,
  IRGRP: 0o040,
  IWGRP: 0o020,
  IXGRP: 0o010,
  IRWXG: 0o070,
  IROTH: 0o004,
  IWOTH: 0o002,
  IXOTH: 0o001,
  IRWXO: 0o007,
};

const UMASK = "an octal number to 0777, or names such as IXUSR | IRWXG";

/**
 * Reads a umask as keepalived does: digits as in C, or names with bars between them.
 *
 * @returns Null if it is none.
 */
export function parseUmask(text: string): number | null {
  if (/^\d/.test(text)) {
    const octal = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : NaN;
    const value = Number.isNaN(octal) && /^(0x[\da-f]+|0|[1-9]\d*)$/i.test(text)
      ? Number(text)
      : octal;
    return value <= 0o777 ? value : null;
  }
  const bits = text.split("|").map((name) => UMASK_BITS[name.trim().replace(/^S_/, "")]);
  return bits.some((bit) => bit === undefined) ? null : bits.reduce<number>((a, b) => a | b!, 0);
}

const umask: Reader<number> = (args) => {
  const given = args.must(UMASK);
  if (given === undefined) return undefined;
  const words = [given.text];
  for (let more = args.take(); more !== undefined; more = args.take()) words.push(more.text);
  return parseUmask(words.join(" ")) ?? args.refuse(given, UMASK, "the umask stays as it is");
};

/** A setting of a process that vigie does not have. */
function idle<T>(usage: string, doc: string, read: Reader<T>) {
  return { kind: "setting", status: "no effect", usage, doc, read } as const satisfies Setting<T>;
}

const NO_PROCESS = "There is no such process: one thread speaks VRRP, all else runs beside it.";

/** What keepalived can be told of each of its other processes. */
const IDLE = {
  process_name: idle("NAME", NO_PROCESS, word("a name")),
  priority: idle("N", NO_PROCESS, whole(-20, 19, LENIENT)),
  no_swap: idle("", NO_PROCESS, present),
  rt_priority: idle("N", NO_PROCESS, clamped(1, 99)),
  cpu_affinity: idle("CPU [CPU ...]", NO_PROCESS, processors),
  rlimit_rttime: idle("MICROSECONDS", NO_PROCESS, whole(1, UINT32_MAX)),
} as const;

const ALREADY_FIRST = "The thread that speaks VRRP has a real-time priority from the start.";

/** Spread into the table of `global_defs`. */
export const GLOBAL_PROCESS = {
  vrrp_priority: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "none",
    doc: "Niceness of the thread that speaks VRRP, -20 to 19: for when it is not real-time.",
    read: whole(-20, 19, LENIENT),
  },
  vrrp_cpu_affinity: {
    kind: "setting",
    status: "works",
    usage: "CPU [CPU ...]",
    default: "all",
    doc: "The processors that the thread that speaks VRRP runs on, counted from 0.",
    read: processors,
  },
  vrrp_rlimit_rttime: {
    kind: "setting",
    status: "works",
    usage: "MICROSECONDS",
    default: "none",
    doc:
      "Computing for half as long at real-time priority, without a rest, is reported. vigie is " +
      "not killed for it: a thread without a rest for 50 ms loses its priority until it has one.",
    read: whole(1, UINT32_MAX),
  },
  process_names: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "The thread that speaks VRRP is named keepalived_vrrp, as keepalived's process.",
    read: presentWhatever,
  },
  process_name: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "of the program",
    doc: "What ps and top call the daemon.",
    read: processName,
  },
  vrrp_process_name: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "vigie-engine",
    doc: "What ps -L and top -H call the thread that speaks VRRP.",
    read: processName,
  },
  umask: {
    kind: "setting",
    status: "works",
    usage: "OCTAL|BITS",
    default: "as it was started",
    doc: "The permissions that files of the daemon and of its scripts do not get.",
    read: umask,
  },
  oom_score_adj: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "-900 where that is allowed",
    doc: "Not a word of keepalived: when memory runs out, -1000 is never killed, 1000 first. " +
      "Scripts keep the value that the daemon was started with.",
    read: whole(-1000, 1000, LENIENT),
  },
  max_auto_priority: idle("[N]", ALREADY_FIRST, (args) => {
    const given = args.take();
    if (given === undefined) return 99;
    return wholeNumber(given.text, -1, 99) ??
      args.refuse(given, "a whole number from -1 to 99", "the line is ignored");
  }),
  min_auto_priority_delay: idle("MICROSECONDS", ALREADY_FIRST, whole(1, 10_000_000, LENIENT)),
  checker_process_name: IDLE.process_name,
  checker_priority: IDLE.priority,
  checker_no_swap: IDLE.no_swap,
  checker_rt_priority: IDLE.rt_priority,
  checker_cpu_affinity: IDLE.cpu_affinity,
  checker_rlimit_rttime: IDLE.rlimit_rttime,
  bfd_process_name: IDLE.process_name,
  bfd_priority: IDLE.priority,
  bfd_no_swap: IDLE.no_swap,
  bfd_rt_priority: IDLE.rt_priority,
  bfd_cpu_affinity: IDLE.cpu_affinity,
  bfd_rlimit_rttime: IDLE.rlimit_rttime,
} as const satisfies Table;
