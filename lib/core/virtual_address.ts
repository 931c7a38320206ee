import type { Ip } from "./address.ts";

/**
 * One line of `virtual_ipaddress` or `virtual_ipaddress_excluded`, complete: what `ip address add`
 * would be told. Written by the config language, carried to the engine, used by lib/net.
 */
export interface VirtualAddress {
  readonly address: Ip;
  /** Without one in the config: 32 or 128, as keepalived, not the interface's own. */
  readonly prefixLength: number;
  /** `dev`: another interface than the instance's; null is the instance's own. */
  readonly device: string | null;
  /** The link of the instance's own that it goes to (place in its `vmacs`); null: it goes to `device`. */
  readonly vmac: number | null;
  /** `scope` as rtnetlink's number (RT_SCOPE_*, linux/rtnetlink.h); 0 is global. IPv4 only. */
  readonly scope: number;
  /** `label`, at most 15 characters (IFNAMSIZ - 1). IPv4 only. */
  readonly label: string | null;
  /** `brd`, already computed for `+` and `-`. IPv4 only. */
  readonly broadcast: Ip | null;
  /** `peer`: the other end of a point-to-point address. */
  readonly peer: Ip | null;
  /** IFA_F_* of linux/if_addr.h that the entry asks for (home, mngtmpaddr, noprefixroute, autojoin, nodad). */
  readonly flags: number;
  /** `preferred_lft` in seconds; null is for ever. */
  readonly preferredLifetimeSeconds: number | null;
  /** `no_track`: its removal and its interface's state are nobody's business. */
  readonly track: boolean;
}
