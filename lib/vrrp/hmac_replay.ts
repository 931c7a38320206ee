/** What has been heard of each sender, so that nothing of it counts a second time. */

import type { Ip } from "../core/address.ts";
import { isNewer, secondsFrom, type Stamp } from "./hmac_stamp.ts";

/** Senders that a multicast router remembers, as keepalived does: the least recent makes room. */
const MULTICAST_SENDERS = 4;

/** The newest stamp of each sender that was verified. */
export class ReplayTable {
  /** The least recently heard first. */
  readonly #marks = new Map<Ip, Stamp>();
  readonly #room: number;
  readonly #windowS: number | null;

  /**
   * @param peers How many unicast peers there are; 0 for multicast.
   * @param windowS What is farther from the clock is kept out by its time, and forgotten here; null
   *   for never.
   */
  constructor(peers: number, windowS: number | null) {
    this.#room = peers === 0 ? MULTICAST_SENDERS : peers;
    this.#windowS = windowS;
  }

  /** Whether a sender has not said this before, or something later. */
  isNew(source: Ip, stamp: Stamp, clock: Stamp): boolean {
    const mark = this.#marks.get(source);
    if (mark === undefined || isNewer(stamp, mark)) return true;
    // A mark ahead of the clock is of a time when both clocks were wrong: senders start anew, too.
    return this.#windowS !== null && Math.abs(secondsFrom(mark, clock)) > this.#windowS;
  }

  /** Remembers what was verified. */
  mark(source: Ip, stamp: Stamp): void {
    this.#marks.delete(source);
    this.#marks.set(source, stamp);
    if (this.#marks.size <= this.#room) return;
    const [oldest] = this.#marks.keys();
    this.#marks.delete(oldest!);
  }

  /** All of it, the least recently heard first. */
  marks(): readonly (readonly [Ip, Stamp])[] {
    return [...this.#marks];
  }
}
