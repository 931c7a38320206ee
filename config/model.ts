/** What a configuration says, complete and typed: every default is filled in, every reference resolved. */

import type { Family, Ip } from "../lib/core/address.ts";
import type { Micros } from "../lib/core/time.ts";
import type { VirtualAddress } from "../lib/core/virtual_address.ts";

/** Where something stands in a file. Lines and columns count from 1; columns are UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many columns the thing covers, for the caret line. */
  readonly length: number;
}

/** A script that keepalived would run: the words of its command, and who runs it. */
export interface ScriptCommand {
  readonly words: readonly string[];
  readonly user: string | null;
  readonly group: string | null;
  readonly position: Position;
}

/** What holds for all: `global_defs`, as far as it is not merged into instances, and `garp_group`. */
export interface GlobalDefs {
  readonly routerId: string | null;
  readonly startupDelayUs: Micros;
  readonly scriptUser: string | null;
  readonly enableScriptSecurity: boolean;
  /** `dynamic_interfaces`: an interface may be missing at the start and come later. */
  readonly dynamicInterfaces: boolean;
  /** `vrrp_rt_priority`: SCHED_RR priority of the engine, 1 to 99; null for none. */
  readonly realtimePriority: number | null;
  /** `vrrp_no_swap`: the engine's memory is locked. */
  readonly lockMemory: boolean;
  /** `vrrp_garp_interval`: the least gap between gratuitous ARPs on one interface; 0 for none. */
  readonly garpIntervalUs: Micros;
  /** `vrrp_gna_interval`: the same for unsolicited neighbour advertisements. */
  readonly gnaIntervalUs: Micros;
  /** No interface is in two of them. */
  readonly garpGroups: readonly GarpGroup[];
}

/** One `garp_group`: its intervals replace the global ones on its interfaces, which share them. */
export interface GarpGroup {
  /** Of the keyword: it has no name. */
  readonly position: Position;
  /** At least one. */
  readonly interfaces: readonly string[];
  /** The least gap between gratuitous ARPs on all of the interfaces together; 0 for none. */
  readonly garpIntervalUs: Micros;
  /** The same for unsolicited neighbour advertisements. */
  readonly gnaIntervalUs: Micros;
}

/** One `vrrp_instance`. */
export interface VrrpInstance {
  readonly name: string;
  readonly position: Position;
  /** Null only with `unicast_peer` and an explicit source address. */
  readonly interface: string | null;
  readonly family: Family;
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
  readonly state: "MASTER" | "BACKUP";
  readonly priority: number;
  readonly advertIntervalUs: Micros;
  readonly authentication: { readonly type: "none" } | {
    readonly type: "pass";
    readonly password: string;
  };
  /** What the checksum of VRRPv3 over IPv4 covers; `v3_checksum_as_v2` is "message-only". */
  readonly checksumForm: "pseudo-header" | "message-only";
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly excludedAddresses: readonly VirtualAddress[];
  readonly unicastPeers: readonly Ip[];
  /** `mcast_src_ip` and `unicast_src_ip`, which are one setting. */
  readonly sourceAddress: Ip | null;
  /** `mcast_dst_ip`, else the global group of the family. */
  readonly multicastGroup: Ip;
  readonly preempt: boolean;
  readonly preemptDelayUs: Micros;
  /** False after `dont_track_primary`. */
  readonly trackPrimary: boolean;
  readonly promoteSecondaries: boolean;
  readonly announce: {
    readonly repeat: number;
    readonly delayUs: Micros;
    readonly refreshUs: Micros;
    readonly refreshRepeat: number;
  };
  readonly trackScripts: readonly TrackUse[];
  readonly trackProcesses: readonly TrackUse[];
  readonly notify: Readonly<Partial<Record<NotifyKind, ScriptCommand>>>;
}

/** A line of `track_script` or `track_process`: which, and the weight it has here (null: its own). */
export interface TrackUse {
  readonly name: string;
  readonly weight: number | null;
  /** `reverse` or `noreverse` at this use; null: as the tracked object says. */
  readonly reverse: boolean | null;
  readonly position: Position;
}

/** The state scripts of an instance. */
export type NotifyKind = "notify_master" | "notify_backup" | "notify_fault";

/** One `vrrp_script`. */
export interface VrrpScript {
  readonly name: string;
  readonly position: Position;
  readonly command: ScriptCommand;
  readonly intervalUs: Micros;
  readonly timeoutUs: Micros;
  readonly weight: number;
  /** The weight counts while the script fails instead of while it succeeds, and the reverse. */
  readonly reverse: boolean;
  readonly rise: number;
  readonly fall: number;
}

/** One `vrrp_track_process`. */
export interface VrrpTrackProcess {
  readonly name: string;
  readonly position: Position;
  readonly process: readonly string[];
  readonly weight: number;
  /** Good while the process does not run. */
  readonly reverse: boolean;
}

/** A whole configuration. */
export interface Config {
  readonly global: GlobalDefs;
  readonly instances: readonly VrrpInstance[];
  readonly scripts: readonly VrrpScript[];
  readonly trackProcesses: readonly VrrpTrackProcess[];
}

/** What is known about the machine that the configuration is for. */
export interface Facts {
  readonly interfaces: readonly InterfaceFact[];
}

/** One network interface. */
export interface InterfaceFact {
  readonly name: string;
  readonly loopback: boolean;
  /** Whether it carries multicast (IFF_MULTICAST); undefined: not known. */
  readonly multicast?: boolean;
  /** Bytes. */
  readonly mtu: number;
}
