/** What the part "checks" measured, as text. */

import type { ChecksReport } from "./checks.ts";
import { COST_CHECKS } from "./check_cost.ts";
import type { Death, DeathRow } from "./death.ts";
import { range, section } from "./report.ts";
import { figure, table } from "./table.ts";

const NAMES = ["vigie", "keepalived"] as const;

/** All tables of the part. */
export function checksText(report: ChecksReport): string {
  const missing = report.missing.map((program) =>
    `${program} is not installed: what needs it is not measured\n`
  );
  const tables = [deathText(report), costText(report), crowdText(report), growthText(report)];
  return [...missing, ...tables].join("\n");
}

/** What cannot be seen where the benchmark runs; elsewhere it can. */
const BLIND_NOTE =
  "(never: it took the living process for dead, as the kernel tells it of processes only outside\n" +
  "of network namespaces: nothing to measure here)";

function deathText({ deaths }: ChecksReport): string {
  const head = ["interval", "weight", "watched by", "daemon", "lower priority", "min-max"];
  const body = deaths.flatMap(({ intervalMs, weight, watcher, death }) =>
    NAMES.flatMap((name) => {
      const one = death[name];
      if (one === null) return [];
      const start = [`${intervalMs} ms`, `${weight}`, watcher, name];
      return [[...start, ...times(one, "lowerMs"), ...times(one, "takeoverMs")]];
    })
  );
  const isBlind = deaths.some(isBlindIn);
  return section(
    "Death of a tracked process: median time from SIGKILL to the master's first advert with a\n" +
      "lower priority (with weight 0 its goodbye) and to the peer's first advert as master",
    `${isBlind ? `${BLIND_NOTE}\n` : ""}${table([[...head, "takeover", "min-max"], ...body], 4)}`,
  );
}

function isBlindIn({ death }: DeathRow): boolean {
  return NAMES.some((name) => death[name]?.isBlind);
}

function times(death: Death, key: "lowerMs" | "takeoverMs"): string[] {
  const value = death[key];
  return [
    value === null ? "never" : figure(value, 2, " ms"),
    range(death.runs.map((run) => run[key])),
  ];
}

function costText({ costs }: ChecksReport): string {
  const head = ["checked by", "daemon", "requests a second", "CPU of one core"];
  const body = costs.flatMap(({ means, cost }) =>
    NAMES.flatMap((name) => {
      const one = cost[name];
      if (one === null) return [];
      return [[
        means,
        name,
        figure(one.requestsPerSecond, 1),
        figure(one.cpuPercent, 2, " %"),
      ]];
    })
  );
  const title = `Cost of ${COST_CHECKS} HTTP checks a second, child processes included`;
  return section(title, table([head, ...body], 2));
}

function crowdText({ crowds }: ChecksReport): string {
  const head = ["checks", "made a second", "failed", "skipped", "gaps", "p50", "p99", "max", "CPU"];
  const body = crowds.map(({ checks, connectionsPerSecond, totals, spacing, cpuPercent }) => [
    `${checks}`,
    figure(connectionsPerSecond, 1),
    `${totals.failures}`,
    `${totals.skipped}`,
    `${spacing.gaps}`,
    figure(spacing.p50Ms, 3, " ms"),
    figure(spacing.p99Ms, 3, " ms"),
    figure(spacing.maxMs, 3, " ms"),
    figure(cpuPercent, 2, " %"),
  ]);
  const title =
    "vigie's adverts at 100 ms beside TCP checks every 2 s: deviation from the interval";
  return section(title, table([head, ...body], 1));
}

function growthText({ growth }: ChecksReport): string {
  const { points, warmMb, endMb, slopeMbPer100k, totals } = growth;
  const rows = [0, 0.1, 0.25, 0.5, 0.75, 1].flatMap((part) => {
    const last = points.at(-1)?.checks ?? 0;
    const point = points.find(({ checks }) => checks >= part * last);
    return point === undefined ? [] : [[`${point.checks}`, figure(point.rssMb, 1, " MB")]];
  });
  const summary = `${figure(warmMb, 1, " MB")} at the least when warm, ` +
    `${figure(endMb, 1, " MB")} at the least at the end, ` +
    `slope ${figure(slopeMbPer100k, 2, " MB")} in 100,000 checks`;
  const title = `vigie's resident memory over ${totals.runs} checks (${totals.failures} failed)`;
  return section(title, `${table([["checks", "RSS"], ...rows], 0)}\n${summary}`);
}
