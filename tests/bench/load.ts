/** One pair of routers in its steady state: what is on the wire, and what it costs. */

import { monotonicUs } from "../../ffi/clock.ts";
import { sleep } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { type Memory, memory, pressureSeconds, processorSeconds } from "./proc.ts";
import { MASTER, onScene, type Scene } from "./scenario.ts";
import { type Spacing, spacingOf } from "./spacing.ts";

/** What a router costs. */
export interface Cost {
  /** Processor time, percent of one core. */
  readonly cpuPercent: number;
  readonly memory: Memory;
}

/** A pair's figures. */
export interface LoadResult {
  readonly spacing: Spacing;
  readonly master: Cost;
  readonly backup: Cost;
  /** Share of the time in which something on the machine waited for a processor; null if unknown. */
  readonly pressurePercent: number | null;
}

/** The advert interval at which load is measured. */
export const LOAD_INTERVAL_MS = 100;

/**
 * How many instances on one interface, and for how many seconds: with few gaps, one late advert alone
 * would decide the 99th percentile.
 */
export const LOAD_PLANS = {
  full: [{ instances: 1, seconds: 40 }, { instances: 100, seconds: 20 }],
  quick: [{ instances: 1, seconds: 5 }, { instances: 100, seconds: 5 }],
} as const;

/** Both daemons announce their addresses anew 5 s after they became master: steady is what follows. */
const SETTLE_MS = 6500;

/** Measures a pair for so many seconds. Nothing is read while it runs: this process sleeps. */
export function measureLoad(
  contender: Contender,
  instances: number,
  seconds: number,
): Promise<LoadResult> {
  return onScene((scene) => load(scene, contender, instances, seconds));
}

async function load(
  scene: Scene,
  contender: Contender,
  instances: number,
  seconds: number,
): Promise<LoadResult> {
  const { capture } = scene;
  const { master, backup } = await scene.startPair(contender, {
    instances,
    intervalMs: LOAD_INTERVAL_MS,
  });
  await sleep(SETTLE_MS);
  const pids = { master: master.processes(), backup: backup.processes() };
  capture.forget();
  const before = { master: processorSeconds(pids.master), backup: processorSeconds(pids.backup) };
  const pressedBefore = pressureSeconds(), fromUs = monotonicUs();
  await sleep(seconds * 1000);
  const elapsed = (monotonicUs() - fromUs) / 1e6;
  const pressed = pressureSeconds();
  const cost = (who: "master" | "backup"): Cost => ({
    cpuPercent: (processorSeconds(pids[who]) - before[who]) / elapsed * 100,
    memory: memory(pids[who]),
  });
  const costs = { master: cost("master"), backup: cost("backup") };
  capture.drain();
  const adverts = capture.frames.filter(({ kind, source }) =>
    kind === "advert" && source === MASTER.address
  );
  const expected = instances * seconds * 1000 / LOAD_INTERVAL_MS;
  if (adverts.length < expected / 2) {
    throw master.failure(`sent ${adverts.length} adverts where ${expected} were due`);
  }
  const pressurePercent = pressed === null || pressedBefore === null
    ? null
    : (pressed - pressedBefore) / elapsed * 100;
  return { spacing: spacingOf(adverts, LOAD_INTERVAL_MS), ...costs, pressurePercent };
}
