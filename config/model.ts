/** What a configuration says, complete and typed: every default is filled in, every reference resolved. */

import type { Family, Ip } from "../lib/core/address.ts";
import type { CheckSpec, ProcessProbe, UserName } from "../lib/core/probe_spec.ts";
import type { ProtocolDefs } from "./model_protocol.ts";
import type { Authentication, HmacDefs } from "./model_authentication.ts";
import type { Micros } from "../lib/core/time.ts";
import type { RouteEntry, RuleEntry } from "../lib/core/route_entry.ts";
import type { VirtualAddress } from "../lib/core/virtual_address.ts";
import type { VmacSpec } from "../lib/core/vmac.ts";
import type { RootDefs } from "./model_root.ts";
import type { NameLookup } from "./iproute_names.ts";
import type { LinkDelay } from "../lib/core/link_delay.ts";
import type { StaticEntries } from "../lib/core/static_entries.ts";

export type { RootDefs } from "./model_root.ts";

export type { PeerTtl, ProtocolDefs } from "./model_protocol.ts";

export type { LinkDelay } from "../lib/core/link_delay.ts";
export type { StaticEntries, StaticEntry, TrackGroup } from "../lib/core/static_entries.ts";

/** Where something stands in a file. Lines and columns count from 1; columns are UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many columns the thing covers, for the caret line. */
  readonly length: number;
  /** Of text that was put in there: what it is, such as `$BLOCK, defined at FILE:LINE`. */
  readonly via?: string;
}

/** A script: the words of its command, and who runs it. */
export interface ScriptCommand {
  readonly words: readonly string[];
  /** The keyword's own user, else `script_user`; null for the default one of `scriptAccount`. */
  readonly user: UserName | null;
  readonly position: Position;
}

/** A script that must end in time. */
export interface TimedScript {
  readonly command: ScriptCommand;
  readonly timeoutUs: Micros;
}

/** `notify_fifo` or `vrrp_notify_fifo`: where lines are written, and the script that reads them. */
export interface NotifyFifo {
  readonly path: string;
  /** Who owns a FIFO that vigie creates. */
  readonly owner: UserName | null;
  /** Started once, with the path as its last argument. */
  readonly script: ScriptCommand | null;
  readonly position: Position;
}

/** How mail leaves (`smtp_server` and its kin). */
export interface MailDefs {
  /** `notification_email`. */
  readonly recipients: readonly string[];
  /** `notification_email_from`; null for user@host. */
  readonly from: string | null;
  /** Null: there is no `smtp_server`. */
  readonly server: { readonly host: string; readonly port: number } | null;
  readonly heloName: string | null;
  readonly connectTimeoutUs: Micros;
  /** `smtp_tls` (vigie): `starttls` insists on it, `tls` from the first byte, `opportunistic` if offered. */
  readonly tls: "none" | "opportunistic" | "starttls" | "tls";
  /** `smtp_login USER PASSWORD` (vigie); a password "file:PATH" is read from that file. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** `no_email_faults`. */
  readonly noFaults: boolean;
}

/** `notify_webhook URL [secret SECRET]` (vigie): who is told by an HTTP POST of JSON. */
export interface Webhook {
  readonly url: string;
  /** Signs the body (HMAC-SHA256); "file:PATH" is read from that file; null for unsigned. */
  readonly secret: string | null;
  readonly position: Position;
}

/** The scripts of an instance or a group, by keyword. */
export type NotifyKind =
  | "notify"
  | "notify_master"
  | "notify_backup"
  | "notify_fault"
  | "notify_stop"
  | "notify_deleted"
  | "notify_master_rx_lower_pri";

/** Who is told when an instance or a group changes state; defaults of global_defs are merged in. */
export interface NotifyDefs {
  readonly scripts: Readonly<Partial<Record<NotifyKind, ScriptCommand>>>;
  /** `smtp_alert`, `smtp_alert_vrrp`: mail is sent. */
  readonly mail: boolean;
  /** `notify_priority_changes`, `vrrp_notify_priority_changes`: the FIFO is told of priorities. */
  readonly priorityChanges: boolean;
  /** `notify_deleted`: DELETED instead of FAULT when a reload removes the instance. */
  readonly deleted: boolean;
  /** The global ones, then its own. */
  readonly webhooks: readonly Webhook[];
}

/** How the daemon's process and threads run; null leaves a thing as it is. */
export interface ProcessDefs {
  /** `process_name`. */
  readonly name: string | null;
  /** `vrrp_process_name`, `process_names`: of the engine thread. */
  readonly engineName: string | null;
  /** `vrrp_priority`: of the engine thread, -20 to 19. */
  readonly niceness: number | null;
  /** `vrrp_cpu_affinity`: of the engine thread, at least one, counted from 0. */
  readonly processors: readonly number[] | null;
  /** `vrrp_no_swap`: of the process. */
  readonly noSwap: boolean;
  /** `vrrp_rlimit_rttime`. */
  readonly realtimeLimitUs: Micros | null;
  /** `umask`: permission bits that are taken away. */
  readonly umask: number | null;
  /** `oom_score_adj` (vigie): -1000 to 1000. */
  readonly oomScoreAdjust: number | null;
}

/** What holds for all: `global_defs`, as far as it is not merged into instances, and `garp_group`. */
export interface GlobalDefs {
  readonly routerId: string | null;
  readonly startupDelayUs: Micros;
  /** `vrrp_delay_after_boot`: until the system has run for so long, instances only listen. */
  readonly delayAfterBootUs: Micros;
  readonly scriptUser: UserName | null;
  readonly enableScriptSecurity: boolean;
  /** In the order "global" (`notify_fifo`), "vrrp" (`vrrp_notify_fifo`): those that are given. */
  readonly fifos: readonly NotifyFifo[];
  /** `startup_script`: run before the first instance starts. */
  readonly startupScript: TimedScript | null;
  /** `shutdown_script`: run after the last instance has stopped. */
  readonly shutdownScript: TimedScript | null;
  readonly mail: MailDefs;
  readonly reload: {
    /** `reload_file`: there while a reload is under way; null for none. */
    readonly file: string | null;
    /** `fifo_write_vrrp_states_on_reload`. */
    readonly writeStates: boolean;
    /** `reload_time_file`: holds the time of a reload; null for none. */
    readonly timeFile: string | null;
    /** `reload_repeat`: daily, if that file has no date. */
    readonly repeat: boolean;
    /** `config_save_dir`: where each configuration that is loaded is saved; null for nowhere. */
    readonly saveFolder: string | null;
  };
  /** `dynamic_interfaces`: an interface may be missing at the start and come later. */
  readonly dynamicInterfaces: boolean;
  /** What stands at the top level. */
  readonly root: RootDefs;
  /** `vrrp_rt_priority`: SCHED_RR priority of the engine, 1 to 99; null for none. */
  readonly realtimePriority: number | null;
  readonly process: ProcessDefs;
  /** `nftables` and its kin: the rules that no_accept needs. */
  readonly firewall: {
    readonly table: string;
    readonly priority: number;
    readonly counters: boolean;
  };
  /** `disable_local_igmp`: groups of 224.0.0.0/24 are not reported by IGMP. */
  readonly noLocalIgmp: boolean;
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
  readonly authentication: Authentication;
  /** Null without `auth_hmac`. */
  readonly hmac: HmacDefs | null;
  /**
   * What the checksum of VRRPv3 over IPv4 covers; `v3_checksum_as_v2` is "message-only",
   * `old_unicast_checksum` "old-unicast".
   */
  readonly checksumForm: "pseudo-header" | "message-only" | "old-unicast";
  readonly protocol: ProtocolDefs;
  /** In the order of its adverts. One that is given twice is there twice. */
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly excludedAddresses: readonly VirtualAddress[];
  readonly unicastPeers: readonly Ip[];
  /** `virtual_routes`. */
  readonly routes: readonly RouteEntry[];
  /** `virtual_rules`. */
  readonly rules: readonly RuleEntry[];
  /** `mcast_src_ip` and `unicast_src_ip`, which are one setting. */
  readonly sourceAddress: Ip | null;
  /** `mcast_dst_ip`, else the global group of the family. */
  readonly multicastGroup: Ip;
  readonly preempt: boolean;
  readonly preemptDelayUs: Micros;
  /** False after `dont_track_primary`. */
  readonly trackPrimary: boolean;
  readonly promoteSecondaries: boolean;
  /** Links of its own; addresses name them by their place in this list. */
  readonly vmacs: readonly VmacSpec[];
  /** `garp_extra_if`: how often addresses are announced where no adverts leave from; 0 for never. */
  readonly extraGarp: { readonly intervalUs: Micros; readonly all: boolean };
  readonly announce: {
    readonly repeat: number;
    readonly delayUs: Micros;
    readonly refreshUs: Micros;
    readonly refreshRepeat: number;
  };
  /** When a lower master was heard: `garp_lower_prio_repeat` rounds, again after the delay. */
  readonly lowerPriority: {
    /** 0 for none. */
    readonly repeat: number;
    /** 0 for no second batch. */
    readonly delayUs: Micros;
    /** False after `lower_prio_no_advert`. */
    readonly advert: boolean;
  };
  /** `higher_prio_send_advert`: one last advert when a higher router takes over. */
  readonly higherPriorityAdvert: boolean;
  /** Its own and its group's, with every weight resolved; for an owner those of weight 0 only. */
  readonly tracks: readonly Track[];
  /** The sync group it is in. */
  readonly group: string | null;
  readonly notify: NotifyDefs;
}

/** What is tracked. */
export type TrackKind = "interface" | "script" | "process" | "file" | "check";

/** One use of a tracked object by an instance. */
export interface Track {
  readonly kind: TrackKind;
  readonly name: string;
  /** -253 to 253, for files and processes -254 to 254; 0: bad is a fault. */
  readonly weight: number;
  readonly reverse: boolean;
  readonly position: Position;
}

/** A line of a `track_*` block: which, and the weight it has here (null: its own). */
export interface TrackUse {
  readonly name: string;
  readonly weight: number | null;
  /** `reverse` or `noreverse` at this use; null: as the tracked object says. */
  readonly reverse: boolean | null;
  readonly position: Position;
}

/** What every tracked object has. */
interface Trackable {
  readonly name: string;
  readonly position: Position;
  readonly weight: number;
  /** The weight counts while the object is bad instead of while it is good, and the reverse. */
  readonly reverse: boolean;
}

/** One `vrrp_script` or `vrrp_check`. */
export interface VrrpCheck extends Trackable {
  readonly kind: "script" | "check";
  readonly spec: CheckSpec;
}

/** One `vrrp_track_process`. */
export interface VrrpTrackProcess extends Trackable {
  readonly probe: ProcessProbe;
}

/** One `track_file` or `vrrp_track_file`. */
export interface VrrpTrackFile extends Trackable {
  /** Absolute. */
  readonly path: string;
  /** `init_file`: what to write at the start, and whether over an existing file. */
  readonly init: { readonly value: number; readonly overwrite: boolean } | null;
}

/** One `vrrp_sync_group`: its members move together. */
export interface VrrpSyncGroup {
  readonly name: string;
  readonly position: Position;
  /** Names of instances that exist, in the order of the file. */
  readonly members: readonly string[];
  readonly notify: NotifyDefs;
}

/** A whole configuration. */
export interface Config {
  readonly global: GlobalDefs;
  readonly instances: readonly VrrpInstance[];
  readonly groups: readonly VrrpSyncGroup[];
  /** Scripts and checks that an instance tracks; the others are left out, reported. */
  readonly checks: readonly VrrpCheck[];
  /** Those that an instance tracks, as `checks`. */
  readonly trackProcesses: readonly VrrpTrackProcess[];
  /** Those that an instance tracks, as `checks`. */
  readonly trackFiles: readonly VrrpTrackFile[];
  readonly statics: StaticEntries;
  /** `interface_up_down_delays`. */
  readonly linkDelays: readonly LinkDelay[];
}

/** What is known about the machine that the configuration is for. */
export interface Facts {
  readonly interfaces: readonly InterfaceFact[];
  /** Answers what only the machine can say; without it nothing is said about files and scripts. */
  readonly inspect?: Inspector;
}

/** Questions about this machine that checking a configuration asks. None has a side effect. */
export interface Inspector {
  /** Why a regular expression cannot be used (RE2 syntax, so that none can run for ever); null if it can. */
  regex(pattern: string): string | null;
  /** What is wrong with a script, with the remedy; empty if it may run. */
  script(words: readonly string[], user: UserName | null, security: boolean): readonly Complaint[];
  /** Why a PEM file of certificates (or of a private key) cannot be used; null if it can. */
  pem(path: string, holds: "certificate" | "key"): string | null;
  /** What is wrong with a file that holds a key of `auth_hmac`; null if nothing is. */
  keyFile(path: string): Complaint | null;
  /** Why the time of day may be wrong; null if something keeps it right. */
  clock?(): string | null;
  /** Why a FIFO cannot be made or written at a path; null if it can. */
  fifo(path: string): string | null;
  /** Why a file could not be watched (its folder is missing); null if it can. */
  folderOf(path: string): string | null;
  /** Why a user or a group is not to be had; null if both exist. */
  account(name: UserName): string | null;
  /** The number that iproute2's files have for a name; without it only built-in names are known. */
  readonly routingName?: NameLookup;
}

/** One thing that is wrong, and what to do about it. */
export interface Complaint {
  readonly message: string;
  readonly remedy: string;
  /** Whether keepalived would refuse to run it, rather than warn. */
  readonly refuses: boolean;
  /** It would be run, and fail every time. */
  readonly fails?: true;
  /** Others than root could change what it runs: told once for a whole file. */
  readonly insecure?: true;
}

/** One network interface. */
export interface InterfaceFact {
  readonly name: string;
  readonly loopback: boolean;
  /** Whether it carries multicast (IFF_MULTICAST); undefined: not known. */
  readonly multicast?: boolean;
  /** Bytes. */
  readonly mtu: number;
  /** The addresses that it has by others than vigie; undefined: not known. */
  readonly addresses?: readonly Ip[];
}
