/** Links of a virtual router's own, with a MAC of its own: written by the config language, made by lib/net. */

import type { Family, Ip, Mac } from "./address.ts";

/** An ipvlan's modes towards others on its parent (IPVLAN_F_*, linux/if_link.h). */
export type IpvlanFlag = "bridge" | "private" | "vepa";

/** One link of an instance (`use_vmac`, `use_ipvlan`, `use_vmac_addr`): what it is to be. */
export interface VmacSpec {
  /** The interface that it stands on. */
  readonly parent: string;
  /** Its name, or the first that is tried. */
  readonly name: string;
  /** The user chose the name: no other will do. */
  readonly isNamed: boolean;
  /** `group`, the number of an interface group; null for the kernel's own (0). */
  readonly group: number | null;
  /** Of the addresses that it is for: decides what the next name is if the first is taken. */
  readonly family: Family;
  /** Whether IPv6 addresses go on it; otherwise IPv6 is off there. */
  readonly needsIpv6: boolean;
  /**
   * What adverts have to do with it: the instance's own sends and hears them, with `vmac_xmit_base` it
   * hears those that others send from the same MAC, and one for single addresses does neither.
   */
  readonly adverts: "sent" | "heard" | "none";
  readonly link:
    | { readonly kind: "macvlan"; readonly mac: Mac }
    | {
      readonly kind: "ipvlan";
      readonly flag: IpvlanFlag;
      /** What `use_ipvlan` gives it; null for none. */
      readonly address: { readonly address: Ip; readonly prefixLength: number } | null;
    };
}

/** Longest name of an interface (IFNAMSIZ - 1, linux/if.h). */
export const LINK_NAME_MAX = 15;

/** Names that are tried behind the first before it is given up. */
const MORE_NAMES = 100;

/**
 * The names to try, in keepalived's order: the first one, for IPv6 one with a 6, then with 1, 2, ...
 * before the dot, all but those that are too long. A chosen name is the only one.
 */
export function vmacNames({ name, isNamed, family }: VmacSpec): string[] {
  if (isNamed) return [name];
  const dot = name.lastIndexOf("."),
    numbers = Array.from({ length: MORE_NAMES }, (_, at) => at + 1);
  const marks = family === "ipv6" ? [6, ...numbers.filter((number) => number !== 6)] : numbers;
  const others = marks.map((mark) => `${name.slice(0, dot)}${mark}${name.slice(dot)}`);
  return [name, ...others].filter((one) => one.length <= LINK_NAME_MAX);
}
