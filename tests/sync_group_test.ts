/** Sync groups under virtual time: members that a pure driver keeps together as the engine does. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { canRise, commonState, followed, groupFaults } from "../lib/vrrp/sync_group.ts";
import type { Fault, State } from "../lib/vrrp/types.ts";
import { Clockwork } from "./tools/clockwork.ts";

const DOWN: Fault = { reason: "interface_down", detail: "interface eth1 is down" };

Deno.test("groupFaults() gives everybody the fault of one, and names whose it is", () => {
  const members = [
    { name: "A", faults: [] },
    { name: "B", faults: [DOWN] },
    { name: "C", faults: [] },
  ];
  const detail = "sync group G is held in fault by B (interface eth1 is down)";
  const borrowed = { reason: "sync_group", detail };
  assert.deepEqual(groupFaults("G", members), [[borrowed], [DOWN], [borrowed]]);
  const two = groupFaults("G", [...members, { name: "D", faults: [DOWN] }]);
  assert.equal(two[0]![0]!.detail, `${detail}, and 1 more`);
  assert.deepEqual(two[3], [DOWN]);
});

Deno.test("canRise() is true when all are ready, or master already", () => {
  const ready = { isReady: true, state: "backup" } as const;
  const waits = { isReady: false, state: "backup" } as const;
  assert.equal(canRise([ready, ready]), true);
  assert.equal(canRise([ready, { isReady: false, state: "master" }]), true);
  assert.equal(canRise([ready, waits]), false);
});

Deno.test("step() of a grouped router is ready when its timer runs out, until it follows a master", () => {
  const w = new Clockwork({ isGrouped: true, preempt: false }).start();
  w.take();
  w.advance(3_609_375);
  assert.deepEqual(w.take(), ["ready"]);
  assert.equal(w.state, "backup");
  assert.equal(w.router.isReady, true);
  w.hear(50);
  assert.equal(w.router.isReady, false, "nopreempt follows a lower master");
  w.advance(3_609_375);
  assert.deepEqual(w.take(), ["ready"], "and is ready again when that one is silent");
});

Deno.test("step() of a grouped router stays ready while it hears only whom it would outbid", () => {
  const w = new Clockwork({ isGrouped: true }).start();
  for (let s = 0; s < 5; s++) w.hear(50).advance(1_000_000);
  assert.equal(w.router.isReady, true);
});

Deno.test("groupFaults() is empty when nobody has any, whatever was before", () => {
  assert.deepEqual(groupFaults("G", [{ name: "A", faults: [] }, { name: "B", faults: [] }]), [
    [],
    [],
  ]);
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
    this.members = Array.from(
      { length: size },
      (_, at) => new Clockwork({ name: `VI_${at}`, isGrouped: true }),
    );
    this.own = this.members.map(() => []);
    for (const [at] of this.members.entries()) this.move(at, (w) => w.start());
  }

  /** Does something to a member, and lets the others follow. */
  move(at: number, act: (member: Clockwork) => void): void {
    const member = this.members[at]!, from = member.state;
    act(member);
    if (member.take().includes("ready") && canRise(this.members.map(({ router }) => router))) {
      member.feed({ kind: "follow", to: "master", cause: "" });
    }
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
      this.own.map((faults, at) => ({ name: `VI_${at}`, faults })),
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
