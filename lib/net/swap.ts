/**
 * Keeping this process out of swap. Its memory cannot be locked as mlockall(2) does: V8 gives pages
 * back by madvise(2) and ends the process when the kernel refuses, as it does for locked pages. But
 * the kernel swaps nothing of a cgroup that may have no swap (memory.swap.max, Linux
 * admin-guide/cgroup-v2.rst), and the program itself, which is read from its file again and again
 * when memory is short, can be locked: V8 does not manage it.
 */

import { lockTouched } from "../../ffi/process.ts";
import { err, ok, type Result } from "../core/result.ts";

/** Where the kernel tells of a process; others in tests. */
export interface SwapPaths {
  readonly proc: string;
}

const HOST: SwapPaths = { proc: "/proc" };

/** How much of it could be had. */
export interface SwapOutcome {
  /** Null: this process is never swapped out. */
  readonly swapped: null | {
    /** Words for a log. */
    readonly why: string;
    /** Whether the host has swap at the moment. */
    readonly hasSwap: boolean;
  };
  /** Why the program may be dropped from memory, and be read again; null if it may not. */
  readonly dropped: string | null;
}

/**
 * Keeps this process out of swap by its cgroup, if nobody else is in there, and its program in memory.
 * Both last until the process and the cgroup end.
 */
export function keepInMemory(paths = HOST): SwapOutcome {
  const why = withoutSwap(paths);
  return {
    swapped: why === null ? null : { why, hasSwap: hasSwap(paths) },
    dropped: lockProgram(paths),
  };
}

/** Takes swap away from this process's cgroup. @returns Why not, in words. */
function withoutSwap({ proc }: SwapPaths): string | null {
  try {
    const found = cgroupFolder(read(`${proc}/self/cgroup`), read(`${proc}/self/mountinfo`));
    if (!found.ok) return found.error;
    const folder = found.value, limit = `${folder}/memory.swap.max`;
    if (!exists(limit)) return `${folder} does not limit swap`;
    if (read(limit).trim() === "0") return null;
    const other = othersIn(folder, proc);
    if (other !== null) return `${folder} is not its own: ${other} is in there too`;
    Deno.writeTextFileSync(limit, "0", { create: false });
    return null;
  } catch (error) {
    return inWords(error);
  }
}

/**
 * The folder of this process's cgroup v2. @param cgroup /proc/self/cgroup (cgroups(7)).
 * @param mountinfo /proc/self/mountinfo (proc_pid_mountinfo(5)).
 */
export function cgroupFolder(cgroup: string, mountinfo: string): Result<string, string> {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  if (path === undefined) return err("it has no cgroup v2");
  for (const line of mountinfo.split("\n")) {
    // ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS [TAG ...] - TYPE SOURCE OPTIONS
    const [, , , root, point] = line.split(" ");
    if (!line.includes(" - cgroup2 ") || root === undefined || point === undefined) continue;
    const top = root === "/" ? "" : unescape(root);
    // Of a mount from another cgroup namespace, "/.." is what lies above.
    if (path !== top && !path.startsWith(`${top}/`) || path.includes("/..")) continue;
    return ok(`${unescape(point)}${path.slice(top.length)}`.replace(/\/$/, ""));
  }
  return err(`its cgroup v2, ${path}, is mounted nowhere`);
}

/** Spaces and the like are written as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}

/** Who else would lose its swap; null for nobody. */
function othersIn(folder: string, proc: string): string | null {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) return `cgroup ${name}`;
  }
  const pids = () => read(`${folder}/cgroup.procs`).trim().split("\n").map(Number);
  const strangers = pids().filter((pid) => !isOurs(pid, proc));
  // One that has ended meanwhile is nobody; one that is hidden (hidepid, proc(5)) is still there.
  const other = pids().find((pid) => strangers.includes(pid) && !isOurs(pid, proc));
  if (other === undefined) return null;
  return other === 0 ? "a process of another namespace" : `process ${other}`;
}

/** Whether a process is this one, or was started by it or by what it has started. */
function isOurs(pid: number, proc: string): boolean {
  try {
    let one = pid;
    while (one > 0 && one !== Deno.pid) one = Number(fieldsOf(read(`${proc}/${one}/stat`))[PPID]);
    return one === Deno.pid;
  } catch {
    return false;
  }
}

/** Fields of proc_pid_stat(5), counted from the third: the second is a name with anything in it. */
const PPID = 4 - 3, STARTCODE = 26 - 3, ENDCODE = 27 - 3;

function fieldsOf(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ");
}

function hasSwap({ proc }: SwapPaths): boolean {
  try {
    // Under a headline.
    return read(`${proc}/swaps`).trim().includes("\n");
  } catch {
    return false;
  }
}

/** What kernels have pages of; larger ones are multiples, and the kernel rounds down and up itself. */
const PAGE_BYTES = 4096n;

/** Locks the machine code of the executable, as far as it is used. @returns Why not, in words. */
function lockProgram({ proc }: SwapPaths): string | null {
  try {
    const fields = fieldsOf(read(`${proc}/self/stat`));
    const start = BigInt(fields[STARTCODE] ?? 0), end = BigInt(fields[ENDCODE] ?? 0);
    if (start < PAGE_BYTES || end <= start) return "the kernel does not say where the program is";
    lockTouched(start, end - start);
    return null;
  } catch (error) {
    return inWords(error);
  }
}

/** Whatever it is: a daemon that may be swapped out is better than none. */
function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(path);
}
