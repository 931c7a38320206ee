/** How this process and its threads run: scheduling, names, limits. */

import {
  getRlimit,
  RLIMIT,
  setAffinity,
  setNiceness,
  setRealtimePriority,
  setRlimit,
  setThreadName,
} from "../../ffi/process.ts";
import { SysError } from "../../ffi/errno.ts";
import type { Micros } from "../core/time.ts";

/** A real-time priority, 1 to 99. One that is configured and cannot be had is worth a warning. */
export interface RealtimeWish {
  readonly priority: number;
  readonly isConfigured: boolean;
}

/** What the engine thread asks of the kernel for itself; null leaves a thing as it is. */
export interface ThreadOptions {
  /** For ps and top; Linux keeps 15 bytes. */
  readonly name: string;
  /** SCHED_RR priority (sched(7)), and whether somebody asked for it. */
  readonly realtime: RealtimeWish | null;
  /** -20 to 19, for when it is not real-time. */
  readonly niceness: number | null;
  /** The processors it may run on, counted from 0. */
  readonly processors: readonly number[] | null;
}

/** Something that could not be had. Without the right to it a daemon still runs. */
export interface Unmet {
  readonly isConfigured: boolean;
  readonly text: string;
}

/** Applies options to the calling thread. @returns What could not be had. */
export function applyToThread(options: ThreadOptions): readonly Unmet[] {
  const { realtime, niceness, processors } = options;
  setThreadName(options.name);
  const unmet = [
    niceness !== null && attempt(() => setNiceness(niceness)),
    processors !== null && attempt(() => setAffinity(processors)),
    realtime !== null && attempt(() => setRealtimePriority(realtime.priority), realtime),
  ];
  return unmet.filter((one) => one !== false);
}

/** Names the calling thread; the main thread's name is the process's. */
export function nameThread(name: string): void {
  setThreadName(name);
}

/**
 * What of a process its children would inherit though it is not meant for them, put aside while one
 * is started. Threads have their scheduling to themselves; limits and the like are the process's.
 */
export class OwnLimits {
  readonly #restore: (() => void)[] = [];
  readonly #apply: (() => void)[] = [];
  /** As `#restore`, to the last detail. */
  readonly #putBack: (() => void)[] = [];

  /**
   * SIGXCPU after so long at real-time priority without a blocking call (RLIMIT_RTTIME,
   * getrlimit(2)); the kernel raises the limit by a second each time that it is reached. The hard
   * limit, at which it kills, stays as it is.
   * @throws {SysError} EINVAL if the hard limit is lower.
   */
  limitRealtime(limit: Micros): void {
    const before = getRlimit(RLIMIT.RTTIME);
    this.#add(
      () => setRlimit(RLIMIT.RTTIME, limit, before.hard),
      () => setRlimit(RLIMIT.RTTIME, before.soft, before.hard),
    );
  }

  /**
   * Whom the kernel kills when memory runs out (proc_pid_oom_score_adj(5)): -1000 never, 1000 first.
   * @param file Where the kernel keeps it. @returns Why not, in words; null if it is so.
   */
  adjustOomScore(score: number, file = OOM_FILE): string | null {
    try {
      // What a service manager protects is this daemon, not what it starts; raising needs no right.
      const found = Number(Deno.readTextFileSync(file));
      const write = (score: number) => writeOomScore(file, score);
      this.#add(
        () => write(score),
        () => write(Math.max(0, found)),
        () => write(found),
      );
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Starts something that inherits none of it. */
  without<T>(start: () => T): T {
    return this.#between(this.#restore, start);
  }

  /** Does something with everything as this process has found it: an image that follows finds the same. */
  asFound<T>(start: () => T): T {
    return this.#between(this.#putBack, start);
  }

  #between<T>(restores: readonly (() => void)[], start: () => T): T {
    for (const restore of restores) quietly(restore);
    try {
      return start();
    } finally {
      for (const apply of this.#apply) quietly(apply);
    }
  }

  /** Gives all of it back; for tests, and for a process that goes on as something else. */
  end(): void {
    for (const restore of this.#restore.splice(0)) quietly(restore);
    this.#apply.length = this.#putBack.length = 0;
  }

  #add(apply: () => void, restore: () => void, putBack = restore): void {
    apply();
    this.#apply.push(apply);
    this.#restore.push(restore);
    this.#putBack.push(putBack);
  }
}

/** The score that this process has; null where there is no such file. */
export function oomScoreAdjust(): number | null {
  try {
    return Number(Deno.readTextFileSync(OOM_FILE));
  } catch {
    return null;
  }
}

const OOM_FILE = "/proc/self/oom_score_adj";

function writeOomScore(file: string, score: number): void {
  Deno.writeTextFileSync(file, `${score}`, { create: false });
}

/** What could be done once can be done again; a child's start must not fail for it. */
function quietly(task: () => void): void {
  try {
    task();
  } catch {
    // Without /proc, say, taken away since: the child inherits it, which is a lesser evil.
  }
}

function attempt(apply: () => void, { isConfigured } = { isConfigured: true }): Unmet | false {
  try {
    apply();
    return false;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { isConfigured, text: error.message };
  }
}
