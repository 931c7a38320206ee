/** Sync groups at work: when one member moves, the others are told in the same turn. */

import { commonState, followed } from "../vrrp/sync_group.ts";
import type { Event, State } from "../vrrp/types.ts";
import type { Instance } from "./instance.ts";
import type { GroupSpec } from "./messages.ts";
import type { Emitter } from "./say.ts";

/** One group, and the state that all of its members were in when they last agreed. */
interface Group {
  readonly name: string;
  readonly members: readonly Instance[];
  state: State;
  /** While the others are being told: what they do then is no news. */
  isSyncing: boolean;
}

/** All sync groups. */
export class Groups {
  readonly #of = new Map<Instance, Group>();
  readonly #to: Emitter;
  readonly #feed: (instance: Instance, event: Event) => void;

  constructor(
    specs: readonly GroupSpec[],
    instances: readonly Instance[],
    to: Emitter,
    feed: (instance: Instance, event: Event) => void,
  ) {
    this.#to = to;
    this.#feed = feed;
    const byName = new Map(instances.map((instance) => [instance.name, instance]));
    for (const { name, members } of specs) {
      const found = members.flatMap((member) => byName.get(member) ?? []);
      const group: Group = { name, members: found, state: "init", isSyncing: false };
      for (const member of found) this.#of.set(member, group);
    }
  }

  /** An instance has changed its state: so do the others of its group. */
  moved(instance: Instance, from: State, cause: string): void {
    const group = this.#of.get(instance);
    if (group === undefined) return;
    const { name, faults, state } = { name: instance.name, ...instance.router };
    const event = followed(group.name, { name, faults, state }, from);
    if (event !== null && !group.isSyncing) this.#tellOthers(group, instance, event, state);
    const common = commonState(group.members.map(({ router }) => router));
    if (common === null || common === group.state) return;
    const before = group.state;
    group.state = common;
    this.#to.emit({
      kind: "groupTransition",
      group: group.name,
      from: before,
      to: common,
      cause,
    });
  }

  /** An instance heard a lower master: what the others announce was overheard too. */
  heardLower(instance: Instance): void {
    for (const other of this.#of.get(instance)?.members ?? []) {
      if (other !== instance) this.#feed(other, { kind: "reannounce" });
    }
  }

  #tellOthers(group: Group, moved: Instance, event: Event, to: State): void {
    const others = group.members.filter((other) =>
      other !== moved && other.router.state !== to && other.isStarted
    );
    if (others.length === 0) return;
    const text = `VRRP_Group(${group.name}) Syncing instances to ${to.toUpperCase()} state`;
    this.#to.emit({ kind: "log", log: { level: "notice", text } });
    group.isSyncing = true;
    for (const other of others) this.#feed(other, event);
    group.isSyncing = false;
  }
}
