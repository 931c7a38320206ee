/**
 * How a client of the control socket proves that it may give orders: it says a secret that lies in
 * the daemon's memory, where only those can read it who may look into the daemon. That is for the
 * kernel to judge (ptrace(2), "Ptrace access mode checking", PTRACE_MODE_READ_FSCREDS): root of the
 * same user namespace, with every capability that the daemon has. A container's root does not see
 * the daemon, or has not its capabilities; root of a user namespace has none over it. A descriptor
 * that the client passes would prove less: any user of the host could lend a container one of "/".
 */

import { makeMemoryFile } from "../../ffi/exec.ts";
import { writeFd } from "../../ffi/fd.ts";

/** What links to it in /proc/PID/fd say, be it in memory or, on old kernels, a file without a name. */
const NAME = "vigie-control-key";

/** As good as not to be guessed, and much shorter than what a link may say. */
const KEY_BYTES = 32;

/** The key of this process, open as long as it lives. */
let own: string | null = null;

/** The key of this process, in hexadecimal; made when it is first asked for. @throws {SysError} */
export function controlKey(): string {
  if (own !== null) return own;
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toHex();
  writeFd(makeMemoryFile(NAME), new TextEncoder().encode(key));
  return own = key;
}

/** The key of another process; null if it has none, or this one may not look into it. */
export function readControlKey(pid: number): string | null {
  const folder = `/proc/${pid}/fd`;
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      const path = `${folder}/${name}`;
      if (isKey(path)) return Deno.readTextFileSync(path);
    }
  } catch {
    // Not ours to look into, or it has just ended.
  }
  return null;
}

/** Reading the link takes the right that it is all about. */
function isKey(path: string): boolean {
  try {
    return Deno.readLinkSync(path).includes(NAME);
  } catch (error) {
    // Closed meanwhile.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether two keys are the same, in a time that says nothing about where they differ. */
export function isSameKey(given: unknown, key: string): boolean {
  if (typeof given !== "string" || given.length !== key.length) return false;
  let difference = 0;
  for (let at = 0; at < key.length; at++) difference |= given.charCodeAt(at) ^ key.charCodeAt(at);
  return difference === 0;
}
