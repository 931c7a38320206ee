/** A running router is configured otherwise: no change of state, and as little else as can be. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ip } from "../lib/core/address.ts";
import { isSame } from "../lib/core/same.ts";
import { micros, millis, seconds } from "../lib/core/time.ts";
import { masterDownInterval } from "../lib/vrrp/timers.ts";
import type { RouterConfig, State } from "../lib/vrrp/types.ts";
import { Clockwork, CONFIG, HIGHER } from "./tools/clockwork.ts";

/** Gives a router another configuration. */
function configure(w: Clockwork, change: Partial<RouterConfig>): void {
  w.feed({ kind: "config", config: { ...w.router.config, ...change } });
}

/** A router in a state, with nothing noted. */
function inState(state: State, config: Partial<RouterConfig> = {}): Clockwork {
  const w = new Clockwork(config);
  if (state !== "init") w.start();
  if (state === "master") w.advance(masterDownInterval(w.router.config.version, 100, seconds(30)));
  if (state === "fault") w.faults({ reason: "interface_down", detail: "eth0 is down" });
  assert.equal(w.state, state);
  w.take();
  return w;
}

Deno.test("a master tells at once what the others must know, and nothing is removed or announced", () => {
  const w = inState("master");
  w.advance(300_000);
  configure(w, { addresses: [ip("192.0.2.100"), ip("192.0.2.101")] });
  assert.deepEqual(w.take(), ["advert 100"]);
  w.advance(999_999);
  assert.deepEqual(w.take(), [], "the next one is an interval later");
  w.advance(1);
  assert.deepEqual(w.take(), ["advert 100"]);
});

Deno.test("a master that only it knows of says nothing, and its advert comes when it was due", () => {
  const w = inState("master"), due = w.router.timers.adver;
  w.advance(300_000);
  configure(w, {
    name: "OTHER",
    basePriority: 90,
    preempt: false,
    preemptDelayUs: seconds(7),
    higherHeardAdvert: true,
    announce: { ...CONFIG.announce, repeat: 2 },
  });
  assert.deepEqual(w.take(), []);
  assert.equal(w.router.timers.adver, due);
  assert.equal(w.router.config.name, "OTHER");
});

Deno.test("a master with another interval goes by it from now on", () => {
  const w = inState("master");
  configure(w, { advertIntervalUs: millis(200) });
  assert.deepEqual(w.take(), ["advert 100"]);
  w.advance(600_000);
  assert.deepEqual(w.take(), ["advert 100", "advert 100", "advert 100"]);
  assert.equal(w.router.masterAdvertIntervalUs, millis(200));
});

Deno.test("a refresh of announcements begins, changes its rhythm and ends", () => {
  const w = inState("master", { announce: { ...CONFIG.announce, delayUs: micros(0) } });
  const refresh = (s: number) =>
    configure(w, { announce: { ...w.router.config.announce, refreshUs: seconds(s) } });
  refresh(10);
  assert.equal(w.router.timers.announceRefresh, w.now + 10_000_000);
  const due = w.router.timers.announceRefresh;
  configure(w, { announce: { ...w.router.config.announce, refreshRepeat: 3 } });
  assert.equal(w.router.timers.announceRefresh, due);
  refresh(2);
  assert.equal(w.router.timers.announceRefresh, w.now + 2_000_000);
  refresh(0);
  assert.equal(w.router.timers.announceRefresh, null);
});

Deno.test("a backup keeps its deadline, unless its down interval is another one", () => {
  const w = inState("backup").hear(150);
  const due = w.router.timers.masterDown;
  w.advance(500_000);
  configure(w, { addresses: [ip("192.0.2.9")], name: "OTHER", advertIntervalUs: seconds(9) });
  assert.equal(w.router.timers.masterDown, due, "version 3 goes by what the master says");
  configure(w, { downTimerAdverts: 5 });
  assert.equal(w.router.timers.masterDown, w.now + 5_609_375, "it listens anew");
  assert.deepEqual(w.take(), []);
});

Deno.test("a backup of version 2 with a shorter interval listens anew rather than take over", () => {
  const w = inState("backup", { version: 2, advertIntervalUs: seconds(10) }).hear(150);
  w.advance(9_000_000);
  configure(w, { advertIntervalUs: seconds(1) });
  assert.equal(w.state, "backup");
  assert.equal(w.router.timers.masterDown, w.now + 3_609_375);
  w.advance(3_609_374);
  assert.equal(w.state, "backup");
  w.advance(1);
  assert.equal(w.state, "master");
});

Deno.test("a preempt delay that runs is as long as it is now said to be", () => {
  const w = inState("backup", { preemptDelayUs: seconds(10) }).hear(50);
  const began = w.now;
  w.advance(2_000_000).hear(50);
  configure(w, { preemptDelayUs: seconds(4) });
  assert.equal(w.router.preemptNotBefore, began + 4_000_000);
  configure(w, { preemptDelayUs: micros(0) });
  assert.equal(w.router.preemptNotBefore, null);
});

Deno.test("whatever is configured, no state changes, no address goes and the VIPs stay", () => {
  const change = fc.record({
    version: fc.constantFrom<2 | 3>(2, 3),
    advertIntervalUs: fc.integer({ min: 10, max: 40_000 }).map((ms) => millis(ms)),
    basePriority: fc.integer({ min: 1, max: 255 }),
    preempt: fc.boolean(),
    preemptDelayUs: fc.integer({ min: 0, max: 20 }).map(seconds),
    isGrouped: fc.boolean(),
    addresses: fc.constantFrom([ip("192.0.2.100")], [ip("192.0.2.7"), ip("192.0.2.8")]),
  }, { requiredKeys: [] });
  const states = fc.constantFrom<State>("init", "backup", "master", "fault");
  fc.assert(fc.property(states, fc.array(change, { maxLength: 5 }), (state, changes) => {
    const w = inState(state);
    if (state === "backup") w.hear(150, HIGHER);
    w.take();
    for (const one of changes) configure(w, one);
    assert.equal(w.state, state);
    assert.ok(w.take().every((what) => what === "advert 100"));
    for (const at of Object.values(w.router.timers)) assert.ok(at === null || at >= w.now);
  }));
});

Deno.test("isSame() compares what plain data holds, but for what is to be ignored", () => {
  const position = new Set(["position"]);
  assert.ok(isSame({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
  assert.ok(isSame({ a: 1 }, { a: 1, b: undefined }));
  assert.ok(!isSame({ a: 1 }, { a: 1, b: null }));
  assert.ok(!isSame([1, 2], [1]) && !isSame([], {}) && !isSame(null, {}) && !isSame("1", 1));
  assert.ok(!isSame({ a: { position: 1 } }, { a: { position: 2 } }));
  assert.ok(isSame({ a: [{ position: 1, c: 2 }] }, { a: [{ position: 2, c: 2 }] }, position));
});
