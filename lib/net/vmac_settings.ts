/**
 * What the kernel must be told so that a virtual router's own MAC and its parent's do not answer for
 * each other (ip-sysctl of the kernel; RFC 9568 8.1.2), and the record of it that outlives a crash.
 */

import type { Link } from "./links.ts";
import {
  acquireSetting,
  type InterfaceSetting,
  originalsOf,
  recallSetting,
  releaseSettings,
} from "./sysctl.ts";

/** What is set on the parent, and put back. */
const PARENT: Readonly<Record<string, string>> = {
  // An interface answers ARP for its own addresses only...
  "ipv4 arp_ignore": "1",
  "ipv4 arp_filter": "1",
  // ... and asks in the name of its own: never with a virtual address and the parent's MAC.
  "ipv4 arp_announce": "2",
};

/** What is set on the link of the virtual router. */
const OWN: Readonly<Record<string, string>> = {
  "ipv4 arp_ignore": "1",
  "ipv4 arp_announce": "2",
  "ipv4 accept_local": "1",
  "ipv4 promote_secondaries": "1",
};

/** For IPv6 addresses of its own making: it takes none from router advertisements, and asks for none. */
const OWN_IPV6: Readonly<Record<string, string>> = {
  "ipv6 accept_ra": "0",
  "ipv6 autoconf": "0",
  "ipv6 router_solicitations": "0",
};

/**
 * Sets all of them. @returns What went wrong, in words.
 * @param ipv6 Whether IPv6 addresses go on the link; otherwise IPv6 is off there.
 */
export function acquireVmacSettings(
  own: Pick<Link, "name" | "index">,
  parent: Pick<Link, "name" | "index">,
  { ipv6, user }: { readonly ipv6: boolean; readonly user: string },
): string[] {
  const values = {
    ...OWN,
    "ipv4 rp_filter": reversePath(),
    ...ipv6 ? OWN_IPV6 : { "ipv6 disable_ipv6": "1" },
  };
  return [...settings(parent, PARENT), ...settings(own, values)]
    .map((setting) => acquireSetting(setting, user))
    .filter((failure) => failure !== null)
    .filter((failure) => !isWithoutIpv6(failure));
}

/** Puts back what no other link needs. @returns What went wrong, in words. */
export function releaseVmacSettings(user: string): string[] {
  return releaseSettings(user);
}

function settings(
  { name: device, index }: Pick<Link, "name" | "index">,
  values: Readonly<Record<string, string>>,
): InterfaceSetting[] {
  return Object.entries(values).map(([name, value]) => ({ interface: device, index, name, value }));
}

/** A host without IPv6 has none to turn off. */
function isWithoutIpv6(failure: string): boolean {
  return failure.includes("/ipv6/") && failure.includes("os error 2");
}

/**
 * What comes to the virtual MAC may be answered by the parent, which strict reverse path filtering
 * takes for forged. The stricter of "all" and the interface counts, where 2 is looser than 1 and yet
 * the greater: so that "all" need not be touched.
 */
function reversePath(): string {
  try {
    const all = Deno.readTextFileSync("/proc/sys/net/ipv4/conf/all/rp_filter").trim();
    return all === "0" ? "0" : "2";
  } catch {
    return "0";
  }
}

/** How the alias of a link begins that vigie has made. */
const MARK = "vigie vmac on ";

/** Longest alias (IFALIASZ - 1, linux/if.h). */
const ALIAS_MAX = 255;

/**
 * What is written on a link of vigie's: that it is, and what its parent's settings were. It is what
 * the next start finds after a crash.
 */
export function aliasOf(parent: string): string {
  const was = originalsOf(parent);
  const record = Object.keys(PARENT)
    .flatMap((name) => was[name] === undefined ? [] : [`${leafOf(name)}=${was[name]}`]);
  return `${MARK}${parent} ${record.join(" ")}`.trim().slice(0, ALIAS_MAX);
}

/** Whether a link has such an alias. */
export function isMarked(alias: string | null): boolean {
  return alias?.startsWith(MARK) === true;
}

/** Makes known what the alias of a link says about its parent. */
export function recallFrom(alias: string): void {
  const [parent, ...record] = alias.slice(MARK.length).split(" ");
  for (const [name, value] of Object.entries(PARENT)) {
    const was = record.find((one) => one.startsWith(`${leafOf(name)}=`))?.split("=")[1];
    if (was === undefined || !/^\d+$/.test(was)) continue;
    recallSetting({ interface: parent!, name, value }, was);
  }
}

function leafOf(name: string): string {
  return name.split(" ")[1]!;
}
