/** What the kernel says about processes: processor time and memory (proc(5)). */

/** Ticks of utime and stime a second: USER_HZ, 100 wherever Deno runs. */
const TICKS_PER_SECOND = 100;

/**
 * Places in /proc/PID/stat, counted after the command's closing parenthesis; cutime and cstime are
 * of children that have ended and been waited for, and of theirs.
 */
const STAT = { utime: 11, stime: 12, cutime: 13, cstime: 14 } as const;

/** Memory in megabytes of 1024 x 1024 bytes. */
export interface Memory {
  /** Resident, as `ps` shows it; pages that processes share are counted in each. */
  readonly rssMb: number;
  /** Resident, shared pages divided among those who share them. */
  readonly pssMb: number;
  /** Of that, what no file backs: the heap, mostly. */
  readonly anonymousMb: number;
}

/** Seconds of processor time that processes have used so far, all threads together. */
export function processorSeconds(pids: readonly number[]): number {
  return sum(pids.map((pid) => ticks(pid, ["utime", "stime"]))) / TICKS_PER_SECOND;
}

/**
 * Seconds of processor time that processes and all their descendants have used so far, also those
 * that live for milliseconds only. One that ends just now is counted by its parent the next time.
 */
export function familySeconds(pids: readonly number[]): number {
  const used = pids.map((pid) => {
    try {
      return ticks(pid, ["utime", "stime", "cutime", "cstime"]);
    } catch (error) {
      if (isGone(error)) return 0;
      throw error;
    }
  });
  return sum(used) / TICKS_PER_SECOND;
}

/** Resident memory in megabytes of 1024 x 1024 bytes, as `ps` shows it. */
export function residentMb(pids: readonly number[]): number {
  return sum(pids.map((pid) => kilobytes(`/proc/${pid}/status`, "VmRSS"))) / 1024;
}

/**
 * Whether reading in /proc failed because the process has ended: ESRCH (3 in asm-generic/errno-base.h),
 * for which Deno has no class and not always a code.
 */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Error && ("code" in error && error.code === "ESRCH" ||
        error.message.includes("(os error 3)"));
}

function ticks(pid: number, what: readonly (keyof typeof STAT)[]): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return sum(what.map((name) => Number(fields[STAT[name]])));
}

/** Memory of processes, summed. */
export function memory(pids: readonly number[]): Memory {
  const total = (file: string, field: string) => {
    return sum(pids.map((pid) => kilobytes(`/proc/${pid}/${file}`, field))) / 1024;
  };
  return {
    rssMb: total("status", "VmRSS"),
    pssMb: total("smaps_rollup", "Pss"),
    anonymousMb: total("smaps_rollup", "Pss_Anon"),
  };
}

/**
 * Seconds, since boot, in which something runnable had to wait for a processor
 * (Documentation/accounting/psi.rst); null where the kernel does not count them.
 */
export function pressureSeconds(): number | null {
  try {
    const found = /^some .*total=(\d+)/m.exec(Deno.readTextFileSync("/proc/pressure/cpu"));
    return found === null ? null : Number(found[1]) / 1e6;
  } catch {
    // Built without it or switched off: the measurement is good without.
    return null;
  }
}

function kilobytes(file: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(Deno.readTextFileSync(file));
  if (found === null) throw new Error(`Cannot find ${field} in ${file}`);
  return Number(found[1]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
