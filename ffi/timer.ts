/** A timer that is a descriptor: exact where poll's own timeout is a thousandth late. */

import { CLOCK, TFD } from "./constants.ts";
import { must } from "./errno.ts";
import { closeFd } from "./fd.ts";
import { HOST_ORDER, ITIMERSPEC, TIMESPEC, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";

/**
 * One deadline on the clock of `monotonicUs`. The kernel may end a poll later than it was told, by
 * 0.1 % of the timeout (select_estimate_accuracy of fs/select.c); a timerfd knows no such slack.
 */
export class Timer {
  /** Readable (POLL.IN) once the deadline has passed, until `set` is called again. */
  readonly fd: number;
  readonly #spec = new Uint8Array(new ArrayBuffer(ITIMERSPEC.size));
  readonly #view = viewOf(this.#spec);

  /** @throws {SysError} */
  constructor() {
    const flags = TFD.NONBLOCK | TFD.CLOEXEC;
    this.fd = must("timerfd_create", libc.timerfd_create(CLOCK.MONOTONIC, flags), "make a timer");
  }

  /**
   * Sets the deadline anew, and makes the descriptor quiet until then.
   * @param atUs The instant, in microseconds of `monotonicUs`; null for never. @throws {SysError}
   */
  set(atUs: number | null): void {
    // Zero would switch the timer off; an instant that has passed fires at once.
    const at = atUs === null ? 0 : Math.max(1, atUs), seconds = Math.floor(at / 1_000_000);
    const value = ITIMERSPEC.at.it_value;
    // Two halves of 64 bits each without a BigInt: seconds stay below 2^32 for 136 years of uptime.
    this.#view.setUint32(value + TIMESPEC.at.tv_sec, seconds, HOST_ORDER);
    this.#view.setUint32(value + TIMESPEC.at.tv_nsec, (at % 1_000_000) * 1000, HOST_ORDER);
    const result = libc.timerfd_settime(this.fd, TFD.TIMER_ABSTIME, this.#spec, null);
    must("timerfd_settime", result, "set a timer");
  }

  /** Closes the descriptor. */
  close(): void {
    closeFd(this.fd);
  }
}
