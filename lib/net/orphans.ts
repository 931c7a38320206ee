/** As process 1 of a container vigie inherits what others leave behind, and reaps it. */

import { SysError } from "../../ffi/errno.ts";
import { reapChild } from "../../ffi/process.ts";

/**
 * Zombies that nobody waits for: what a script left in the background becomes a child of process 1
 * when the script ends. Only what was a zombie at two looks is taken away: Deno waits for its own
 * children within milliseconds, and must find them. So leave seconds between looks.
 */
export class OrphanReaper {
  #suspects: ReadonlySet<number> = new Set();

  /** Looks, and reaps what has been a zombie since the last look. @returns Those reaped. */
  look(): readonly number[] {
    const zombies = children().filter(isZombie);
    const old = zombies.filter((pid) => this.#suspects.has(pid));
    this.#suspects = new Set(zombies);
    return old.filter(reap);
  }
}

/** Of every thread (proc(5)): children belong to the one that made or inherited them. */
function children(): number[] {
  return [...Deno.readDirSync("/proc/self/task")].flatMap(({ name }) =>
    read(`/proc/self/task/${name}/children`).split(" ").filter((pid) => pid !== "").map(Number)
  );
}

function isZombie(pid: number): boolean {
  // The name in parentheses may hold anything; the state is behind the last of them (proc(5)).
  return /\) Z [^)]*$/.test(read(`/proc/${pid}/stat`));
}

function reap(pid: number): boolean {
  try {
    return reapChild(pid);
  } catch (error) {
    if (error instanceof SysError && error.code === "ECHILD") return false;
    throw error;
  }
}

/** Empty for a process or thread that has just gone. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
