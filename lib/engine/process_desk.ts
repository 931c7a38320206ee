/** What the engine thread does for process tracking: it waits for ends and hears of births. */

import { SysError } from "../../ffi/errno.ts";
import { Births } from "../net/births.ts";
import { type Descriptors, ProcessWatch } from "../net/process_watch.ts";
import type { Emitter } from "./say.ts";

/** What the desk needs of the engine: its loop, and where events go. */
export interface DeskHost extends Descriptors, Emitter {}

/**
 * Serves `watchProcesses`, `unwatchProcesses` and `watchBirths`. It decides nothing, and what it
 * does in one turn of the loop is bounded, so that no advert waits for it.
 *
 * A process that cannot be watched (too many descriptors, a kernel before 5.3) is named in the log,
 * once, and a `births` event with `refused` says that the main thread must look by itself.
 */
export class ProcessDesk {
  readonly #host: DeskHost;
  readonly #watch: ProcessWatch;
  #births: Births | null = null;
  /** Why the kernel's word does not suffice; null while it does. */
  #refused: string | null = null;
  #hasWarned = false;

  constructor(host: DeskHost) {
    this.#host = host;
    this.#watch = new ProcessWatch(host, (pids) => this.#tellEnded(pids));
  }

  /** Tells when these end, at once if they have. */
  watch(pids: readonly number[]): void {
    const ended: number[] = [];
    for (const pid of pids) {
      const outcome = this.#watch.watch(pid);
      if (outcome === "ended") ended.push(pid);
      else if (outcome !== "watched") this.#tellUnwatched(outcome.refused);
    }
    if (ended.length > 0) this.#tellEnded(ended);
  }

  /** Nobody asks for the end of these any more. */
  unwatch(pids: readonly number[]): void {
    for (const pid of pids) this.#watch.unwatch(pid);
  }

  /** Tells of births from now on, if the kernel does. Asked again, it answers again. */
  watchBirths(): void {
    if (this.#births === null) {
      const births = Births.open();
      if (births.ok) this.#listen(births.value);
      else this.#refused = births.error;
    }
    this.#tellBirths(false);
  }

  /** Lets go of every descriptor. */
  close(): void {
    this.#watch.close();
    this.#stopListening();
  }

  #listen(births: Births): void {
    this.#births = births;
    this.#host.watch(births.fd, () => this.#hear(births));
  }

  #stopListening(): void {
    if (this.#births === null) return;
    this.#host.unwatch(this.#births.fd);
    this.#births.close();
    this.#births = null;
  }

  /** A daemon's parent ends once it has made it: the news of its child may still wait to be read. */
  #tellEnded(pids: readonly number[]): void {
    this.#births?.expectChildrenOf(pids);
    this.#host.emit({ kind: "processesEnded", pids });
  }

  #hear(births: Births): void {
    try {
      const { pids, lost } = births.read((pid) => this.#watch.has(pid));
      if (pids.length > 0) this.#host.emit({ kind: "processesBegun", pids });
      if (lost) this.#tellBirths(true);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#stopListening();
      this.#refused = error.message;
      this.#tellBirths(true);
    }
  }

  #tellBirths(lost: boolean): void {
    this.#host.emit({ kind: "births", refused: this.#refused, lost });
  }

  #tellUnwatched(why: string): void {
    if (this.#refused === null) this.#refused = "not every process can be watched";
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const text = `${why}; the end of a process may be noticed up to a second late`;
    this.#host.emit({ kind: "log", log: { level: "warning", text } });
    this.#tellBirths(false);
  }
}
