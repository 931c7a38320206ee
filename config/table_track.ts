/** The keywords of `vrrp_script` and `vrrp_track_process`, and the lines that refer to them. */

import { seconds } from "../lib/core/time.ts";
import type { Arguments, Reader, Table } from "./keyword.ts";
import type { TrackUse } from "./model.ts";
import { duration, script, userAndGroup, whole, wholeNumber } from "./readers.ts";

/** Greatest weight, either way, of each kind of tracker (keepalived-behaviour 4.1). */
export const TRACK_WEIGHT_MAX = { script: 253, process: 254 } as const;

const INT32_MAX = 0x7fff_ffff;

/** `N [reverse]`: what a tracker adds to a priority. */
export interface Weight {
  readonly weight: number;
  readonly reverse: boolean;
}

function weight(max: number): Reader<Weight> {
  const read = whole(-max, max);
  return (args) => {
    const value = read(args);
    if (value === undefined) return undefined;
    const option = args.take();
    if (option === undefined) return { weight: value, reverse: false };
    if (option.text === "reverse") return { weight: value, reverse: true };
    return args.refuse(option, '"reverse" or nothing', "the weight is ignored");
  };
}

/** A line of `track_script` and the like: NAME [weight N] [reverse|noreverse]. */
export function trackEntry(max: number): Reader<TrackUse> {
  return (args) => {
    const name = args.must("the name of what is tracked");
    if (name === undefined) return undefined;
    let weight: number | null = null;
    let reverse: boolean | null = null;
    for (let option = args.take(); option !== undefined; option = args.take()) {
      if (option.text === "weight") weight = readUseWeight(args, max) ?? weight;
      else if (option.text === "reverse" || option.text === "noreverse") {
        reverse = option.text === "reverse";
      } else args.refuse(option, '"weight N", "reverse" or "noreverse"', "the word is ignored");
    }
    return { name: name.text, weight, reverse, position: name.position };
  };
}

function readUseWeight(args: Arguments, max: number): number | undefined {
  const word = args.must(`a whole number from -${max} to ${max}`, "error");
  if (word === undefined) return undefined;
  return wholeNumber(word.text, -max, max) ??
    args.refuse(word, `a whole number from -${max} to ${max}`, "the tracker's own weight holds");
}

/** `vrrp_script`: a command that is run again and again. */
export const VRRP_SCRIPT = {
  script: {
    kind: "setting",
    status: "not yet",
    usage: "COMMAND [USER [GROUP]]",
    default: "none: required",
    doc: "The command, with its parameters in one quotation; exit status 0 is good.",
    read: script("error"),
  },
  interval: {
    kind: "setting",
    status: "not yet",
    usage: "SECONDS",
    default: "1",
    doc: "From one start to the next.",
    read: (args) => {
      const value = duration(0, 4294)(args);
      return value === 0 ? seconds(1) : value;
    },
  },
  timeout: {
    kind: "setting",
    status: "not yet",
    usage: "SECONDS",
    default: "the interval",
    doc: "A run that takes longer counts as failed.",
    read: duration(0, 4294),
  },
  weight: {
    kind: "setting",
    status: "not yet",
    usage: "N [reverse]",
    default: "0: a failure is FAULT",
    doc: "Positive: added while good; negative: added while bad.",
    read: weight(TRACK_WEIGHT_MAX.script),
  },
  rise: {
    kind: "setting",
    status: "not yet",
    usage: "N",
    default: "1",
    doc: "Successes in a row that make a bad script good.",
    read: whole(1, INT32_MAX),
  },
  fall: {
    kind: "setting",
    status: "not yet",
    usage: "N",
    default: "1",
    doc: "Failures in a row that make a good script bad.",
    read: whole(1, INT32_MAX),
  },
  user: {
    kind: "setting",
    status: "not yet",
    usage: "USER [GROUP]",
    default: "script_user",
    doc: "Who runs the script.",
    read: userAndGroup("fatal"),
  },
} as const satisfies Table;

/** `vrrp_track_process`: a process that should run. */
export const VRRP_TRACK_PROCESS = {
  process: {
    kind: "setting",
    status: "not yet",
    usage: "NAME [PARAM ...]",
    default: "none: required",
    doc: "The name of the process, and its parameters if they matter.",
    read: (args) => {
      const name = args.must("the name of a process");
      if (name === undefined) return undefined;
      const words = [name.text];
      for (let word = args.take(); word !== undefined; word = args.take()) words.push(word.text);
      return words;
    },
  },
  weight: {
    kind: "setting",
    status: "not yet",
    usage: "N [reverse]",
    default: "0: an absent process is FAULT",
    doc: "Positive: added while it runs; negative: added while it does not.",
    read: weight(TRACK_WEIGHT_MAX.process),
  },
} as const satisfies Table;
