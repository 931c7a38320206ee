/**
 * What all that is known means for each instance: its faults and its priority, recomputed from facts
 * at every change, and told to the machine if they are other ones than before.
 */

import { type Standing, standingOf, type TrackerState } from "../vrrp/priority.ts";
import { groupFaults } from "../vrrp/sync_group.ts";
import type { Event, Fault } from "../vrrp/types.ts";
import type { Micros } from "../core/time.ts";
import type { Instance } from "./instance.ts";
import { now } from "./loop.ts";
import type { GroupSpec } from "./messages.ts";
import { type Emitter, say } from "./say.ts";
import type { Trackers } from "./trackers.ts";

/** Trackers that a line about a priority names at the most. */
const CAUSES_SAID = 3;

/** What `Standings` works with. */
export interface StandingParts {
  readonly instances: readonly Instance[];
  readonly groups: readonly GroupSpec[];
  readonly trackers: Trackers;
  readonly to: Emitter;
  readonly feed: (instance: Instance, event: Event) => void;
}

/** Instances that are judged together: the members of a group, or one alone. */
interface Crew {
  /** Empty for an instance without a group, which has nobody to be named to. */
  readonly group: string;
  readonly members: readonly Instance[];
}

/** Judges the instances, and starts each when there is something to judge by. */
export class Standings {
  readonly #parts: StandingParts;
  #crews: readonly Crew[];
  /** When instances began to be started; null before. */
  #since: Micros | null = null;
  #isStopped = false;

  constructor(parts: StandingParts) {
    this.#parts = parts;
    this.#crews = crewsOf(parts);
  }

  /** These are the instances and groups from now on; the next `review` judges them. */
  reconfigure(instances: readonly Instance[], groups: readonly GroupSpec[]): void {
    this.#crews = crewsOf({ instances, groups });
  }

  /** From now on instances are started, as soon as no first result is missing. */
  start(): void {
    this.#since = now();
    this.review();
  }

  /** Nobody is started or judged any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Judges everybody anew.
   * @param isDue Judges only crews with such a member.
   */
  review(isDue: (instance: Instance) => boolean = () => true): void {
    if (this.#isStopped) return;
    for (const crew of this.#crews) if (crew.members.some(isDue)) this.#judge(crew);
  }

  #judge({ group, members }: Crew): void {
    const { trackers } = this.#parts;
    const standings = members.map(({ spec }) =>
      standingOf(spec.router.basePriority, spec.tracks, (tracker) => trackers.stateOf(tracker))
    );
    const faults = groupFaults(
      group,
      members.map((member, at) => ({
        name: member.name,
        faults: [
          ...hostFaults(member),
          ...standings[at]!.faults,
          ...unknown(member, standings[at]!),
        ],
      })),
    );
    for (const [at, member] of members.entries()) this.#tell(member, standings[at]!, faults[at]!);
    if (this.#since !== null) this.#begin(members, standings, this.#since);
  }

  /** A fault first, lest a master advertise with its last breath what it has no time left to be. */
  #tell(instance: Instance, standing: Standing, faults: readonly Fault[]): void {
    const tellFaults = () => {
      if (JSON.stringify(faults) === JSON.stringify(instance.router.faults)) return;
      this.#parts.feed(instance, { kind: "faults", faults });
    };
    if (faults.length > 0) tellFaults();
    const { priority } = standing;
    if (priority !== instance.router.priority) {
      const cause = this.#causeOf(instance) || "the configuration has changed";
      this.#parts.feed(instance, { kind: "priority", priority, cause });
    }
    if (faults.length === 0) tellFaults();
  }

  /** Which weighted trackers have changed since the last time, in words. */
  #causeOf(instance: Instance): string {
    const now = new Map(
      instance.spec.tracks.filter(({ weight }) => weight !== 0).map(({ tracker }) =>
        [tracker, describe(this.#parts.trackers.stateOf(tracker))] as const
      ),
    );
    const changed = [...now].filter(([tracker, text]) => instance.weighed.get(tracker) !== text);
    instance.weighed = now;
    const said = changed.map(([tracker, text]) => `${tracker}: ${text}`);
    const more = said.length > CAUSES_SAID ? [`${said.length - CAUSES_SAID} more`] : [];
    return [...said.slice(0, CAUSES_SAID), ...more].join(", ");
  }

  /**
   * Before the first result of a check whose failure is a fault, an instance would be a backup that
   * becomes master only to find out that it must not.
   */
  #begin(members: readonly Instance[], standings: readonly Standing[], since: Micros): void {
    // What is in fault anyway need not wait to say so: it cannot become master.
    const isFaulty = members.some(({ router }) => router.faults.length > 0);
    const pending = [...new Set(standings.flatMap((standing) => standing.pending))];
    for (const member of members) {
      if (member.isStarted) continue;
      if (pending.length === 0 || isFaulty) {
        member.isStarted = true;
        member.waitsFor = [];
        this.#parts.feed(member, { kind: "startup", since });
      } else if (member.waitsFor.length === 0) {
        const text = `Waiting for the first result of ${pending.join(", ")}`;
        say(this.#parts.to, member, "info", text);
      }
      if (!member.isStarted) member.waitsFor = pending;
    }
  }
}

/**
 * Once started, what is not known yet is a fault: it began with another one, and stays for this. One
 * that takes part goes on: a reload has given it something more to track.
 */
function unknown({ isStarted, router: { state } }: Instance, { pending }: Standing): Fault[] {
  if (!isStarted || state === "backup" || state === "master") return [];
  return pending.map((tracker) => ({ reason: "tracker", detail: `${tracker}: no result yet` }));
}

function describe(state: TrackerState): string {
  if (state.kind === "bad") return state.why;
  return state.kind === "value" ? `${state.value}` : state.kind;
}

/** What the host's links, addresses and sockets say against an instance. */
function hostFaults({ facts, socketError }: Instance): Fault[] {
  // Without a socket, adverts could neither be sent nor heard: two masters would be the end of it.
  const socketFault: Fault[] = socketError === null
    ? []
    : [{ reason: "no_socket", detail: socketError }];
  return [...facts.faults, ...socketFault];
}

function crewsOf({ instances, groups }: Pick<StandingParts, "instances" | "groups">): Crew[] {
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const grouped = groups.map(({ name, members }) => ({
    group: name,
    members: members.flatMap((member) => byName.get(member) ?? []),
  }));
  const inGroup = new Set(grouped.flatMap(({ members }) => members));
  const alone = instances.filter((instance) => !inGroup.has(instance))
    .map((instance) => ({ group: "", members: [instance] }));
  return [...grouped, ...alone];
}
