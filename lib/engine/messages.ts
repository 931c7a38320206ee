/**
 * What the main thread and the engine thread say to each other: plain JSON values. Commands travel
 * as datagrams on a SOCK_SEQPACKET pair that the engine polls; events leave by `postMessage`.
 */

import type { Ip } from "../core/address.ts";
import type { LinkDelay } from "../core/link_delay.ts";
import type { LogEvent } from "../core/log.ts";
import type { Pacing } from "../net/announce.ts";
import type { FirewallOptions } from "../net/firewall.ts";
import type { ThreadOptions } from "../net/process_options.ts";
import type { RouteEntry, RuleEntry } from "../core/route_entry.ts";
import type { StaticEntries } from "../core/static_entries.ts";
import type { Micros } from "../core/time.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import type { VmacSpec } from "../core/vmac.ts";
import type { EngineState } from "./handover_state.ts";
import type { Counters, Strays } from "./counters.ts";
import type { Track, TrackerState } from "../vrrp/priority.ts";
import type { HmacSpec } from "../vrrp/hmac_exchange.ts";
import type { RouterConfig, State } from "../vrrp/types.ts";

/** One virtual router as the engine runs it: the protocol's part, and where it lives on this host. */
export interface InstanceSpec {
  readonly router: RouterConfig;
  /** Null only for unicast with an explicit source address. */
  readonly interface: string | null;
  /** Advertised and excluded ones, in the order in which they are added and announced. */
  readonly virtualAddresses: readonly VirtualAddress[];
  /** `virtual_routes`, in the order in which they are added. */
  readonly routes: readonly RouteEntry[];
  /** `virtual_rules`. */
  readonly rules: readonly RuleEntry[];
  /** `mcast_src_ip` or `unicast_src_ip`; null for the interface's first address. */
  readonly sourceAddress: Ip | null;
  /** Whether its own interface being down is a fault (not after `dont_track_primary`). */
  readonly trackPrimary: boolean;
  readonly promoteSecondaries: boolean;
  /** Links of its own (`use_vmac`); `virtualAddresses` name them by their place in this list. */
  readonly vmacs: readonly VmacSpec[];
  /** How often addresses are announced on links that no adverts leave from; 0 for never. */
  readonly extraGarp: { readonly intervalUs: Micros; readonly all: boolean };
  /** False: packets to the virtual addresses are dropped while it is master (`no_accept`). */
  readonly accept: boolean;
  /** No peer is configured, and that is a fault (`unicast_fault_no_peer`). */
  readonly lacksPeer: boolean;
  /** What moves its priority; "interface NAME" is watched by the engine itself. */
  readonly tracks: readonly Track[];
  /** `auth_hmac` with its keys; without it adverts are not signed. */
  readonly hmac?: HmacSpec | null;
}

/** Instances that move together (`vrrp_sync_group`). */
export interface GroupSpec {
  readonly name: string;
  /** Names of instances, at least one. */
  readonly members: readonly string[];
}

/** One echo request to send. */
export interface PingRequest {
  /** Chosen by who asks; in the answer. */
  readonly id: number;
  readonly destination: Ip;
  readonly sourceAddress: Ip | null;
  /** Bound to this interface (SO_BINDTODEVICE). */
  readonly device: string | null;
  readonly payloadBytes: number;
}

/** What holds for the whole engine. */
export interface EngineOptions extends Pacing {
  readonly thread: ThreadOptions;
  readonly firewall: FirewallOptions;
  /** Memberships in 224.0.0.0/24 are not reported. */
  readonly noLocalIgmp?: boolean;
}

/** The signals that the engine thread takes, so that a busy main thread cannot delay them. */
export const CAUGHT_SIGNALS = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  // keepalived's signals for JSON, by the numbers of glibc and of musl, and to clear statistics.
  "SIGRTMIN+2",
  "SIGRTMIN+3",
  "SIGRTMAX-1",
] as const;

/** One of them. */
export type CaughtSignal = typeof CAUGHT_SIGNALS[number];

/** Main thread to engine. */
export type Command =
  /** Priority 0, addresses away, then a `stopped` event. */
  | { readonly kind: "stop" }
  | { readonly kind: "status"; readonly id: number }
  /** These resign for good: the next image of this daemon will not know them. */
  | { readonly kind: "retire"; readonly instances: readonly string[] }
  /** Those are instances again: there is no next image. */
  | { readonly kind: "comeBack" }
  /** Say all that is known (`captured`); `final`: then stand still until the exec, or `goOn`. */
  | { readonly kind: "capture"; readonly final: boolean }
  | { readonly kind: "goOn" }
  /** Another configuration: EngineParts as JSON, in pieces, for it may outgrow a datagram. */
  | {
    readonly kind: "reconfigure";
    /** In the answer. */
    readonly id: number;
    readonly piece: string;
    readonly isLast: boolean;
  }
  /** What is known now about a tracked object. */
  | { readonly kind: "tracker"; readonly tracker: string; readonly state: TrackerState }
  /** Tell when these processes end, at once if they have; few enough for a datagram. */
  | { readonly kind: "watchProcesses"; readonly pids: readonly number[] }
  | { readonly kind: "unwatchProcesses"; readonly pids: readonly number[] }
  /** Tell of processes that begin or take another program or name, if the kernel does. */
  | { readonly kind: "watchBirths" }
  | { readonly kind: "ping"; readonly request: PingRequest }
  /** Nobody waits for its answer any more. */
  | { readonly kind: "cancelPing"; readonly id: number };

/** What an engine runs. */
export interface EngineParts {
  readonly options: EngineOptions;
  readonly instances: readonly InstanceSpec[];
  readonly groups: readonly GroupSpec[];
  /** Static addresses, routes and rules. */
  readonly statics: StaticEntries;
  /** How long the state of interfaces must last before it counts; at once where nothing is said. */
  readonly linkDelays?: readonly LinkDelay[];
}

/** What an engine goes on with. */
export interface EngineResume {
  readonly state: EngineState;
  /** The channel to the guard, which has been sending adverts meanwhile; null if there is none. */
  readonly guard: number | null;
  /** Another image has gone on with it in between, and has read packets that nobody will see again. */
  readonly isRollback: boolean;
}

/** The one message that reaches the worker by `postMessage`, before its loop blocks. */
export interface EngineSetup extends EngineParts {
  readonly kind: "setup";
  /** The engine's end of the SOCK_SEQPACKET pair. */
  readonly commandFd: number;
  /** What another image of this daemon was; null on an ordinary start. */
  readonly resume: EngineResume | null;
}

/** One instance, as `status` shows it. */
export interface InstanceStatus {
  readonly name: string;
  readonly state: State;
  readonly priority: number;
  readonly master: { readonly address: Ip; readonly priority: number } | null;
  readonly primaryAddress: Ip | null;
  readonly masterAdvertIntervalUs: Micros;
  /** How long ago it changed state; null if it never has. */
  readonly changedAgoUs: Micros | null;
  readonly faults: readonly string[];
  /** Trackers without a first result, for which it has not started yet. */
  readonly waitsFor: readonly string[];
  readonly counters: Counters;
}

/** What the loop knows about its own punctuality. */
export interface LoopStatus {
  /** Timers fired since start. */
  readonly timersFired: number;
  /** The latest that a timer was ever fired. */
  readonly worstLatenessUs: number;
}

/** Engine to main thread. */
export type EngineEvent =
  /** The worker listens: the setup message may be sent, which would be lost before. */
  | { readonly kind: "listening" }
  | { readonly kind: "started" }
  | { readonly kind: "log"; readonly log: LogEvent }
  /** A signal came; TERM and INT have stopped the engine already. */
  | { readonly kind: "signal"; readonly signal: CaughtSignal }
  | {
    readonly kind: "transition";
    readonly instance: string;
    readonly from: State;
    readonly to: State;
    readonly priority: number;
    readonly cause: string;
  }
  /** All members of a group are in this state now; `from` is the one that they all were in before. */
  | {
    readonly kind: "groupTransition";
    readonly group: string;
    readonly from: State;
    readonly to: State;
    readonly cause: string;
  }
  /** A reload has taken it out of the configuration; it has resigned from this state. */
  | {
    readonly kind: "removed";
    readonly instance: string;
    readonly state: State;
    readonly priority: number;
  }
  /** The answer to `reconfigure`: whatever is told later is of the new configuration. */
  | { readonly kind: "reconfigured"; readonly id: number }
  /** The effective priority has changed. */
  | {
    readonly kind: "priority";
    readonly instance: string;
    readonly state: State;
    readonly priority: number;
  }
  /** A master heard a lower one (notify_master_rx_lower_pri); the priority is its own. */
  | { readonly kind: "heardLower"; readonly instance: string; readonly priority: number }
  /** These processes have ended, or could not be watched because they had. */
  | { readonly kind: "processesEnded"; readonly pids: readonly number[] }
  /** These processes are new, or run another program or under another name. */
  | { readonly kind: "processesBegun"; readonly pids: readonly number[] }
  /** The answer to `watchBirths`: null if the kernel tells, else why not. `lost`: some were missed. */
  | { readonly kind: "births"; readonly refused: string | null; readonly lost: boolean }
  /** An echo came back (`rttUs`), or cannot (`error`, in words). */
  | {
    readonly kind: "pong";
    readonly id: number;
    readonly rttUs: number | null;
    readonly error: string | null;
  }
  | {
    readonly kind: "status";
    readonly id: number;
    readonly instances: readonly InstanceStatus[];
    readonly loop: LoopStatus;
    readonly strays: Strays;
  }
  /** The answer to `capture`. */
  | { readonly kind: "captured"; readonly state: EngineState }
  | { readonly kind: "stopped" }
  /** The engine cannot go on; the text says why and what to do. */
  | { readonly kind: "failed"; readonly text: string };
