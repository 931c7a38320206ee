/** The processes that count, and for what. What is found of them goes to the kernel as it is found. */

import { matches, needsArguments } from "./process_match.ts";
import type { TrackedProcess } from "./process_quorum.ts";
import type { FoundProcess, ScanSink } from "./process_scan.ts";

/** Process ids in one command: it must fit a datagram. */
const PIDS_PER_COMMAND = 64;

/** What the engine is asked: `watchProcesses`, `unwatchProcesses` and `watchBirths`. */
export interface ProcessKernel {
  watch(pids: readonly number[]): void;
  unwatch(pids: readonly number[]): void;
  watchBirths(): void;
}

/** A process that counts. */
interface Counted {
  readonly startTicks: string;
  /** For which objects, by their place. */
  readonly objects: readonly number[];
}

/** All processes that count for at least one object; each of them is watched. */
export class Census implements ScanSink {
  readonly #objects: readonly TrackedProcess[];
  readonly #kernel: ProcessKernel;
  readonly #counted = new Map<number, Counted>();
  #toWatch: number[] = [];
  #toUnwatch: number[] = [];
  #isClosed = false;

  constructor(objects: readonly TrackedProcess[], kernel: ProcessKernel) {
    this.#objects = objects;
    this.#kernel = kernel;
  }

  isCounted(pid: number): boolean {
    return this.#counted.has(pid);
  }

  counted(): Iterable<number> {
    return this.#counted.keys();
  }

  /** A number with another start time is another process: it is judged, and watched, anew. */
  found(pid: number, process: FoundProcess | null): void {
    if (this.#isClosed) return;
    const known = this.#counted.get(pid);
    const before = known?.startTicks === process?.startTicks ? known : undefined;
    const objects = process === null ? [] : this.#objectsOf(process, before);
    if (known !== undefined && (before === undefined || objects.length === 0)) {
      this.#counted.delete(pid);
      this.#toUnwatch.push(pid);
    }
    if (process === null || objects.length === 0) return;
    this.#counted.set(pid, { startTicks: process.startTicks, objects });
    if (before === undefined) this.#toWatch.push(pid);
  }

  /** Unwatching comes first: of a number that is used again, the old process is let go. */
  sliceDone(): void {
    for (const pids of chunks(this.#toUnwatch)) this.#kernel.unwatch(pids);
    for (const pids of chunks(this.#toWatch)) this.#kernel.watch(pids);
    this.#toUnwatch = [];
    this.#toWatch = [];
  }

  /** These have ended, and are watched no longer. @returns Those that counted. */
  ended(pids: readonly number[]): number[] {
    return pids.filter((pid) => this.#counted.delete(pid));
  }

  /** How many count for each object. */
  counts(): number[] {
    const counts = this.#objects.map(() => 0);
    for (const { objects } of this.#counted.values()) {
      for (const place of objects) counts[place]!++;
    }
    return counts;
  }

  /** Who counts for one object, in ascending order. */
  pidsOf(place: number): number[] {
    return [...this.#counted]
      .flatMap(([pid, { objects }]) => objects.includes(place) ? [pid] : [])
      .sort((a, b) => a - b);
  }

  /** Lets go of all of them, for good: a scan that is under way changes nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#toWatch = [];
    this.#toUnwatch = [...this.#counted.keys()];
    this.#counted.clear();
    this.sliceDone();
  }

  /** Which objects count it. Arguments that cannot be read leave things as they were. */
  #objectsOf({ comm, argv }: FoundProcess, before: Counted | undefined): number[] {
    return this.#objects.flatMap(({ probe: { match } }, place) => {
      const isUnreadable = argv === null && needsArguments(match);
      const counts = isUnreadable ? before?.objects.includes(place) : matches(match, comm, argv);
      return counts ? [place] : [];
    });
  }
}

function* chunks(pids: readonly number[]): Generator<readonly number[]> {
  for (let from = 0; from < pids.length; from += PIDS_PER_COMMAND) {
    yield pids.slice(from, from + PIDS_PER_COMMAND);
  }
}
