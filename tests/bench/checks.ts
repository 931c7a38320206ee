/** The part "checks": tracked processes, and what checking costs. */

import {
  canCheck,
  CHECK_MEANS,
  type CheckCostRow,
  COST_SECONDS,
  measureCheckCost,
} from "./check_cost.ts";
import type { Contender } from "./contender.ts";
import { type Crowd, CROWD_SECONDS, CROWDS, measureCrowd } from "./crowd.ts";
import { DEATH_PLANS, DEATH_WEIGHTS, type DeathRow, measureDeath, WATCHERS } from "./death.ts";
import { type Growth, GROWTH_CHECKS, measureGrowth } from "./growth.ts";
import { installed } from "./installed.ts";
import { inTurn, type SideBySide } from "./side_by_side.ts";

/** Everything that the part measured. */
export interface ChecksReport {
  /** Programs that were missing, so that something was not measured. */
  readonly missing: readonly string[];
  readonly deaths: readonly DeathRow[];
  readonly costs: readonly CheckCostRow[];
  readonly crowds: readonly Crowd[];
  readonly growth: Growth;
}

/** What some measurements need. */
const PROGRAMS = ["pgrep", "curl"] as const;

type Size = "full" | "quick";
type Say = (text: string) => void;

/** Measures all of it. @param progress Told what comes next. */
export async function measureChecks(
  contenders: SideBySide<Contender>,
  size: Size,
  progress: Say,
): Promise<ChecksReport> {
  return {
    missing: PROGRAMS.filter((program) => installed(program) === null),
    deaths: await deathsOf(contenders, size, progress),
    costs: await costsOf(contenders, size, progress),
    crowds: await crowdsOf(contenders.vigie, size, progress),
    growth: await growthOf(contenders.vigie, size, progress),
  };
}

async function deathsOf(
  contenders: SideBySide<Contender>,
  size: Size,
  progress: Say,
): Promise<DeathRow[]> {
  const rows: DeathRow[] = [];
  for (const { intervalMs, runs } of DEATH_PLANS[size]) {
    for (const watcher of WATCHERS) {
      for (const weight of DEATH_WEIGHTS) {
        progress(`${watcher}, weight ${weight}, at ${intervalMs} ms, ${runs} deaths each`);
        const what = { watcher, intervalMs, weight };
        rows.push({
          ...what,
          death: await inTurn(contenders, (one) => measureDeath(one, what, runs)),
        });
      }
    }
  }
  return rows;
}

async function costsOf(
  contenders: SideBySide<Contender>,
  size: Size,
  progress: Say,
): Promise<CheckCostRow[]> {
  const rows: CheckCostRow[] = [];
  for (const means of CHECK_MEANS) {
    const seconds = COST_SECONDS[size];
    progress(`cost of checks, ${means}, ${seconds} s each`);
    const measure = (one: Contender) =>
      canCheck(one, means) ? measureCheckCost(one, means, seconds) : Promise.resolve(null);
    rows.push({ means, cost: await inTurn(contenders, measure) });
  }
  return rows;
}

async function crowdsOf(vigie: Contender, size: Size, progress: Say): Promise<Crowd[]> {
  const crowds: Crowd[] = [];
  for (const checks of CROWDS) {
    progress(`adverts beside ${checks} checks, ${CROWD_SECONDS[size]} s`);
    crowds.push(await measureCrowd(vigie, checks, CROWD_SECONDS[size]));
  }
  return crowds;
}

function growthOf(vigie: Contender, size: Size, progress: Say): Promise<Growth> {
  progress(`memory over ${GROWTH_CHECKS[size]} checks`);
  return measureGrowth(vigie, GROWTH_CHECKS[size]);
}
