/** What was measured, as text: a table for each part, and the verdicts at the end. */

import type { ChecksReport } from "./checks.ts";
import type { Cost, LoadResult } from "./load.ts";
import { mapSides, type SideBySide } from "./side_by_side.ts";
import type { Start } from "./start.ts";
import { figure, table } from "./table.ts";
import { EVENTS, type Takeover, type TakeoverEvent } from "./takeover.ts";
import { type Verdict, VERDICT_TEXT } from "./verdict.ts";

/** Takeovers after one event at one interval. */
export interface TakeoverRow {
  readonly event: TakeoverEvent;
  readonly intervalMs: number;
  readonly takeover: SideBySide<Takeover>;
}

/** A pair with so many instances. */
export interface LoadRow {
  readonly instances: number;
  readonly load: SideBySide<LoadResult>;
}

/** Everything that a run measured; null for what was not asked for. */
export interface Report {
  readonly takeover: readonly TakeoverRow[] | null;
  readonly load: readonly LoadRow[] | null;
  readonly start: SideBySide<Start> | null;
  readonly checks: ChecksReport | null;
  /** Milliseconds that the check of a large configuration takes, the first time and later. */
  readonly config: readonly number[] | null;
}

/** What is waited for in a takeover, in the order of time. */
const PACKETS = [["resigned", "resignedMs"], ["advert", "advertMs"], ["ARP", "arpMs"]] as const;

const NAMES = ["vigie", "keepalived"] as const;

/** How many times keepalived's value vigie's is; null if either is missing. */
function ratio({ vigie, keepalived }: SideBySide<number | null>): number | null {
  return vigie === null || keepalived === null ? null : vigie / keepalived;
}

/** Part one. */
export function takeoverText(rows: readonly TakeoverRow[]): string {
  const head = ["event", "interval", "packet", "vigie", "keepalived", "ratio", "min-max vigie"];
  const body = rows.flatMap(({ event, intervalMs, takeover }) =>
    PACKETS.flatMap(([what, key]) => {
      const medians = mapSides(takeover, (one) => one[key]);
      if (medians.vigie === null) return [];
      return [[
        event,
        `${intervalMs} ms`,
        what,
        figure(medians.vigie, 2, " ms"),
        figure(medians.keepalived, 2, " ms"),
        figure(ratio(medians), 3),
        range(takeover.vigie.runs.map((run) => run[key])),
        range(takeover.keepalived?.runs.map((run) => run[key])),
      ]];
    })
  );
  const legend = Object.entries(EVENTS).map(([event, text]) => `  ${event}: ${text}`).join("\n");
  return section(
    "Takeover: median time to the old master's goodbye,\nto the new one's first advert and to its first gratuitous ARP",
    `${legend}\n\n${table([[...head, "min-max keepalived"], ...body], 3)}`,
  );
}

/** Part two. */
export function spacingText(rows: readonly LoadRow[]): string {
  const head = ["instances", "daemon", "gaps", "p50", "p99", "max", "CPU pressure"];
  const body = rows.flatMap(({ instances, load }) =>
    eachSide(load, (name, { spacing, pressurePercent }) => [
      `${instances}`,
      name,
      `${spacing.gaps}`,
      figure(spacing.p50Ms, 3, " ms"),
      figure(spacing.p99Ms, 3, " ms"),
      figure(spacing.maxMs, 3, " ms"),
      figure(pressurePercent, 1, " %"),
    ])
  );
  const title = "Advert spacing at 100 ms: deviation of each router's gaps from the interval";
  const note = "(pressure: how much of the time something on this machine waited for a processor)";
  return section(title, `${note}\n${table([head, ...body], 2)}`);
}

/** Part three. */
export function costText(rows: readonly LoadRow[]): string {
  const head = ["instances", "daemon", "role", "CPU of one core", "RSS", "PSS", "anonymous"];
  const row = (instances: number, name: string, role: string, { cpuPercent, memory }: Cost) => [
    `${instances}`,
    name,
    role,
    figure(cpuPercent, 2, " %"),
    figure(memory.rssMb, 1, " MB"),
    figure(memory.pssMb, 1, " MB"),
    figure(memory.anonymousMb, 1, " MB"),
  ];
  const body = rows.flatMap(({ instances, load }) =>
    eachSide(load, (name, { master, backup }) => [
      row(instances, name, "master", master),
      row(instances, name, "backup", backup),
    ]).flat()
  );
  const title = "Cost at 100 ms, all processes and threads";
  return section(title, table([head, ...body], 3));
}

/** Part four. */
export function startText(start: SideBySide<Start>): string {
  const head = ["daemon", "median", "min-max", "runs"];
  const body = eachSide(start, (name, { medianMs, runsMs }) => [
    name,
    figure(medianMs, 1, " ms"),
    range(runsMs),
    `${runsMs.length}`,
  ]);
  return section("Start: exec to first advert of an owner", table([head, ...body], 1));
}

/** The last part. */
export function verdictText(verdicts: readonly Verdict[]): string {
  const head = ["measure", "target", "vigie", "keepalived", "verdict"];
  const body = verdicts.map(({ measure, target, vigie, keepalived, reached }) => [
    measure,
    target,
    vigie,
    keepalived,
    VERDICT_TEXT[`${reached}`],
  ]);
  return section("Targets", table([head, ...body], 2));
}

/** A part of the report. */
export function section(title: string, body: string): string {
  return `${title}\n${body}\n`;
}

function eachSide<T, U>(sides: SideBySide<T>, render: (name: string, value: T) => U): U[] {
  return NAMES.flatMap((name) => {
    const value = sides[name];
    return value === null ? [] : [render(name, value)];
  });
}

/** The least and the most of what is known. */
export function range(values: readonly (number | null)[] | undefined): string {
  const known = values?.filter((value) => value !== null) ?? [];
  if (known.length === 0) return "-";
  return `${figure(Math.min(...known), 1)}-${figure(Math.max(...known), 1)}`;
}
