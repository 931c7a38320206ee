/** From the host's links and addresses to what a router needs to know: pure, recomputed at every change. */

import { type Family, type Ip, isLinkLocal } from "../core/address.ts";
import type { Fault } from "../vrrp/types.ts";
import { OWNER_PRIORITY } from "../vrrp/types.ts";
import type { HostAddress, Link } from "../net/links.ts";
import type { InstanceSpec } from "./messages.ts";

/** The part of the link table that facts are made of. */
export interface Host {
  byName(name: string): Link | undefined;
  addressesOf(index: number): readonly HostAddress[];
  holder(address: Ip): HostAddress | undefined;
}

/** What the host means for one instance. */
export interface Facts {
  readonly faults: readonly Fault[];
  readonly source: Ip | null;
  /** Of the instance's interface; null while it is missing or the instance has none. */
  readonly ifindex: number | null;
  /** Whether that interface can send. */
  readonly carrier: boolean;
}

/** The facts of one instance: what is missing, and where its adverts leave from. */
export function factsOf(spec: InstanceSpec, host: Host): Facts {
  const link = spec.interface === null ? undefined : host.byName(spec.interface);
  const source = sourceOf(spec, link, host);
  const faults = [...interfaceFaults(spec, host)];
  if (source === null && (link !== undefined || spec.interface === null)) {
    faults.push({ reason: "no_source_address", detail: missingSource(spec, link, host) });
  }
  const carrier = link !== undefined && link.up && link.running;
  return { faults, source, ifindex: link?.index ?? null, carrier };
}

/** Interfaces whose state counts: the instance's own, and those of its addresses. */
function trackedInterfaces(spec: InstanceSpec): string[] {
  const own = spec.interface !== null && spec.trackPrimary ? [spec.interface] : [];
  const others = spec.virtualAddresses.flatMap((address) =>
    address.track && address.device !== null && address.device !== spec.interface
      ? [address.device]
      : []
  );
  return [...new Set([...own, ...others])];
}

function interfaceFaults(spec: InstanceSpec, host: Host): Fault[] {
  const faults: Fault[] = [];
  const names = new Set(trackedInterfaces(spec));
  if (spec.interface !== null && host.byName(spec.interface) === undefined) {
    names.add(spec.interface);
  }
  for (const name of names) {
    const link = host.byName(name);
    if (link === undefined) {
      faults.push({ reason: "interface_missing", detail: `interface ${name} does not exist` });
    } else if (!link.up || !link.running) {
      const state = link.up ? "has no carrier" : "is down";
      faults.push({ reason: "interface_down", detail: `interface ${name} ${state}` });
    }
  }
  return faults;
}

/**
 * A configured source address must be on the host. Otherwise IPv4 uses the first address of the
 * interface and IPv6 its first link-local one (RFC 9568 5.1.2.1), never a virtual address: two
 * routers with one source break the tie-break. Only an owner has no other than its own.
 */
function sourceOf(spec: InstanceSpec, link: Link | undefined, host: Host): Ip | null {
  if (spec.sourceAddress !== null) {
    return host.holder(spec.sourceAddress)?.tentative === false ? spec.sourceAddress : null;
  }
  if (link === undefined) return null;
  const usable = candidates(spec.router.family, host.addressesOf(link.index))
    .filter((candidate) => !candidate.tentative);
  const virtual = new Set(spec.virtualAddresses.map((entry) => entry.address));
  const real = usable.find((candidate) => !virtual.has(candidate.address));
  if (real !== undefined) return real.address;
  const owned = usable.find((candidate) => !candidate.ours);
  return spec.router.basePriority === OWNER_PRIORITY ? owned?.address ?? null : null;
}

function candidates(family: Family, addresses: readonly HostAddress[]): HostAddress[] {
  return addresses.filter((candidate) =>
    candidate.family === family && (family === "ipv4" || isLinkLocal(candidate.address))
  );
}

function missingSource(spec: InstanceSpec, link: Link | undefined, host: Host): string {
  if (spec.sourceAddress !== null) {
    return host.holder(spec.sourceAddress) === undefined
      ? `source address ${spec.sourceAddress} is on no interface`
      : `source address ${spec.sourceAddress} is still tentative`;
  }
  const kind = spec.router.family === "ipv4" ? "IPv4" : "IPv6 link-local";
  const tentative = candidates(spec.router.family, host.addressesOf(link?.index ?? 0))
    .find((candidate) => candidate.tentative);
  return tentative === undefined
    ? `no ${kind} address for interface ${spec.interface}`
    : `address ${tentative.address} of interface ${spec.interface} is still tentative`;
}
