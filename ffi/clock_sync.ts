/** Whether something keeps the clock of this machine right: the kernel's view (adjtimex(2)). */

import { must } from "./errno.ts";
import { libc } from "./libc.ts";

/** Bytes of struct timex with 64-bit longs, its reserve included (linux/timex.h). */
const TIMEX_BYTES = 208;

/** The clock is not synchronized (linux/timex.h). */
const TIME_ERROR = 5;

/**
 * Whether an NTP client or the like has told the kernel that the clock is right. Changes nothing.
 * @throws {SysError} If the kernel will not say.
 */
export function isClockSynchronized(): boolean {
  // All zeros: `modes` 0 only reads.
  const timex = new Uint8Array(TIMEX_BYTES);
  return must("adjtimex", libc.adjtimex(timex), "read the state of the clock") !== TIME_ERROR;
}
