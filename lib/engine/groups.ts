/** Sync groups at work: when one member moves, the others are told in the same turn. */

import { canRise, commonState, followed } from "../vrrp/sync_group.ts";
import type { Event, State } from "../vrrp/types.ts";
import type { EngineState } from "./handover_state.ts";
import type { Instance } from "./instance.ts";
import type { EngineEvent, GroupSpec } from "./messages.ts";
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
  #held: EngineEvent[] | null = null;

  constructor(
    specs: readonly GroupSpec[],
    instances: readonly Instance[],
    to: Emitter,
    feed: (instance: Instance, event: Event) => void,
  ) {
    this.#to = to;
    this.#feed = feed;
    const byName = new Map(instances.map((instance) => [instance.name, instance]));
    this.#form(specs, byName, () => "init");
  }

  /**
   * These are the groups from now on, by the names that instances are about to have. One with the
   * members that it had is in the state that it was in; another in the one that its members are in,
   * of which nobody is told.
   */
  reconfigure(specs: readonly GroupSpec[], members: ReadonlyMap<string, Instance>): void {
    const before = new Map([...this.#of.values()].map((group) => [group.name, group]));
    this.#of.clear();
    this.#form(specs, members, (name, found) => {
      const old = before.get(name);
      const isAsBefore = old !== undefined && old.members.length === found.length &&
        old.members.every((member) => found.includes(member));
      if (isAsBefore) return old.state;
      return commonState(found.map(({ router }) => router)) ?? old?.state ?? "init";
    });
  }

  #form(
    specs: readonly GroupSpec[],
    instances: ReadonlyMap<string, Instance>,
    stateOf: (name: string, members: readonly Instance[]) => State,
  ): void {
    for (const { name, members } of specs) {
      const found = members.flatMap((member) => instances.get(member) ?? []);
      const group: Group = { name, members: found, state: stateOf(name, found), isSyncing: false };
      for (const member of found) this.#of.set(member, group);
    }
  }

  /** All groups, for another image of this daemon. */
  capture(): EngineState["groups"] {
    return [...new Set(this.#of.values())].map(({ name, members, state }) => ({
      name,
      members: members.map((member) => member.name),
      state,
    }));
  }

  /** Goes on with what another image knew; a group of other members is in the state that they are in. */
  restore(states: EngineState["groups"]): void {
    for (const group of new Set(this.#of.values())) {
      const names = group.members.map(({ name }) => name).join();
      const before = states.find(({ name, members }) =>
        name === group.name && members.join() === names
      );
      group.state = before?.state ?? commonState(group.members.map(({ router }) => router)) ??
        "init";
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
    this.#tellCommon({
      kind: "groupTransition",
      group: group.name,
      from: before,
      to: common,
      cause,
    });
  }

  /** An instance could be master; it is, with all others, once they could be too. */
  ready(instance: Instance, cause: string): void {
    const members = this.#of.get(instance)?.members ?? [instance];
    if (!canRise(members.map(({ router }) => router))) return;
    this.#feed(instance, { kind: "follow", to: "master", cause });
  }

  /** While `stop` runs, no group is said to have stopped: instances are first, all of them. */
  holdNews(stop: () => void): void {
    this.#held = [];
    try {
      stop();
    } finally {
      for (const event of this.#held) this.#to.emit(event);
      this.#held = null;
    }
  }

  /** An instance heard a lower master: what the others announce was overheard too. */
  heardLower(instance: Instance): void {
    for (const other of this.#of.get(instance)?.members ?? []) {
      if (other !== instance) this.#feed(other, { kind: "reannounce" });
    }
  }

  #tellCommon(event: EngineEvent): void {
    if (this.#held === null) this.#to.emit(event);
    else this.#held.push(event);
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
