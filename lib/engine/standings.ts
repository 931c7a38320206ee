/**
 * What all that is known means for each instance: its faults and its priority, recomputed from facts
 * at every change, and told to the machine if they are other ones than before.
 */

import { type Standing, standingOf } from "../vrrp/priority.ts";
import { groupFaults } from "../vrrp/sync_group.ts";
import type { Event, Fault } from "../vrrp/types.ts";
import type { Instance } from "./instance.ts";
import type { GroupSpec } from "./messages.ts";
import { type Emitter, say } from "./say.ts";
import type { Trackers } from "./trackers.ts";

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
  readonly #crews: readonly Crew[];
  #started = false;

  constructor(parts: StandingParts) {
    this.#parts = parts;
    this.#crews = crewsOf(parts);
  }

  /** From now on instances are started, as soon as no first result is missing. */
  start(): void {
    this.#started = true;
    this.review();
  }

  /**
   * Judges everybody anew.
   * @param isDue Judges only crews with such a member.
   */
  review(isDue: (instance: Instance) => boolean = () => true): void {
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
        state: member.router.state,
        faults: [...hostFaults(member), ...standings[at]!.faults],
      })),
    );
    for (const [at, member] of members.entries()) this.#tell(member, standings[at]!, faults[at]!);
    if (this.#started) this.#begin(members, standings);
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
      const cause = this.#causeOf(instance);
      this.#parts.feed(instance, { kind: "priority", priority, cause });
    }
    if (faults.length === 0) tellFaults();
  }

  /** The weighted trackers that are not good, in words. */
  #causeOf({ spec }: Instance): string {
    const said = spec.tracks.filter(({ weight }) => weight !== 0).flatMap(({ tracker }) => {
      const state = this.#parts.trackers.stateOf(tracker);
      if (state.kind === "bad") return [`${tracker}: ${state.why}`];
      return state.kind === "value" && state.value !== 0 ? [`${tracker}: ${state.value}`] : [];
    });
    return said.length === 0 ? "all that is tracked is good" : said.join(", ");
  }

  /**
   * Before the first result of a check whose failure is a fault, an instance would be a backup that
   * becomes master only to find out that it must not.
   */
  #begin(members: readonly Instance[], standings: readonly Standing[]): void {
    const pending = [...new Set(standings.flatMap((standing) => standing.pending))];
    for (const member of members) {
      if (member.isStarted) continue;
      if (pending.length === 0) {
        member.isStarted = true;
        member.waitsFor = [];
        this.#parts.feed(member, { kind: "startup" });
      } else if (member.waitsFor.length === 0) {
        const text = `Waiting for the first result of ${pending.join(", ")}`;
        say(this.#parts.to, member, "info", text);
      }
      if (!member.isStarted) member.waitsFor = pending;
    }
  }
}

/** What the host's links, addresses and sockets say against an instance. */
function hostFaults({ facts, socketError }: Instance): Fault[] {
  // Without a socket, adverts could neither be sent nor heard: two masters would be the end of it.
  const socketFault: Fault[] = socketError === null
    ? []
    : [{ reason: "no_socket", detail: socketError }];
  return [...facts.faults, ...socketFault];
}

function crewsOf({ instances, groups }: StandingParts): Crew[] {
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
