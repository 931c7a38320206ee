/** What an instance says about how the protocol is spoken. */

import type { Ip } from "../lib/core/address.ts";

/** The TTL or hop limit that the adverts of a peer may arrive with, 0 to 255. */
export interface PeerTtl {
  readonly peer: Ip;
  readonly min: number;
  readonly max: number;
}

/** How an instance speaks VRRP, with the defaults of global_defs and of strict mode filled in. */
export interface ProtocolDefs {
  /** `strict_mode`. */
  readonly strict: boolean;
  /** False after `no_accept`, and in strict mode for who is no owner: packets to the addresses are dropped. */
  readonly accept: boolean;
  /** `unicast_ttl`, 1 to 255. */
  readonly unicastTtl: number;
  /** `check_unicast_src`, which a peer's `min_ttl` or `max_ttl` turns on. */
  readonly checkUnicastSource: boolean;
  /** Of peers with limits. */
  readonly peerTtls: readonly PeerTtl[];
  /** `unicast_fault_no_peer`, with a unicast_peer block that names nobody. */
  readonly lacksPeer: boolean;
  /** `down_timer_adverts`, 1 to 100. */
  readonly downTimerAdverts: number;
  /** `owner_ignore_adverts`. */
  readonly ownerIgnoresAdverts: boolean;
  /** `timer_expired_backup`: the highest priority of the others; null for not. */
  readonly timerExpiredPriority: number | null;
}
