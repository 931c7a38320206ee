/** Three ways to lose the master, and how long the backup should take by the protocol's formulas. */

import { type Micros, micros, seconds } from "../../core/time.ts";
import { masterDownInterval, skewTime } from "../../vrrp/timers.ts";
import { ADVERT_SECONDS, ROUTERS, type Stage } from "./stage.ts";
import { milliseconds } from "./terminal.ts";

/** Bounds of a time. */
export interface Range {
  readonly least: Micros;
  readonly most: Micros;
}

/** One way to lose the master. */
export interface Scene {
  /** In the table. */
  readonly name: string;
  /** What is about to happen. */
  readonly heading: string;
  /** How long until the backup takes over. */
  readonly theory: Range;
  /** Makes r1 fail. */
  strike(stage: Stage): void;
  /** Gives r1 back what it lost. */
  mend(stage: Stage): Promise<void> | void;
}

/** A time, or its bounds if they differ. */
export function formatRange({ least, most }: Range): string {
  if (least === most) return milliseconds(most);
  return `${Math.round(least / 1000)} to ${milliseconds(most)}`;
}

/** Skew_Time of r2: what it waits when the master resigns, and adds when the master falls silent. */
export function backupSkew(advertSeconds = ADVERT_SECONDS): Range {
  const skew = skewTime(3, ROUTERS.r2.priority, seconds(advertSeconds));
  return { least: skew, most: skew };
}

/**
 * From a failure to r2's takeover when the master can no longer speak: the down interval counts from
 * the last advert, and that is between nothing and one interval old when the master fails.
 */
export function backupSilence(advertSeconds = ADVERT_SECONDS): Range {
  const interval = seconds(advertSeconds);
  const most = masterDownInterval(3, ROUTERS.r2.priority, interval);
  return { least: micros(most - interval), most };
}

/** What the demo shows, in order. Each leaves r1 as it found it. */
export const SCENES: readonly Scene[] = [
  {
    name: "stop (SIGTERM)",
    heading: "1. Stop: vigie on r1 is asked to end (SIGTERM) and resigns",
    theory: backupSkew(),
    strike: (stage) => stage.kill("r1", "SIGTERM"),
    mend: restart,
  },
  {
    name: "crash (SIGKILL)",
    heading: "2. Crash: vigie on r1 is killed (SIGKILL); the address stays on r1",
    theory: backupSilence(),
    strike: (stage) => stage.kill("r1", "SIGKILL"),
    mend: restart,
  },
  {
    name: "cable (unplugged)",
    heading: "3. Cable: r1 is unplugged from the bridge; no resignation gets through",
    theory: backupSilence(),
    strike: (stage) => stage.plug("r1", false),
    mend: (stage) => stage.plug("r1", true),
  },
];

async function restart(stage: Stage): Promise<void> {
  await stage.ended("r1");
  stage.start("r1");
}
