/** Whether a thousand checks make adverts late. Only vigie has checks to make a thousand of. */

import { type CheckTotals, onChecked, settleChecks, totalsOf } from "./checked.ts";
import { monotonicUs } from "../../ffi/clock.ts";
import { tcpCheck } from "./checks_config.ts";
import { sleep } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { processorSeconds } from "./proc.ts";
import { MASTER } from "./scenario.ts";
import { type Spacing, spacingOf } from "./spacing.ts";

/** Adverts of a router with so many checks. */
export interface Crowd {
  readonly checks: number;
  readonly spacing: Spacing;
  /** Connections a second, as the server counted them. */
  readonly connectionsPerSecond: number;
  /** Percent of one core, all threads. */
  readonly cpuPercent: number;
  /** Since the start. */
  readonly totals: CheckTotals;
}

/** Numbers of checks: none, to compare with. */
export const CROWDS = [0, 1000] as const;

/** Seconds for each. */
export const CROWD_SECONDS = { full: 30, quick: 5 } as const;

const CHECK_MS = 2000, ADVERT_MS = 100;

/** Measures adverts for so many seconds. Nothing is read while it runs: this process sleeps. */
export function measureCrowd(vigie: Contender, checks: number, seconds: number): Promise<Crowd> {
  const tracked = Array.from({ length: checks }, (_, number) => tcpCheck(number, CHECK_MS));
  return onChecked(vigie, tracked, ADVERT_MS, async ({ scene, daemon, service }) => {
    await settleChecks();
    const before = await service.counts(), pids = daemon.processes();
    const usedBefore = processorSeconds(pids), fromUs = monotonicUs();
    scene.capture.forget();
    await sleep(seconds * 1000);
    scene.capture.drain();
    const used = processorSeconds(pids), elapsed = (monotonicUs() - fromUs) / 1e6;
    const after = await service.counts();
    const adverts = scene.capture.frames.filter(({ kind, source }) =>
      kind === "advert" && source === MASTER.address
    );
    const expected = seconds * 1000 / ADVERT_MS;
    if (adverts.length < expected / 2) {
      throw daemon.failure(`sent ${adverts.length} adverts where ${expected} were due`);
    }
    return {
      checks,
      spacing: spacingOf(adverts, ADVERT_MS),
      connectionsPerSecond: (after.connections - before.connections) / elapsed,
      cpuPercent: (used - usedBefore) / elapsed * 100,
      totals: await totalsOf(daemon, checks),
    };
  });
}
