/** Rules between blocks, and between a configuration and the machine it is for. */

import { isLinkLocal } from "../lib/core/address.ts";
import type { Built } from "./build.ts";
import { OWNER_PRIORITY } from "./build_election.ts";
import { withLinks } from "./build_vmac.ts";
import { checkVmacs } from "./check_vmac.ts";
import { checkMail, checkNopreempt, checkUnused } from "./check_watchers.ts";
import { checkWeights } from "./check_weights.ts";
import type { Named } from "./keyword.ts";
import type { Facts, Position, VrrpInstance } from "./model.ts";
import { listInterfaces, otherInterface } from "./other_interface.ts";
import type { Tree } from "./parser.ts";
import type { Finding, Report } from "./problem.ts";
import type { VRRP_INSTANCE } from "./table_vrrp.ts";

/** An instance and the block that it was built from. */
interface Pair {
  readonly instance: VrrpInstance;
  readonly named: Named<typeof VRRP_INSTANCE>;
}

/** Reports what is wrong with a configuration as a whole. `facts` null: the machine is not known. */
export function check(built: Built, tree: Tree, facts: Facts | null, report: Report): void {
  const { config } = built;
  const blocks = new Map((tree.vrrp_instance ?? []).map((named) => [named.name, named]));
  const pairs = config.instances.flatMap((instance): readonly Pair[] => {
    const named = blocks.get(instance.name);
    return named === undefined ? [] : [{ instance, named }];
  });
  checkVrids(pairs, report);
  checkSharedAddresses(pairs, report);
  checkUnused(built, report);
  checkMail(config, tree, report);
  checkVmacs(config, report);
  for (const pair of pairs) {
    checkLinkLocal(pair, report);
    checkWeights(pair.instance, report);
    checkUnicast(pair, report);
    checkNopreempt(pair.instance, pair.named.settings.nopreempt?.position, report);
  }
  if (facts === null) return;
  for (const pair of pairs) checkOwnAddresses(pair, facts, report);
  // Also of blocks that could not be built: the owner of the file wants to hear it all at once.
  for (const named of blocks.values()) {
    checkInterface(named, facts, config.global.dynamicInterfaces, report);
    checkMulticast(named, facts, report);
    checkDevices(named, withLinks(facts, tree), config.global.dynamicInterfaces, report);
  }
}

/** A problem of an instance. */
function about(
  name: string,
  severity: Finding["severity"],
  position: Position,
  message: string,
  remedy: string,
): Finding {
  return { severity, position, message: `(${name}) ${message}`, remedy };
}

/** Two routers of one machine may not be one virtual router: same segment, family and number. */
function checkVrids(pairs: readonly Pair[], report: Report): void {
  const bySegment = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const { instance } = pair;
    const key = `${instance.interface} ${instance.family} ${instance.virtualRouterId}`;
    const others = bySegment.get(key) ?? [];
    const other = others.find((other) => sameDestination(other.instance, instance));
    if (other !== undefined) report(duplicateVrid(pair, other));
    bySegment.set(key, [...others, pair]);
  }
}

function sameDestination(a: VrrpInstance, b: VrrpInstance): boolean {
  if (a.unicastPeers.length > 0 && b.unicastPeers.length > 0) {
    return a.unicastPeers.some((peer) => b.unicastPeers.includes(peer));
  }
  return a.unicastPeers.length === b.unicastPeers.length && a.multicastGroup === b.multicastGroup;
}

function duplicateVrid({ instance, named }: Pair, other: Pair): Finding {
  const { name, virtualRouterId: vrid } = instance;
  const family = instance.family === "ipv4" ? "IPv4" : "IPv6";
  const versions = instance.version === other.instance.version
    ? ""
    : ", though with different versions";
  const place = instance.interface === null ? "" : ` on ${instance.interface}`;
  return about(
    name,
    "fatal",
    named.settings.virtual_router_id?.position ?? named.position,
    `VRID ${vrid} is used by ${other.instance.name} already, with ${family}${place}${versions}`,
    `Give one of them another virtual_router_id, or move the addresses of ${name} into ${other.instance.name}`,
  );
}

/**
 * One address that two elections decide about has two owners sooner or later. A link-local one is
 * another address on each interface (RFC 4007 6).
 */
function checkSharedAddresses(pairs: readonly Pair[], report: Report): void {
  const anywhere = new Map<string, string>(), onDevice = new Map<string, string>();
  for (const { instance, named } of pairs) {
    const { name } = instance;
    const found = [
      ...named.settings.virtual_ipaddress ?? [],
      ...named.settings.virtual_ipaddress_excluded ?? [],
    ];
    for (const { value: { address, device }, position } of found) {
      const place = device ?? instance.interface;
      const same = firstOwner(onDevice, `${address} ${place}`, name);
      const other = firstOwner(anywhere, address, name);
      if (same !== name) {
        const message =
          `${address} is an address of ${same} already: two elections decide on it, ` +
          "and it stays while either is master";
        const remedy = `Delete the line here or in ${same}`;
        report(about(name, "error", position, message, remedy));
      } else if (other !== name && !isLinkLocal(address)) {
        const message = `${address} is an address of ${other} already, on another interface: two ` +
          "routers may hold it at once";
        report(about(name, "warning", position, message, "Keep it in one instance only"));
      }
    }
  }
}

/** Who was there first under a key; it is `name` if nobody was. */
function firstOwner(owners: Map<string, string>, key: string, name: string): string {
  const owner = owners.get(key) ?? name;
  owners.set(key, owner);
  return owner;
}

/** RFC 9568 5.2.9: the first address is the virtual router's link-local one. */
function checkLinkLocal({ instance, named }: Pair, report: Report): void {
  const first = instance.virtualAddresses[0];
  if (instance.family !== "ipv6" || first === undefined || isLinkLocal(first.address)) return;
  const found = named.settings.virtual_ipaddress?.find((found) =>
    found.value.address === first.address
  );
  report(about(
    instance.name,
    "warning",
    found?.position ?? instance.position,
    `${first.address} is the first virtual address: a link-local one should be (RFC 9568 5.2.9)`,
    'Write a link-local address such as "fe80::1" on the first line of virtual_ipaddress',
  ));
}

function checkUnicast({ instance, named }: Pair, report: Report): void {
  const { unicast_peer: peers = [], unicast_src_ip: source } = named.settings;
  const keyword = named.settings.unicast_peer !== undefined ? "unicast_peer" : "unicast_src_ip";
  const wanted = named.settings.unicast_peer !== undefined || source !== undefined;
  if (wanted && instance.unicastPeers.length === 0 && !instance.protocol.lacksPeer) {
    const message = `"${keyword}" without any peer: adverts go to the multicast group`;
    const remedy = "Write the address of each other router into unicast_peer";
    report(about(instance.name, "warning", instance.position, message, remedy));
  }
  for (const { value, position } of instance.interface === null ? peers : []) {
    if (!isLinkLocal(value.address)) continue;
    const message =
      `Cannot send to ${value.address}: a link-local peer needs an interface, and there is none`;
    const remedy = 'Write "interface IFNAME" into the instance, or a peer address of wider scope';
    report(about(instance.name, "error", position, message, remedy));
  }
  const self = peers.find(({ value }) => value.address === instance.sourceAddress);
  if (self === undefined) return;
  const message = `${self.value.address} is this router's own source address, not a peer`;
  report(about(instance.name, "warning", self.position, message, "Delete the line"));
}

/** An address that the host has anyway is on two routers as soon as another one is master. */
function checkOwnAddresses({ instance, named }: Pair, facts: Facts, report: Report): void {
  if (instance.priority === OWNER_PRIORITY) return;
  const { virtual_ipaddress: own = [], virtual_ipaddress_excluded: excluded = [] } = named.settings;
  for (const { value: { address, device }, position } of [...own, ...excluded]) {
    const name = device ?? instance.interface;
    const link = facts.interfaces.find((link) => link.name === name);
    if (!link?.addresses?.includes(address)) continue;
    const message = `${address} is an address of ${link.name} itself: unless a daemon has put it ` +
      "there, this router keeps it when another one is master, and two have it";
    const remedy = `Take it off ${link.name} and out of the host's network configuration, or ` +
      'write "priority 255" if this router owns it';
    report(about(instance.name, "warning", position, message, remedy));
  }
}

function checkInterface(
  named: Named<typeof VRRP_INSTANCE>,
  facts: Facts,
  dynamic: boolean,
  report: Report,
): void {
  const found = named.settings.interface;
  if (found === undefined) return;
  const link = facts.interfaces.find((link) => link.name === found.value);
  if (link === undefined) {
    report(missingInterface(named.name, found.value, found.position, facts, dynamic));
  } else if (link.loopback) {
    const message = `Cannot use the loopback interface "${link.name}": no other router is there`;
    const remedy = `Name the interface of the network${listInterfaces(facts)}`;
    report(about(named.name, "fatal", found.position, message, remedy));
  }
}

function checkMulticast(named: Named<typeof VRRP_INSTANCE>, facts: Facts, report: Report): void {
  const { interface: found, unicast_peer: peers = [] } = named.settings;
  const link = facts.interfaces.find((link) => link.name === found?.value);
  if (found === undefined || peers.length > 0) return;
  if (link?.multicast !== false || link.loopback) return;
  const message = `Interface "${link.name}" does not carry multicast: no router hears the adverts`;
  const remedy = "Write the addresses of the other routers into a unicast_peer block";
  report(about(named.name, "error", found.position, message, remedy));
}

function checkDevices(
  named: Named<typeof VRRP_INSTANCE>,
  facts: Facts,
  dynamic: boolean,
  report: Report,
): void {
  const { virtual_ipaddress: own = [], virtual_ipaddress_excluded: excluded = [] } = named.settings;
  for (const { value, position } of [...own, ...excluded]) {
    if (value.device === null || facts.interfaces.some((link) => link.name === value.device)) {
      continue;
    }
    report(missingInterface(named.name, value.device, position, facts, dynamic));
  }
}

function missingInterface(
  instance: string,
  name: string,
  position: Position,
  facts: Facts,
  dynamic: boolean,
): Finding {
  const remedy = otherInterface(name, facts);
  return dynamic
    ? about(
      instance,
      "warning",
      position,
      `Interface "${name}" does not exist now: the instance waits for it in FAULT`,
      `${remedy}, or create it later`,
    )
    : about(
      instance,
      "fatal",
      position,
      `Interface "${name}" does not exist`,
      `${remedy}; for one that comes later write "dynamic_interfaces" into global_defs`,
    );
}
