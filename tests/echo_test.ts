import assert from "node:assert/strict";
import fc from "fast-check";
import type { FilterInstruction } from "../ffi/socket_options.ts";
import { type Family, ip } from "../lib/core/address.ts";
import { type Bytes, concatBytes, fromHex, internetChecksum, toHex } from "../lib/core/bytes.ts";
import {
  decodeEcho,
  decodeEcho4,
  echoFilter,
  type EchoReference,
  encodeEcho,
} from "../lib/net/echo_message.ts";
import { encodeIpv4, encodeIpv6 } from "../lib/vrrp/ip.ts";

const US = { ipv4: ip("192.0.2.1"), ipv6: ip("2001:db8::1") } as const;
const THEM = { ipv4: ip("192.0.2.2"), ipv6: ip("2001:db8::2") } as const;
const ECHO = { identifier: 0x1234, sequence: 0xfffe } as const;
const PAYLOAD = fromHex("0102030405060708");
const REPLY = { ipv4: 0, ipv6: 129 } as const;

const families = fc.constantFrom<Family>("ipv4", "ipv6");
const uint16 = fc.integer({ min: 0, max: 0xffff });
const payloads = fc.uint8Array({ minLength: 8, maxLength: 64 });

/** A message with another type, and for IPv4 the checksum that belongs to it. */
function withType(family: Family, message: Bytes, type: number, code = 0): Bytes {
  message.set([type, code, 0, 0]);
  if (family === "ipv4") new DataView(message.buffer).setUint16(2, internetChecksum(message));
  return message;
}

function reply(family: Family, echo: EchoReference): Bytes {
  return withType(family, encodeEcho(family, echo, PAYLOAD), REPLY[family]);
}

/** The packet in which one of our requests leaves. */
function requestPacket(family: Family, echo: EchoReference = ECHO): Bytes {
  const message = encodeEcho(family, echo, PAYLOAD);
  const header = { source: US[family], destination: THEM[family] };
  return family === "ipv4"
    ? encodeIpv4({ ...header, protocol: 1, id: 7 }, message)
    : encodeIpv6({ ...header, nextHeader: 58 }, message);
}

/** An ICMP error about a packet. */
function errorAbout(family: Family, type: number, code: number, packet: Uint8Array): Bytes {
  return withType(family, concatBytes(new Uint8Array(8), packet), type, code);
}

/** What a raw socket of IPv4 gives: the packet with its header. */
function packetWith(message: Uint8Array): Bytes {
  const header = { source: THEM.ipv4, destination: US.ipv4, protocol: 1, id: 9 };
  return encodeIpv4(header, message);
}

Deno.test("encodeEcho() writes what RFC 792 and RFC 4443 draw", () => {
  assert.equal(toHex(encodeEcho("ipv4", ECHO, PAYLOAD)), "0800d5b81234fffe0102030405060708");
  // The checksum is left to the kernel.
  assert.equal(toHex(encodeEcho("ipv6", ECHO, PAYLOAD)), "800000001234fffe0102030405060708");
});

Deno.test("decodeEcho() reads back what a host answers to encodeEcho()", () => {
  fc.assert(
    fc.property(families, uint16, uint16, payloads, (family, identifier, sequence, data) => {
      const echo = { identifier, sequence };
      const message = withType(family, encodeEcho(family, echo, data), REPLY[family]);
      const { payload, ...rest } = decodeEcho(family, message) as { payload: Uint8Array };
      assert.deepEqual(rest, { kind: "reply", identifier, sequence });
      assert.deepEqual([...payload], [...data]);
    }),
  );
});

Deno.test("decodeEcho() reads errors about our requests, in words", () => {
  const cases: [Family, number, number, string][] = [
    ["ipv4", 3, 0, "network unreachable"],
    ["ipv4", 3, 1, "host unreachable"],
    ["ipv4", 3, 13, "forbidden by a router"],
    ["ipv4", 3, 200, "destination unreachable"],
    ["ipv4", 11, 0, "too many hops"],
    ["ipv6", 1, 0, "network unreachable"],
    ["ipv6", 1, 3, "host unreachable"],
    ["ipv6", 1, 4, "destination unreachable"],
    ["ipv6", 2, 0, "packet too big"],
    ["ipv6", 3, 1, "too many hops"],
  ];
  for (const [family, type, code, why] of cases) {
    const message = errorAbout(family, type, code, requestPacket(family));
    const expected = { kind: "error", ...ECHO, destination: THEM[family], why };
    assert.deepEqual(decodeEcho(family, message), expected, `${family} ${type}/${code}`);
  }
});

Deno.test("decodeEcho() reads an error that quotes eight bytes behind a header with options", () => {
  const packet = requestPacket("ipv4"), options = new Uint8Array(4).fill(1);
  const quoted = concatBytes(packet.subarray(0, 20), options, packet.subarray(20, 28));
  quoted[0] = 0x46;
  const echo = decodeEcho("ipv4", errorAbout("ipv4", 3, 1, quoted));
  assert.equal(echo?.kind === "error" && echo.sequence, ECHO.sequence);
});

Deno.test("decodeEcho() passes over what is not about an echo request", () => {
  for (const family of ["ipv4", "ipv6"] as const) {
    const request = encodeEcho(family, ECHO, PAYLOAD);
    assert.equal(decodeEcho(family, request), null, "a request");
    const type = family === "ipv4" ? 3 : 1, packet = requestPacket(family);
    const udp = Uint8Array.from(packet);
    udp[family === "ipv4" ? 9 : 6] = 17;
    assert.equal(decodeEcho(family, errorAbout(family, type, 1, udp)), null, "about UDP");
    const answer = Uint8Array.from(packet);
    answer[family === "ipv4" ? 20 : 40] = REPLY[family];
    assert.equal(decodeEcho(family, errorAbout(family, type, 1, answer)), null, "about a reply");
  }
});

Deno.test("decodeEcho() never throws, whatever comes and wherever it is cut", () => {
  fc.assert(fc.property(families, fc.uint8Array({ maxLength: 120 }), (family, bytes) => {
    decodeEcho(family, bytes);
    decodeEcho4(bytes);
  }));
  for (const family of ["ipv4", "ipv6"] as const) {
    const whole = errorAbout(family, family === "ipv4" ? 3 : 1, 0, requestPacket(family));
    const needed = 8 + (family === "ipv4" ? 20 : 40) + 8;
    for (let length = 0; length < needed; length++) {
      assert.equal(decodeEcho(family, whole.subarray(0, length)), null, `${family} ${length}`);
    }
    assert.notEqual(decodeEcho(family, whole.subarray(0, needed)), null);
  }
});

Deno.test("decodeEcho4() says from whom, and drops what has a wrong checksum", () => {
  const packet = packetWith(reply("ipv4", ECHO));
  assert.equal(decodeEcho4(packet)?.from, THEM.ipv4);
  packet[packet.length - 1]! ^= 1;
  assert.equal(decodeEcho4(packet), null);
});

Deno.test("echoFilter() accepts our replies and errors about our requests, nobody else's", () => {
  fc.assert(
    fc.property(families, uint16, uint16, uint16, (family, ours, theirs, sequence) => {
      const filter = echoFilter(family, ours), echo = { identifier: theirs, sequence };
      const type = family === "ipv4" ? 3 : 1;
      const seen = (message: Bytes) => family === "ipv4" ? packetWith(message) : message;
      const about = errorAbout(family, type, 1, requestPacket(family, echo));
      assert.equal(accepts(filter, seen(reply(family, echo))), ours === theirs);
      assert.equal(accepts(filter, seen(about)), ours === theirs);
    }),
    { examples: [["ipv4", 7, 7, 1], ["ipv6", 7, 7, 1]] },
  );
});

Deno.test("echoFilter() drops errors about anything but echo requests, and what is cut", () => {
  for (const family of ["ipv4", "ipv6"] as const) {
    const filter = echoFilter(family, ECHO.identifier), packet = requestPacket(family);
    packet[family === "ipv4" ? 9 : 6] = 6;
    const message = errorAbout(family, family === "ipv4" ? 3 : 1, 1, packet);
    assert.equal(accepts(filter, family === "ipv4" ? packetWith(message) : message), false);
    assert.equal(accepts(filter, new Uint8Array(0)), false);
  }
});

/** Runs the instructions that the filters use, as the kernel does: what reads beyond the end drops. */
function accepts(program: readonly FilterInstruction[], packet: Uint8Array): boolean {
  let a = 0, x = 0;
  const load = (at: number, size: number): number => {
    if (at + size > packet.length) throw new RangeError("beyond the end");
    return size === 1 ? packet[at]! : packet[at]! << 8 | packet[at + 1]!;
  };
  const run: Record<number, (k: number) => void> = {
    0x30: (k) => a = load(k, 1),
    0x28: (k) => a = load(k, 2),
    0x50: (k) => a = load(x + k, 1),
    0x48: (k) => a = load(x + k, 2),
    0xb1: (k) => x = (load(k, 1) & 0x0f) * 4,
    0x54: (k) => a &= k,
    0x64: (k) => a <<= k,
    0x0c: () => a += x,
    0x07: () => x = a,
  };
  try {
    for (let at = 0;; at++) {
      const { code, jt, jf, k } = program[at]!;
      if (code === 0x06) return k !== 0;
      if (code === 0x15) at += a === k ? jt : jf;
      else run[code]!(k);
    }
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
