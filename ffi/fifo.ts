/** FIFO special files (fifo(7)): made, opened and written so that nothing ever waits for a reader. */

import { O } from "./constants.ts";
import { ERRNO, lastErrno, must, SysError } from "./errno.ts";
import { openFd, writeFd } from "./fd.ts";
import type { Bytes } from "./layout.ts";
import { cString, libc } from "./libc.ts";

/** PIPE_BUF (linux/limits.h): a write of at most so many bytes is never mixed with another's. */
export const PIPE_BUF = 4096;

/**
 * Makes a FIFO. @param mode Permissions, less the umask.
 * @returns False if something, a symbolic link too, has that name already.
 * @throws {SysError} If it cannot be made for another reason.
 */
export function makeFifo(path: string, mode: number): boolean {
  const result = libc.mkfifo(cString(path), mode);
  if (result < 0 && lastErrno() === ERRNO.EEXIST) return false;
  must("mkfifo", result, `make the FIFO "${path}"`);
  return true;
}

/**
 * Opens a FIFO for both reading and writing, which Linux does without waiting for the other end and
 * which keeps what is written while nobody reads. Nonblocking, close-on-exec.
 * @throws {SysError}
 */
export function openFifo(path: string): number {
  return openFd(path, O.RDWR | O.NONBLOCK);
}

/** Gives an open file to a user and a group. @throws {SysError} EPERM without CAP_CHOWN. */
export function giveTo(fd: number, uid: number, gid: number): void {
  must("fchown", libc.fchown(fd, uid, gid), `give descriptor ${fd} to ${uid}:${gid}`);
}

/**
 * Writes all of the bytes or none.
 * @returns False if there is no room for them.
 * @throws {SysError} EMSGSIZE for more than PIPE_BUF bytes, which could be written in part.
 */
export function writeWhole(fd: number, bytes: Bytes): boolean {
  const doing = `write ${bytes.length} bytes at once to descriptor ${fd}`;
  if (bytes.length > PIPE_BUF) throw new SysError("write", ERRNO.EMSGSIZE, doing);
  return writeFd(fd, bytes) === bytes.length;
}
