/** The handed-over state: there and back, other versions, and what goes on with it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ip } from "../lib/core/address.ts";
import { type Micros, micros, seconds } from "../lib/core/time.ts";
import { createCounters } from "../lib/engine/counters.ts";
import {
  decodeState,
  encodeState,
  type HandoverState,
  type InstanceState,
  isSameInstance,
  leavingInstances,
  STATE_FORMAT,
} from "../lib/engine/handover_state.ts";
import { Instance } from "../lib/engine/instance.ts";
import type { InstanceSpec } from "../lib/engine/messages.ts";
import { createRouter, step } from "../lib/vrrp/machine.ts";
import type { Event, Router } from "../lib/vrrp/types.ts";
import { CONFIG } from "./tools/clockwork.ts";

function specOf(name: string, more: Partial<InstanceSpec["router"]> = {}): InstanceSpec {
  return {
    router: {
      ...CONFIG,
      name,
      basePriority: 150,
      announce: { repeat: 1, delayUs: seconds(5), refreshUs: seconds(9), refreshRepeat: 1 },
      lowerHeard: { repeat: 1, delayUs: seconds(5), advert: true },
      ...more,
    },
    interface: "eth0",
    virtualAddresses: [],
    sourceAddress: null,
    trackPrimary: true,
    promoteSecondaries: false,
    routes: [],
    rules: [],
    vmacs: [],
    extraGarp: { intervalUs: micros(0), all: false },
    accept: true,
    lacksPeer: false,
    tracks: [{ tracker: "check web", weight: -30, reverse: false }],
  };
}

/** An instance after some events, as it is handed over. */
function stateOf(spec: InstanceSpec, router: Router): InstanceState {
  const { config: _, ...rest } = router;
  return {
    spec,
    router: rest,
    facts: { faults: [], source: ip("192.0.2.1"), ifindex: 2, carrier: true },
    isStarted: true,
    waitsFor: [],
    weighed: [["check web", "no answer"]],
    counters: { ...createCounters(), sentAdvertisements: 7 },
    addresses: [],
  };
}

function whole(instances: readonly InstanceState[]): HandoverState {
  return {
    format: STATE_FORMAT,
    pid: 1,
    previous: { path: "/proc/self/fd/9", argv: ["vigie", "run"], version: "1" },
    to: "2",
    replaced: null,
    rolledBack: null,
    descriptors: { state: 8, claim: 7, guard: 6, asker: null, previous: 9 },
    guardPid: 2,
    engine: {
      atUs: micros(5),
      instances,
      groups: [],
      trackers: [["check web", { kind: "bad", why: "no answer" }]],
      sockets: [],
      announcements: [],
      settings: [],
      strays: {},
      loop: { timersFired: 3, worstLatenessUs: 4 },
      signals: [],
      standIn: [],
    },
    checks: [],
    notices: [],
  };
}

const EVENT: fc.Arbitrary<Event> = fc.oneof(
  fc.constant<Event>({ kind: "startup", since: micros(0) } as Event),
  fc.constant<Event>({ kind: "source", address: ip("192.0.2.1") }),
  fc.constant<Event>({ kind: "timer", timer: "masterDown" }),
  fc.constant<Event>({ kind: "timer", timer: "adver" }),
  fc.record({ kind: fc.constant("priority" as const), priority: fc.integer({ min: 1, max: 254 }) })
    .map((event): Event => ({ ...event, cause: "a check" })),
  fc.boolean().map((bad): Event => ({
    kind: "faults",
    faults: bad ? [{ reason: "tracker", detail: 'check web: \u2620 "quoted"' }] : [],
  })),
  fc.integer({ min: 0, max: 254 }).map((priority): Event => ({
    kind: "advert",
    advert: {
      version: 3,
      vrid: 51,
      priority,
      advertIntervalUs: seconds(1),
      addresses: [ip("192.0.2.100")],
      source: ip("192.0.2.2"),
    },
  })),
);

/** Runs events at growing instants. @returns Every effect, and the router at the end. */
function run(router: Router, events: readonly Event[], from: number) {
  const effects: unknown[] = [];
  for (const [at, event] of events.entries()) {
    const outcome = step(router, event, (from + at * 300_000) as Micros);
    router = outcome.router;
    effects.push(outcome.effects);
  }
  return { router, effects };
}

Deno.test("a router that was handed over does what it would have done, whatever came before", () => {
  fc.assert(
    fc.property(
      fc.array(EVENT, { maxLength: 12 }),
      fc.array(EVENT, { maxLength: 12 }),
      (before, later) => {
        const spec = specOf("VI_1");
        const { router } = run(createRouter(spec.router), before, 1_000_000);
        const decoded = decodeState(encodeState(whole([stateOf(spec, router)])));
        assert.ok(decoded.ok);
        const instance = new Instance(spec);
        instance.restore(decoded.value.engine.instances[0]!);
        assert.deepEqual(instance.router, router);
        const from = 1_000_000 + before.length * 300_000;
        assert.deepEqual(run(instance.router, later, from), run(router, later, from));
        assert.equal(instance.counters.sentAdvertisements, 7);
        assert.equal(instance.counters.sendErrors, 0);
        assert.deepEqual([...instance.weighed], [["check web", "no answer"]]);
      },
    ),
  );
});

Deno.test("decodeState() tells a state of another version from a broken one", () => {
  const good = whole([stateOf(specOf("VI_1"), createRouter(specOf("VI_1").router))]);
  assert.deepEqual(decodeState(encodeState(good)), { ok: true, value: good });
  const foreign = decodeState(encodeState({ ...good, format: STATE_FORMAT + 1 }));
  assert.ok(!foreign.ok && foreign.error.isForeign);
  assert.match(foreign.error.text, new RegExp(`version ${STATE_FORMAT + 1}`));
  const { engine, ...headless } = good;
  // An image that begins anew needs the frame alone, of whatever version the rest is.
  const anew = { ...good, format: STATE_FORMAT + 1, anew: true, engine: { strange: 1 } };
  assert.ok(decodeState(JSON.stringify(anew)).ok);
  assert.ok(!decodeState(JSON.stringify({ ...anew, previous: undefined })).ok);
  const broken = ["", "[]", "{}", "null", encodeState(good).slice(0, -1)];
  const lacking = [headless, { ...good, engine: { ...engine, sockets: undefined } }, {
    ...good,
    engine: { ...engine, instances: [{ spec: {} }] },
  }];
  for (const text of [...broken, ...lacking.map((one) => JSON.stringify(one))]) {
    const decoded = decodeState(text);
    assert.ok(!decoded.ok && !decoded.error.isForeign, text);
  }
  const [, sockets, router] = lacking.map((one) => decodeState(JSON.stringify(one)));
  assert.match(sockets!.ok ? "" : sockets!.error.text, /engine\.sockets/);
  assert.match(router!.ok ? "" : router!.error.text, /engine\.instances\.router/);
});

Deno.test("isSameInstance() compares what both images know, and nothing else", () => {
  const before = specOf("VI_1");
  assert.ok(isSameInstance(before, JSON.parse(JSON.stringify(before))));
  assert.ok(isSameInstance(before, { ...before, unheardOf: true } as InstanceSpec));
  const others: InstanceSpec[] = [
    specOf("VI_1", { vrid: 52 }),
    specOf("VI_1", { advertIntervalUs: seconds(2) }),
    specOf("VI_1", { addresses: [ip("192.0.2.100"), ip("192.0.2.101")] }),
    { ...before, interface: "eth1" },
    { ...before, tracks: [] },
    { ...before, sourceAddress: ip("192.0.2.9") },
  ];
  for (const other of others) {
    assert.ok(!isSameInstance(before, other), JSON.stringify(other));
    assert.ok(!isSameInstance(other, before), JSON.stringify(other));
  }
});

Deno.test("leavingInstances() names those that are gone or others", () => {
  const specs = ["VI_1", "VI_2", "VI_3"].map((name) => specOf(name));
  const { engine } = whole(specs.map((spec) => stateOf(spec, createRouter(spec.router))));
  const now = [specOf("VI_1"), specOf("VI_3", { vrid: 9 }), specOf("VI_4")];
  assert.deepEqual(leavingInstances(engine, now), ["VI_2", "VI_3"]);
  assert.deepEqual(leavingInstances(engine, specs), []);
});
