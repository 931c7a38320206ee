/** A router that checks a service on its own loopback, and how many checks it made. */

import { sleep } from "./clock.ts";
import { type Tracked, trackingText } from "./checks_config.ts";
import type { Contender } from "./contender.ts";
import type { Daemon } from "./daemon.ts";
import { LocalService } from "./local_service.ts";
import { onScene, type Scene } from "./scenario.ts";

/** What is measured of. */
export interface Checked {
  readonly scene: Scene;
  readonly daemon: Daemon;
  readonly service: LocalService;
}

/** What built-in checks did, as vigie says when SIGUSR1 asks. */
export interface CheckTotals {
  readonly runs: number;
  readonly failures: number;
  /** Due while the one before was still going. */
  readonly skipped: number;
}

const PRIORITY = 100;

/** What both daemons log: with checks that are its fault, after the first result of each. */
const IS_MASTER = /Entering MASTER STATE/;

const TIMEOUT_MS = 30_000;

/** In vigie's log, of one check. */
const TOTALS = /: (?:good|bad|pending) since .* (\d+) runs, (\d+) failures, (\d+) skipped$/gm;

/** Runs a measurement on a scene with a service and one router that tracks, once that is master. */
export function onChecked<T>(
  contender: Contender,
  tracked: readonly Tracked[],
  intervalMs: number,
  measure: (checked: Checked) => Promise<T>,
): Promise<T> {
  return onScene(async (scene) => {
    const service = await LocalService.start(scene.master);
    try {
      const text = trackingText(PRIORITY, intervalMs, tracked);
      const daemon = scene.start(contender, scene.master, text);
      await daemon.logged(IS_MASTER, 1, TIMEOUT_MS);
      return await measure({ scene, daemon, service });
    } finally {
      await service.end();
    }
  });
}

/** Asks vigie about its checks. @param checks How many it has. */
export async function totalsOf(daemon: Daemon, checks: number): Promise<CheckTotals> {
  const before = daemon.said(TOTALS).length;
  daemon.askForState();
  await daemon.logged(new RegExp(TOTALS.source, "m"), before + checks, TIMEOUT_MS);
  const lines = daemon.said(TOTALS).slice(before);
  const total = (group: number) => lines.reduce((sum, line) => sum + Number(line[group]), 0);
  return { runs: total(1), failures: total(2), skipped: total(3) };
}

/** After a start: first checks are made faster than later ones, addresses are announced again. */
export function settleChecks(): Promise<void> {
  return sleep(6500);
}
