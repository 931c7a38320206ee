/** Processes and their descendants, from proc(5). */

/** The descendants of a process that are there now, children before grandchildren. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      // The second field is the parent, counted from behind the name (proc_pid_stat(5)).
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It has ended since the folder was read.
    }
  }
  const found = [pid];
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child);
  }
  return found.slice(1);
}

/**
 * Kills a process and its descendants, those in sessions and groups of their own too. Whoever was an
 * orphan before is not found.
 */
export function killFamily(pid: number): void {
  // Stopped, nobody can start another or be left behind by a parent that ends.
  const family: number[] = [];
  for (let next = [pid]; next.length > 0;) {
    for (const one of next) signal(one, "SIGSTOP");
    family.push(...next);
    next = descendantsOf(pid).filter((one) => !family.includes(one));
  }
  for (const one of family) signal(one, "SIGKILL");
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has ended.
  }
}
