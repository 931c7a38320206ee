/** Links of virtual routers: what the kernel is asked for, and what is found again. */

import { deepEqual, equal } from "node:assert/strict";
import { Attributes } from "../ffi/netlink.ts";
import { addLinkMessage, IFLA, IPVLAN_F, IPVLAN_MODE, MACVLAN_MODE } from "../ffi/rtnetlink.ts";
import { IFINFOMSG } from "../ffi/layout.ts";
import { type Mac, macBytes } from "../lib/core/address.ts";
import { concatBytes } from "../lib/core/bytes.ts";
import type { VmacSpec } from "../lib/core/vmac.ts";
import { linkSpec } from "../lib/net/vmac.ts";
import { fromMac } from "../lib/net/vmac_socket.ts";
import { aliasOf, isMarked } from "../lib/net/vmac_settings.ts";

const MAC = "00:00:5e:00:01:33" as Mac;

const SPEC: VmacSpec = {
  parent: "eth0",
  name: "vrrp.51",
  isNamed: false,
  group: null,
  family: "ipv4",
  needsIpv6: false,
  adverts: "sent",
  link: { kind: "macvlan", mac: MAC },
};

/** The attributes of the request for a link on interface 7. */
function asked(spec: VmacSpec): Attributes {
  const bytes = addLinkMessage(linkSpec(spec, spec.name, 7)).finish(1, 0);
  return new Attributes(bytes.subarray(16 + IFINFOMSG.size));
}

Deno.test("a macvlan is asked for in private mode, with its MAC and group", () => {
  const attributes = asked({ ...SPEC, group: 9 }), info = attributes.nested(IFLA.LINKINFO)!;
  equal(attributes.text(IFLA.IFNAME), "vrrp.51");
  equal(attributes.u32(IFLA.LINK), 7);
  equal(attributes.u32(IFLA.GROUP), 9);
  deepEqual(attributes.bytes(IFLA.ADDRESS), macBytes(MAC));
  equal(info.text(IFLA.INFO_KIND), "macvlan");
  equal(info.nested(IFLA.INFO_DATA)!.u32(IFLA.MACVLAN_MODE), MACVLAN_MODE.PRIVATE);
});

for (
  const [flag, bits] of [["bridge", 0], ["private", IPVLAN_F.PRIVATE], [
    "vepa",
    IPVLAN_F.VEPA,
  ]] as const
) {
  Deno.test(`an ipvlan is asked for in layer 2, mode ${flag}, without a MAC`, () => {
    const attributes = asked({ ...SPEC, link: { kind: "ipvlan", flag, address: null } });
    const info = attributes.nested(IFLA.LINKINFO)!, data = info.nested(IFLA.INFO_DATA)!;
    equal(info.text(IFLA.INFO_KIND), "ipvlan");
    equal(data.u16(IFLA.IPVLAN_MODE), IPVLAN_MODE.L2);
    equal(data.u16(IFLA.IPVLAN_FLAGS), bits);
    equal(attributes.bytes(IFLA.ADDRESS), null);
    equal(attributes.u32(IFLA.GROUP), null);
  });
}

/** What a classic BPF program makes of a frame: loads count from the link-layer header. */
function run(program: ReturnType<typeof fromMac>, frame: Uint8Array): number {
  const view = new DataView(frame.slice().buffer);
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at]!, offset = (k | 0) + 0x200000;
    if (code === 0x20) accumulator = view.getUint32(offset);
    else if (code === 0x28) accumulator = view.getUint16(offset);
    else if (code === 0x15) at += accumulator === k ? jt : jf;
    else return k;
  }
  throw new Error("the program has no end");
}

Deno.test("the filter of a link's socket passes frames of its own MAC only", () => {
  const to = new Uint8Array(6), program = fromMac(MAC);
  const frame = (from: string) => concatBytes(to, macBytes(from as Mac), new Uint8Array(40));
  equal(run(program, frame(MAC)), 0xffff_ffff);
  equal(run(program, frame("00:00:5e:00:01:34")), 0);
  equal(run(program, frame("00:00:5e:01:01:33")), 0);
  equal(run(program, frame("02:00:5e:00:01:33")), 0);
});

Deno.test("an alias of vigie's is told from others", () => {
  equal(isMarked(aliasOf("eth0")), true);
  equal(isMarked(null), false);
  equal(isMarked("uplink of vigie"), false);
});
