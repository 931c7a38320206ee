import { ERRNO, lastErrno, must } from "./errno.ts";
import { type Bytes, HOST_ORDER, POLLFD, TIMESPEC, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";

export { POLL } from "./constants.ts";

/** A descriptor that has something to say. */
export interface ReadyDescriptor {
  readonly fd: number;
  /** POLL.* bits; ERR, HUP and NVAL come unasked. */
  readonly revents: number;
}

/** A set of descriptors to wait for with ppoll. Waiting allocates nothing. */
export class PollSet {
  #fds: Bytes = new Uint8Array(new ArrayBuffer(16 * POLLFD.size));
  #view = viewOf(this.#fds);
  #count = 0;
  /** The count as ppoll takes it, kept so that waiting makes no BigInt. */
  #nfds = 0n;
  #readyCount = 0;
  readonly #slots = new Map<number, number>();
  readonly #timeout = new Uint8Array(new ArrayBuffer(TIMESPEC.size));
  readonly #timeoutView = viewOf(this.#timeout);

  /** Number of descriptors watched. */
  get size(): number {
    return this.#count;
  }

  /** Watches a descriptor, or changes the events it is watched for. @param events POLL.* bits. */
  add(fd: number, events: number): void {
    let slot = this.#slots.get(fd);
    if (slot === undefined) {
      slot = this.#count++;
      if (this.#count * POLLFD.size > this.#fds.length) this.#grow();
      this.#slots.set(fd, slot);
      this.#nfds = BigInt(this.#count);
    }
    this.#write(slot, fd, events);
  }

  /** Stops watching a descriptor; nothing happens if it was not watched. Call it before close. */
  remove(fd: number): void {
    const slot = this.#slots.get(fd);
    if (slot === undefined) return;
    this.#slots.delete(fd);
    const last = --this.#count;
    this.#nfds = BigInt(this.#count);
    if (slot === last) return;
    const from = last * POLLFD.size;
    this.#fds.copyWithin(slot * POLLFD.size, from, from + POLLFD.size);
    this.#slots.set(this.#view.getInt32(slot * POLLFD.size + POLLFD.at.fd, HOST_ORDER), slot);
  }

  /**
   * Waits until a descriptor is ready or the time is over. EINTR is an answer, not an error: the
   * caller looks at its clock and waits again.
   * @param timeoutUs Microseconds; zero or less only looks; null waits for ever.
   * @returns How many descriptors are ready (0: the time is over), or "interrupted" by a signal.
   * @throws {SysError} If ppoll fails otherwise.
   */
  wait(timeoutUs: number | null): "interrupted" | number {
    this.#readyCount = 0;
    if (timeoutUs !== null) this.#setTimeout(Math.max(0, Math.ceil(timeoutUs)));
    const timeout = timeoutUs === null ? null : this.#timeout;
    const ready = libc.ppoll(this.#fds, this.#nfds, timeout, null);
    if (ready < 0 && lastErrno() === ERRNO.EINTR) return "interrupted";
    return this.#readyCount = must("ppoll", ready, "wait for descriptors");
  }

  /** What the last `wait` found. A list of its own: `add` and `remove` may be called while it is read. */
  ready(): readonly ReadyDescriptor[] {
    const found: ReadyDescriptor[] = [];
    for (let slot = 0; slot < this.#count && found.length < this.#readyCount; slot++) {
      const at = slot * POLLFD.size;
      const revents = this.#view.getInt16(at + POLLFD.at.revents, HOST_ORDER);
      if (revents !== 0) {
        found.push({ fd: this.#view.getInt32(at + POLLFD.at.fd, HOST_ORDER), revents });
      }
    }
    return found;
  }

  #write(slot: number, fd: number, events: number): void {
    const at = slot * POLLFD.size;
    this.#view.setInt32(at + POLLFD.at.fd, fd, HOST_ORDER);
    this.#view.setInt16(at + POLLFD.at.events, events, HOST_ORDER);
    this.#view.setInt16(at + POLLFD.at.revents, 0, HOST_ORDER);
  }

  #grow(): void {
    const larger = new Uint8Array(new ArrayBuffer(this.#fds.length * 2));
    larger.set(this.#fds);
    this.#fds = larger;
    this.#view = viewOf(larger);
  }

  /** Fields have 64 bits; 32 of each suffice for 136 years, and a BigInt would be an allocation. */
  #setTimeout(us: number): void {
    const seconds = Math.min(Math.floor(us / 1_000_000), 0x7fff_ffff);
    this.#timeoutView.setUint32(TIMESPEC.at.tv_sec, seconds, HOST_ORDER);
    this.#timeoutView.setUint32(TIMESPEC.at.tv_nsec, (us % 1_000_000) * 1000, HOST_ORDER);
  }
}
