import assert from "node:assert/strict";
import fc from "fast-check";
import { ip } from "../lib/core/address.ts";
import { centiseconds, micros, millis, seconds } from "../lib/core/time.ts";
import { masterDownInterval, skewTime } from "../lib/vrrp/timers.ts";
import { RULES } from "../lib/vrrp/transitions.ts";
import { type Event, type Fault, STATES } from "../lib/vrrp/types.ts";
import { Clockwork, HIGHER, LOWER, OWN } from "./tools/clockwork.ts";

const DOWN: Fault = { reason: "interface_down", detail: "eth0 is down" };
const BECOMES_MASTER = ["advert 100", "master", "addAddresses", "announce 5"];

/** A started router that has become master, with nothing noted yet. */
function master(config: ConstructorParameters<typeof Clockwork>[0] = {}): Clockwork {
  const w = new Clockwork(config).start();
  w.advance(masterDownInterval(w.router.config.version, w.router.priority, seconds(1)));
  assert.equal(w.state, "master");
  w.take();
  return w;
}

Deno.test("masterDownInterval() and skewTime() give the sheet's worked values (TM-01 TM-02 TM-03)", () => {
  const rows: [number, number, number][] = [
    [1, 996_093, 3_996_093],
    [90, 648_437, 3_648_437],
    [100, 609_375, 3_609_375],
    [150, 414_062, 3_414_062],
    [254, 7812, 3_007_812],
    [255, 3906, 3_003_906],
  ];
  for (const [priority, skewUs, downUs] of rows) {
    for (const version of [2, 3] as const) {
      assert.equal(skewTime(version, priority, seconds(1)), skewUs);
      assert.equal(masterDownInterval(version, priority, seconds(1)), downUs);
    }
  }
  assert.equal(masterDownInterval(3, 100, millis(100)), 360_937);
  assert.equal(masterDownInterval(3, 254, millis(10)), 30_078);
  assert.equal(skewTime(2, 100, seconds(10)), 609_375, "version 2 skew does not scale");
});

Deno.test("RULES has a rule for every state and event", () => {
  const kinds = Object.keys(RULES.init).sort();
  for (const state of STATES) assert.deepEqual(Object.keys(RULES[state]).sort(), kinds);
});

Deno.test("step() makes a backup master after the down interval, not 1 us before (SM-03 SM-07 TX-04)", () => {
  const w = new Clockwork().start();
  assert.deepEqual(w.take(), ["backup"]);
  w.advance(3_609_374);
  assert.equal(w.state, "backup");
  w.advance(1);
  assert.equal(w.state, "master");
  assert.deepEqual(w.take(), BECOMES_MASTER);
  assert.equal(w.causes.at(-1), "no master was heard");
});

Deno.test("step() starts an owner as master at once (SM-02)", () => {
  const w = new Clockwork({ basePriority: 255 }).start();
  assert.deepEqual(w.take(), ["advert 255", "master", "addAddresses", "announce 5"]);
});

Deno.test("step() sends adverts without drift, and no burst after a stall (TX-03 TM-11)", () => {
  const w = master();
  const since = w.now;
  w.now = micros(since + 1_000_300);
  w.feed({ kind: "timer", timer: "adver" });
  assert.equal(w.router.timers.adver, since + 2_000_000, "counted from when it was due");
  w.now = micros(since + 9_500_000);
  w.feed({ kind: "timer", timer: "adver" });
  assert.equal(w.router.timers.adver, since + 10_500_000, "missed periods are not made up for");
  assert.deepEqual(w.take(), ["advert 100", "advert 100"]);
});

Deno.test("step() announces again after the delay and at every refresh (ARP-10)", () => {
  const announce = { repeat: 3, delayUs: seconds(2), refreshUs: seconds(3), refreshRepeat: 2 };
  const w = master({ announce, advertIntervalUs: seconds(1) });
  const at: [number, string][] = [];
  const start = w.now;
  for (let s = 0; s < 12; s++) {
    w.advance(1_000_000);
    const said = w.take().filter((what) => what.startsWith("announce"));
    for (const what of said) at.push([(w.now - start) / 1e6, what]);
  }
  assert.deepEqual(at, [[2, "announce 3"], [5, "announce 2"], [8, "announce 2"], [
    11,
    "announce 2",
  ]]);
});

Deno.test("step() shuts a backup down in silence and a master with priority 0 first (SM-04 SM-05 SM-06)", () => {
  const backup = new Clockwork().start();
  backup.take();
  assert.deepEqual(backup.feed({ kind: "shutdown" }).take(), ["init"]);
  const w = master().feed({ kind: "shutdown" });
  assert.deepEqual(w.take(), ["advert 0", "cancelAnnounce", "removeAddresses", "init"]);
  assert.deepEqual(w.advance(60_000_000).take(), [], "nothing is armed any more");
});

Deno.test("step() in backup follows equal and higher priorities (SM-09) and learns their interval (TM-05)", () => {
  const w = new Clockwork().start().advance(3_000_000).hear(100, LOWER);
  w.advance(3_609_374);
  assert.equal(w.state, "backup");
  w.hear(200, HIGHER, { advertIntervalUs: centiseconds(20) });
  w.advance(masterDownInterval(3, 100, centiseconds(20)) - 1);
  assert.equal(w.state, "backup");
  w.advance(1);
  assert.equal(w.state, "master");
  assert.equal(w.router.timers.adver! - w.now, 1_000_000, "as master the own interval (TM-08)");
});

Deno.test("step() never learns an interval in version 2 (TM-06)", () => {
  const w = new Clockwork({ version: 2 }).start().hear(200, HIGHER, {
    advertIntervalUs: seconds(9),
  });
  assert.equal(w.router.masterAdvertIntervalUs, 1_000_000);
});

Deno.test("step() in backup waits the skew only after priority 0, whatever preemption says (SM-08 TM-07 AMB-11)", () => {
  for (const preempt of [true, false]) {
    const w = new Clockwork({ preempt }).start().hear(200);
    w.hear(0, HIGHER, { advertIntervalUs: seconds(40) });
    w.advance(609_374);
    assert.equal(w.state, "backup");
    w.advance(1);
    assert.equal(w.state, "master");
    assert.equal(w.causes.at(-1), `master ${HIGHER} resigned (priority 0)`);
  }
});

Deno.test("step() in backup leaves the timer running when it would outbid the master (SM-10)", () => {
  const w = new Clockwork().start();
  for (let i = 0; i < 3; i++) w.advance(1_000_000).hear(90, LOWER);
  assert.equal(w.logs.length, 1, "said once, not per advert");
  w.advance(609_375);
  assert.equal(w.state, "master");
  assert.match(w.causes.at(-1)!, /^preempting 192\.0\.2\.2, whose priority is 90/);
});

Deno.test("step() with nopreempt follows a lower master for as long as it speaks (SM-11 SM-12)", () => {
  const w = new Clockwork({ preempt: false }).start();
  for (let i = 0; i < 20; i++) w.advance(1_000_000).hear(90, LOWER);
  assert.equal(w.state, "backup");
  w.advance(3_609_375);
  assert.equal(w.state, "master");
  assert.match(w.causes.at(-1)!, /^no advert from master/, "it never preempts");
});

Deno.test("step() with preempt_delay waits it out from the first lower advert, then preempts (SM-22)", () => {
  const w = new Clockwork({ preemptDelayUs: seconds(5) }).start();
  let now = 0;
  while (w.state === "backup" && now < 20) {
    w.advance(1_000_000).hear(90, LOWER);
    now++;
  }
  assert.equal(w.state, "master");
  assert.ok(now > 5 && now <= 10, `took over after ${now} s`);
  assert.equal(w.logs[0], "Start preempt delay (5 s)");
});

Deno.test("step() with preempt_delay stops the delay when an equal master speaks", () => {
  const w = new Clockwork({ preemptDelayUs: seconds(5) }).start().hear(90, LOWER);
  assert.notEqual(w.router.preemptNotBefore, null);
  w.hear(100, HIGHER);
  assert.equal(w.router.preemptNotBefore, null);
  assert.ok(w.logs.includes("Stop preempt delay"));
});

Deno.test("step() in master answers priority 0 at once and restarts the timer (SM-13 AMB-10)", () => {
  const w = master();
  w.advance(500_000).hear(0, LOWER);
  assert.deepEqual(w.take(), ["advert 100"]);
  assert.equal(w.router.timers.adver! - w.now, 1_000_000);
});

Deno.test("step() in master yields to a higher priority, addresses first (SM-14 SM-19)", () => {
  const w = master().hear(101, LOWER, { advertIntervalUs: centiseconds(50) });
  assert.equal(w.state, "backup");
  assert.deepEqual(w.take(), ["cancelAnnounce", "removeAddresses", "backup"]);
  assert.equal(w.router.timers.masterDown! - w.now, masterDownInterval(3, 100, centiseconds(50)));
  assert.deepEqual(w.router.master, { address: LOWER, priority: 101 });
});

Deno.test("step() in master breaks ties by address, greater wins (SM-15), own address changes nothing (SM-18)", () => {
  assert.equal(master().hear(100, HIGHER).state, "backup");
  const stays = master().hear(100, LOWER);
  assert.equal(stays.state, "master");
  assert.deepEqual(stays.take(), ["advert 100", "announce 5", "notifyLower"]);
  const own = master().hear(100, OWN);
  assert.deepEqual([own.state, own.take()], ["master", []]);
  assert.match(own.logs.at(-1)!, /our own address/);
});

Deno.test("step() in master compares IPv6 sources as numbers, not as text", () => {
  const w = new Clockwork({ family: "ipv6" }, ip("fe80::9")).start().advance(3_609_375);
  assert.equal(w.hear(100, ip("fe80::10")).state, "backup");
});

Deno.test("step() in master answers a losing advert at once and announces again (SM-16 SM-17)", () => {
  const w = master();
  w.advance(6_300_000);
  w.take();
  w.hear(90, HIGHER);
  assert.deepEqual(w.take(), ["advert 100", "announce 5", "notifyLower"]);
  assert.equal(w.router.timers.adver! - w.now, 1_000_000);
  assert.deepEqual(w.advance(5_000_000).take().filter((s) => s.startsWith("announce")), [
    "announce 5",
  ]);
});

Deno.test("step() lets two owners settle by address (V3-RX-10 SM-20)", () => {
  assert.equal(new Clockwork({ basePriority: 255 }).start().hear(255, HIGHER).state, "backup");
  assert.equal(new Clockwork({ basePriority: 255 }).start().hear(255, LOWER).state, "master");
});

Deno.test("step() resigns into fault, ignores adverts there, and recovers as a startup (SM-21 RX-08)", () => {
  const w = master().faults(DOWN);
  assert.deepEqual(w.take(), ["advert 0", "cancelAnnounce", "removeAddresses", "fault"]);
  assert.equal(w.causes.at(-1), "eth0 is down");
  assert.deepEqual(w.hear(200).advance(30_000_000).take(), []);
  w.faults();
  assert.deepEqual(w.take(), ["backup"]);
  assert.equal(w.causes.at(-1), "recovered from: eth0 is down");
  w.advance(3_609_375);
  assert.equal(w.state, "master");
});

Deno.test("step() sends an owner straight back to master when its fault is gone", () => {
  const w = new Clockwork({ basePriority: 255 }).start().faults(DOWN);
  assert.equal(w.state, "fault");
  assert.equal(w.faults().state, "master");
});

Deno.test("step() starts into fault when something is missing already", () => {
  const w = new Clockwork().faults(DOWN).start();
  assert.equal(w.state, "fault");
  assert.deepEqual(w.take(), ["fault"]);
});

Deno.test("step() moves a running down timer by the difference of the skews (SM-23)", () => {
  const w = new Clockwork().start().advance(1_000_000);
  w.feed({ kind: "priority", priority: 228, cause: "test" });
  w.advance(2_000_000 + 28 * 1_000_000 / 256 - 1);
  assert.equal(w.state, "backup");
  assert.equal(w.advance(1).state, "master");
  w.feed({ kind: "priority", priority: 50, cause: "test" }).take();
  assert.equal(w.state, "master");
  assert.equal(w.advance(1_000_000).take()[0], "advert 50");
});

Deno.test("step() counts vrrp_startup_delay from when the daemon started", () => {
  const w = new Clockwork({ startupDelayUs: seconds(4) });
  w.now = seconds(3);
  w.feed({ kind: "startup", since: micros(0) });
  assert.equal(w.router.listenNotBefore, seconds(4));
  const late = new Clockwork({ startupDelayUs: seconds(4) });
  late.now = seconds(9);
  late.feed({ kind: "startup", since: micros(0) });
  assert.equal(late.router.listenNotBefore, null);
});

Deno.test("step() neither listens nor takes over before vrrp_startup_delay is over", () => {
  const w = new Clockwork({ startupDelayUs: seconds(3) }).start();
  w.advance(2_900_000).hear(0);
  w.advance(100_000 + 3_609_374);
  assert.equal(w.state, "backup");
  assert.equal(w.advance(1).state, "master");
  const owner = new Clockwork({ basePriority: 255, startupDelayUs: seconds(3) }).start();
  assert.equal(owner.advance(2_999_999).state, "backup");
  assert.equal(owner.advance(1).state, "master");
});

Deno.test("step() follows a source address that moves, and a master says so at once (TX-07)", () => {
  const w = master().feed({ kind: "source", address: HIGHER });
  assert.deepEqual(w.take(), ["advert 100"]);
  assert.equal(w.hear(100, OWN).state, "master", "the tie-break uses the new address");
});

Deno.test("step() keeps its invariants under any sequence of events", () => {
  const event = fc.oneof(
    fc.constant<Event>({ kind: "startup" }),
    fc.constant<Event>({ kind: "shutdown" }),
    fc.boolean().map((down): Event => ({ kind: "faults", faults: down ? [DOWN] : [] })),
    fc.integer({ min: 1, max: 254 }).map((priority): Event => ({
      kind: "priority",
      priority,
      cause: "",
    })),
    fc.constantFrom(OWN, HIGHER, LOWER).map((address): Event => ({ kind: "source", address })),
  );
  const heard = fc.record({
    priority: fc.integer({ min: 0, max: 255 }),
    from: fc.constantFrom(HIGHER, LOWER, OWN),
    cs: fc.integer({ min: 1, max: 4095 }),
  });
  const act = fc.oneof(event, heard, fc.integer({ min: 0, max: 9_000_000 }));
  const config = fc.record({
    version: fc.constantFrom(2 as const, 3 as const),
    basePriority: fc.integer({ min: 1, max: 255 }),
    preempt: fc.boolean(),
    preemptDelayUs: fc.constantFrom(micros(0), seconds(2)),
    startupDelayUs: fc.constantFrom(micros(0), seconds(2)),
  });
  fc.assert(fc.property(config, fc.array(act, { maxLength: 60 }), (config, acts) => {
    const w = new Clockwork(config);
    let holds = false;
    for (const what of acts) {
      if (typeof what === "number") w.advance(what);
      else if ("kind" in what) w.feed(what);
      else w.hear(what.priority, what.from, { advertIntervalUs: centiseconds(what.cs) });
      for (const did of w.take()) {
        if (did === "addAddresses") {
          assert.equal(holds, false, "addresses are added once");
          holds = true;
        } else if (did === "removeAddresses") holds = false;
      }
      const { state, timers, faults } = w.router;
      assert.equal(holds, state === "master", "a master holds the addresses, nobody else");
      assert.equal(timers.adver !== null, state === "master");
      assert.equal(timers.masterDown !== null, state === "backup");
      if (state === "master" || state === "backup") assert.deepEqual(faults, []);
      if (state === "fault") assert.notDeepEqual(faults, []);
      for (const at of Object.values(timers)) {
        assert.ok(at === null || (Number.isInteger(at) && at > w.now - 1), `timer at ${at}`);
      }
    }
  }));
});

Deno.test("step() in master answers lower routers as lower_prio_no_advert and garp_lower_prio_* say", () => {
  const silent = master({ lowerHeard: { repeat: 2, delayUs: seconds(3), advert: false } });
  const { adver } = silent.router.timers;
  silent.hear(50);
  assert.deepEqual(silent.take(), ["announce 2", "notifyLower"]);
  assert.equal(silent.router.timers.adver, adver, "no advert, no new period");
  silent.advance(3_000_000);
  assert.equal(silent.take().filter((what) => what === "announce 2").length, 1, "after the delay");
  const quiet = master({ lowerHeard: { repeat: 0, delayUs: seconds(3), advert: true } });
  assert.deepEqual(quiet.hear(50).take(), ["advert 100", "notifyLower"]);
  assert.equal(quiet.router.timers.announceLower, null);
});

Deno.test("step() in master announces what a group's other member overheard", () => {
  const w = master().feed({ kind: "reannounce" });
  assert.deepEqual(w.take(), ["announce 5"]);
  assert.deepEqual(new Clockwork().start().feed({ kind: "reannounce" }).take(), ["backup"]);
});

Deno.test("step() sends a last advert before it yields with higher_prio_send_advert", () => {
  const w = master({ higherHeardAdvert: true }).hear(200);
  assert.deepEqual(w.take(), ["advert 100", "cancelAnnounce", "removeAddresses", "backup"]);
});

Deno.test("step() in master says a new priority at once, and keeps its beat", () => {
  const w = master();
  const { adver } = w.router.timers;
  w.feed({ kind: "priority", priority: 89, cause: "process nginx: gone" });
  assert.deepEqual(w.take(), ["advert 89", "notifyPriority"]);
  assert.equal(w.router.timers.adver, adver);
  assert.equal(w.logs.at(-1), "Changing effective priority from 100 to 89: process nginx: gone");
  assert.deepEqual(w.feed({ kind: "priority", priority: 89, cause: "" }).take(), []);
});

Deno.test("step() lets an owner that waits for its group start as a backup", () => {
  const w = new Clockwork({ basePriority: 255, ownerWaits: true }).start();
  assert.equal(w.state, "backup");
  assert.equal(w.faults(DOWN).faults().state, "backup", "also out of a fault");
});

Deno.test("step() waits as many adverts as down_timer_adverts says", () => {
  const w = new Clockwork({ downTimerAdverts: 10 }).start();
  w.advance(10_609_374);
  assert.equal(w.state, "backup");
  assert.equal(w.advance(1).state, "master");
});

Deno.test("step() only listens until the system has run for vrrp_delay_after_boot", () => {
  const w = new Clockwork({ delayAfterBootUs: seconds(60) });
  w.advance(50_000_000);
  w.start().advance(10_000_000 + 3_609_374);
  assert.equal(w.state, "backup");
  assert.equal(w.advance(1).state, "master");
  const later = new Clockwork({ delayAfterBootUs: seconds(60) });
  later.advance(70_000_000);
  assert.equal(
    later.start().advance(3_609_375).state,
    "master",
    "long after boot it has no effect",
  );
});

Deno.test("step() makes a master whose timer fires too late a backup with timer_expired_backup", () => {
  const late = (timerExpiredPriority: number | null, lateUs: number) => {
    const w = new Clockwork({ timerExpiredPriority, preempt: false }).start().advance(3_609_375);
    w.take();
    w.now = micros(w.router.timers.adver! + lateUs);
    w.feed({ kind: "timer", timer: "adver" });
    return w;
  };
  // 3 intervals and a skew of 2/256 s after the last advert, which is 2 intervals after the next was due.
  const tooLate = 2_000_000 + 7812;
  assert.deepEqual(late(254, tooLate).take(), ["cancelAnnounce", "removeAddresses", "backup"]);
  assert.match(late(254, tooLate).causes.at(-1)!, /^the advert timer fired 2\.008 s late$/);
  assert.deepEqual(late(254, tooLate - 1).take(), ["advert 100"]);
  assert.deepEqual(late(null, tooLate).take(), ["advert 100"]);
});
