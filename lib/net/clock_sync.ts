/** Whether the time of day of this host can be compared with another host's. */

import { isClockSynchronized } from "../../ffi/clock_sync.ts";
import { SysError } from "../../ffi/errno.ts";

/** Why the clock may be wrong; null if it is kept right, or if the kernel does not say. */
export function clockFault(): string | null {
  try {
    return isClockSynchronized() ? null : "nothing keeps the clock of this host right";
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return null;
  }
}
