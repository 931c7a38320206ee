/** Going on as another process image in a network namespace that has a name. */

import { CLONE_NEW, NetworkNamespace, setNamespace } from "../../ffi/namespace.ts";
import { closeFd, openFd } from "../../ffi/fd.ts";
import { replaceProcess } from "../../ffi/process.ts";

/** Where `ip netns add` puts names. */
const FOLDER = "/run/netns";

/**
 * Enters a namespace and begins anew there: only a process that starts in it has all of its threads
 * in it. Keeps the process id. To be called by the main thread.
 *
 * @param name As `ip netns` lists it. @param argv The program's own name first.
 * @throws {SysError} ENOENT if there is none of the name, EPERM without CAP_SYS_ADMIN.
 */
export function beginAnewInNamespace(
  name: string,
  command: string,
  argv: readonly string[],
): never {
  const fd = openFd(`${FOLDER}/${name}`);
  try {
    setNamespace(fd, CLONE_NEW.NET);
  } finally {
    closeFd(fd);
  }
  return replaceProcess(command, argv, Deno.env.toObject());
}

/** Whether the main thread is in the namespace of a name; null if there is none of the name. */
export function isInNamespace(name: string): boolean | null {
  try {
    const there = Deno.statSync(`${FOLDER}/${name}`), here = Deno.statSync("/proc/self/ns/net");
    return there.ino === here.ino && there.dev === here.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Does something inside a namespace and comes back. @throws {SysError} EPERM without CAP_SYS_ADMIN. */
export function insideNamespace<T>(name: string, task: () => T): T {
  using namespace = NetworkNamespace.open(`${FOLDER}/${name}`);
  return namespace.run(task);
}
