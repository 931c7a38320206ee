/** What the kernel says about processes: processor time and memory (proc(5)). */

/** Ticks of utime and stime a second: USER_HZ, 100 wherever Deno runs. */
const TICKS_PER_SECOND = 100;

/** Places of utime and stime in /proc/PID/stat, counted after the command's closing parenthesis. */
const STAT = { utime: 11, stime: 12 } as const;

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
  const ticks = pids.map((pid) => {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[STAT.utime]) + Number(fields[STAT.stime]);
  });
  return sum(ticks) / TICKS_PER_SECOND;
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
