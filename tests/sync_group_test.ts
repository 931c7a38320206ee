/** Sync groups under virtual time: members that a pure driver keeps together as the engine does. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { commonState, followed, groupFaults } from "../lib/vrrp/sync_group.ts";
import type { Fault, State } from "../lib/vrrp/types.ts";
import { Clockwork } from "./tools/clockwork.ts";

const DOWN: Fault = { reason: "interface_down", detail: "interface eth1 is down" };

Deno.test("groupFaults() gives everybody the fault of one, and names whose it is", () => {
  const members = [
    { name: "A", state: "master", faults: [] },
    { name: "B", state: "master", faults: [DOWN] },
    { name: "C", state: "master", faults: [] },
  ] as const;
  const borrowed = {
    reason: "sync_group",
    detail: "B of sync group G is in fault (interface eth1 is down)",
  };
  assert.deepEqual(groupFaults("G", members), [[borrowed], [DOWN], [borrowed]]);
});

Deno.test("groupFaults() is empty when nobody has any, whatever was before", () => {
  const member = { name: "A", state: "fault", faults: [] } as const;
  assert.deepEqual(groupFaults("G", [member, { ...member, name: "B" }]), [[], []]);
});

Deno.test("followed() takes the others to master, and back from master only", () => {
  const moved = (state: State, from: State) =>
    followed("G", { name: "A", state, faults: [] }, from);
  assert.deepEqual(moved("master", "backup"), {
    kind: "follow",
    to: "master",
    cause: "sync group G follows A",
  });
  assert.deepEqual(moved("backup", "master"), {
    kind: "follow",
    to: "backup",
    cause: "sync group G follows A",
  });
  assert.equal(moved("backup", "init"), null);
  assert.equal(moved("backup", "fault"), null);
  assert.equal(moved("fault", "master"), null);
  assert.equal(moved("init", "master"), null);
});

Deno.test("commonState() is null while members differ", () => {
  assert.equal(commonState([{ state: "master" }, { state: "backup" }]), null);
  assert.equal(commonState([{ state: "fault" }, { state: "fault" }]), "fault");
});

Deno.test("step() follows its group to master at once, and back without a priority 0", () => {
  const w = new Clockwork().start();
  w.take();
  w.feed({ kind: "follow", to: "master", cause: "sync group G follows A" });
  assert.deepEqual(w.take(), ["advert 100", "master", "addAddresses", "announce 5"]);
  w.feed({ kind: "follow", to: "backup", cause: "sync group G follows A" });
  assert.deepEqual(w.take(), ["cancelAnnounce", "removeAddresses", "backup"]);
  assert.notEqual(w.router.timers.masterDown, null, "it waits for its own timer again");
});

Deno.test("step() does not follow out of a fault or before the start", () => {
  const stopped = new Clockwork();
  stopped.feed({ kind: "follow", to: "master", cause: "" });
  assert.equal(stopped.state, "init");
  const faulty = new Clockwork().faults(DOWN).start();
  faulty.feed({ kind: "follow", to: "master", cause: "" });
  assert.equal(faulty.state, "fault");
});

/** A group that is driven as lib/engine/standings.ts and groups.ts drive it. */
class Crew {
  readonly members: readonly Clockwork[];
  readonly own: Fault[][];

  constructor(size: number) {
    this.members = Array.from({ length: size }, (_, at) => new Clockwork({ name: `VI_${at}` }));
    this.own = this.members.map(() => []);
    for (const [at] of this.members.entries()) this.move(at, (w) => w.start());
  }

  /** Does something to a member, and lets the others follow. */
  move(at: number, act: (member: Clockwork) => void): void {
    const member = this.members[at]!, from = member.state;
    act(member);
    if (member.state === from) return;
    const event = followed("G", { name: `VI_${at}`, state: member.state, faults: [] }, from);
    if (event === null) return;
    for (const other of this.members) {
      if (other !== member && other.state !== member.state) other.feed(event);
    }
  }

  faults(at: number, faults: Fault[]): void {
    this.own[at] = faults;
    const all = groupFaults(
      "G",
      this.members.map(({ state }, at) => ({ name: `VI_${at}`, state, faults: this.own[at]! })),
    );
    for (const [at, faults] of all.entries()) this.move(at, (w) => w.faults(...faults));
  }
}

Deno.test("members of a group are in one state after any events, and in fault exactly if one has a fault", () => {
  const act = fc.tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.oneof(
      fc.constant("fault" as const),
      fc.constant("recover" as const),
      fc.integer({ min: 0, max: 6_000_000 }),
      fc.constantFrom("hear 0" as const, "hear 50" as const, "hear 200" as const),
    ),
  );
  fc.assert(fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
    const crew = new Crew(4);
    for (const [at, what] of acts) {
      if (what === "fault") crew.faults(at, [DOWN]);
      else if (what === "recover") crew.faults(at, []);
      else if (typeof what === "number") {
        for (const [n] of crew.members.entries()) crew.move(n, (w) => w.advance(what));
      } else crew.move(at, (w) => w.hear(Number(what.slice(5))));
      const state = commonState(crew.members);
      assert.notEqual(state, null, `${what} split the group`);
      assert.equal(state === "fault", crew.own.some((faults) => faults.length > 0));
    }
  }));
});
