/** From the host's links and addresses to what a router needs to know: pure, recomputed at every change. */

import { type Family, type Ip, isLinkLocal } from "../core/address.ts";
import { AH_BYTES } from "../vrrp/ah.ts";
import { TRAILER_BYTES } from "../vrrp/hmac_trailer.ts";
import { devicesOfRoute, devicesOfRule } from "../core/route_entry.ts";
import type { Fault } from "../vrrp/types.ts";
import { advertLength } from "../vrrp/packet.ts";
import { OWNER_PRIORITY } from "../vrrp/types.ts";
import type { HostAddress, HostTable, Link } from "../net/links.ts";
import { authenticationFault } from "./auth.ts";
import type { InstanceSpec } from "./messages.ts";

/** The part of the link table that facts are made of. */
export type Host = Pick<HostTable, "byName" | "addressesOf" | "holders">;

/** What the host means for one instance. */
export interface Facts {
  readonly faults: readonly Fault[];
  readonly source: Ip | null;
  /** Of the instance's interface; null while it is missing or the instance has none. */
  readonly ifindex: number | null;
  /** Whether that interface can send. */
  readonly carrier: boolean;
}

/** What the facts of an instance depend on besides its own spec and the host. */
export interface Context {
  /** The virtual addresses of all instances: they come and go. */
  readonly virtual: ReadonlySet<Ip>;
  /** Where adverts have left from so far: kept while it can be, whatever came first in a list. */
  readonly source: Ip | null;
  /** Static addresses: vigie puts them there, but they do not come and go. */
  readonly statics?: ReadonlySet<Ip>;
}

/** The facts of one instance: what is missing, and where its adverts leave from. */
export function factsOf(spec: InstanceSpec, host: Host, context: Context): Facts {
  const link = spec.interface === null ? undefined : host.byName(spec.interface);
  const source = sourceOf(spec, link, host, context);
  const faults = [...interfaceFaults(spec, host)];
  if (source === null && (link !== undefined || spec.interface === null)) {
    faults.push({ reason: "no_source_address", detail: missingSource(spec, link, host) });
  }
  if (spec.lacksPeer) faults.push({ reason: "no_peer", detail: "no unicast peer is configured" });
  const keyless = authenticationFault(spec.hmac);
  if (keyless !== null) faults.push({ reason: "no_key", detail: keyless });
  const tooLarge = link && advertTooLarge(spec, link);
  if (tooLarge) faults.push({ reason: "advert_too_large", detail: tooLarge });
  const carrier = link !== undefined && link.up && link.running;
  return { faults, source, ifindex: link?.index ?? null, carrier };
}

/** Interfaces whose state counts: the instance's own, those of its addresses, routes and rules. */
function trackedInterfaces(spec: InstanceSpec): string[] {
  const own = spec.interface !== null && spec.trackPrimary ? [spec.interface] : [];
  const others = spec.virtualAddresses.flatMap((address) =>
    address.track && address.device !== null && address.device !== spec.interface
      ? [address.device]
      : []
  );
  const routed = [
    ...spec.routes.filter(({ track }) => track).flatMap(devicesOfRoute),
    ...spec.rules.filter(({ track }) => track).flatMap(devicesOfRule),
  ].filter((name) => name !== spec.interface);
  return [...new Set([...own, ...others, ...routed])];
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
 * interface and IPv6 a link-local one (RFC 9568 5.1.2.1), never a virtual address, whoever's: two
 * routers with one source break the tie-break. Only an owner has no other than its own.
 */
function sourceOf(
  spec: InstanceSpec,
  link: Link | undefined,
  host: Host,
  { virtual, source, statics }: Context,
): Ip | null {
  if (spec.sourceAddress !== null) {
    return configuredSource(spec, link, host)?.tentative === false ? spec.sourceAddress : null;
  }
  if (link === undefined) return null;
  const usable = candidates(spec.router.family, host.addressesOf(link.index))
    .filter(({ address, tentative, ours }) =>
      !tentative && (!ours || statics?.has(address) === true)
    );
  const real = usable.filter(({ address }) => !virtual.has(address));
  if (real.length > 0) return (real.find(({ address }) => address === source) ?? real[0]!).address;
  const own = new Set(spec.virtualAddresses.map((entry) => entry.address));
  const owned = usable.find(({ address }) => own.has(address));
  return spec.router.basePriority === OWNER_PRIORITY ? owned?.address ?? null : null;
}

/** On the instance's own interface if it is there; a link-local address means something only there. */
function configuredSource(
  { sourceAddress }: InstanceSpec,
  link: Link | undefined,
  host: Host,
): HostAddress | undefined {
  if (sourceAddress === null) return undefined;
  const here = host.addressesOf(link?.index ?? 0).find(({ address }) => address === sourceAddress);
  return here ?? (isLinkLocal(sourceAddress) && link ? undefined : host.holders(sourceAddress)[0]);
}

/** An advert must fit one frame: a master that cannot send would be one of two (sheet FMT-12). */
function advertTooLarge({ router, hmac }: InstanceSpec, { name, mtu }: Link): string | null {
  const { version, family, addresses } = router;
  const bytes = IP_HEADER_BYTES[family] + advertLength(version, family, addresses.length) +
    (router.authentication.type === "ah" ? AH_BYTES : 0) + (hmac ? TRAILER_BYTES : 0);
  if (bytes <= mtu) return null;
  return `an advert of ${addresses.length} addresses takes ${bytes} bytes, the MTU of ${name} is ${mtu}`;
}

/** Without options (RFC 791 3.1, RFC 8200 3). */
const IP_HEADER_BYTES: Readonly<Record<Family, number>> = { ipv4: 20, ipv6: 40 };

function candidates(family: Family, addresses: readonly HostAddress[]): HostAddress[] {
  return addresses.filter((candidate) =>
    candidate.family === family && (family === "ipv4" || isLinkLocal(candidate.address))
  );
}

function missingSource(spec: InstanceSpec, link: Link | undefined, host: Host): string {
  if (spec.sourceAddress !== null) {
    return configuredSource(spec, link, host) === undefined
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
