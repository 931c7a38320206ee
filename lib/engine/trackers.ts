/** What is known about everything that is tracked: told by the main thread, or read off the links. */

import type { HostTable } from "../net/links.ts";
import type { TrackerState } from "../vrrp/priority.ts";

/** Of the trackers that the engine watches by itself: `track_interface`. */
const INTERFACE = "interface ";

/** The latest states. A tracker that nothing was said about is pending. */
export class Trackers {
  readonly #links: Pick<HostTable, "byName">;
  readonly #told = new Map<string, TrackerState>();

  constructor(links: Pick<HostTable, "byName">) {
    this.#links = links;
  }

  /** Notes what the main thread says. */
  tell(tracker: string, state: TrackerState): void {
    this.#told.set(tracker, state);
  }

  /** All that was said, for another image of this daemon. */
  capture(): readonly (readonly [string, TrackerState])[] {
    return [...this.#told];
  }

  /** Takes over what another image was told. */
  restore(told: readonly (readonly [string, TrackerState])[]): void {
    for (const [tracker, state] of told) this.#told.set(tracker, state);
  }

  /** Forgets what is not tracked any more: should it be again, what it was then is old news. */
  keep(trackers: readonly string[]): void {
    const wanted = new Set(trackers);
    for (const tracker of this.#told.keys()) if (!wanted.has(tracker)) this.#told.delete(tracker);
  }

  /** What is known now. */
  stateOf(tracker: string): TrackerState {
    if (tracker.startsWith(INTERFACE)) return this.#interface(tracker.slice(INTERFACE.length));
    return this.#told.get(tracker) ?? { kind: "pending" };
  }

  /** Down as keepalived counts it: not IFF_UP, not IFF_RUNNING, or not there (netdevice(7)). */
  #interface(name: string): TrackerState {
    const link = this.#links.byName(name);
    if (link === undefined) return { kind: "bad", why: "does not exist" };
    if (!link.up) return { kind: "bad", why: "is down" };
    return link.running ? { kind: "good" } : { kind: "bad", why: "has no carrier" };
  }
}
