/** Links of an instance's own: which there are, and which addresses go on them. */

import { type Family, familyOf, type Ip } from "../lib/core/address.ts";
import { micros } from "../lib/core/time.ts";
import type { VirtualAddress } from "../lib/core/virtual_address.ts";
import { LINK_NAME_MAX, type VmacSpec } from "../lib/core/vmac.ts";
import type { AddressEntry } from "./address_entry.ts";
import { type InstanceContext, tell } from "./instance_context.ts";
import type { Facts, VrrpInstance } from "./model.ts";
import type { Tree } from "./parser.ts";
import { type ExtraGarp, macOf } from "./table_vmac.ts";

/** How names begin where nothing else is said. */
const PREFIX = "vrrp";

/** The lists of addresses, before and after. */
interface Addresses {
  readonly virtualAddresses: readonly AddressEntry[];
  readonly excludedAddresses: readonly AddressEntry[];
}

/**
 * The machine with the links that its instances will make: what is on one of them need not wait. As
 * keepalived, only with `dynamic_interfaces`.
 */
export function withLinks<F extends Facts | null>(facts: F, tree: Tree): F {
  const { global_defs: globals = {}, vrrp_instance: blocks = [] } = tree;
  if (facts === null || globals.dynamic_interfaces === undefined) return facts;
  const byName = new Map(facts.interfaces.map((fact) => [fact.name, fact]));
  for (const { settings } of blocks) {
    const used = settings.use_vmac ?? settings.use_ipvlan, vrid = settings.virtual_router_id?.value;
    const parent = byName.get(settings.interface?.value ?? "");
    if (used === undefined || vrid === undefined || parent === undefined) continue;
    const name = used.value.name ?? `${globals.vmac_prefix?.value ?? PREFIX}.${vrid}`;
    if (!byName.has(name)) byName.set(name, { ...parent, name, addresses: [] });
  }
  return { ...facts, interfaces: [...byName.values()] };
}

/** What is made of an instance's keywords about links. */
export interface VmacParts extends Pick<VrrpInstance, "virtualAddresses" | "excludedAddresses"> {
  readonly vmacs: readonly VmacSpec[];
  readonly extraGarp: ExtraGarp;
}

/** The links, and the addresses with the links that they go to. */
export function buildVmacs(
  context: InstanceContext,
  { family, vrid, addresses, isUnicast }: {
    readonly family: Family;
    readonly vrid: number;
    readonly addresses: Addresses;
    readonly isUnicast: boolean;
  },
): VmacParts {
  const links = new Links(context, vrid);
  const own = ownLink(context, family, vrid, isUnicast);
  if (own !== null) links.add(own);
  const place = (list: readonly AddressEntry[]): VirtualAddress[] =>
    list.map((entry) => links.place(entry, own));
  const virtualAddresses = place(addresses.virtualAddresses);
  const excludedAddresses = place(addresses.excludedAddresses);
  return { virtualAddresses, excludedAddresses, vmacs: links.specs(), extraGarp: garp(context) };
}

function garp({ settings, globals }: InstanceContext): ExtraGarp {
  const found = settings.garp_extra_if ?? settings.vmac_garp_intvl ?? globals.vrrp_garp_extra_if ??
    globals.vrrp_vmac_garp_intvl;
  return found?.value ?? { intervalUs: micros(0), all: false };
}

/** The address of an ipvlan, which adverts leave from it with; null if there is none of the family. */
export function ipvlanSource(vmacs: readonly VmacSpec[], family: Family): Ip | null {
  for (const { link, adverts } of vmacs) {
    if (link.kind !== "ipvlan" || link.address === null || adverts !== "sent") continue;
    if (familyOf(link.address.address) === family) return link.address.address;
  }
  return null;
}

/** The link that `use_vmac` or `use_ipvlan` asks for; null without either. */
function ownLink(
  context: InstanceContext,
  family: Family,
  vrid: number,
  isUnicast: boolean,
): VmacSpec | null {
  const { settings } = context, { use_vmac: vmac, use_ipvlan: ipvlan } = settings;
  reportCombination(context);
  const used = vmac ?? ipvlan, parent = settings.interface?.value;
  if (used === undefined) return null;
  if (parent === undefined) {
    const message =
      "An instance without an interface has no place for a link of its own: it is ignored";
    tell(context, "error", used, message, 'Write "interface IFNAME" into the instance');
    return null;
  }
  const { name, group } = used.value;
  if (name === parent) {
    const message = `"${name}" is the interface itself, not a name for a link on it: it is ignored`;
    tell(context, "error", used, message, "Write another name, or none");
  }
  const named = name !== null && name !== parent;
  const common = {
    parent,
    name: named ? name : nameFor(context, vrid, "vmac_prefix"),
    isNamed: named,
    group,
    family,
    needsIpv6: family === "ipv6",
    adverts: advertsOf(context, isUnicast),
  };
  if (vmac !== undefined) {
    return { ...common, link: { kind: "macvlan", mac: macOf(vmac.value.mac, vrid, family) } };
  }
  const { flag, address } = ipvlan!.value;
  return { ...common, link: { kind: "ipvlan", flag, address } };
}

function reportCombination(context: InstanceContext): void {
  const { use_vmac: vmac, use_ipvlan: ipvlan, use_vmac_addr: perAddress } = context.settings;
  const base = context.settings.vmac_xmit_base;
  if (vmac !== undefined && ipvlan !== undefined) {
    const message =
      "use_ipvlan is ignored: an instance has one link of its own, and use_vmac is given";
    tell(context, "error", ipvlan, message, "Delete one of the two");
  } else if (ipvlan !== undefined && perAddress !== undefined) {
    const message = "use_vmac_addr is ignored: it does not go with use_ipvlan";
    tell(context, "error", perAddress, message, 'Delete the line, or write "use_vmac" instead');
  }
  if (ipvlan?.value.address === null && vmac === undefined && isIpv4(context)) {
    const message =
      "An ipvlan has its parent's MAC and, without an address, its parent's source too: " +
      "only its own address tells them apart";
    tell(context, "warning", ipvlan, message, 'Write the address behind "use_ipvlan"');
  }
  if (base !== undefined && vmac === undefined && ipvlan === undefined) {
    const message = "vmac_xmit_base has no effect without use_vmac";
    tell(context, "warning", base, message, 'Delete the line, or write "use_vmac"');
  }
}

function isIpv4({ settings }: InstanceContext): boolean {
  const first = settings.virtual_ipaddress?.[0]?.value.address;
  return first === undefined || familyOf(first) === "ipv4";
}

function advertsOf(context: InstanceContext, isUnicast: boolean): VmacSpec["adverts"] {
  const { vmac_xmit_base: base, use_vmac: vmac, use_ipvlan: ipvlan } = context.settings;
  if (base !== undefined) return isUnicast ? "none" : "heard";
  if (!isUnicast) return "sent";
  const message =
    "Unicast adverts cannot leave from the MAC of the virtual router, which has no answer " +
    "there: vmac_xmit_base is turned on";
  tell(context, "warning", vmac ?? ipvlan, message, 'Write "vmac_xmit_base"');
  return "none";
}

/** "vrrp.51"; a prefix that leaves no room for the VRID is reported. */
function nameFor(
  { globals, report }: InstanceContext,
  vrid: number,
  keyword: "vmac_prefix" | "vmac_addr_prefix",
): string {
  const found = globals[keyword] ?? globals.vmac_prefix;
  const name = `${found?.value ?? PREFIX}.${vrid}`;
  if (name.length <= LINK_NAME_MAX) return name;
  report({
    severity: "error",
    position: found!.position,
    message:
      `"${name}" is no name for an interface, which has at most ${LINK_NAME_MAX} characters: ` +
      `"${PREFIX}.${vrid}" is used`,
    remedy: `Write a prefix of at most ${LINK_NAME_MAX - 1 - `${vrid}`.length} characters`,
  });
  return `${PREFIX}.${vrid}`;
}

/** The links of one instance as they are found to be needed: one for each parent and MAC. */
class Links {
  readonly #context: InstanceContext;
  readonly #vrid: number;
  readonly #specs: VmacSpec[] = [];

  constructor(context: InstanceContext, vrid: number) {
    this.#context = context;
    this.#vrid = vrid;
  }

  specs(): readonly VmacSpec[] {
    return this.#specs;
  }

  /** @returns Its place in the list. */
  add(spec: VmacSpec): number {
    return this.#specs.push(spec) - 1;
  }

  /** The address with its link; the entry itself, if it has none. */
  place(written: AddressEntry, own: VmacSpec | null): VirtualAddress {
    const { useVmac, ...entry } = written;
    const family = familyOf(entry.address), { settings } = this.#context;
    const parent = entry.device ?? settings.interface?.value ?? null;
    if (own !== null && family === own.family) {
      if (parent === own.parent) return { ...entry, vmac: 0 };
      // By whichever name it gets.
      if (parent === own.name) return { ...entry, device: null, vmac: 0 };
    }
    // As keepalived: of the instance's own addresses, only what the link is not for is left over.
    const wanted = useVmac === true ||
      (settings.use_vmac_addr !== undefined && settings.use_ipvlan === undefined &&
        (parent !== settings.interface?.value || own !== null));
    if (!wanted || parent === null) return useVmac === undefined ? written : entry;
    return { ...entry, vmac: this.#forAddress(parent, family) };
  }

  #forAddress(parent: string, family: Family): number {
    const mac = macOf(null, this.#vrid, family);
    const at = this.#specs.findIndex((spec) =>
      spec.parent === parent && spec.link.kind === "macvlan" && spec.link.mac === mac
    );
    if (at >= 0) return at;
    return this.add({
      parent,
      name: nameFor(this.#context, this.#vrid, "vmac_addr_prefix"),
      isNamed: false,
      group: null,
      family,
      needsIpv6: family === "ipv6",
      adverts: "none",
      link: { kind: "macvlan", mac },
    });
  }
}
