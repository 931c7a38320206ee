/** The measures that tracking and checks have to reach. */

import type { CheckCostRow } from "./check_cost.ts";
import type { ChecksReport } from "./checks.ts";
import type { DeathRow } from "./death.ts";
import { figure } from "./table.ts";
import type { Verdict } from "./verdict.ts";

const TARGETS = {
  /** From a process's death to the advert, in every run. */
  deathMs: 50,
  /** keepalived with curl takes so many times the CPU. */
  costRatio: 20,
  /** The latest of all adverts. */
  lateMs: 5,
  /**
   * Over 80,000 checks that is 52 bytes each: less than the smallest object with its place in a
   * table, so nothing was kept of every check.
   */
  growthMb: 4,
} as const;

/** A verdict for every target. */
export function checksVerdicts({ deaths, costs, crowds, growth }: ChecksReport): Verdict[] {
  const { warmMb, endMb } = growth;
  return [
    ...deaths.filter(({ watcher }) => watcher === "track_process").map(deathVerdict),
    costVerdict(costs),
    ...crowds.filter(({ checks }) => checks > 0).map(({ checks, spacing }) =>
      alone(`latest advert beside ${checks} checks`, TARGETS.lateMs, "ms", spacing.maxMs)
    ),
    alone("growth of memory over all checks", TARGETS.growthMb, "MB", endMb - warmMb),
  ];
}

function deathVerdict({ intervalMs, weight, death }: DeathRow): Verdict {
  const worst = (one: DeathRow["death"]["vigie"]) => {
    const all = one?.runs.map(({ lowerMs }) => lowerMs ?? Infinity) ?? [];
    return all.length === 0 ? Infinity : Math.max(...all);
  };
  const text = (ms: number) => ms === Infinity ? "never" : figure(ms, 2, " ms");
  const vigie = worst(death.vigie);
  return {
    measure: `death to advert at ${intervalMs} ms, weight ${weight}, worst run`,
    target: `< ${TARGETS.deathMs} ms`,
    vigie: text(vigie),
    keepalived: death.keepalived === null ? "-" : text(worst(death.keepalived)),
    reached: vigie < TARGETS.deathMs,
  };
}

function costVerdict(costs: readonly CheckCostRow[]): Verdict {
  const vigie = costs.find(({ means }) => means === "built-in http")?.cost.vigie?.cpuPercent;
  const keepalived = costs.find(({ means }) => means === "script with curl")?.cost.keepalived
    ?.cpuPercent;
  const isKnown = vigie !== undefined && keepalived !== undefined;
  return {
    measure: "CPU of 50 HTTP checks a second",
    target: `< 1/${TARGETS.costRatio} of keepalived`,
    vigie: figure(vigie, 2, " %"),
    keepalived: figure(keepalived, 2, " %"),
    reached: isKnown ? vigie < keepalived / TARGETS.costRatio : null,
  };
}

function alone(measure: string, below: number, unit: string, value: number): Verdict {
  return {
    measure,
    target: `< ${below} ${unit}`,
    vigie: figure(value, 2, ` ${unit}`),
    keepalived: "-",
    reached: value < below,
  };
}
