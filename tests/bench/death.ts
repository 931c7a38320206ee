/** From the death of a tracked process to the master's lower priority, and to the peer's takeover. */

import { monotonicUs } from "../../ffi/clock.ts";
import type { Frame } from "./capture.ts";
import { trackedProcess, trackedScript, trackingText } from "./checks_config.ts";
import { sleep, wallOffsetUs } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { installed } from "./installed.ts";
import { BACKUP, MASTER, onScene, type Scene } from "./scenario.ts";
import { median } from "./statistics.ts";
import { Victim, VICTIM_NAME } from "./victim.ts";

/** What notices the death. */
export const WATCHERS = ["track_process", "track_script"] as const;
/** One of them. */
export type Watcher = typeof WATCHERS[number];

/** What is measured: who watches, how fast adverts are, and what a death costs. */
export interface DeathCase {
  readonly watcher: Watcher;
  readonly intervalMs: number;
  /** 0: the router gives up; otherwise the priority sinks below the peer's. */
  readonly weight: number;
}

/** Advert intervals and how often each daemon loses its process at them. */
export const DEATH_PLANS = {
  full: [{ intervalMs: 100, runs: 7 }, { intervalMs: 1000, runs: 3 }],
  quick: [{ intervalMs: 100, runs: 2 }],
} as const;

/** Weights of a real configuration of three services, and of one that leaves them out. */
export const DEATH_WEIGHTS = [-11, 0] as const;

/** Both daemons in one case; null where it could not be tried. */
export interface DeathRow extends DeathCase {
  readonly death: { readonly vigie: Death | null; readonly keepalived: Death | null };
}

/** What one daemon took, in milliseconds from the kill: medians, and every run. */
export interface Death {
  /** Null if the daemon never said so. */
  readonly lowerMs: number | null;
  /** Null if nobody ever took over. */
  readonly takeoverMs: number | null;
  /** It took the process for dead while it lived, so that there was nothing to measure. */
  readonly isBlind: boolean;
  readonly runs: readonly DeathRun[];
}

/** One death, in milliseconds from the kill; null for what did not happen. */
export interface DeathRun {
  /** Until the master's first advert with a lower priority, 0 included. */
  readonly lowerMs: number | null;
  /** Until the peer's first advert as master. */
  readonly takeoverMs: number | null;
}

/** A loss of 11 lets the peer win. */
const PRIORITY = { master: 100, backup: 90 } as const;

/** What both daemons log. */
const IS_BACKUP = /Entering BACKUP STATE/;

const START_TIMEOUT_MS = 15_000;

/** After so many adverts and milliseconds it never happens: scripts and scans run every second. */
const PATIENCE = { adverts: 5, ms: 5000 } as const;

/** After a return: until both have heard each other, and for what each does just after an election. */
const SETTLE = { adverts: 1.5, atLeastMs: 400 } as const;

/** Deaths are spread over this time, in which every script runs once. */
const PHASE_MS = 1000;

/**
 * Lets one daemon lose its process `runs` times, at different times of a second. If it does not
 * notice the first one, that is the result.
 * @returns Null if this machine has no pgrep(1) to make the script of.
 */
export async function measureDeath(
  contender: Contender,
  what: DeathCase,
  runs: number,
): Promise<Death | null> {
  const tracked = trackedBy(what);
  if (tracked === null) return null;
  const seen = await onScene(async (scene) => {
    let victim = await Victim.start();
    try {
      const text = trackingText(PRIORITY.master, what.intervalMs, [tracked]);
      const master = scene.start(contender, scene.master, text);
      if (!await isWell(scene, what.intervalMs)) {
        if (mayBeBlind(contender, what)) return null;
        throw master.failure("did not become master with its full priority");
      }
      const peer = trackingText(PRIORITY.backup, what.intervalMs, []);
      const backup = scene.start(contender, scene.backup, peer);
      await backup.logged(IS_BACKUP, 1, START_TIMEOUT_MS);
      const all: DeathRun[] = [];
      for (let run = 0; run < runs; run++) {
        await settle(scene, what.intervalMs, (run + 0.5) / runs);
        const one = await death(scene, victim, what.intervalMs);
        all.push(one);
        if (one.takeoverMs === null) break;
        await victim.end();
        victim = await Victim.start();
        if (run + 1 < runs && !await isWell(scene, what.intervalMs)) {
          throw master.failure("did not find the process again");
        }
      }
      return all;
    } finally {
      await victim.end();
    }
  });
  if (seen === null) return { lowerMs: null, takeoverMs: null, isBlind: true, runs: [] };
  return {
    isBlind: false,
    lowerMs: medianOf(seen.map(({ lowerMs }) => lowerMs)),
    takeoverMs: medianOf(seen.map(({ takeoverMs }) => takeoverMs)),
    runs: seen,
  };
}

/** keepalived asks the kernel for the news of all processes, and that has none in namespaces. */
function mayBeBlind({ name }: Contender, { watcher }: DeathCase): boolean {
  return name === "keepalived" && watcher === "track_process";
}

function trackedBy({ watcher, weight }: DeathCase) {
  if (watcher === "track_process") return trackedProcess(VICTIM_NAME, weight);
  const pgrep = installed("pgrep");
  return pgrep === null ? null : trackedScript("victim", `${pgrep} -x ${VICTIM_NAME}`, weight);
}

/** @param phase 0 to 1: how far into a second, as the master's adverts count it. */
async function settle({ capture }: Scene, intervalMs: number, phase: number): Promise<void> {
  await sleep(Math.max(SETTLE.atLeastMs, SETTLE.adverts * intervalMs));
  capture.forget();
  await capture.until(advertFrom(MASTER.address), patienceMs(intervalMs));
  await sleep(phase * PHASE_MS);
}

async function death({ capture }: Scene, victim: Victim, intervalMs: number): Promise<DeathRun> {
  const offsetUs = wallOffsetUs();
  capture.forget();
  const killedAtUs = monotonicUs() + offsetUs;
  victim.die();
  const since = (frame: Frame | undefined | null) =>
    frame ? (frame.atUs - killedAtUs) / 1000 : null;
  const takeover = await capture.until(advertFrom(BACKUP.address), patienceMs(intervalMs));
  const lower = capture.frames.find((frame) =>
    isAdvert(frame, MASTER.address) && frame.priority < PRIORITY.master
  );
  return { lowerMs: since(lower), takeoverMs: since(takeover) };
}

/** Waits for the master with its full priority. @returns Whether it came. */
async function isWell({ capture }: Scene, intervalMs: number): Promise<boolean> {
  capture.forget();
  const isFull = (frame: Frame) =>
    isAdvert(frame, MASTER.address) && frame.priority === PRIORITY.master;
  const seen = await capture.until((frames) => frames.find(isFull) ?? null, patienceMs(intervalMs));
  return seen !== null;
}

function patienceMs(intervalMs: number): number {
  return PATIENCE.adverts * intervalMs + PATIENCE.ms;
}

function isAdvert({ kind, source }: Frame, address: string): boolean {
  return kind === "advert" && source === address;
}

function advertFrom(address: string): (frames: readonly Frame[]) => Frame | null {
  return (frames) => frames.find((frame) => isAdvert(frame, address)) ?? null;
}

/** Null unless it happened every time. */
function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? median(known) : null;
}
