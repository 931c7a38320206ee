/** What 50 HTTP checks a second cost: built in, or as scripts that run curl(1). */

import { monotonicUs } from "../../ffi/clock.ts";
import { onChecked, settleChecks } from "./checked.ts";
import { httpCheck, pageUrl, type Tracked, trackedScript } from "./checks_config.ts";
import { sleep } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { installed } from "./installed.ts";
import { familySeconds } from "./proc.ts";

/** How the pages are asked for. */
export const CHECK_MEANS = ["nothing", "built-in http", "script with curl"] as const;
/** One of them. */
export type CheckMeans = typeof CHECK_MEANS[number];

/** What one daemon took. */
export interface CheckCost {
  /** Of one core: the daemon, its children and theirs; not the server. */
  readonly cpuPercent: number;
  /** As the server counted them. */
  readonly requestsPerSecond: number;
}

/** One way for both daemons; null for what a daemon cannot, or for want of curl. */
export interface CheckCostRow {
  readonly means: CheckMeans;
  readonly cost: { readonly vigie: CheckCost | null; readonly keepalived: CheckCost | null };
}

/** Checks a second: each is made every second. */
export const COST_CHECKS = 50;

/** Seconds for each. */
export const COST_SECONDS = { full: 20, quick: 5 } as const;

/** What most people run. */
const ADVERT_MS = 1000;

/** Whether a daemon can check in a way. */
export function canCheck({ name }: Contender, means: CheckMeans): boolean {
  if (means === "built-in http") return name === "vigie";
  return means === "nothing" || installed("curl") !== null;
}

/** Measures one daemon for so many seconds. */
export function measureCheckCost(
  contender: Contender,
  means: CheckMeans,
  seconds: number,
): Promise<CheckCost> {
  const tracked = Array.from({ length: COST_CHECKS }, (_, page) => checkBy(means, page))
    .filter((one) => one !== null);
  return onChecked(contender, tracked, ADVERT_MS, async ({ daemon, service }) => {
    await settleChecks();
    const before = await service.counts(), usedBefore = familySeconds(daemon.processes());
    const fromUs = monotonicUs();
    await sleep(seconds * 1000);
    const used = familySeconds(daemon.processes());
    const elapsed = (monotonicUs() - fromUs) / 1e6;
    const after = await service.counts();
    return {
      cpuPercent: (used - usedBefore) / elapsed * 100,
      requestsPerSecond: (after.requests - before.requests) / elapsed,
    };
  });
}

function checkBy(means: CheckMeans, page: number): Tracked | null {
  if (means === "nothing") return null;
  if (means === "built-in http") return httpCheck(page, 1000);
  return trackedScript(`page_${page}`, `${installed("curl")} -fs -o /dev/null ${pageUrl(page)}`, 0);
}
