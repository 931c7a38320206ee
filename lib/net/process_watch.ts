/** Processes whose end is waited for: one pidfd each, watched by the loop of the thread. */

import { ERRNO, SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { pidfdOpen } from "../../ffi/process.ts";

/** A loop that calls a handler whenever a descriptor can be read. */
export interface Descriptors {
  watch(fd: number, handler: () => void): void;
  /** Before the descriptor is closed. */
  unwatch(fd: number): void;
}

/**
 * So many pidfds at most: the loop's every poll walks through all of its descriptors, and 256 more
 * cost about 30 us.
 */
export const MAX_WATCHED = 256;

/** Ends told in one go; the others stay readable for the next turn of the loop. */
const ENDS_PER_TURN = 64;

/** How asking for an end went: `refused` says in words why it cannot be waited for. */
export type WatchOutcome = "watched" | "ended" | { readonly refused: string };

/** The processes that are watched. Belongs to the loop's thread. */
export class ProcessWatch {
  readonly #loop: Descriptors;
  readonly #ended: (pids: readonly number[]) => void;
  readonly #fds = new Map<number, number>();
  readonly #pids = new Map<number, number>();
  /** The pidfds alone, so that all ends of a moment are found by one call and told together. */
  readonly #poll = new PollSet();

  readonly #limit: number;

  /** @param ended Told of processes that have ended; they are no longer watched then. */
  constructor(
    loop: Descriptors,
    ended: (pids: readonly number[]) => void,
    limit: number = MAX_WATCHED,
  ) {
    this.#loop = loop;
    this.#ended = ended;
    this.#limit = limit;
  }

  /** Whether the end of this process is being waited for. */
  has(pid: number): boolean {
    return this.#fds.has(pid);
  }

  /** Waits for the end of a process; nothing changes if it is watched already. */
  watch(pid: number): WatchOutcome {
    if (this.#fds.has(pid)) return "watched";
    if (this.#fds.size >= this.#limit) {
      return { refused: `Cannot watch process ${pid}: ${this.#limit} are watched already` };
    }
    try {
      const fd = pidfdOpen(pid);
      this.#fds.set(pid, fd);
      this.#pids.set(fd, pid);
      this.#poll.add(fd, POLL.IN);
      this.#loop.watch(fd, () => this.#tellEnds());
      return "watched";
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      // EINVAL: the number is now a thread's, so the process that had it has ended.
      const hasEnded = error.errno === ERRNO.ESRCH || error.errno === ERRNO.EINVAL;
      return hasEnded ? "ended" : { refused: error.message };
    }
  }

  /** Waits no longer; nothing happens if it did not. */
  unwatch(pid: number): void {
    const fd = this.#fds.get(pid);
    if (fd === undefined) return;
    this.#fds.delete(pid);
    this.#pids.delete(fd);
    this.#poll.remove(fd);
    this.#loop.unwatch(fd);
    closeFd(fd);
  }

  /** Lets go of all of them. */
  close(): void {
    for (const pid of [...this.#fds.keys()]) this.unwatch(pid);
  }

  /** Asks anew instead of believing who woke us: a number closed this turn may be another's now. */
  #tellEnds(): void {
    if (this.#poll.wait(0) === "interrupted") return;
    const ended = this.#poll.ready().slice(0, ENDS_PER_TURN).flatMap(({ fd }) => {
      const pid = this.#pids.get(fd);
      return pid === undefined ? [] : [pid];
    });
    for (const pid of ended) this.unwatch(pid);
    if (ended.length > 0) this.#ended(ended);
  }
}
