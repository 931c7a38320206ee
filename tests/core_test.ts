/** The values that all layers share: addresses, durations, bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ADDRESS_BYTES,
  compareIp,
  type Family,
  familyOf,
  formatIp,
  formatMac,
  HOST_PREFIX,
  type Ip,
  ip,
  ipBytes,
  isLinkLocal,
  isMulticast,
  macBytes,
  parseIp,
  parseMac,
} from "../lib/core/address.ts";
import { concatBytes, fromHex, internetChecksum, toHex } from "../lib/core/bytes.ts";
import { SYSLOG_SEVERITY } from "../lib/core/log.ts";
import { err, ok, unreachable } from "../lib/core/result.ts";
import { after, centiseconds, formatMicros, micros, millis, seconds } from "../lib/core/time.ts";

const bytesOf = (family: Family) =>
  fc.uint8Array({ minLength: ADDRESS_BYTES[family], maxLength: ADDRESS_BYTES[family] });
const family = fc.constantFrom<Family[]>("ipv4", "ipv6");
const address = family.chain(bytesOf);

/** RFC 5952 4, and the forms of RFC 4291 2.2 that are read but never written. */
const CANONICAL: readonly (readonly [text: string, canonical: string])[] = [
  ["2001:0DB8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
  ["2001:db8::0:1", "2001:db8::1"],
  ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["::1", "::1"],
  ["fe80::", "fe80::"],
  ["FE80::A", "fe80::a"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::ffff:192.0.2.1", "::ffff:c000:201"],
  ["192.0.2.1", "192.0.2.1"],
];

const NO_ADDRESS = [
  ...["", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.-4", " 1.2.3.4"],
  ...["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1.2.3", "1.2.3.4::"],
  ...["1:2:3:4:5:6:7:8::", "fe80::1%eth0", "192.0.2.1/24", "fe80::/10", "::1:", "example.org"],
];

Deno.test("parseIp() gives RFC 5952's text when an address is written another way", () => {
  for (const [text, canonical] of CANONICAL) assert.equal(parseIp(text), canonical, text);
});

Deno.test("parseIp() gives null when the text is no address", () => {
  for (const text of NO_ADDRESS) assert.equal(parseIp(text), null, text);
  assert.throws(() => ip("1.2.3"), { name: "SyntaxError", message: /Cannot read "1.2.3"/ });
});

Deno.test("parseIp() reads what formatIp() wrote when the bytes are any", () => {
  fc.assert(fc.property(address, (bytes) => {
    const text = formatIp(bytes);
    assert.equal(parseIp(text), text);
    assert.equal(toHex(ipBytes(text)), toHex(bytes));
    assert.equal(ADDRESS_BYTES[familyOf(text)], bytes.length);
    assert.equal(HOST_PREFIX[familyOf(text)], bytes.length * 8);
  }));
});

Deno.test("formatIp() writes the shortest text when many groups are zero", () => {
  const group = fc.constantFrom(0, 0, 0, 1, 0xfe80);
  fc.assert(fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
    const text = formatIp(Uint8Array.from(groups.flatMap((word) => [word >> 8, word & 0xff])));
    const plain = groups.map((word) => word.toString(16)).join(":");
    assert.equal(parseIp(plain), text);
    const runs = [...plain.matchAll(/(?<![^:])0(:0)+(?![^:])/g)].map((run) => run[0].length);
    const longest = Math.max(0, ...runs);
    assert.equal(text.includes("::"), longest > 0);
    if (longest > 0) assert.ok(text.length <= plain.length - longest + 2, `${plain} ${text}`);
  }));
});

Deno.test("formatIp() throws when there are neither 4 nor 16 bytes", () => {
  assert.throws(() => formatIp(new Uint8Array(5)), { name: "RangeError", message: /5 bytes/ });
  assert.throws(() => ipBytes("nothing" as Ip), { name: "TypeError", message: /"nothing"/ });
});

Deno.test("compareIp() orders as the bytes do when addresses are of one family", () => {
  assert.ok(compareIp(ip("192.0.2.9"), ip("192.0.2.10")) < 0);
  assert.ok(compareIp(ip("fe80::9"), ip("fe80::10")) < 0);
  assert.ok(compareIp(ip("255.255.255.255"), ip("::")) < 0);
  const pair = family.chain((one) => fc.tuple(bytesOf(one), bytesOf(one)));
  fc.assert(fc.property(pair, ([a, b]) => {
    const byBytes = toHex(a) < toHex(b) ? -1 : toHex(a) > toHex(b) ? 1 : 0;
    assert.equal(Math.sign(compareIp(formatIp(a), formatIp(b))), byBytes);
  }));
});

Deno.test("isLinkLocal() and isMulticast() hold when an address is within the prefix, not beside", () => {
  const linkLocal = ["fe80::1", "febf:ffff::"], notLocal = ["fe7f::1", "fec0::", "fe8::", "::1"];
  for (const text of linkLocal) assert.equal(isLinkLocal(ip(text)), true, text);
  for (const text of [...notLocal, "169.254.0.1"]) assert.equal(isLinkLocal(ip(text)), false, text);
  const groups = ["224.0.0.18", "239.255.255.255", "ff02::12"];
  const single = ["223.255.255.255", "240.0.0.1", "fe80::1", "ff::1"];
  for (const text of groups) assert.equal(isMulticast(ip(text)), true, text);
  for (const text of single) assert.equal(isMulticast(ip(text)), false, text);
});

Deno.test("parseMac() reads six pairs in either case, and null when there is anything else", () => {
  assert.equal(parseMac("00:00:5E:00:01:33"), "00:00:5e:00:01:33");
  for (
    const text of ["", "00:00:5e:00:01", "0:0:5e:0:1:33", "00-00-5e-00-01-33", "00:00:5e:00:01:3g"]
  ) {
    assert.equal(parseMac(text), null, text);
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
    const mac = formatMac(bytes);
    assert.equal(parseMac(mac), mac);
    assert.equal(toHex(macBytes(mac)), toHex(bytes));
  }));
});

Deno.test("internetChecksum() gives RFC 1071's answer, and 0 when the data hold their checksum", () => {
  assert.equal(internetChecksum(fromHex("0001f203f4f5f6f7")), 0x220d);
  assert.equal(internetChecksum(), 0xffff);
  assert.equal(internetChecksum(fromHex("123456")), 0xffff - (0x1234 + 0x5600));
  const even = fc.array(fc.uint8Array({ maxLength: 50 }).filter((b) => b.length % 2 === 0));
  fc.assert(fc.property(even, fc.uint8Array({ maxLength: 51 }), (chunks, last) => {
    const sum = internetChecksum(...chunks, last);
    assert.equal(internetChecksum(concatBytes(...chunks, last)), sum);
    assert.equal(internetChecksum(...chunks, last, Uint8Array.of(sum >> 8, sum & 0xff)), 0);
  }));
});

Deno.test("internetChecksum() does not overflow when the data are long", () => {
  assert.equal(internetChecksum(new Uint8Array(1_000_000).fill(0xff)), 0);
  assert.equal(
    internetChecksum(new Uint8Array(200_000).fill(0x80)),
    0xffff - sumOf(0x8080, 100_000),
  );
});

/** The one's complement sum of so many equal words, by its definition modulo 65535. */
function sumOf(word: number, times: number): number {
  return (word * times) % 0xffff || 0xffff;
}

Deno.test("fromHex() reads what toHex() wrote, and throws when the text is not pairs of digits", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.deepEqual([...fromHex(toHex(bytes))], [...bytes]);
  }));
  assert.equal(toHex(fromHex("00A5ff")), "00a5ff");
  for (const text of ["0", "0g", "0x00", "00 11"]) assert.throws(() => fromHex(text), SyntaxError);
});

Deno.test("durations are whole microseconds when their unit has fractions", () => {
  assert.equal(seconds(3.609375), 3_609_375);
  assert.equal(millis(0.5), 500);
  assert.equal(centiseconds(4095), 40_950_000);
  assert.equal(micros(609_375.9), 609_375);
  assert.equal(seconds(0.1) + seconds(0.2), seconds(0.3));
  assert.equal(after(seconds(1), millis(1)), 1_001_000);
});

Deno.test("formatMicros() picks the unit when a duration is short or long", () => {
  const texts = [[3_609_375, "3.609 s"], [36_000, "36 ms"], [1500, "1.5 ms"], [
    180,
    "180 us",
  ]] as const;
  for (const [us, text] of texts) assert.equal(formatMicros(micros(us)), text);
  assert.equal(formatMicros(seconds(1)), "1 s");
  assert.equal(formatMicros(micros(0)), "0 us");
});

Deno.test("ok() and err() make results, and unreachable() throws when it is reached after all", () => {
  assert.deepEqual(ok(1), { ok: true, value: 1 });
  assert.deepEqual(err("no"), { ok: false, error: "no" });
  assert.throws(() => unreachable("new" as never), /Cannot handle value: "new"/);
});

Deno.test("SYSLOG_SEVERITY gives graver levels lower numbers when they are compared", () => {
  assert.deepEqual(Object.values(SYSLOG_SEVERITY), [3, 4, 5, 6, 7]);
});
