/** What this process has open stays its own: nothing that it starts inherits more than 0, 1 and 2. */

import { SysError } from "../../ffi/errno.ts";
import { setCloseOnExec } from "../../ffi/fd.ts";
import { closeOnExecFrom } from "../../ffi/process.ts";

/** The kernel's number of what a descriptor refers to; null if it is not open. */
export function inodeOf(fd: number): number | null {
  try {
    return Deno.statSync(`/proc/self/fd/${fd}`).ino;
  } catch {
    return null;
  }
}

/** The first descriptor that is not standard input, output or error. */
const FIRST = 3;

/**
 * Marks every open descriptor from 3 on as close-on-exec, those that a careless parent left open
 * among them. What is opened later must be so from the start, as all of Deno's and ffi's is.
 * @throws {SysError} If the kernel refuses for another reason than its age.
 */
export function keepDescriptorsToOurselves(): void {
  try {
    closeOnExecFrom(FIRST);
  } catch (error) {
    // ENOSYS before Linux 5.9, EINVAL before 5.11; container runtimes of that time say EPERM.
    const isOld = error instanceof SysError && ["ENOSYS", "EINVAL", "EPERM"].includes(error.code);
    if (!isOld) throw error;
    closeOnExecOneByOne(FIRST);
  }
}

/** The same for kernels before 5.11: descriptors that others open meanwhile may be missed. */
export function closeOnExecOneByOne(first: number): void {
  for (const { name } of [...Deno.readDirSync("/proc/self/fd")]) {
    if (Number(name) >= first) setUnlessClosed(Number(name));
  }
}

/** The descriptor of the folder that was read is closed by now, and others may be. */
function setUnlessClosed(fd: number): void {
  try {
    setCloseOnExec(fd, true);
  } catch (error) {
    if (!(error instanceof SysError && error.code === "EBADF")) throw error;
  }
}
