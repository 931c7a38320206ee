import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Attributes,
  eachAttribute,
  NetlinkMessage,
  NLA,
  NLM_F,
  NLMSG,
  parseAcknowledgement,
  parseMessages,
  RTM,
} from "../ffi/netlink.ts";
import { AF } from "../ffi/constants.ts";
import { addAddressMessage, addLinkMessage, parseAddress, parseLink } from "../ffi/rtnetlink.ts";

/** An attribute tree: bytes, or a nest of further ones. */
type Tree = { readonly type: number; readonly value: Uint8Array | readonly Tree[] };

const attributeType = fc.integer({ min: 1, max: 0x3fff });
const { tree } = fc.letrec<{ tree: Tree; nest: readonly Tree[]; value: Tree["value"] }>((tie) => ({
  tree: fc.record({ type: attributeType, value: tie("value") }),
  nest: fc.array(tie("tree"), { maxLength: 4 }),
  value: fc.oneof({ maxDepth: 4 }, fc.uint8Array({ maxLength: 300 }), tie("nest")),
}));
const trees = fc.array(tree, { maxLength: 8 });

Deno.test("NetlinkMessage writes the bytes that `ip address add` sends", () => {
  const message = new NetlinkMessage(RTM.NEWADDR, NLM_F.CREATE)
    .put(Uint8Array.of(AF.INET, 24, 0, 0, 2, 0, 0, 0))
    .attribute(2, Uint8Array.of(10, 0, 0, 1))
    .text(3, "eth");
  assert.equal(
    message.finish(7, NLM_F.REQUEST | NLM_F.ACK).toHex(),
    "28000000" + "1400" + "0504" + "07000000" + "00000000" + // length, type, flags, sequence, port
      "0218000002000000" + "08000200" + "0a000001" + "08000300" + "65746800",
  );
});

Deno.test("NetlinkMessage pads with zeros that lengths do not count", () => {
  const bytes = new NetlinkMessage(1, 0).u8(5, 0xff).u16(6, 0x0102).finish(0);
  assert.equal(bytes.subarray(16).toHex(), "05000500ff000000" + "0600060002010000");
});

Deno.test("NetlinkMessage writes numbers in the order that is asked for", () => {
  const bytes = new NetlinkMessage(1, 0).be16(1, 1).be32(2, 1).be64(3, 1n).u32(4, 1).u64(5, 1n)
    .flag(6).finish(0);
  assert.equal(
    bytes.subarray(16).toHex(),
    "0600010000010000" + "0800020000000001" + "0c0003000000000000000001" + "0800040001000000" +
      "0c0005000100000000000000" + "04000600",
  );
});

Deno.test("NetlinkMessage refuses an attribute or nest of more than 65535 bytes", () => {
  const message = new NetlinkMessage(1, 0);
  assert.throws(() => message.attribute(1, new Uint8Array(65_532)), RangeError);
  const fill = () => {
    message.attribute(1, new Uint8Array(40_000)).attribute(1, new Uint8Array(40_000));
  };
  assert.throws(() => message.nest(2, fill), RangeError);
});

Deno.test("NetlinkMessage and eachAttribute() agree on every tree of attributes", () => {
  fc.assert(fc.property(trees, (attributes) => {
    const message = new NetlinkMessage(RTM.NEWLINK, 0);
    attributes.forEach((attribute) => put(message, attribute));
    const [parsed] = parseMessages(message.finish(9));
    assert.equal(parsed!.sequence, 9);
    assert.ok(agrees(attributes, parsed!.payload));
  }));
});

Deno.test("parseMessages() splits a datagram of several messages", () => {
  fc.assert(fc.property(fc.array(trees, { maxLength: 6 }), (many) => {
    const encoded = many.map((attributes, index) => {
      const message = new NetlinkMessage(RTM.NEWLINK + index, NLM_F.MULTI);
      attributes.forEach((attribute) => put(message, attribute));
      return message.finish(index);
    });
    const parsed = parseMessages(Uint8Array.from(encoded.flatMap((bytes) => [...bytes])));
    assert.deepEqual(parsed.map(({ sequence }) => sequence), many.map((_, index) => index));
    for (const [index, { payload }] of parsed.entries()) assert.ok(agrees(many[index]!, payload));
  }));
});

Deno.test("readers never fail when a message is cut at any length", () => {
  const messages = [
    addAddressMessage({
      index: 3,
      local: Uint8Array.of(10, 0, 0, 1),
      prefixLength: 24,
      label: "eth0:1",
      validSeconds: 2,
    }),
    addLinkMessage({ name: "veth0", kind: "veth", peerName: "veth1", peerNamespaceFd: 4 }),
  ];
  for (const message of messages) {
    const whole = message.finish(1);
    for (let length = 0; length < whole.length; length++) {
      assert.deepEqual(parseMessages(whole.subarray(0, length)), []);
      const payload = whole.subarray(16, Math.max(16, length));
      const cut = { type: message.type, flags: NLM_F.ACK_TLVS, sequence: 1, port: 0, payload };
      parseAddress(cut);
      parseLink(cut);
      for (const type of [NLMSG.ERROR, NLMSG.DONE]) parseAcknowledgement({ ...cut, type });
    }
  }
});

Deno.test("readers never fail when the bytes are random", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    for (const { payload } of parseMessages(bytes)) assert.ok(payload.length <= bytes.length);
    for (const { data } of eachAttribute(bytes)) assert.ok(data.length <= bytes.length);
    for (const type of [RTM.NEWADDR, RTM.NEWLINK, NLMSG.ERROR]) {
      const message = { type, flags: 0xffff, sequence: 0, port: 0, payload: bytes };
      parseAddress(message);
      parseLink(message);
      parseAcknowledgement(message);
    }
  }));
});

Deno.test("parseAddress() reads what addAddressMessage() writes", () => {
  const local = Uint8Array.of(192, 0, 2, 1), peer = Uint8Array.of(192, 0, 2, 9);
  const message = addAddressMessage({
    index: 7,
    local,
    peer,
    prefixLength: 28,
    scope: 253,
    label: "eth0:v",
    broadcast: Uint8Array.of(192, 0, 2, 15),
    flags: 0x202,
    validSeconds: 3,
    preferredSeconds: 0,
    protocol: 18,
  });
  assert.deepEqual(parseAddress(parseMessages(message.finish(1))[0]!), {
    family: AF.INET,
    index: 7,
    prefixLength: 28,
    scope: 253,
    flags: 0x202,
    address: peer,
    local,
    label: "eth0:v",
    broadcast: Uint8Array.of(192, 0, 2, 15),
    cacheInfo: { preferredSeconds: 0, validSeconds: 3, createdCs: 0, updatedCs: 0 },
    protocol: 18,
  });
});

Deno.test("addAddressMessage() refuses an address that is neither 4 nor 16 bytes", () => {
  const spec = { index: 1, local: new Uint8Array(6), prefixLength: 24 };
  assert.throws(() => addAddressMessage(spec), RangeError);
});

Deno.test("parseAcknowledgement() reads the kernel's words behind a capped request", () => {
  const request = new NetlinkMessage(RTM.NEWADDR, 0).finish(5);
  const words = new NetlinkMessage(0, 0).text(1, "ipv4: address already assigned").finish(0);
  const error = Uint8Array.of(0xef, 0xff, 0xff, 0xff); // -17
  const payload = Uint8Array.from([...error, ...request, ...words.subarray(16)]);
  const message = { type: NLMSG.ERROR, sequence: 5, port: 0, payload };
  for (const flags of [NLM_F.ACK_TLVS | NLM_F.CAPPED, NLM_F.ACK_TLVS]) {
    assert.deepEqual(parseAcknowledgement({ ...message, flags }), {
      errno: 17,
      text: "ipv4: address already assigned",
    });
  }
  assert.deepEqual(parseAcknowledgement({ ...message, flags: 0 }), { errno: 17, text: null });
  assert.equal(parseAcknowledgement({ ...message, type: RTM.NEWADDR, flags: 0 }), null);
});

Deno.test("Attributes treats a value that is too short as absent", () => {
  const bytes = new NetlinkMessage(0, 0).u8(1, 200).text(2, "a").finish(0).subarray(16);
  const attributes = new Attributes(bytes);
  assert.equal(attributes.u8(1), 200);
  assert.equal(attributes.u32(1), null);
  assert.equal(attributes.text(2), "a");
  assert.equal(attributes.nested(3), null);
  assert.equal(attributes.has(3), false);
});

function put(message: NetlinkMessage, { type, value }: Tree): void {
  if (value instanceof Uint8Array) message.attribute(type, value);
  else message.nest(type, () => value.forEach((child) => put(message, child)));
}

function agrees(attributes: readonly Tree[], bytes: Uint8Array): boolean {
  const found = [...eachAttribute(bytes)];
  return found.length === attributes.length && attributes.every(({ type, value }, index) => {
    const { type: foundType, data } = found[index]!;
    if (foundType !== (type & NLA.TYPE_MASK)) return false;
    return value instanceof Uint8Array ? value.toHex() === data.toHex() : agrees(value, data);
  });
}
