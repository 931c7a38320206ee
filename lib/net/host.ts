/** Questions about this host that are asked once, before the engine runs. */

import { capabilities, type Capability } from "../../ffi/process.ts";
import { listenAnew } from "../../ffi/exec.ts";
import { claimName, type NameHolder } from "../../ffi/local_name.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Ip } from "../core/address.ts";
import { type Link, LinkTable } from "./links.ts";

/** A capability, and what needs it. */
export interface Need {
  readonly name: Capability;
  readonly why: string;
}

/** The capabilities that VRRP needs, each with what would fail without it (capabilities(7)). */
const NEEDED: readonly Need[] = [
  {
    name: "CAP_NET_RAW",
    why: "to send and receive VRRP, gratuitous ARP and neighbour advertisements",
  },
  { name: "CAP_NET_ADMIN", why: "to add and remove virtual addresses" },
];

/** What one vigie in a network namespace holds, so that a second one finds it. */
export const DAEMON_NAME = "vigie.daemon";

/** Another process, and whose it is. */
export type Rival = NameHolder;

/**
 * Makes this process the one vigie of its network namespace: two would take each other's addresses
 * away. Lasts until the process ends, however it does.
 *
 * @returns The process that is it already; null if this one is now. @throws {SysError}
 */
export function claimNamespace(): Rival | null {
  const claimed = claimName(DAEMON_NAME);
  if (typeof claimed !== "number") return claimed;
  heldClaim = claimed;
  return null;
}

/** The listening socket by which this process holds its namespace; null while it does not. */
let heldClaim: number | null = null;

/** What a successor needs to hold the namespace without a gap; people's requests come by it too. */
export function namespaceClaim(): number | null {
  return heldClaim;
}

/** Takes the claim that another image of this daemon has handed over. @throws {SysError} */
export function adoptClaim(fd: number): void {
  listenAnew(fd, CLAIM_BACKLOG);
  heldClaim = fd;
}

/** As many as may wait at a claim (ffi/local_name.ts). */
const CLAIM_BACKLOG = 4096;

/** An interface, and the addresses that it has by others than vigie. */
export interface HostInterface extends Link {
  readonly addresses: readonly Ip[];
}

/** The interfaces of this network namespace; same as `ip address`. @throws {SysError} */
export function listInterfaces(): readonly HostInterface[] {
  const socket = new NetlinkSocket(NETLINK.ROUTE, "list interfaces");
  try {
    const table = new LinkTable();
    table.load(socket);
    return table.all().map((link) => ({
      ...link,
      addresses: table.addressesOf(link.index).filter(({ ours }) => !ours)
        .map(({ address }) => address),
    }));
  } finally {
    socket.close();
  }
}

/** The first Linux that keeps IFA_PROTO with an address (linux/if_addr.h). */
const FIRST_WITH_ADDRESS_PROTOCOL = [5, 18] as const;

/**
 * Whether a kernel keeps the tag that tells vigie's addresses from the operator's.
 *
 * @param release As `uname -r` says it: "6.1.0-13-amd64".
 */
export function keepsAddressProtocol(release: string): boolean {
  const [major = 0, minor = 0] = release.split(".").map((part) => parseInt(part, 10));
  const [firstMajor, firstMinor] = FIRST_WITH_ADDRESS_PROTOCOL;
  return major > firstMajor || (major === firstMajor && minor >= firstMinor);
}

/** What this process may not do but would have to. Empty if it may do all. */
export function missingCapabilities(): readonly Need[] {
  const { effective } = capabilities();
  return NEEDED.filter(({ name }) => !effective.has(name));
}
