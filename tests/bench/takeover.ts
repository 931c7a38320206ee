/** How long a segment is without a master after the master stops, crashes or loses its cable. */

import { monotonicUs } from "../../ffi/clock.ts";
import type { Frame } from "./capture.ts";
import { sleep, wallOffsetUs } from "./clock.ts";
import { type Contender, virtualAddress } from "./contender.ts";
import { advertOf, BACKUP, MASTER, onScene, type Scene } from "./scenario.ts";
import { alternating, mapSides, type SideBySide } from "./side_by_side.ts";
import { median } from "./statistics.ts";

/** What happens to the master, and from when time counts. */
export const EVENTS = {
  stop: "SIGTERM, from the signal",
  crash: "SIGKILL, from the last advert",
  cable: "port of the bridge down, from then",
} as const;

/** One of the three events. */
export type TakeoverEvent = keyof typeof EVENTS;

/** Advert intervals and how often each event is tried at them. */
export type TakeoverPlan = readonly { readonly intervalMs: number; readonly runs: number }[];

/** The full plan, and one for a quick look. */
export const TAKEOVER_PLANS: { readonly full: TakeoverPlan; readonly quick: TakeoverPlan } = {
  full: [
    { intervalMs: 1000, runs: 5 },
    { intervalMs: 100, runs: 11 },
    { intervalMs: 10, runs: 15 },
  ],
  quick: [
    { intervalMs: 1000, runs: 1 },
    { intervalMs: 100, runs: 3 },
    { intervalMs: 10, runs: 3 },
  ],
};

/** What one daemon took, in milliseconds: medians, and every run. */
export interface Takeover {
  readonly advertMs: number;
  readonly arpMs: number;
  /** Null unless the master resigned in every run. */
  readonly resignedMs: number | null;
  readonly runs: readonly TakeoverRun[];
}

/** One takeover, in milliseconds from the event. */
export interface TakeoverRun {
  /** Until the new master's first advert. */
  readonly advertMs: number;
  /** Until its first gratuitous ARP for the virtual address. */
  readonly arpMs: number;
  /** Until the old master's resignation (priority 0); null if it did not say goodbye. */
  readonly resignedMs: number | null;
}

/** A backup that has not heard an advert yet is not what people run; a moment later it has. */
const SETTLE = { adverts: 1.5, atLeastMs: 400 } as const;

/** Adverts that a takeover may last, and what else it may take, before it counts as failed. */
const PATIENCE = { adverts: 5, ms: 3000 } as const;

/** Measures one event at one interval, `runs` times each. */
export async function measureTakeover(
  contenders: SideBySide<Contender>,
  event: TakeoverEvent,
  { intervalMs, runs }: TakeoverPlan[number],
): Promise<SideBySide<Takeover>> {
  const seen = await alternating(
    contenders,
    runs,
    (contender) => onScene((scene) => takeover(scene, contender, event, intervalMs)),
  );
  return mapSides(seen, (runs) => {
    const resigned = runs.map(({ resignedMs }) => resignedMs).filter((ms) => ms !== null);
    return {
      advertMs: median(runs.map(({ advertMs }) => advertMs)),
      arpMs: median(runs.map(({ arpMs }) => arpMs)),
      resignedMs: resigned.length === runs.length ? median(resigned) : null,
      runs,
    };
  });
}

async function takeover(
  scene: Scene,
  contender: Contender,
  event: TakeoverEvent,
  intervalMs: number,
): Promise<TakeoverRun> {
  const { capture } = scene, patienceMs = PATIENCE.adverts * intervalMs + PATIENCE.ms;
  const { master, backup } = await scene.startPair(contender, { instances: 1, intervalMs });
  await sleep(Math.max(SETTLE.atLeastMs, SETTLE.adverts * intervalMs));
  const victims = master.processes();
  // Done once before it counts: code that runs for the first time is slow, this process's too.
  scene.segment.plug(scene.master, true);
  const offsetUs = wallOffsetUs();
  const strike: Readonly<Record<TakeoverEvent, () => void>> = {
    stop: () => master.terminate(),
    crash: () => master.crash(victims),
    cable: () => scene.segment.plug(scene.master, false),
  };
  capture.forget();
  // Always right after an advert: chance would otherwise add up to one interval to every run.
  if (await capture.until(advertOf(MASTER.address), patienceMs) === null) {
    throw master.failure("sent no advert as master");
  }
  const struckAtUs = monotonicUs() + offsetUs;
  strike[event]();
  const seen = await capture.until(newMaster, patienceMs);
  if (seen === null) throw backup.failure(`did not take over in ${patienceMs} ms`);
  const { advert, arp, lastOfOld, resignation } = seen;
  const from = event === "crash" ? lastOfOld.atUs : struckAtUs;
  const since = ({ atUs }: Frame) => (atUs - from) / 1000;
  return {
    advertMs: since(advert),
    arpMs: since(arp),
    resignedMs: resignation === undefined ? null : since(resignation),
  };
}

/** The new master's first advert and first gratuitous ARP, the old one's last advert and goodbye. */
function newMaster(frames: readonly Frame[]) {
  const advert = advertOf(BACKUP.address)(frames);
  if (advert === null) return null;
  const arp = frames.find(({ kind, source, mac }) =>
    kind === "arp" && source === virtualAddress(1) && mac === advert.mac
  );
  const ofOld = frames.filter(({ kind, source }) => kind === "advert" && source === MASTER.address);
  const lastOfOld = ofOld.findLast(({ priority }) => priority > 0);
  if (arp === undefined || lastOfOld === undefined) return null;
  return { advert, arp, lastOfOld, resignation: ofOld.find(({ priority }) => priority === 0) };
}
