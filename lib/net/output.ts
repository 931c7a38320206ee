/** Standard output and error, written without ever waiting for whoever reads them. */

import { SysError } from "../../ffi/errno.ts";
import { writeFd } from "../../ffi/fd.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { PIPE_BUF } from "../../ffi/fifo.ts";
import type { Bytes } from "../core/bytes.ts";

/** Descriptor of standard error. */
export const STDERR = 2;

/**
 * Writes what can be written at once, and loses the rest. A pipe that is writable has room for
 * PIPE_BUF bytes (poll(2), pipe(7)); the descriptor itself stays blocking, for it is shared.
 *
 * @returns False if anything is lost: the reader is gone or does not read, a disk is full.
 */
export function writeAtOnce(fd: number, bytes: Bytes): boolean {
  const poll = new PollSet();
  poll.add(fd, POLL.OUT);
  try {
    for (let at = 0; at < bytes.length;) {
      if (poll.wait(0) !== 1) return false;
      at += writeFd(fd, bytes.subarray(at, at + PIPE_BUF));
    }
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}
