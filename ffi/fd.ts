import { FCNTL, O } from "./constants.ts";
import { ERRNO, lastErrno, must, retryInterrupted, SysError } from "./errno.ts";
import type { Bytes } from "./layout.ts";
import { cString, libc } from "./libc.ts";

/**
 * Closes a descriptor. Never retried: Linux has released it even when close says EINTR, and the
 * number may already be another thread's.
 * @throws {SysError} EBADF if it is not open, which is a bug of the caller.
 */
export function closeFd(fd: number): void {
  if (libc.close(fd) < 0 && lastErrno() !== ERRNO.EINTR) {
    throw new SysError("close", lastErrno(), `close descriptor ${fd}`);
  }
}

/**
 * Opens a file, always close-on-exec.
 * @param flags O.* bits. `mode` applies when O.CREAT makes the file.
 * @throws {SysError} If the file cannot be opened.
 */
export function openFd(path: string, flags: number = O.RDONLY, mode = 0o600): number {
  const name = cString(path);
  const fd = retryInterrupted(() => libc.open(name, flags | O.CLOEXEC, mode));
  return must("open", fd, `open "${path}"`);
}

/**
 * Reads once.
 * @returns Bytes read, 0 at the end of the file; null if a nonblocking descriptor has none yet.
 * @throws {SysError} If reading fails otherwise.
 */
export function readFd(fd: number, buffer: Bytes): number | null {
  const length = retryInterrupted(() => libc.read(fd, buffer, BigInt(buffer.length)));
  if (length < 0 && lastErrno() === ERRNO.EAGAIN) return null;
  return must("read", length, `read descriptor ${fd}`);
}

/**
 * Writes all of `data`, continuing after partial writes.
 * @returns Bytes written: fewer than `data.length` only if a nonblocking descriptor is full.
 * @throws {SysError} If writing fails otherwise.
 */
export function writeFd(fd: number, data: Bytes): number {
  let written = 0;
  while (written < data.length) {
    const rest = data.subarray(written);
    const length = retryInterrupted(() => libc.write(fd, rest, BigInt(rest.length)));
    if (length < 0 && lastErrno() === ERRNO.EAGAIN) break;
    written += must("write", length, `write to descriptor ${fd}`);
  }
  return written;
}

/** Makes reads and writes of a descriptor return at once (or wait again). @throws {SysError} */
export function setNonblocking(fd: number, on: boolean): void {
  const doing = `make descriptor ${fd} ${on ? "nonblocking" : "blocking"}`;
  const flags = must("fcntl(F_GETFL)", libc.fcntl(fd, FCNTL.GETFL, 0), doing);
  const wanted = on ? flags | O.NONBLOCK : flags & ~O.NONBLOCK;
  must("fcntl(F_SETFL)", libc.fcntl(fd, FCNTL.SETFL, wanted), doing);
}

/** Whether the descriptor is closed by execve; off for one that the next image takes over. @throws {SysError} */
export function setCloseOnExec(fd: number, on: boolean): void {
  const doing = `${on ? "close" : "keep"} descriptor ${fd} on exec`;
  const bit = on ? FCNTL.FD_CLOEXEC : 0;
  must("fcntl(F_SETFD)", libc.fcntl(fd, FCNTL.SETFD, bit), doing);
}

/** Whether a descriptor is open. */
export function isOpen(fd: number): boolean {
  return libc.fcntl(fd, FCNTL.GETFD, 0) >= 0;
}
