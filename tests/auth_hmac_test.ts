/** `auth_hmac`: every byte of the trailer, what its signature covers, its time and its order. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Ip, ip } from "../lib/core/address.ts";
import { type Bytes, concatBytes, fromHex, toHex } from "../lib/core/bytes.ts";
import { HmacExchange, type HmacSpec, withTrailer } from "../lib/vrrp/hmac_exchange.ts";
import { ReplayTable } from "../lib/vrrp/hmac_replay.ts";
import { isNewer, nextStamp, secondsFrom, stampOf } from "../lib/vrrp/hmac_stamp.ts";
import { decodeTrailer, encodeTrailer, TRAILER_BYTES } from "../lib/vrrp/hmac_trailer.ts";
import { type AdvertToSend, encodeAdvert } from "../lib/vrrp/packet.ts";
import { V2, V3, V6 } from "./admission_cases.ts";
import { isInstalled } from "./lab/installed.ts";
import { MACS } from "./tools/macs.ts";

const KEY = "00112233445566778899aabbccddeeff".repeat(2);
const NOW_MS = 1_750_000_000_250;
const SOURCE = ip("192.0.2.2"), SOURCE6 = ip("fe80::2");

const SPEC: HmacSpec = {
  keys: [{ id: 7, hex: KEY }],
  activeKey: 7,
  windowS: 5,
  antiReplay: "time",
  mode: "enforce",
  fault: null,
};

/** Of each version and family, and how its pseudo-header begins. */
const KINDS = [
  { config: V2, source: SOURCE, head: "0402", address: "c0000202" + "00".repeat(12) },
  { config: V3, source: SOURCE, head: "0403", address: "c0000202" + "00".repeat(12) },
  { config: V6, source: SOURCE6, head: "0603", address: "fe80" + "00".repeat(13) + "02" },
] as const;

type Kind = typeof KINDS[number];

function exchangeFor({ config }: Pick<Kind, "config">, spec: Partial<HmacSpec> = {}): HmacExchange {
  return new HmacExchange({ ...SPEC, ...spec }, config, MACS.sha256);
}

function advertOf({ config, source }: Kind, change: Partial<AdvertToSend> = {}): Bytes {
  return encodeAdvert({ ...config, priority: 150, source, destination: config.group, ...change });
}

function signed(kind: Kind, atMs = NOW_MS, from = exchangeFor(kind)): Bytes {
  const message = advertOf(kind);
  return withTrailer(message, from.trailer(message, kind.source, atMs)!);
}

function packet({ config, source }: Kind, message: Uint8Array, from: Ip = source) {
  const { family, group: destination } = config;
  return { family, source: from, destination, hopLimit: 255, message } as const;
}

function reasonOf(to: HmacExchange, kind: Kind, message: Uint8Array, atMs = NOW_MS): string {
  const opened = to.judge(packet(kind, message), atMs);
  return opened.ok ? "ok" : opened.reason;
}

for (const kind of KINDS) {
  const { config: { family, version }, head, address } = kind;
  const name = `version ${version} over ${family}`;

  Deno.test(`the trailer of ${name} is laid out and signed as keepalived 2.4 does it`, async () => {
    const message = advertOf(kind), whole = signed(kind);
    assert.equal(whole.length, message.length + 28);
    assert.equal(toHex(whole.subarray(0, message.length)), toHex(message));
    const trailer = whole.subarray(message.length);
    const seconds = (1_750_000_000).toString(16).padStart(8, "0");
    assert.equal(toHex(trailer.subarray(0, 12)), `0107${"0000"}${seconds}${"4000"}${"0000"}`);
    const covered = Uint8Array.from(message);
    covered[6] = covered[7] = 0;
    const vrid = kind.config.vrid.toString(16).padStart(2, "0");
    const text = concatBytes(
      fromHex(`${head}${vrid}00${address}`),
      covered,
      trailer.subarray(0, 12),
      new Uint8Array(16),
    );
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", fromHex(KEY), algorithm, false, ["sign"]);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
    assert.equal(toHex(trailer.subarray(12)), toHex(mac.subarray(0, 16)));
    if (isInstalled("/usr/bin/openssl")) assert.equal(openssl(text), toHex(mac));
  });

  Deno.test(`one signature serves all destinations of ${name}, whatever their checksums`, () => {
    const to = ip(family === "ipv4" ? "192.0.2.77" : "fe80::77");
    const other = advertOf(kind, { destination: to });
    const trailer = exchangeFor(kind).trailer(advertOf(kind), kind.source, NOW_MS)!;
    assert.equal(reasonOf(exchangeFor(kind), kind, withTrailer(other, trailer)), "ok");
  });

  Deno.test(`a signed advert of ${name} is refused when any bit is another one`, () => {
    const right = signed(kind);
    assert.equal(reasonOf(exchangeFor(kind), kind, right), "ok");
    // Version, type and VRID are looked at before, the count says where the trailer is.
    const checksum = [6, 7];
    fc.assert(
      fc.property(fc.nat(right.length * 8 - 1), (bit) => {
        const changed = Uint8Array.from(right), at = bit >> 3;
        changed[at]! ^= 1 << (bit & 7);
        const opened = exchangeFor(kind).judge(packet(kind, changed), NOW_MS);
        // What is cut short by its count is refused for its length, by decodeAdvert().
        if (at === 3 && opened.ok) return assert.equal(opened.message.length, right.length);
        assert.equal(opened.ok, checksum.includes(at), `bit ${bit}`);
      }),
      { numRuns: 2000 },
    );
  });

  Deno.test(`a signed advert of ${name} is refused from another source, of another VRID`, () => {
    const message = signed(kind), other = ip(family === "ipv4" ? "192.0.2.9" : "fe80::9");
    const opened = exchangeFor(kind).judge(packet(kind, message, other), NOW_MS);
    assert.ok(!opened.ok && opened.reason === "authInvalidHmac");
    const elsewhere = exchangeFor({ config: { ...kind.config, vrid: 99 } });
    assert.equal(reasonOf(elsewhere, kind, message), "authInvalidHmac");
  });
}

function openssl(text: Bytes): string {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(file, text);
    const args = ["dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${KEY}`, file];
    const { stdout } = new Deno.Command("/usr/bin/openssl", { args }).outputSync();
    return new TextDecoder().decode(stdout).trim().split(" ").at(-1)!;
  } finally {
    Deno.removeSync(file);
  }
}

const [, KIND] = KINDS;

Deno.test("decodeTrailer() reads what encodeTrailer() wrote, and nothing else", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), fc.bigInt(0n, 2n ** 64n - 1n), (id, stamp) => {
      const read = decodeTrailer(encodeTrailer(id, stamp))!;
      assert.deepEqual([read.keyId, read.stamp], [id, stamp]);
    }),
  );
  const right = encodeTrailer(1, 1n);
  for (const [at, value] of [[0, 2], [0, 0], [1, 0], [2, 1], [3, 1]] as const) {
    assert.equal(decodeTrailer(right.with(at, value)), null, `byte ${at}`);
  }
  assert.equal(decodeTrailer(right.subarray(1)), null);
  assert.equal(decodeTrailer(new Uint8Array(TRAILER_BYTES + 1)), null);
  assert.equal(decodeTrailer(concatBytes(new Uint8Array(3), right).subarray(3))!.stamp, 1n);
});

Deno.test("stamps are seconds, fractions and a counter, and are compared as serial numbers", () => {
  assert.equal(stampOf(1500).toString(16), (0x1_8000_0000n).toString(16));
  assert.equal(stampOf(2 ** 32 * 1000), 0n, "32 bits of seconds");
  assert.ok(isNewer(1n, 0n) && !isNewer(0n, 0n) && !isNewer(0n, 1n));
  assert.ok(isNewer(0n, 2n ** 64n - 1n), "over the end of the numbers");
  assert.equal(secondsFrom(stampOf(1000), stampOf(3500)), 2.5);
  assert.equal(secondsFrom(stampOf(3500), stampOf(1000)), -2.5);
});

Deno.test("nextStamp() never repeats a stamp while the clock stands still or goes back", () => {
  const clocks = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 2 });
  fc.assert(fc.property(clocks, (times) => {
    let last: bigint | null = null;
    for (const time of times) {
      const stamp: bigint = nextStamp(last, stampOf(time), null);
      assert.ok(last === null || isNewer(stamp, last));
      last = stamp;
    }
  }));
  const ahead = stampOf(100_000);
  assert.equal(nextStamp(ahead, stampOf(96_000), 5), ahead + 1n);
  assert.equal(nextStamp(ahead, stampOf(94_000), 5), stampOf(94_000), "too far ahead");
  assert.equal(nextStamp(ahead, stampOf(94_000), null), ahead + 1n, "monotonic");
  assert.equal(nextStamp(2n ** 64n - 1n, stampOf(0), null), 0n);
});

Deno.test("a sender's stamps only grow for a receiver, one captured before is refused", () => {
  for (const antiReplay of ["time", "monotonic"] as const) {
    const from = exchangeFor(KIND, { antiReplay }), to = exchangeFor(KIND, { antiReplay });
    const [first, second, third] = [0, 0, 1000].map((ms) => signed(KIND, NOW_MS + ms, from));
    const judge = (message: Bytes) => reasonOf(to, KIND, message, NOW_MS + 1000);
    assert.deepEqual([first, first, third, second, third].map((one) => judge(one!)), [
      "ok",
      "authReplay",
      "ok",
      "authReplay",
      "authReplay",
    ]);
  }
});

Deno.test("in time mode an advert must be as old as the window at most, in monotonic mode not", () => {
  for (
    const [offMs, time] of [[-4900, "ok"], [4900, "ok"], [-5100, "authStale"], [
      5100,
      "authStale",
    ]] as const
  ) {
    const judge = (antiReplay: HmacSpec["antiReplay"]) =>
      reasonOf(exchangeFor(KIND, { antiReplay }), KIND, signed(KIND, NOW_MS + offMs));
    assert.deepEqual([judge("time"), judge("monotonic")], [time, "ok"], `${offMs} ms`);
  }
});

Deno.test("a sender whose clock was set back is believed again after the window", () => {
  const to = exchangeFor(KIND),
    judge = (stampMs: number, atMs: number) =>
      reasonOf(to, KIND, signed(KIND, NOW_MS + stampMs), NOW_MS + atMs);
  assert.equal(judge(4000, 0), "ok");
  assert.equal(judge(1000, 1000), "authReplay");
  assert.equal(judge(8900, 8900 + 200), "ok");
  const other = exchangeFor(KIND),
    late = (stampMs: number, atMs: number) =>
      reasonOf(other, KIND, signed(KIND, NOW_MS + stampMs), NOW_MS + atMs);
  assert.equal(late(4000, 0), "ok");
  assert.equal(late(3000, 8000), "authReplay");
  assert.equal(late(3999, 9001), "authStale");
  assert.equal(late(9000, 9001), "ok");
});

Deno.test("a clock that is off by more than half of the window is remarked on", () => {
  const noticed = (offMs: number, antiReplay: HmacSpec["antiReplay"] = "time") => {
    const opened = exchangeFor(KIND, { antiReplay }).judge(
      packet(KIND, signed(KIND, NOW_MS + offMs)),
      NOW_MS,
    );
    assert.ok(opened.ok);
    return opened.notices.map(({ kind }) => kind);
  };
  assert.deepEqual([-2600, -2400, 2400, 2600].map((ms) => noticed(ms).length), [1, 0, 0, 1]);
  assert.deepEqual(noticed(2600), ["clockSkew"]);
  assert.deepEqual(noticed(90_000, "monotonic"), []);
});

Deno.test("ReplayTable keeps four multicast senders, and makes room for verified ones only", () => {
  const table = new ReplayTable(0, null), sender = (last: number) => ip(`192.0.2.${last}`);
  for (const last of [1, 2, 3, 4]) table.mark(sender(last), 100n);
  table.mark(sender(1), 101n);
  assert.ok(table.isNew(sender(5), 1n, 0n));
  assert.equal(table.marks().length, 4, "asking makes no room");
  table.mark(sender(5), 100n);
  assert.deepEqual(table.marks().map(([one]) => one), [3, 4, 1, 5].map(sender));
  assert.ok(table.isNew(sender(2), 100n, 0n), "the least recently heard made room");
  assert.ok(!table.isNew(sender(1), 101n, 0n));
  const peers = new ReplayTable(6, null);
  for (const last of [1, 2, 3, 4, 5, 6]) peers.mark(sender(last), 100n);
  assert.ok(!peers.isNew(sender(1), 100n, 0n), "every peer has a mark of its own");
});

Deno.test("keys are rotated without a gap: any verifies, the active one signs", () => {
  const next = { id: 9, hex: "ab".repeat(32) }, both = [...SPEC.keys, next];
  const before = exchangeFor(KIND), overlapping = exchangeFor(KIND, { keys: both });
  const switched = exchangeFor(KIND, { keys: both, activeKey: 9 });
  const after = exchangeFor(KIND, { keys: [next], activeKey: 9 });
  const judge = (from: HmacExchange, to: HmacExchange) =>
    reasonOf(to, KIND, signed(KIND, NOW_MS, from));
  assert.equal(judge(before, overlapping), "ok");
  assert.equal(judge(overlapping, exchangeFor(KIND)), "ok");
  assert.equal(judge(switched, exchangeFor(KIND, { keys: both })), "ok");
  assert.equal(judge(switched, after), "ok");
  assert.equal(judge(before, after), "authUnknownKey");
});

Deno.test("what was sent and heard outlives the process", () => {
  const from = exchangeFor(KIND), to = exchangeFor(KIND);
  const message = signed(KIND, NOW_MS, from);
  assert.equal(reasonOf(to, KIND, message), "ok");
  const again = exchangeFor(KIND), sender = exchangeFor(KIND);
  again.restore(JSON.parse(JSON.stringify(to.state())));
  assert.equal(reasonOf(again, KIND, message), "authReplay");
  sender.restore(JSON.parse(JSON.stringify(from.state())));
  assert.equal(reasonOf(again, KIND, signed(KIND, NOW_MS, sender)), "ok", "later by one");
});

Deno.test("HmacExchange without a usable active key signs nothing", () => {
  const message = advertOf(KIND);
  assert.equal(exchangeFor(KIND, { activeKey: null }).trailer(message, SOURCE, NOW_MS), null);
  assert.equal(exchangeFor(KIND, { activeKey: 3 }).trailer(message, SOURCE, NOW_MS), null);
});

Deno.test("unicast: only peers are believed, even with the right key", () => {
  const config = { ...V3, unicastPeers: [ip("192.0.2.50")] };
  const to = exchangeFor({ config });
  assert.equal(reasonOf(to, KIND, signed(KIND)), "unicastSource");
});

Deno.test("ReplayTable forgets what is outside of the window, so that a clock can be set right", () => {
  const table = new ReplayTable(0, 5), at = (s: number) => stampOf(s * 1000);
  table.mark(SOURCE, at(100));
  assert.ok(!table.isNew(SOURCE, at(97), at(97)));
  assert.ok(table.isNew(SOURCE, at(50), at(50)));
  assert.ok(table.isNew(SOURCE, at(99), at(106)));
  const monotonic = new ReplayTable(0, null);
  monotonic.mark(SOURCE, at(100));
  assert.ok(!monotonic.isNew(SOURCE, at(50), at(50)));
});

Deno.test("two routers whose clocks were a day ahead understand each other once they are right", () => {
  const from = exchangeFor(KIND), to = exchangeFor(KIND), day = 86_400_000;
  assert.equal(reasonOf(to, KIND, signed(KIND, NOW_MS + day, from), NOW_MS + day), "ok");
  assert.equal(reasonOf(to, KIND, signed(KIND, NOW_MS, from), NOW_MS), "ok");
  const before = signed(KIND, NOW_MS, from);
  assert.equal(reasonOf(to, KIND, before, NOW_MS), "ok");
  assert.equal(reasonOf(to, KIND, before, NOW_MS), "authReplay");
});
