/** The codecs on generated input: what is written is read back, and what is not right is refused. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ADDRESS_BYTES, type Family, formatIp, type Ip, ip } from "../lib/core/address.ts";
import { type Bytes, concatBytes, toHex } from "../lib/core/bytes.ts";
import { centiseconds, seconds } from "../lib/core/time.ts";
import { admit } from "../lib/vrrp/admission.ts";
import { AH_BYTES, authenticatedBytes, decodeAh, encodeAh, ICV_BYTES } from "../lib/vrrp/ah.ts";
import {
  decodeIpv4,
  decodeIpv6,
  encodeIpv4,
  encodeIpv6,
  IP_PROTOCOL,
  VRRP_GROUP,
} from "../lib/vrrp/ip.ts";
import {
  advertLength,
  type AdvertToSend,
  authData,
  decodeAdvert,
  decodeHead,
  encodeAdvert,
} from "../lib/vrrp/packet.ts";
import type { ChecksumForm, Version } from "../lib/vrrp/types.ts";

/** Records as literals write them, for comparison. */
const PLAIN = { noNullPrototype: true } as const;

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const bytes = (length: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((found) => Uint8Array.from(found));
const address = (family: Family): fc.Arbitrary<Ip> => bytes(ADDRESS_BYTES[family]).map(formatIp);

const kind = fc.constantFrom<{ version: Version; family: Family }[]>(
  { version: 2, family: "ipv4" },
  { version: 3, family: "ipv4" },
  { version: 3, family: "ipv6" },
);

const authentication = fc.oneof(
  fc.constant({ type: "none" } as const),
  fc.constant({ type: "ah" } as const),
  fc.record({ type: fc.constant("pass" as const), password: fc.string({ maxLength: 12 }) }),
);

const advert: fc.Arbitrary<AdvertToSend> = kind.chain(({ version, family }) =>
  fc.record({
    version: fc.constant(version),
    family: fc.constant(family),
    vrid: uint(8),
    priority: uint(8),
    advertIntervalUs: version === 2 ? uint(8).map(seconds) : uint(12).map(centiseconds),
    addresses: fc.array(address(family), { maxLength: 20 }),
    authentication: version === 2 ? authentication : fc.constant({ type: "none" } as const),
    checksum: fc.constantFrom("pseudo-header", "message-only", "old-unicast"),
    source: address(family),
    destination: address(family),
  })
);

/** The form in which the checksum of an advert was made. */
function formOf(sent: AdvertToSend): ChecksumForm {
  if (sent.version === 2) return "message-only";
  return sent.family === "ipv6" ? "pseudo-header" : sent.checksum;
}

Deno.test("decodeAdvert() gives back every field when encodeAdvert() wrote it", () => {
  fc.assert(fc.property(advert, (sent) => {
    const message = encodeAdvert(sent), decoded = decodeAdvert(message, sent);
    assert.ok(decoded.ok);
    const { checksum, checksumForms, auth, ...read } = decoded.value;
    const { version, vrid, priority, advertIntervalUs, addresses } = sent;
    const count = addresses.length;
    const fields = { version, vrid, priority, advertIntervalUs, addresses, count };
    assert.deepEqual(read, { type: 1, reserved: 0, ...fields });
    assert.equal(checksum, message[6]! << 8 | message[7]!);
    assert.ok(checksumForms.includes(formOf(sent)));
    const type = { none: 0, pass: 1, ah: 2 }[sent.authentication.type];
    const wanted = { type, data: authData(sent.authentication) };
    assert.deepEqual(auth, version === 2 ? wanted : null);
  }));
});

Deno.test("encodeAdvert() leaves no byte unwritten when the buffer was not empty", () => {
  fc.assert(fc.property(advert, (sent) => {
    const length = advertLength(sent.version, sent.family, sent.addresses.length);
    const used = new Uint8Array(length).fill(0xa5);
    assert.equal(toHex(encodeAdvert(sent, used)), toHex(encodeAdvert(sent)));
  }));
});

Deno.test("decodeAdvert() refuses a message when it is cut anywhere or has bytes after it", () => {
  fc.assert(fc.property(advert, uint(8), (sent, extra) => {
    const message = encodeAdvert(sent), have = message.length;
    for (let length = 0; length < have; length++) {
      const cut = decodeAdvert(message.subarray(0, length), sent);
      const need = length < 8 ? 8 : have;
      assert.deepEqual(cut, { ok: false, error: { why: "short", have: length, need } });
    }
    const longer = concatBytes(message, Uint8Array.of(extra));
    const error = { why: "long", have: have + 1, need: have };
    assert.deepEqual(decodeAdvert(longer, sent), { ok: false, error });
  }));
});

Deno.test("decodeAdvert() sees a corrupt message whichever single bit is flipped", () => {
  fc.assert(
    fc.property(advert, (sent) => {
      const message = encodeAdvert(sent), form = formOf(sent);
      const right = decodeAdvert(message, sent);
      for (let bit = 0; bit < message.length * 8; bit++) {
        message[bit >> 3]! ^= 1 << (bit & 7);
        const flipped = decodeAdvert(message, sent);
        message[bit >> 3]! ^= 1 << (bit & 7);
        assert.notDeepEqual(flipped, right);
        if (flipped.ok) {
          assert.equal(flipped.value.checksumForms.includes(form), false, `bit ${bit}`);
        }
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("decoders answer and do not throw when the bytes are random", () => {
  const random = fc.uint8Array({ maxLength: 120 }), head = fc.constantFrom(0x21, 0x31, 0x45, 0x60);
  fc.assert(
    fc.property(random, head, kind, fc.boolean(), (found, first, { family }, aim) => {
      if (aim && found.length > 0) found[0] = first;
      const source = formatIp(new Uint8Array(ADDRESS_BYTES[family]));
      const envelope = { family, source, destination: source };
      assert.equal(decodeHead(found) === null, found.length < 8);
      decodeAdvert(found, envelope);
      decodeIpv4(found);
      decodeIpv6(found);
      decodeAh(found);
      assert.equal(admit({ ...envelope, message: found, hopLimit: 255 }, () => null).ok, false);
    }),
    { numRuns: 2000 },
  );
});

const header4 = fc.record({
  source: address("ipv4"),
  destination: address("ipv4"),
  protocol: uint(8),
  id: uint(16),
  ttl: uint(8),
  tos: uint(8),
  dontFragment: fc.boolean(),
}, PLAIN);

Deno.test("decodeIpv4() gives back header and payload when padding follows the packet", () => {
  fc.assert(fc.property(header4, fc.uint8Array(), uint(6), (header, payload, padding) => {
    const packet = encodeIpv4(header, payload);
    const decoded = decodeIpv4(concatBytes(packet, new Uint8Array(padding).fill(0xa5)));
    assert.ok(decoded.ok);
    const { checksum, checksumValid, totalLength, headerBytes, payload: read, ...rest } =
      decoded.value;
    assert.deepEqual(rest, header);
    assert.equal(toHex(read), toHex(payload));
    assert.deepEqual([totalLength, headerBytes], [packet.length, 20]);
    assert.deepEqual([checksum, checksumValid], [packet[10]! << 8 | packet[11]!, true]);
  }));
});

Deno.test("decodeIpv4() refuses a packet when it is cut, a fragment, or contradicts itself", () => {
  fc.assert(fc.property(header4, fc.uint8Array({ maxLength: 40 }), (header, payload) => {
    const packet = encodeIpv4(header, payload);
    const why = (change: (bytes: Bytes) => void) => {
      const changed = Uint8Array.from(packet);
      change(changed);
      const decoded = decodeIpv4(changed);
      return decoded.ok ? null : decoded.error.why;
    };
    for (let length = 0; length < packet.length; length++) {
      assert.equal(decodeIpv4(packet.subarray(0, length)).ok, false);
    }
    assert.equal(why((bytes) => bytes[6]! |= 0x20), "fragment");
    assert.equal(why((bytes) => bytes[7] = 1), "fragment");
    assert.equal(why((bytes) => bytes[0] = 0x44), "headerLength");
    assert.equal(why((bytes) => bytes[0] = 0x65), "version");
    assert.equal(why((bytes) => bytes.fill(0, 2, 4)), "totalLength");
  }));
});

Deno.test("decodeIpv6() gives back header and payload when padding follows the packet", () => {
  const header6 = fc.record({
    source: address("ipv6"),
    destination: address("ipv6"),
    nextHeader: uint(8),
    hopLimit: uint(8),
    trafficClass: uint(8),
    flowLabel: uint(20),
  }, PLAIN);
  fc.assert(fc.property(header6, fc.uint8Array(), uint(6), (header, payload, padding) => {
    const packet = encodeIpv6(header, payload);
    const decoded = decodeIpv6(concatBytes(packet, new Uint8Array(padding).fill(0xa5)));
    assert.ok(decoded.ok);
    const { payload: read, ...rest } = decoded.value;
    assert.deepEqual(rest, header);
    assert.equal(toHex(read), toHex(payload));
    for (let length = 0; length < packet.length; length++) {
      assert.equal(decodeIpv6(packet.subarray(0, length)).ok, false);
    }
    packet[0] = 0x45;
    assert.deepEqual(decodeIpv6(packet), { ok: false, error: { why: "version", found: 4 } });
  }));
});

const ah = fc.record({ spi: uint(32), sequence: uint(32), icv: bytes(ICV_BYTES) });

Deno.test("decodeAh() gives back the header when encodeAh() wrote it", () => {
  fc.assert(fc.property(ah, fc.uint8Array(), (header, message) => {
    const payload = concatBytes(encodeAh(header), message), decoded = decodeAh(payload);
    assert.ok(decoded.ok);
    const { message: read, ...rest } = decoded.value;
    assert.deepEqual(rest, { reserved: 0, ...header });
    assert.equal(toHex(read), toHex(message));
  }));
});

Deno.test("decodeAh() says why when the bytes are not VRRP's (AH-12)", () => {
  const right = encodeAh({ spi: 1, sequence: 1, icv: new Uint8Array(ICV_BYTES) });
  const short = { why: "short", have: AH_BYTES - 1, need: AH_BYTES };
  assert.deepEqual(decodeAh(right.subarray(1)), { ok: false, error: short });
  const foreign = Uint8Array.from(right), longer = Uint8Array.from(right);
  foreign[0] = 6;
  longer[1] = 5;
  assert.deepEqual(decodeAh(foreign), { ok: false, error: { why: "nextHeader", found: 6 } });
  assert.deepEqual(decodeAh(longer), { ok: false, error: { why: "payloadLength", found: 5 } });
  const icv = new Uint8Array(16);
  assert.throws(() => encodeAh({ spi: 1, sequence: 1, icv }), /Cannot send an ICV of 16 bytes/);
});

Deno.test("authenticatedBytes() covers all but TOS, flags, checksum, ICV and TTL (AH-05)", () => {
  fc.assert(
    fc.property(header4, ah, bytes(20), (header, fields, message) => {
      const payload = concatBytes(encodeAh(fields), message);
      const packet = encodeIpv4({ ...header, protocol: IP_PROTOCOL.ah }, payload);
      const before = toHex(packet);
      for (const ttl of ["zeroed", "kept"] as const) {
        const uncovered = [1, 6, 7, 10, 11, ...(ttl === "zeroed" ? [8] : [])];
        for (let at = 1; at < packet.length; at++) {
          const changed = Uint8Array.from(packet);
          changed[at]! ^= 0xff;
          const same = toHex(authenticatedBytes(packet, ttl)) ===
            toHex(authenticatedBytes(changed, ttl));
          assert.equal(same, uncovered.includes(at) || (at >= 32 && at < 44), `byte ${at}`);
        }
      }
      assert.equal(toHex(packet), before);
    }),
    { numRuns: 10 },
  );
});

Deno.test("encodeAdvert() throws when a field does not fit its place", () => {
  const source = ip("192.0.2.1");
  const right: AdvertToSend = {
    version: 3,
    family: "ipv4",
    vrid: 51,
    priority: 100,
    advertIntervalUs: seconds(1),
    addresses: [ip("192.0.2.100")],
    authentication: { type: "none" },
    checksum: "pseudo-header",
    source,
    destination: VRRP_GROUP.ipv4,
  };
  const refuse = (change: Partial<AdvertToSend>, message: RegExp) =>
    assert.throws(() => encodeAdvert({ ...right, ...change }), message);
  refuse({ vrid: 256 }, /Cannot send VRID 256: must be a whole number from 0 to 255/);
  refuse({ priority: -1 }, /Cannot send priority -1/);
  refuse({ advertIntervalUs: centiseconds(4096) }, /Cannot send interval 4096: .* 0 to 4095/);
  refuse({ version: 2, advertIntervalUs: seconds(256) }, /Cannot send interval 256: .* 0 to 255/);
  refuse(
    { addresses: new Array<Ip>(256).fill(source) },
    /Cannot send number of addresses 256/,
  );
  refuse({ addresses: ["fe80::1" as Ip] }, /Cannot advertise fe80::1 over ipv4/);
  refuse({ version: 2, family: "ipv6" }, /Cannot send version 2 over ipv6/);
  assert.throws(() => encodeAdvert(right, new Uint8Array(3)), /into 3/);
});

Deno.test("authData() cuts a password at 8 bytes even when that splits a character (AU-02)", () => {
  const hex = (password: string) => toHex(authData({ type: "pass", password }));
  assert.equal(hex("abc"), "6162630000000000");
  assert.equal(hex("12345678X"), hex("12345678Y"));
  assert.equal(hex("1234567é"), "31323334353637c3");
});
