/** Every verdict of admission, provoked; every receive rule, named by a test. */

import assert from "node:assert/strict";
import { AUTHENTICATION_COUNTERS } from "../lib/vrrp/authentication_reasons.ts";
import { seconds } from "../lib/core/time.ts";
import { admit, refuseIp } from "../lib/vrrp/admission.ts";
import {
  ADMISSION_RULES,
  NOTICE_COUNTERS,
  REJECT_COUNTERS,
  type RuleOutcome,
} from "../lib/vrrp/admission_rules.ts";
import { decodeIpv4, encodeIpv4 } from "../lib/vrrp/ip.ts";
import type { AdvertToSend } from "../lib/vrrp/packet.ts";
import type { RouterConfig } from "../lib/vrrp/types.ts";
import {
  type Case,
  judge,
  lengthen,
  OTHER,
  OURS,
  packetOf,
  PASS,
  PEER,
  receiverOf,
  type Rule,
  set,
  UNICAST,
  V2,
  V3,
  V6,
} from "./admission_cases.ts";
import { KEPT, NOTICED } from "./admission_kept.ts";
import { REJECTED } from "./admission_rejected.ts";

const named = new Set<string>();

/** A test whose title names the rules that it is about. */
function test(title: string, rules: readonly Rule[], run: () => void): void {
  for (const rule of rules) named.add(rule);
  Deno.test(rules.length > 0 ? `${title} (${rules.join(", ")})` : title, run);
}

for (const [reason, cases] of Object.entries(REJECTED)) {
  for (const found of cases) {
    test(`admit() refuses an advert as ${reason} when ${found.when}`, found.rules, () => {
      const verdict = judge(found);
      assert.ok(!verdict.ok);
      assert.deepEqual([verdict.reason, verdict.text], [reason, found.text]);
      const early = reason === "vrid" || found.rules.includes("RX-02");
      assert.equal(verdict.receiver === null, early);
    });
  }
}

for (const [kind, cases] of Object.entries(NOTICED)) {
  for (const found of cases) {
    test(`admit() keeps an advert and remarks ${kind} when ${found.when}`, found.rules, () => {
      const verdict = judge(found);
      assert.ok(verdict.ok, JSON.stringify(verdict));
      const { text, difference } = found;
      assert.deepEqual(verdict.notices, [{ kind, text, ...(difference ? { difference } : {}) }]);
    });
  }
}

for (const found of KEPT) {
  test(`admit() keeps an advert without a remark when ${found.when}`, found.rules, () => {
    const verdict = judge(found);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.deepEqual(verdict.notices, []);
  });
}

test("refuseIp() refuses as ipHeader when the IP header contradicts itself", ["RX-01"], () => {
  const packet = encodeIpv4({ source: PEER, destination: OURS, id: 1 }, new Uint8Array(20));
  const cut = decodeIpv4(packet.subarray(0, 30));
  packet[0] = 0x44;
  const tooSmall = decodeIpv4(packet);
  assert.ok(!cut.ok && !tooSmall.ok);
  const { reason, text } = refuseIp(cut.error);
  assert.deepEqual([reason, text], ["ipHeader", "ip packet too short, length 30 and expect 40"]);
  assert.equal(refuseIp(tooSmall.error).text, "invalid ip header: headerLength 4");
});

test("refuseIp() refuses as fragment when the packet is a piece of one", ["RX-04"], () => {
  const packet = encodeIpv4({ source: PEER, destination: OURS, id: 1 }, new Uint8Array(20));
  packet[6] = 0x20;
  packet[7] = 2;
  const piece = decodeIpv4(packet);
  assert.ok(!piece.ok);
  const { reason, text } = refuseIp(piece.error);
  assert.deepEqual([reason, text], ["fragment", "fragment at offset 16, more follow"]);
});

test("admit() gives the same verdict each time, and leaves logging, reporting and init to others", [
  "RX-06",
  "RX-07",
  "RX-08",
], () => {
  const found = REJECTED.version[0]!;
  assert.deepEqual(judge(found), judge(found));
  for (const rule of ["RX-06", "RX-07", "RX-08"] as const) {
    assert.match(ADMISSION_RULES[rule].keptBy, /who|state machine/);
  }
});

Deno.test("admit() accepts each checksum that is right and says which it was when it keeps one", () => {
  const form = (config: RouterConfig, send: Partial<AdvertToSend> = {}) => {
    const verdict = judge({ when: "", rules: [], config, send });
    return verdict.ok && verdict.checksumForm;
  };
  assert.equal(form(V2), "message-only");
  assert.equal(form(V6), "pseudo-header");
  assert.equal(form(V3), "pseudo-header");
  assert.equal(form(V3, { checksum: "message-only" }), "message-only");
  assert.equal(form({ ...V3, checksum: "message-only" }), "message-only");
  assert.equal(form(UNICAST, { checksum: "old-unicast" }), "old-unicast");
});

Deno.test("admit() hands on the advert and the caller's own receiver when it keeps one", () => {
  const found: Case = { when: "", rules: [], config: V3 };
  const mine = { ...receiverOf(found), label: "mine" };
  const verdict = admit(packetOf(found), () => mine);
  assert.ok(verdict.ok);
  assert.equal(verdict.receiver.label, "mine");
  const { version, vrid, advertIntervalUs, addresses } = V3;
  const advert = { version, vrid, priority: 150, advertIntervalUs, addresses, source: PEER };
  assert.deepEqual(verdict.advert, advert);
});

Deno.test("admit() gives the first reason when an advert is wrong in every way", () => {
  const wrong: Case = {
    when: "",
    rules: [],
    config: PASS,
    send: { destination: OTHER, advertIntervalUs: seconds(9), authentication: { type: "none" } },
    hopLimit: 1,
    spoil: (message) => lengthen(set(0, 0x42)(message)),
  };
  const order: string[] = [];
  let now: Case = wrong;
  const judgeThen = (change: Partial<Case>) => {
    const verdict = judge(now);
    order.push(verdict.ok ? "kept" : verdict.reason);
    now = { ...now, ...change };
  };
  const { destination: _, ...toGroup } = wrong.send!;
  judgeThen({ send: toGroup });
  judgeThen({ hopLimit: 255 });
  judgeThen({ spoil: (message) => lengthen(set(0, 0x22)(message)) });
  judgeThen({ spoil: lengthen });
  judgeThen({ spoil: set(7, 0) });
  judgeThen({ spoil: (message) => message });
  judgeThen({ send: { advertIntervalUs: seconds(9) } });
  judgeThen({ send: {} });
  judgeThen({});
  assert.deepEqual(order, [
    "destination",
    "hopLimit",
    "version",
    "type",
    "packetLength",
    "checksum",
    "authTypeMismatch",
    "interval",
    "kept",
  ]);
});

Deno.test("REJECT_COUNTERS and NOTICE_COUNTERS have a case for each name when all tests are run", () => {
  // Those of AH and auth_hmac are auth_refused_test.ts's, which has a case for each, too.
  const others = ["ipHeader", "fragment", ...Object.keys(AUTHENTICATION_COUNTERS)];
  const provoked = [...Object.keys(REJECTED), ...others].sort();
  assert.deepEqual(provoked, Object.keys(REJECT_COUNTERS).sort());
  for (const cases of [...Object.values(REJECTED), ...Object.values(NOTICED)]) {
    assert.ok(cases.length > 0);
  }
  const noticed = [...Object.keys(NOTICED), "clockSkew"].sort();
  assert.deepEqual(noticed, Object.keys(NOTICE_COUNTERS).sort());
});

Deno.test("ADMISSION_RULES has every receive rule, and each is named by a test above", () => {
  const sheet = [["RX", 8], ["V3-RX", 16], ["V2-RX", 12]] as const;
  for (const [prefix, last] of sheet) {
    for (let number = 1; number <= last; number++) {
      const rule = `${prefix}-${String(number).padStart(2, "0")}`;
      assert.ok(rule in ADMISSION_RULES, rule);
    }
  }
  assert.deepEqual(Object.keys(ADMISSION_RULES).filter((rule) => !named.has(rule)), []);
});

Deno.test("ADMISSION_RULES agree with the cases when a rule names a reason or a notice", () => {
  const check = (rules: readonly Rule[], name: string) => {
    for (const rule of rules) {
      const outcome: RuleOutcome = ADMISSION_RULES[rule];
      if ("rejects" in outcome) assert.ok(outcome.rejects.some((reason) => reason === name), rule);
      if ("notice" in outcome) assert.equal(outcome.notice, name, rule);
    }
  };
  for (const [reason, cases] of Object.entries(REJECTED)) {
    for (const { rules } of cases) check(rules, reason);
  }
  for (const [kind, cases] of Object.entries(NOTICED)) {
    for (const { rules } of cases) check(rules, kind);
  }
});
