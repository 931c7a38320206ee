/**
 * The scan of /proc, in slices, so that nothing else waits for it. A list of all numbers costs
 * little; what costs is to read each process, and few of them change.
 */

import type { ProcessFiles } from "./process_files.ts";
import { isAlive, type ProcessStat } from "./process_match.ts";

/** Processes read in one go: half a millisecond. */
const SLICE = 32;

/** A process takes its program and its name soon after it began: until then it is read every time. */
const YOUNG_MS = 5000;

/**
 * A quick scan reads one in so many of the others, so that each is read in as many scans: one that
 * takes another program late in its life is found within ten. A number used again by another
 * process within one second, which would hide that one, takes a round of the whole pid space.
 */
const ROUND = 10;

/** What a scan finds. */
export interface ScanSink {
  /** Whether this one is read every time, for it counts. */
  isCounted(pid: number): boolean;
  /** Numbers of all that are counted. */
  counted(): Iterable<number>;
  /** What a process is now; null if it has ended. `argv` is null if it was not or cannot be read. */
  found(pid: number, process: FoundProcess | null): void;
  /** The end of a slice: nobody has waited for long, and what was found may be passed on. */
  sliceDone(): void;
}

/** A process that runs. */
export interface FoundProcess extends ProcessStat {
  readonly argv: readonly string[] | null;
}

/** Looks at processes, and remembers which it has seen. */
export class ProcessScan {
  readonly #files: ProcessFiles;
  readonly #sink: ScanSink;
  readonly #withArguments: boolean;
  readonly #nowMs: () => number;
  /** When each was first seen. */
  readonly #seen = new Map<number, number>();
  #round = 0;

  /** @param nowMs A monotonic clock. */
  constructor(files: ProcessFiles, sink: ScanSink, withArguments: boolean, nowMs: () => number) {
    this.#files = files;
    this.#sink = sink;
    this.#withArguments = withArguments;
    this.#nowMs = nowMs;
  }

  /**
   * Looks at what is new, young, or counted, and at a part of the rest; at all of it if `thorough`.
   * @throws {Error} If /proc cannot be read at all.
   */
  async scan(thorough: boolean): Promise<void> {
    const pids = this.#files.pids(), listed = new Set(pids);
    const gone = [...this.#sink.counted()].filter((pid) => !listed.has(pid));
    for (const pid of this.#seen.keys()) if (!listed.has(pid)) this.#seen.delete(pid);
    const turn = this.#round++ % ROUND, now = this.#nowMs();
    const due = pids.filter((pid) => thorough || pid % ROUND === turn || this.#isDue(pid, now));
    // Those that have gone come first, lest one that was replaced counts beside its successor.
    await this.look([...gone, ...due]);
  }

  /** Looks at some processes now. */
  async look(pids: readonly number[]): Promise<void> {
    for (let from = 0; from < pids.length; from += SLICE) {
      if (from > 0) await new Promise((resolve) => setTimeout(resolve, 0));
      const slice = pids.slice(from, from + SLICE);
      const argvs = this.#withArguments
        ? await Promise.all(slice.map((pid) => this.#files.arguments(pid)))
        : null;
      // The arguments first: what is found is passed on in the moment in which it is known to run.
      for (const [at, pid] of slice.entries()) this.#lookAt(pid, argvs?.[at] ?? null);
      this.#sink.sliceDone();
    }
  }

  #lookAt(pid: number, argv: readonly string[] | null): void {
    const stat = this.#files.stat(pid);
    if (stat !== null && !this.#seen.has(pid)) this.#seen.set(pid, this.#nowMs());
    this.#sink.found(pid, stat !== null && isAlive(stat) ? { ...stat, argv } : null);
  }

  #isDue(pid: number, now: number): boolean {
    const since = this.#seen.get(pid);
    return since === undefined || now - since < YOUNG_MS || this.#sink.isCounted(pid);
  }
}
