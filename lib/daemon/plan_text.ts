/** A plan for people. */

import type { KindPlan, NamedChange, Plan } from "./plan.ts";
import { changesAnything } from "./plan.ts";
import type { SettingChange } from "./plan_diff.ts";

/** The plan, a line each; the last says whether a virtual address would move. */
export function planLines(plan: Plan): string[] {
  const { moves, cautions, kept, global } = plan;
  const lines = [
    ...kindLines("instance", plan.instances),
    ...kindLines("group", plan.groups),
    ...kindLines("tracker", plan.trackers),
    ...global.length === 0 ? [] : ["~ global_defs", ...global.map(changeLine)],
    ...kept.map((change) => `! ${settingText(change)}: not by a reload, only by a restart`),
    ...cautions.map((caution) => `! ${caution}`),
  ];
  const what = changesAnything(plan) ? [] : ["Nothing changes"];
  const last = moves.length === 0
    ? ["VIP moves: none"]
    : ["VIP moves:", ...moves.map((move) => `  ${move}`)];
  return [...lines, ...what, ...last];
}

/** In one line, for the log: "1 instance added, 2 changed". */
export function planSummary({ instances, groups, trackers, global }: Plan): string {
  const count = (kind: string, { added, removed, changed }: KindPlan) =>
    Object.entries({ added, removed, changed }).flatMap(([word, list]) =>
      list.length === 0 ? [] : [`${list.length} ${kind}${list.length === 1 ? "" : "s"} ${word}`]
    );
  const parts = [
    ...count("instance", instances),
    ...count("group", groups),
    ...count("tracker", trackers),
    ...global.length === 0 ? [] : ["global settings changed"],
  ];
  return parts.length === 0 ? "nothing has changed" : parts.join(", ");
}

function kindLines(kind: string, { added, removed, changed }: KindPlan): string[] {
  return [
    ...removed.map((name) => `- ${kind} ${name}`),
    ...added.map((name) => `+ ${kind} ${name}`),
    ...changed.flatMap((one) => [`~ ${kind} ${title(one)}`, ...one.changes.map(changeLine)]),
  ];
}

function title({ name, was }: NamedChange): string {
  return was === null ? name : `${name}, which was called ${was}`;
}

function changeLine(change: SettingChange): string {
  return `    ${settingText(change)}`;
}

function settingText({ setting, before, after }: SettingChange): string {
  return `${setting}: ${before} -> ${after}`;
}
