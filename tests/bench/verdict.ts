/** The measures that vigie has to reach, and whether it did. */

import { checksVerdicts } from "./checks_verdict.ts";
import type { Cost } from "./load.ts";
import type { LoadRow, Report, TakeoverRow } from "./report.ts";
import { mapSides, type SideBySide } from "./side_by_side.ts";
import { figure } from "./table.ts";
import type { Takeover } from "./takeover.ts";

/** One line of the last table. */
export interface Verdict {
  readonly measure: string;
  readonly target: string;
  readonly vigie: string;
  readonly keepalived: string;
  /** Null if it cannot be said, for want of a keepalived to compare with. */
  readonly reached: boolean | null;
}

/** How a verdict reads. */
export const VERDICT_TEXT = { true: "reached", false: "MISSED", null: "not compared" } as const;

const TARGETS = {
  takeoverRatio: 1.05,
  spacingP99Ms: 1,
  cpuPercent: { instances: 100, limit: 15 },
  rssMb: { instances: 1, limit: 80 },
  startMs: 250,
  configMs: 1000,
} as const;

/** A verdict for every target that was measured. */
export function verdictsOf({ takeover, load, start, checks, config }: Report): Verdict[] {
  const rows = load ?? [];
  return [
    ...(takeover ?? []).flatMap(takeoverVerdicts),
    ...rows.map(spacingVerdict),
    ...rows.filter(({ instances }) => instances === TARGETS.cpuPercent.instances)
      .flatMap(cpuVerdicts),
    ...rows.filter(({ instances }) => instances === TARGETS.rssMb.instances).map(memoryVerdict),
    ...start === null ? [] : [
      limit("exec to first advert", "ms", TARGETS.startMs, mapSides(start, (s) => s.medianMs), 1),
    ],
    ...checks === null ? [] : checksVerdicts(checks),
    ...config === null ? [] : [
      limit("check of 1000 instances", "ms", TARGETS.configMs, {
        vigie: Math.max(...config),
        keepalived: null,
      }, 0),
    ],
  ];
}

function takeoverVerdicts({ event, intervalMs, takeover }: TakeoverRow): Verdict[] {
  const verdict = (what: string, value: (one: Takeover) => number): Verdict => {
    const { vigie, keepalived } = mapSides(takeover, value);
    return {
      measure: `takeover: ${event} at ${intervalMs} ms, to ${what}`,
      target: `<= ${TARGETS.takeoverRatio} x keepalived`,
      vigie: figure(vigie, 2, " ms"),
      keepalived: figure(keepalived, 2, " ms"),
      reached: keepalived === null ? null : vigie <= keepalived * TARGETS.takeoverRatio,
    };
  };
  return [verdict("advert", (one) => one.advertMs), verdict("ARP", (one) => one.arpMs)];
}

function spacingVerdict({ instances, load }: LoadRow): Verdict {
  const measure = `advert deviation p99, ${counted(instances)}`;
  return limit(measure, "ms", TARGETS.spacingP99Ms, mapSides(load, (one) => one.spacing.p99Ms), 3);
}

function cpuVerdicts({ instances, load }: LoadRow): Verdict[] {
  return (["master", "backup"] as const).map((role) => {
    const measure = `CPU as ${role}, ${counted(instances)}`;
    const value = mapSides(load, (one) => one[role].cpuPercent);
    return limit(measure, "%", TARGETS.cpuPercent.limit, value, 2);
  });
}

/** Whichever role takes more. */
function memoryVerdict({ instances, load }: LoadRow): Verdict {
  const rss = ({ memory }: Cost) => memory.rssMb;
  const value = mapSides(load, ({ master, backup }) => Math.max(rss(master), rss(backup)));
  return limit(`RSS, ${counted(instances)}`, "MB", TARGETS.rssMb.limit, value, 1);
}

function limit(
  measure: string,
  unit: string,
  below: number,
  value: SideBySide<number>,
  digits: number,
): Verdict {
  return {
    measure,
    target: `< ${below} ${unit}`,
    vigie: figure(value.vigie, digits, ` ${unit}`),
    keepalived: figure(value.keepalived, digits, ` ${unit}`),
    reached: value.vigie < below,
  };
}

function counted(instances: number): string {
  return instances === 1 ? "1 instance" : `${instances} instances`;
}
