/** Whether memory grows with the number of checks made. Only vigie has checks to make. */

import { type CheckTotals, onChecked, totalsOf } from "./checked.ts";
import { httpCheck, tcpCheck } from "./checks_config.ts";
import { sleep } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { residentMb } from "./proc.ts";

/** Memory at one moment. */
export interface GrowthPoint {
  /** Checks made since the router became master. */
  readonly checks: number;
  readonly rssMb: number;
}

/** Memory from the first to the last check. */
export interface Growth {
  /** The least of the first and of the last tenth of the checks that count. */
  readonly warmMb: number;
  readonly endMb: number;
  /** Of the straight line through all points after warming up. */
  readonly slopeMbPer100k: number;
  readonly points: readonly GrowthPoint[];
  readonly totals: CheckTotals;
}

/** How many checks are made and counted. */
export const GROWTH_CHECKS = { full: 100_000, quick: 20_000 } as const;

/**
 * Before that, half as many are made: JavaScript's heap finds its working size in steps, the last of
 * which was seen after 25,000 checks. What grows from then on is kept by somebody.
 */
const WARM_UP = 0.5;

const TCP_CHECKS = 200, HTTP_CHECKS = 50;

/** 1250 checks a second. */
const CHECK_MS = 200, ADVERT_MS = 1000;

const LOOK_MS = 250;

/** Checks of a fifth of a second that have not been made for so long are made no more. */
const STILL_MS = 5000;

/** Makes so many checks and looks at the memory while they are made. */
export function measureGrowth(vigie: Contender, checks: number): Promise<Growth> {
  const tracked = [
    ...Array.from({ length: TCP_CHECKS }, (_, number) => tcpCheck(number, CHECK_MS)),
    ...Array.from({ length: HTTP_CHECKS }, (_, number) => httpCheck(number, CHECK_MS)),
  ];
  return onChecked(vigie, tracked, ADVERT_MS, async ({ daemon, service }) => {
    const pids = daemon.processes(), points: GrowthPoint[] = [];
    const { connections: madeBefore } = await service.counts();
    let made = 0, still = 0;
    while (made < (WARM_UP + 1) * checks) {
      await sleep(LOOK_MS);
      const now = (await service.counts()).connections - madeBefore;
      still = now === made ? still + 1 : 0;
      if (still * LOOK_MS > STILL_MS) throw daemon.failure(`stopped checking after ${made} checks`);
      made = now;
      points.push({ checks: made, rssMb: residentMb(pids) });
    }
    const counted = points.filter((point) => point.checks >= WARM_UP * checks)
      .map((point) => ({ ...point, checks: point.checks - WARM_UP * checks }));
    const least = (from: number, to: number) =>
      Math.min(
        ...counted.filter((point) => from * checks <= point.checks && point.checks <= to * checks)
          .map(({ rssMb }) => rssMb),
      );
    return {
      warmMb: least(0, 0.1),
      endMb: least(0.9, 1.1),
      slopeMbPer100k: slope(counted) * 100_000,
      points,
      totals: await totalsOf(daemon, TCP_CHECKS + HTTP_CHECKS),
    };
  });
}

/** Megabytes a check, by least squares. */
function slope(points: readonly GrowthPoint[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(({ checks }) => checks)), y = mean(points.map(({ rssMb }) => rssMb));
  const products = points.map(({ checks, rssMb }) => (checks - x) * (rssMb - y));
  return mean(products) / mean(points.map(({ checks }) => (checks - x) ** 2));
}
