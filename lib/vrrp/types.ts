/**
 * The words of the protocol: what a virtual router is, what can happen to it (Event) and what it
 * then wants done (Effect). Everything here is a plain value that can be recorded and replayed.
 */

import type { Family, Ip } from "../core/address.ts";
import type { LogEvent } from "../core/log.ts";
import type { Micros } from "../core/time.ts";

/** RFC 3768 (2) or RFC 9568 (3). */
export type Version = 2 | 3;

/** The priority of a router that owns the addresses (RFC 9568 5.2.4). */
export const OWNER_PRIORITY = 255;

/** The priority by which a master resigns; only on the wire (RFC 9568 5.2.4). */
export const RESIGN_PRIORITY = 0;

/**
 * What the checksum of a VRRPv3 IPv4 advert covers: the message alone (RFC 9568 5.2.8), or a
 * pseudo-header too (RFC 5798 as keepalived and FRR deploy it). `old-unicast` is keepalived's up to
 * 1.3.6 and its `old_unicast_checksum`: 224.0.0.18 in the pseudo-header although the packet is
 * unicast. Other adverts know one form only.
 */
export type ChecksumForm = "pseudo-header" | "message-only" | "old-unicast";

/** What TTL the adverts of a unicast peer may arrive with (`min_ttl`, `max_ttl`), 0 to 255. */
export interface PeerTtl {
  readonly peer: Ip;
  readonly min: number;
  readonly max: number;
}

/** VRRPv2 authentication (RFC 2338 5.3.6); version 3 has none. */
export type Authentication = { readonly type: "none" } | {
  /** A password in the clear, or in an Authentication Header of IP, which it is the key of. */
  readonly type: "pass" | "ah";
  /** At most 8 bytes count. */
  readonly password: string;
};

/** When and how often a master announces its addresses by gratuitous ARP and unsolicited NA. */
export interface AnnounceSchedule {
  /** Rounds at once on becoming master (`garp_master_repeat`). */
  readonly repeat: number;
  /** From becoming master to a second batch; 0 for none (`garp_master_delay`). */
  readonly delayUs: Micros;
  /** Between later batches; 0 for none (`garp_master_refresh`). */
  readonly refreshUs: Micros;
  /** Rounds of each later batch (`garp_master_refresh_repeat`). */
  readonly refreshRepeat: number;
}

/** What a master does about an advert of a lower router (`garp_lower_prio_*`, `lower_prio_no_advert`). */
export interface LowerHeard {
  /** Rounds of announcements at once, and again after the delay; 0 for none. */
  readonly repeat: number;
  /** 0 for no second batch. */
  readonly delayUs: Micros;
  /** Whether it is answered by an advert at once. */
  readonly advert: boolean;
}

/** What a virtual router was configured to be. Never changes but by an event. */
export interface RouterConfig {
  /** The name of its `vrrp_instance`. */
  readonly name: string;
  readonly family: Family;
  readonly version: Version;
  /** 1 to 255. */
  readonly vrid: number;
  /** 1 to 255; trackers move the effective priority, not this. */
  readonly basePriority: number;
  readonly advertIntervalUs: Micros;
  /** In the order configured, which is the order on the wire. At most 255. */
  readonly addresses: readonly Ip[];
  readonly authentication: Authentication;
  /** The form of checksum that is sent; all are accepted. */
  readonly checksum: ChecksumForm;
  /** Where adverts go when there are no peers. */
  readonly group: Ip;
  /** Unicast instead of multicast, when not empty. */
  readonly unicastPeers: readonly Ip[];
  /** Of unicast adverts (`unicast_ttl`), 1 to 255. */
  readonly unicastTtl: number;
  /** Unicast adverts count only from peers (`check_unicast_src`). */
  readonly checkUnicastSource: boolean;
  /** Peers of whose adverts the TTL is looked at. */
  readonly peerTtls: readonly PeerTtl[];
  /** Adverts that may be missed before a master counts as gone (`down_timer_adverts`), 3 by RFC. */
  readonly downTimerAdverts: number;
  /** An owner takes no advert (`owner_ignore_adverts`). */
  readonly ownerIgnoresAdverts: boolean;
  /**
   * `timer_expired_backup`: the highest priority of the others. A master whose timer fires so late
   * that one of them may be master meanwhile becomes a backup; null for not.
   */
  readonly timerExpiredPriority: number | null;
  readonly preempt: boolean;
  /** How long a lower master is left alone (`preempt_delay`); 0 for not at all. */
  readonly preemptDelayUs: Micros;
  /** After start-up adverts are ignored and timers wait this long (`vrrp_startup_delay`). */
  readonly startupDelayUs: Micros;
  /** Nor before the clock, which counts from boot, says this (`vrrp_delay_after_boot`). */
  readonly delayAfterBootUs: Micros;
  readonly announce: AnnounceSchedule;
  readonly lowerHeard: LowerHeard;
  /** `higher_prio_send_advert`: one last advert when a higher router takes over. */
  readonly higherHeardAdvert: boolean;
  /** It becomes master only together with others (`vrrp_sync_group`), when all of them could. */
  readonly isGrouped: boolean;
  /** An owner that starts as a backup, because it moves together with routers that own nothing. */
  readonly ownerWaits: boolean;
}

/** RFC 9568 6.4's states, and keepalived's FAULT: started, but something needed is missing. */
export const STATES = ["init", "backup", "master", "fault"] as const;
/** One of them. */
export type State = typeof STATES[number];

/** Why a router is in fault; a set, recomputed from facts. `detail` is for people. */
export interface Fault {
  readonly reason:
    | "interface_missing"
    | "interface_down"
    | "no_source_address"
    | "no_socket"
    | "no_peer"
    | "advert_too_large"
    | "no_key"
    | "tracker"
    | "sync_group";
  readonly detail: string;
}

/**
 * The timers: Master_Down_Timer (Active_Down_Timer in RFC 9568) and Adver_Timer, and those of
 * announcements: the delayed second batch, the refresh, and the second batch after a lower advert.
 */
export const TIMERS = [
  "masterDown",
  "adver",
  "announceDelay",
  "announceRefresh",
  "announceLower",
] as const;
/** One of them. */
export type TimerName = typeof TIMERS[number];

/** The whole state of one virtual router. Only `step` makes new ones. */
export interface Router {
  readonly config: RouterConfig;
  readonly state: State;
  /** The effective priority: what adverts carry and elections compare. */
  readonly priority: number;
  /** The address adverts leave from; null while the interface has none that is usable. */
  readonly primaryAddress: Ip | null;
  readonly faults: readonly Fault[];
  /** Master_Adver_Interval (Active_Adver_Interval): learned in version 3, configured in version 2. */
  readonly masterAdvertIntervalUs: Micros;
  /** The last router whose advert counted as the master's; ourselves as master; null if none was heard. */
  readonly master: { readonly address: Ip; readonly priority: number } | null;
  /** Deadlines; null when not armed. */
  readonly timers: Readonly<Record<TimerName, Micros | null>>;
  /** The end of `preempt_delay`, while one runs. */
  readonly preemptNotBefore: Micros | null;
  /** The end of `vrrp_startup_delay`. */
  readonly listenNotBefore: Micros | null;
  /** In a group: its timer has run out, and nothing was heard since that would set it anew. */
  readonly isReady: boolean;
}

/** A received advert that passed every check of admission. */
export interface Advert {
  readonly version: Version;
  readonly vrid: number;
  /** 0 to 255. */
  readonly priority: number;
  readonly advertIntervalUs: Micros;
  readonly addresses: readonly Ip[];
  /** The IP source. */
  readonly source: Ip;
}

/** Everything that can happen to a router. */
export type Event =
  /** `since`: when `vrrp_startup_delay` began; the event may come later. */
  | { readonly kind: "startup"; readonly since?: Micros }
  | { readonly kind: "shutdown" }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "advert"; readonly advert: Advert }
  /** The effective priority is now this: 1 to 254, or 255 for an owner. */
  | { readonly kind: "priority"; readonly priority: number; readonly cause: string }
  /** The complete set of faults as of now; empty when all is well. */
  | { readonly kind: "faults"; readonly faults: readonly Fault[] }
  | { readonly kind: "source"; readonly address: Ip | null }
  /** The sync group moves, and this member with it. */
  | { readonly kind: "follow"; readonly to: "master" | "backup"; readonly cause: string }
  /** Another member of the sync group heard a lower router: switches may have learned from it. */
  | { readonly kind: "reannounce" }
  /** It is configured otherwise now: all but its VRID, its family and its interface may differ. */
  | { readonly kind: "config"; readonly config: RouterConfig };

/** What an event is about. */
export type EventKind = Event["kind"];

/** The event of one kind. */
export type On<K extends EventKind> = Extract<Event, { kind: K }>;

/** Everything a router can want done. The engine and the simulator perform effects in order. */
export type Effect =
  /** Send one advert to the group, or to every peer, with this priority (0 resigns). */
  | { readonly do: "sendAdvert"; readonly priority: number }
  | { readonly do: "addAddresses" }
  | { readonly do: "removeAddresses" }
  /** Gratuitous ARP and unsolicited NA for every address, so many rounds. */
  | { readonly do: "announce"; readonly rounds: number }
  /** Forget announcements that are still queued. */
  | { readonly do: "cancelAnnounce" }
  | {
    readonly do: "notify";
    readonly from: State;
    readonly to: State;
    readonly priority: number;
    /** In words: what made it change. */
    readonly cause: string;
  }
  /** In a group: this router could be master now; the group decides. */
  | { readonly do: "ready"; readonly cause: string }
  /** The effective priority is another one now. */
  | { readonly do: "notifyPriority"; readonly priority: number }
  /** A lower router's advert was heard (`notify_master_rx_lower_pri`); the priority is our own. */
  | { readonly do: "notifyLower"; readonly priority: number }
  | {
    readonly do: "log";
    readonly level: LogEvent["level"];
    readonly text: string;
    /** Every packet may bring it again: say it once. */
    readonly repeats?: true;
  };
