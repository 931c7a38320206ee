/**
 * A takeover before it counts. JavaScript is compiled when it first runs, and a takeover runs for the
 * first time when nobody has the address: that took about a millisecond to the advert and another to
 * the announcement. So the engine goes through one for practice, on an interface that does not exist.
 */

import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { type Family, type Ip, ip, type Mac } from "../core/address.ts";
import { after, type Micros, micros, seconds } from "../core/time.ts";
import { AddressOwner } from "../net/addresses.ts";
import { Announcer } from "../net/announce.ts";
import type { PacketFilter } from "../net/firewall.ts";
import type { HostTable, Link } from "../net/links.ts";
import { admit } from "../vrrp/admission.ts";
import type { ReceivedPacket } from "../vrrp/admission.ts";
import { VRRP_HOP_LIMIT } from "../vrrp/ip.ts";
import { readIpv4 } from "../vrrp/received.ts";
import type { Event } from "../vrrp/types.ts";
import { perform, type Tools } from "./effects.ts";
import { Instance } from "./instance.ts";
import { Routing } from "./routes.ts";
import type { InstanceSpec } from "./messages.ts";

/** Often enough for the compiler to take it seriously; about 20 ms. */
const ROUNDS = 12;

/** Addresses to practise with: every one costs a request to the kernel. */
const FEW = 2;

/** Linux counts interfaces from 1: none gets that far, so the kernel refuses every request. */
const NO_INTERFACE = 0x7fff_0000;

const PRACTICE_LINK: Link = {
  index: NO_INTERFACE,
  name: "practice",
  up: true,
  running: true,
  loopback: false,
  multicast: true,
  arp: true,
  mtu: 1500,
  mac: "02:00:00:00:00:01" as Mac,
};

const PRACTICE_HOST: HostTable = {
  byName: () => PRACTICE_LINK,
  byIndex: () => PRACTICE_LINK,
  addressesOf: () => [],
  holders: () => [],
  load: () => {},
};

const NO_FIREWALL: PacketFilter = {
  drop: () => {},
  release: () => {},
  rename: () => {},
  restore: () => {},
  remake: () => {},
  clear: () => {},
  close: () => {},
};

/** Addresses for documentation (RFC 5737), and link-local ones. Nothing is ever sent from or to them. */
const PRACTICE_ADDRESSES: Readonly<Record<Family, { own: Ip; peer: Ip }>> = {
  ipv4: { own: ip("192.0.2.1"), peer: ip("192.0.2.2") },
  ipv6: { own: ip("fe80::1"), peer: ip("fe80::2") },
};

/** Practises with a twin of an instance: backup, master, shutdown. Nothing of it leaves the host. */
export function rehearse(spec: InstanceSpec, requests: NetlinkSocket): void {
  const noGap = { garpIntervalUs: micros(0), gnaIntervalUs: micros(0), garpGroups: [] };
  const announcer = new Announcer(noGap, () => {});
  const addresses = new AddressOwner(requests, PRACTICE_HOST, true);
  const nothing = () => {};
  const tools: Tools = {
    table: PRACTICE_HOST,
    addresses,
    announcer,
    routing: new Routing(requests),
    firewall: NO_FIREWALL,
    emit: nothing,
    retrySoon: nothing,
  };
  try {
    for (let round = 0; round < ROUNDS; round++) rehearseOnce(twinOf(spec), tools);
  } finally {
    announcer.close();
  }
}

/** Of the same kind, but a plain backup with few addresses. */
function twinOf({ router, virtualAddresses, ...spec }: InstanceSpec): InstanceSpec {
  const plain = {
    basePriority: 100,
    unicastPeers: [],
    startupDelayUs: micros(0),
    isGrouped: false,
  };
  return {
    ...spec,
    promoteSecondaries: false,
    routes: [],
    rules: [],
    vmacs: [],
    virtualAddresses: virtualAddresses.slice(0, FEW).map((entry) => ({ ...entry, vmac: null })),
    router: { ...router, ...plain, addresses: router.addresses.slice(0, FEW) },
  };
}

function rehearseOnce(spec: InstanceSpec, tools: Tools): void {
  const twin = new Instance(spec), { own, peer } = PRACTICE_ADDRESSES[spec.router.family];
  twin.socket = { send: () => {} };
  let now: Micros = micros(0);
  const feed = (event: Event) => {
    now = after(now, seconds(1));
    for (const effect of twin.step(event, now)) perform(tools, twin, effect, now);
  };
  feed({ kind: "source", address: own });
  feed({ kind: "startup" });
  const other = new Instance(spec);
  for (const priority of [200, 0]) {
    const packet = receivedFrom(peer, priority, other);
    const verdict = packet && admit(packet, () => twin);
    if (verdict?.ok) feed({ kind: "advert", advert: verdict.advert });
  }
  feed({ kind: "timer", timer: "masterDown" });
  feed({ kind: "timer", timer: "adver" });
  feed({ kind: "shutdown" });
}

/** An advert as if it had come from a peer; null if there is no key to sign it with. */
function receivedFrom(source: Ip, priority: number, peer: Instance): ReceivedPacket | null {
  const { family, group: destination } = peer.spec.router;
  const packet = peer.outgoing(priority, source)[0]?.packet;
  if (packet === undefined) return null;
  if (family === "ipv6") {
    return { family, source, destination, hopLimit: VRRP_HOP_LIMIT, message: packet };
  }
  const received = readIpv4(packet);
  return received.ok ? received.value : null;
}
