/**
 * What one image of the daemon hands over to the next: plain JSON with a version. Deadlines need no
 * translation, for CLOCK_MONOTONIC is the same clock before and after an exec.
 */

import type { Ip } from "../core/address.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Micros } from "../core/time.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import type { WaitingLane } from "../net/announce.ts";
import type { FirewallOptions } from "../net/firewall.ts";
import type { ChangedSetting } from "../net/sysctl.ts";
import type { TrackerState } from "../vrrp/priority.ts";
import type { AuthenticatorSpec, AuthenticatorState } from "../vrrp/authenticator.ts";
import type { Router, State } from "../vrrp/types.ts";
import type { Counters, Strays } from "./counters.ts";
import type { Facts } from "./facts.ts";
import type { DelayedLink } from "./link_delays.ts";
import type { RoutingState } from "./routes.ts";
import type { StaticState } from "./statics.ts";
import type { CaughtSignal, InstanceSpec, LoopStatus } from "./messages.ts";

/**
 * The version of all that is below. It goes up when an image can no longer make sense of what an
 * older or newer one says; fields that may be missing do not need that.
 */
export const STATE_FORMAT = 1;

/** One instance. */
export interface InstanceState {
  readonly spec: InstanceSpec;
  /** All of the state machine but its configuration, which is the spec's. */
  readonly router: Omit<Router, "config">;
  readonly facts: Facts;
  readonly isStarted: boolean;
  readonly waitsFor: readonly string[];
  /** What its weighted trackers were when its priority last changed. */
  readonly weighed?: readonly (readonly [string, string])[];
  readonly counters: Partial<Counters>;
  /** When it last changed state; absent from images that did not note it. */
  readonly changedAt?: Micros | null;
  /** Counters of AH and `auth_hmac`; missing without them. */
  readonly authentication?: AuthenticatorState | undefined;
  /** What is on interfaces by vigie's doing. */
  readonly addresses: readonly PlacedAddress[];
  /** Routes and rules that vigie has made; absent from images that make none. */
  readonly routing?: RoutingState;
}

/** One open VRRP socket. */
export interface SocketState {
  /** As the pool calls it. */
  readonly name: string;
  readonly fd: number;
  /** The kernel's number of the socket: tells that a descriptor is what it was. */
  readonly inode: number;
  readonly ifindex: number | null;
  readonly family: "ipv4" | "ipv6";
  readonly groups: readonly Ip[];
  /** What it receives; VRRP if it is not said. */
  readonly protocol?: "vrrp" | "ah";
}

/** One packet of an advert. */
export interface StandInPacket {
  readonly destination: Ip;
  /** In hexadecimal. */
  readonly packet: string;
  readonly hopLimit: number;
}

/** A master's adverts, for whoever sends them while the daemon is between two images. */
export interface StandInAdvert {
  readonly instance: string;
  /** Of the socket. */
  readonly fd: number;
  readonly source: Ip;
  readonly dueUs: Micros;
  readonly intervalUs: Micros;
  readonly packets: readonly StandInPacket[];
  /** The same with priority 0, for one that must resign without its engine. */
  readonly resigning?: readonly StandInPacket[];
  /** How the packets are to be sealed, each time anew; missing if they are sent as they are. */
  readonly seal?: {
    readonly spec: AuthenticatorSpec;
    readonly state: AuthenticatorState;
  } | undefined;
}

/** All that the engine thread knows. */
export interface EngineState {
  /** When it was captured, on CLOCK_MONOTONIC. */
  readonly atUs: Micros;
  readonly instances: readonly InstanceState[];
  readonly groups: readonly {
    readonly name: string;
    readonly members: readonly string[];
    readonly state: State;
  }[];
  readonly trackers: readonly (readonly [string, TrackerState])[];
  readonly sockets: readonly SocketState[];
  readonly announcements: readonly WaitingLane[];
  readonly settings: readonly ChangedSetting[];
  /** Absent from images without static entries. */
  readonly statics?: StaticState;
  /** How the rules of `no_accept` were made; absent from images that make none. */
  readonly firewall?: FirewallOptions;
  /** Absent from images without `interface_up_down_delays`. */
  readonly linkDelays?: readonly DelayedLink[];
  readonly strays: Strays;
  readonly loop: LoopStatus;
  /** Raised by signals; one that came at the last moment is still to be read there. */
  readonly signals: readonly { readonly signal: CaughtSignal; readonly fd: number }[];
  readonly standIn: readonly StandInAdvert[];
}

/** How to start an image again. */
export interface Image {
  /** What execve takes; a descriptor of the file where it may have been replaced meanwhile. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly version: string;
}

/** A file that was replaced by the upgrade, and what it was. */
export interface Replaced {
  readonly file: string;
  readonly kept: string;
}

/** Of a hand-over itself. Images of all versions understand this much of each other's. */
export interface HandoverFrame {
  /** The next image begins anew, for it does not understand the rest. */
  readonly anew?: boolean;
  readonly pid: number;
  readonly previous: Image;
  /** What the process that is asked is to become; for the log. */
  readonly to: string;
  readonly replaced: Replaced | null;
  /** Why the image before could not go on with it; null on the way forward. */
  readonly rolledBack: string | null;
  /** Those that go on from image to image, by whatever name. */
  readonly descriptors: {
    readonly state: number;
    readonly claim: number | null;
    /** Null once nobody guards it any more. */
    readonly guard: number | null;
    /** Whoever waits to hear how it went. */
    readonly asker: number | null;
    /** The file of the image before. */
    readonly previous: number | null;
    /** Where the guard says that it has given the image up (lib/engine/handover_channel.ts). */
    readonly veto?: number | null;
  };
  readonly guardPid: number | null;
}

/** All that is handed over. The generic part is what the main thread adds. */
export interface HandoverState<Checks = unknown, Notices = unknown> extends HandoverFrame {
  readonly format: number;
  readonly engine: EngineState;
  readonly checks: Checks;
  /** What nobody was told of yet. */
  readonly notices: Notices;
}

/** Why a state cannot be used. */
export interface StateError {
  /** Whether it is of another version, rather than broken. */
  readonly isForeign: boolean;
  readonly text: string;
}

/** The state as text. */
export function encodeState(state: HandoverState): string {
  return JSON.stringify(state);
}

/** Reads a state: its version first, then whether everything is there; of one for an image that begins anew, its frame. */
export function decodeState(text: string): Result<HandoverState, StateError> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err({ isForeign: false, text: "the handed-over state is no JSON" });
  }
  if (!isRecord(value) || typeof value.format !== "number") {
    return err({ isForeign: false, text: "the handed-over state has no version" });
  }
  if (value.format !== STATE_FORMAT && value.anew !== true) {
    const versions = `version ${value.format}, this image understands version ${STATE_FORMAT}`;
    return err({ isForeign: true, text: `the handed-over state has ${versions}` });
  }
  const lacking = missingIn(value);
  if (lacking !== null) {
    return err({ isForeign: false, text: `the handed-over state lacks "${lacking}"` });
  }
  return ok(value as unknown as HandoverState);
}

const FRAME = ["pid", "previous", "descriptors"];
const ENGINE_LISTS = [
  "instances",
  "groups",
  "trackers",
  "sockets",
  "announcements",
  "settings",
  "signals",
  "standIn",
];
const INSTANCE = ["spec", "router", "facts", "isStarted", "counters", "addresses"];

/** The first part that is missing; null if all are there. */
function missingIn(value: Record<string, unknown>): string | null {
  const names = value.anew === true ? FRAME : [...FRAME, "engine"];
  const top = names.find((name) => value[name] === undefined || value[name] === null);
  if (top !== undefined) return top;
  if (value.anew === true) return null;
  const engine = value.engine as Record<string, unknown>;
  const list = ENGINE_LISTS.find((name) => !Array.isArray(engine[name]));
  if (list !== undefined) return `engine.${list}`;
  for (const one of engine.instances as unknown[]) {
    const lacking = INSTANCE.find((name) => !isRecord(one) || one[name] === undefined);
    if (lacking !== undefined) return `engine.instances.${lacking}`;
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether an instance is the same one before and after: everything that both images know of it is
 * equal. What only one of them knows cannot have been different before.
 */
export function isSameInstance(before: InstanceSpec, now: InstanceSpec): boolean {
  // What an image said that knew no links of an instance's own is on the interface itself.
  if (before.vmacs === undefined && now.vmacs.length > 0) return false;
  return agree(before, now);
}

function agree(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, at) => agree(one, b[at]));
  }
  if (!isRecord(a) || !isRecord(b)) return a === b;
  return Object.keys(a).every((name) => !(name in b) || agree(a[name], b[name]));
}

/** As `isSameInstance`, but for the keys of `auth_hmac`: a rotation must not make a new router. */
export function goesOnAs(before: InstanceSpec, now: InstanceSpec): boolean {
  return isSameInstance({ ...before, hmac: null }, { ...now, hmac: null });
}

/** The instances that do not go on: they are gone from the configuration, or others now. */
export function leavingInstances(
  state: Pick<EngineState, "instances">,
  specs: readonly InstanceSpec[],
): string[] {
  const byName = new Map(specs.map((spec) => [spec.router.name, spec]));
  return state.instances.flatMap(({ spec }) => {
    const now = byName.get(spec.router.name);
    return now !== undefined && goesOnAs(spec, now) ? [] : [spec.router.name];
  });
}
