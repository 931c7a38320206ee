/** Going on as another process image in a network namespace that has a name. */

import { CLONE_NEW, setNamespace } from "../../ffi/namespace.ts";
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
