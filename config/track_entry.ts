/** The lines that refer to what is tracked, and the `track_*` blocks of instances and groups. */

import type { Arguments, Reader, Table } from "./keyword.ts";
import type { TrackKind, TrackUse } from "./model.ts";
import { clamped, type Refusal, whole, wholeNumber } from "./readers.ts";

/** Greatest weight, either way, of each kind of tracker (keepalived-behaviour 4.1). */
export const TRACK_WEIGHT_MAX: Readonly<Record<TrackKind, number>> = {
  interface: 253,
  script: 253,
  process: 254,
  file: 254,
  check: 253,
};

/** `N [reverse]`: what a tracker adds to a priority. */
export interface Weight {
  readonly weight: number;
  readonly reverse: boolean;
}

/** A weight from -`max` to `max`. */
export function weight(max: number, refusal?: Refusal): Reader<Weight> {
  return withReverse(whole(-max, max, refusal));
}

/** As `weight`, of a vrrp_script: keepalived keeps one beyond the range, whose effect is that of `max`. */
export function clampedWeight(max: number): Reader<Weight> {
  return withReverse(clamped(-max, max, "fatal"));
}

function withReverse(read: Reader<number>): Reader<Weight> {
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
function trackEntry(kind: TrackKind): Reader<TrackUse> {
  const max = TRACK_WEIGHT_MAX[kind];
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

/** The words that may stand behind the name. */
export const TRACK_OPTIONS: readonly string[] = ["weight", "reverse", "noreverse"];

const list = {
  kind: "list",
  status: "works",
  usage: "{ NAME [weight N] [reverse|noreverse] a line }",
  named: true,
} as const;

/** What an instance, or a group for all its members, tracks. */
export const TRACK_LISTS = {
  track_interface: {
    ...list,
    doc: "Interfaces, weight 0 unless it says otherwise; its own one is always tracked.",
    entry: trackEntry("interface"),
  },
  track_script: {
    ...list,
    doc: "Scripts whose failure lowers the priority or is a fault.",
    entry: trackEntry("script"),
  },
  track_process: {
    ...list,
    doc: "Processes whose absence lowers the priority or is a fault.",
    entry: trackEntry("process"),
  },
  track_file: {
    ...list,
    doc: "Files whose number moves the priority or is a fault.",
    entry: trackEntry("file"),
  },
  track_check: {
    ...list,
    doc: "Built-in checks (vrrp_check) whose failure lowers the priority or is a fault; vigie's.",
    entry: trackEntry("check"),
  },
} as const satisfies Table;
