/**
 * Tracked processes: which run, and whether they are enough. The engine tells when one ends, and of
 * new ones where the kernel does; scans of /proc find the rest.
 */

import type { LogEvent } from "../core/log.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { Census, type ProcessKernel } from "./process_census.ts";
import { ProcessFiles } from "./process_files.ts";
import { needsArguments } from "./process_match.ts";
import { type ProcessState, Quorum, type TrackedProcess } from "./process_quorum.ts";
import { ProcessScan } from "./process_scan.ts";

export type { ProcessKernel } from "./process_census.ts";
export type { ProcessState, TrackedProcess } from "./process_quorum.ts";

/** Between two scans while the kernel does not tell of new processes. */
const SCAN_MS = 1000;

/** Between two scans while it does: in case that something was missed. */
const SAFETY_SCAN_MS = 30_000;

/**
 * A process that begins is looked at so much later, together with others: most that fork run
 * another program within this time, and are then read once, under their final name.
 */
const SETTLE_MS = 10;

/** Between two scans that something urgent asks for: a lost event, the end of a process. */
const URGENT_SCAN_MS = 200;

/** Beyond so many waiting for a look, one scan of all of them is cheaper. */
const MAX_WAITING = 512;

/** Process ids shown in a status. */
const PIDS_SHOWN = 16;

/** What a tracker of processes needs. */
export interface ProcessTrackerParts {
  readonly objects: readonly TrackedProcess[];
  readonly kernel: ProcessKernel;
  /** Told of the first result and of every change, of the words alone too. */
  report(tracker: string, state: ProcessState): void;
  log(event: LogEvent): void;
  readonly clock?: Clock;
  /** Where processes are found; /proc unless a test says otherwise. */
  readonly procRoot?: string;
}

/** One tracked object for people: plain JSON. */
export interface ProcessStatus {
  readonly tracker: string;
  readonly count: number;
  /** Good from so many on; `quorumMax` null: without limit. */
  readonly quorum: number;
  readonly quorumMax: number | null;
  /** Some of them, 16 at most, in ascending order. */
  readonly pids: readonly number[];
  readonly state: "pending" | "good" | "bad";
  /** What is wrong; null unless bad. */
  readonly why: string | null;
  /** Since when, in milliseconds since the epoch; null while pending. */
  readonly sinceMs: number | null;
}

/** When the next scan is due. */
interface DueScan {
  readonly atMs: number;
  readonly thorough: boolean;
  readonly cancel: () => void;
}

/** Keeps count of the tracked processes. One tracker serves all objects of a configuration. */
export class ProcessTracker {
  readonly #parts: ProcessTrackerParts;
  readonly #clock: Clock;
  readonly #quorums: readonly Quorum[];
  readonly #census: Census;
  readonly #scan: ProcessScan;
  /** To be looked at when the time to settle is over. */
  readonly #waiting = new Set<number>();
  #cancelLook: (() => void) | null = null;
  #due: DueScan | null = null;
  #scannedMs = -Infinity;
  /** Looks and scans, one after another. */
  #work: Promise<void> = Promise.resolve();
  /** Why the kernel does not tell of births; null if it does, undefined before it has answered. */
  #refused: string | null | undefined;
  readonly #said = new Set<string>();
  /** The first scan is complete: counts mean something. */
  #isReady = false;
  #isRunning = false;

  constructor(parts: ProcessTrackerParts) {
    const { objects, kernel, procRoot, clock = SYSTEM_CLOCK } = parts;
    const outlet = {
      clock,
      report: parts.report.bind(parts),
      log: parts.log.bind(parts),
    };
    this.#parts = parts;
    this.#clock = clock;
    this.#quorums = objects.map((object) => new Quorum(object, outlet));
    this.#census = new Census(objects, kernel);
    const withArguments = objects.some(({ probe }) => needsArguments(probe.match));
    const files = new ProcessFiles(procRoot);
    this.#scan = new ProcessScan(files, this.#census, withArguments, () => clock.monotonicMs());
  }

  /** Begins: the first scan is made at once, and its result reported. */
  start(): void {
    if (this.#quorums.length === 0) return;
    this.#isRunning = true;
    // Listening comes before the first look, so that nothing can begin unseen between the two.
    this.#parts.kernel.watchBirths();
    this.#queue(() => this.#scanAll(true));
  }

  /** Ends: nothing is reported or watched any more. It cannot be started again. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#cancelLook?.();
    this.#due?.cancel();
    for (const quorum of this.#quorums) quorum.stop();
    this.#census.close();
  }

  /** The engine's `processesEnded`: counts at once. */
  ended(pids: readonly number[]): void {
    const counted = this.#isRunning ? this.#census.ended(pids) : [];
    if (counted.length === 0) return;
    this.#recount();
    // Its number may be another's by now; and a daemon may live on as its child, untold.
    this.begun(counted);
    this.#scanSoon();
  }

  /** The engine's `processesBegun`: new, or changed by exec or prctl. */
  begun(pids: readonly number[]): void {
    if (!this.#isRunning) return;
    for (const pid of pids) this.#waiting.add(pid);
    if (this.#waiting.size > MAX_WAITING) {
      this.#waiting.clear();
      return this.#scanSoon();
    }
    this.#cancelLook ??= this.#clock.after(SETTLE_MS, () => this.#lookAtWaiting());
  }

  /** The engine's `births`: whether the kernel tells of new processes, and whether some were missed. */
  births({ refused, lost }: { readonly refused: string | null; readonly lost: boolean }): void {
    if (!this.#isRunning) return;
    this.#refused = refused;
    if (refused !== null) {
      this.#sayOnce({ level: "info", text: `Processes are looked for every second: ${refused}` });
      this.#scanWithin(SCAN_MS, false);
    }
    if (lost || refused === null) this.#scanSoon();
  }

  /** All objects for people. */
  status(): ProcessStatus[] {
    return this.#quorums.map(({ object: { tracker, probe }, count, state, sinceMs }, place) => ({
      tracker,
      count,
      quorum: probe.quorum,
      quorumMax: probe.quorumMax,
      pids: this.#census.pidsOf(place).slice(0, PIDS_SHOWN),
      state: state?.kind ?? "pending",
      why: state?.kind === "bad" ? state.why : null,
      sinceMs,
    }));
  }

  /** Settles when every look and scan that is due by now is done. */
  async settled(): Promise<void> {
    for (let work; work !== this.#work;) await (work = this.#work);
  }

  #recount(): void {
    if (!this.#isReady || !this.#isRunning) return;
    const counts = this.#census.counts();
    for (const [place, quorum] of this.#quorums.entries()) quorum.update(counts[place]!);
  }

  #lookAtWaiting(): void {
    this.#cancelLook = null;
    const pids = [...this.#waiting];
    this.#waiting.clear();
    this.#queue(() => this.#scan.look(pids));
  }

  async #scanAll(thorough: boolean): Promise<void> {
    try {
      await this.#scan.scan(thorough);
      this.#isReady = true;
    } finally {
      this.#scannedMs = this.#clock.monotonicMs();
      if (this.#refused === null) this.#scanWithin(SAFETY_SCAN_MS, true);
      else this.#scanWithin(SCAN_MS, false);
    }
  }

  /** One task after another, then the count of what they found. */
  #queue(task: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (!this.#isRunning) return;
      try {
        await task();
        this.#recount();
      } catch (error) {
        // /proc itself cannot be read: there is another try a second later.
        const why = error instanceof Error ? error.message : String(error);
        this.#sayOnce({ level: "warning", text: `Cannot look for processes: ${why}` });
      }
    });
  }

  #sayOnce(event: LogEvent): void {
    if (this.#said.has(event.text)) return;
    this.#said.add(event.text);
    this.#parts.log(event);
  }

  /** A thorough scan now, or as soon as the last one is not that fresh any more. */
  #scanSoon(): void {
    const earliestMs = this.#scannedMs + URGENT_SCAN_MS - this.#clock.monotonicMs();
    this.#scanWithin(Math.max(SETTLE_MS, earliestMs), true);
  }

  /** A scan that is due before stays so, and becomes thorough if this one is to be. */
  #scanWithin(ms: number, thorough: boolean): void {
    if (!this.#isRunning) return;
    const due = this.#due, wantedMs = this.#clock.monotonicMs() + ms;
    const atMs = Math.min(wantedMs, due?.atMs ?? Infinity);
    const isThorough = thorough || (due?.thorough ?? false);
    if (due !== null && due.atMs === atMs && due.thorough === isThorough) return;
    due?.cancel();
    const cancel = this.#clock.after(atMs - this.#clock.monotonicMs(), () => {
      this.#due = null;
      this.#queue(() => this.#scanAll(isThorough));
    });
    this.#due = { atMs, thorough: isThorough, cancel };
  }
}
