/** A daemon that is held up, as by a busy hypervisor, while its host changes. */

import type { Process } from "./process.ts";
import { until } from "./until.ts";

/** Does something while a process is stopped: for the process, all of it happens at once. */
export async function whileStalled(process: Process, work: () => void): Promise<void> {
  process.signal("SIGSTOP");
  try {
    await until(() => isStopped(process.pid), `${process.name} to stand still`);
    work();
  } finally {
    process.signal("SIGCONT");
  }
}

/** Whether every thread is in state T (proc_pid_stat(5)). */
function isStopped(pid: number): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].every(({ name }) => {
    const stat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  });
}
