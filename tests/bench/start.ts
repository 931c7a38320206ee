/** How long it takes from exec to the first advert of an owner, which is master at once. */

import { wallOffsetUs } from "./clock.ts";
import { configText, type Contender } from "./contender.ts";
import { advertOf, MASTER, onScene, type Scene } from "./scenario.ts";
import { alternating, inTurn, mapSides, type SideBySide } from "./side_by_side.ts";
import { median } from "./statistics.ts";

/** What one daemon took, in milliseconds: the median, and every run. */
export interface Start {
  readonly medianMs: number;
  readonly runsMs: readonly number[];
}

/** How often it is tried. */
export const START_RUNS = { full: 10, quick: 3 } as const;

const INTERVAL_MS = 1000;

const TIMEOUT_MS = 10_000;

/** Measures both `runs` times, after one run that only fills the caches of the disk. */
export async function measureStart(
  contenders: SideBySide<Contender>,
  runs: number,
): Promise<SideBySide<Start>> {
  const once = (contender: Contender) => onScene((scene) => start(scene, contender));
  await inTurn(contenders, once);
  const seen = await alternating(contenders, runs, once);
  return mapSides(seen, (runsMs) => ({ medianMs: median(runsMs), runsMs }));
}

async function start(scene: Scene, contender: Contender): Promise<number> {
  const offsetUs = wallOffsetUs();
  const config = configText(1, MASTER.priority, INTERVAL_MS);
  const daemon = scene.start(contender, scene.master, config);
  const advert = await scene.capture.until(advertOf(MASTER.address), TIMEOUT_MS);
  if (advert === null) throw daemon.failure(`sent no advert within ${TIMEOUT_MS} ms`);
  return (advert.atUs - daemon.execAtUs - offsetUs) / 1000;
}
