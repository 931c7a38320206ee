/** What can be tracked: `vrrp_script`, `vrrp_track_process`, `track_file`. */

import { seconds } from "../lib/core/time.ts";
import type { Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { duration, type Refusal, whole, wholeNumber } from "./readers.ts";
import { scriptAlone, userAndGroup } from "./readers_script.ts";
import { clampedWeight, TRACK_WEIGHT_MAX, weight } from "./track_entry.ts";

const INT32_MAX = 0x7fff_ffff;

/** Longest delay of a process (keepalived's TIMER_MAX for it, 1 hour). */
const PROCESS_DELAY_MAX = 3600;

/** Most processes that a quorum counts. */
const QUORUM_MAX = 65535;

/** `vrrp_script`: a command that is run again and again. */
export const VRRP_SCRIPT = {
  script: {
    kind: "setting",
    status: "works",
    usage: "COMMAND",
    default: "none: required",
    doc:
      'The command, with its parameters in one quotation; exit status 0 is good. "</path" runs ' +
      "nothing: it is good while the file exists.",
    read: scriptAlone("error"),
  },
  interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "1",
    doc: "From one start to the next.",
    read: (args) => {
      const value = duration(0, 4294)(args);
      if (value !== 0) return value;
      args.report(
        "error",
        args.head,
        "Cannot run a script every 0 s: 1 s is used",
        "Write 1 or more",
      );
      return seconds(1);
    },
  },
  timeout: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "the interval",
    doc: "A run that takes longer counts as failed.",
    read: duration(0, 4294),
  },
  weight: {
    kind: "setting",
    status: "works",
    usage: "N [reverse]",
    default: "0: a failure is FAULT",
    doc: "Positive: added while good; negative: added while bad.",
    read: clampedWeight(TRACK_WEIGHT_MAX.script),
  },
  rise: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "1",
    doc: "Successes in a row that make a bad script good.",
    read: whole(1, INT32_MAX),
  },
  fall: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "1",
    doc: "Failures in a row that make a good script bad.",
    read: whole(1, INT32_MAX),
  },
  user: {
    kind: "setting",
    status: "works",
    usage: "USER [GROUP]",
    default: "script_user",
    doc: "Who runs the script.",
    read: userAndGroup("fatal"),
  },
  init_fail: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "The first result decides, with it or without.",
    read: (args) => args.head,
  },
} as const satisfies Table;

/** The options of `vrrp_track_process` but its weight; a `vrrp_check` with a process has them too. */
export function processOptions(refusal: Refusal) {
  const delay = duration(0.000001, PROCESS_DELAY_MAX, refusal);
  return {
    process: {
      kind: "setting",
      status: "works",
      usage: "NAME [PARAM ...]",
      default: "none: required",
      doc: "The name of the process, and its parameters if they matter.",
      read: processWords(refusal),
    },
    param_match: {
      kind: "setting",
      status: "works",
      usage: "[initial|partial]",
      default: "exact when parameters are given",
      doc: "How parameters are compared; alone, it makes them exact, also when none are given.",
      read: paramMatch(refusal),
    },
    full_command: {
      kind: "setting",
      status: "works",
      usage: "",
      default: "off: the 15 characters that the kernel keeps of the name",
      doc: "The name is compared with the first word of the command line.",
      read: (args) => args.head,
    },
    quorum: {
      kind: "setting",
      status: "works",
      usage: "N",
      default: "1",
      doc: "Good from so many processes on.",
      read: whole(1, QUORUM_MAX, refusal),
    },
    quorum_max: {
      kind: "setting",
      status: "works",
      usage: "N",
      default: "unlimited",
      doc: "Bad with more processes than this; 0: none may run.",
      read: whole(0, QUORUM_MAX, refusal),
    },
    delay: {
      kind: "setting",
      status: "works",
      usage: "SECONDS",
      default: "0",
      doc: "Both fork_delay and terminate_delay.",
      read: delay,
    },
    fork_delay: {
      kind: "setting",
      status: "works",
      usage: "SECONDS",
      default: "0",
      doc: "How long a quorum must hold before it counts as gained.",
      read: delay,
    },
    terminate_delay: {
      kind: "setting",
      status: "works",
      usage: "SECONDS",
      default: "0",
      doc: "How long a quorum must be missed before it counts as lost.",
      read: delay,
    },
  } as const satisfies Table;
}

function processWords(refusal: Refusal): Reader<readonly Word[]> {
  return (args) => {
    const name = args.must("the name of a process", refusal.absence);
    if (name === undefined) return undefined;
    const words = [name];
    for (let word = args.take(); word !== undefined; word = args.take()) words.push(word);
    return words;
  };
}

function paramMatch(refusal: Refusal): Reader<"exact" | "initial" | "partial"> {
  return (args) => {
    const given = args.take();
    if (given === undefined) return "exact";
    if (given.text === "initial" || given.text === "partial") return given.text;
    return args.refuse(given, '"initial", "partial" or nothing', refusal.until);
  };
}

/** `vrrp_track_process`: a process that should run. */
export const VRRP_TRACK_PROCESS = {
  ...processOptions({
    absence: "fatal",
    until: "the line is ignored and the default holds",
  }),
  weight: {
    kind: "setting",
    status: "works",
    usage: "N [reverse]",
    default: "0: an absent process is FAULT",
    doc: "Positive: added while it runs; negative: added while it does not.",
    read: weight(TRACK_WEIGHT_MAX.process),
  },
} as const satisfies Table;

/** What `init_file` says. */
interface InitFile {
  readonly value: number;
  readonly overwrite: boolean;
}

/** `[VALUE] [overwrite]`. */
const initFile: Reader<InitFile> = (args) => {
  let value = 0, overwrite = false;
  for (let word = args.take(); word !== undefined; word = args.take()) {
    const number = wholeNumber(word.text, -INT32_MAX - 1, INT32_MAX);
    if (word.text === "overwrite") overwrite = true;
    else if (number !== null) value = number;
    else {
      const allowed = `a whole number from ${-INT32_MAX - 1} to ${INT32_MAX}, "overwrite" or both`;
      return args.refuse(word, allowed, "no file is made");
    }
  }
  return { value, overwrite };
};

/** `track_file`: a file with a number. */
export const TRACK_FILE = {
  file: {
    kind: "setting",
    status: "works",
    usage: "PATH",
    default: "none: required",
    doc: "The file, by an absolute path; while it does not exist its number is 0.",
    read: (args) => {
      const path = args.must("an absolute path");
      if (path === undefined || path.text.startsWith("/")) return path?.text;
      return args.refuse(path, "an absolute path", "the file is not tracked");
    },
  },
  weight: {
    kind: "setting",
    status: "works",
    usage: "N [reverse]",
    default: "1",
    doc: "The number in the file times this is added; 0: any number but 0 is FAULT.",
    read: weight(TRACK_WEIGHT_MAX.file),
  },
  init_file: {
    kind: "setting",
    status: "works",
    usage: "[VALUE] [overwrite]",
    default: "off",
    doc: "Makes the file at the start, with this number or 0; not again at a reload.",
    read: initFile,
  },
} as const satisfies Table;
