/** The links of instances with a MAC of their own: there while the instance is, up while it is master. */

import { SysError } from "../../ffi/errno.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { after, type Micros, seconds } from "../core/time.ts";
import type { VmacSpec } from "../core/vmac.ts";
import type { HostTable, Link } from "../net/links.ts";
import { putBackRecalled, renameSettingInterface } from "../net/sysctl.ts";
import {
  isThere,
  obtainVmac,
  predecessorsVmacs,
  removeVmac,
  setVmacUp,
  VmacError,
  type VmacLink,
} from "../net/vmac.ts";
import type { PoolObserver } from "../net/open_sockets.ts";
import { VmacSockets } from "../net/vmac_socket.ts";
import { releaseVmacSettings } from "../net/vmac_settings.ts";
import type { Fault } from "../vrrp/types.ts";
import type { InstanceSpec } from "./messages.ts";
import { type Emitter, sayOnce, type Speaker } from "./say.ts";

/** Who removes a link again and again must not keep this thread busy. */
const REMAKE_US = seconds(1);

/** What must be known of an instance; where it finds its links. */
export interface VmacUser extends Speaker {
  readonly spec: InstanceSpec;
  readonly router: { readonly state: string };
  vmacs: readonly VmacPlace[];
}

/** The place of one link of an instance: the link may come and go. */
export interface VmacPlace {
  readonly spec: VmacSpec;
  /** To speak with the kernel. */
  readonly socket: NetlinkSocket;
  link: VmacLink | null;
  /** Why there is none although its parent is there, in words; null if all is well. */
  error: string | null;
  /** The instances that it is for: more than one where they share a MAC. */
  readonly users: Set<VmacUser>;
  /** Those that are master. */
  readonly masters: Set<VmacUser>;
  /** When it was last made again. */
  remadeAt: Micros | null;
  /** It was there before. */
  wasThere: boolean;
}

/** All links of that kind. */
export class Vmacs {
  readonly #socket: NetlinkSocket;
  readonly #table: HostTable;
  readonly #to: Emitter;
  /** What adverts leave by, and are heard on. */
  readonly sockets: VmacSockets;
  readonly #places = new Map<string, VmacPlace>();
  #hasLooked = false;
  /** The names of the parents, by the links' numbers. */
  #parents: ReadonlyMap<number, string> = new Map();
  /** The host as instances depend on it: a link of vigie's works as its parent does, up or down. */
  readonly host: Pick<HostTable, "byName" | "addressesOf" | "holders"> = {
    byName: (name) => this.#asParent(this.#table.byName(name)),
    addressesOf: (index) => this.#table.addressesOf(index),
    holders: (address) => this.#table.holders(address),
  };

  constructor(socket: NetlinkSocket, table: HostTable, to: Emitter, observer: PoolObserver) {
    this.sockets = new VmacSockets(observer);
    this.#socket = socket;
    this.#table = table;
    this.#to = to;
  }

  /**
   * Makes what is missing and removes what no instance needs any more, a predecessor's at the first
   * call.
   *
   * @returns Whether to look again soon.
   */
  ensure(users: readonly VmacUser[], now: Micros): boolean {
    const wanted = this.#assign(users);
    if (wanted.size === 0 && this.#places.size === 0 && this.#hasLooked) return false;
    let isChanged = false;
    if (!this.#hasLooked) this.#recall();
    for (const [key, place] of [...this.#places]) {
      if (wanted.get(key) === place) continue;
      this.#drop(key, place);
      isChanged = true;
    }
    for (const [key, place] of wanted) isChanged = this.#look(key, place, now) || isChanged;
    if (!this.#hasLooked) isChanged = this.#clear() || isChanged;
    this.#hasLooked = true;
    if (isChanged) this.#load();
    const links = [...this.#places.values()].filter(({ link }) => link !== null);
    this.#parents = new Map(links.map(({ link, spec }) => [link!.index, spec.parent]));
    return [...wanted.values()].some(({ error }) => error !== null);
  }

  /** Removes every link; whatever was on it goes with it. */
  close(): void {
    for (const [key, place] of [...this.#places]) this.#drop(key, place);
  }

  /** Gives every user the places of its links. */
  #assign(users: readonly VmacUser[]): Map<string, VmacPlace> {
    const wanted = new Map<string, VmacPlace>();
    for (const user of users) {
      const keys = user.spec.vmacs.map(keyOf);
      for (const [at, key] of keys.entries()) {
        const spec = user.spec.vmacs[at]!;
        const before = this.#places.get(key);
        const place = wanted.get(key) ??
          (before !== undefined && isSameVmac(before.spec, spec)
            ? before
            : newPlace(spec, this.#socket));
        if (!wanted.has(key)) place.users.clear();
        place.users.add(user);
        wanted.set(key, place);
      }
      user.vmacs = keys.map((key) => wanted.get(key)!);
    }
    for (const place of wanted.values()) {
      for (const user of place.masters) if (!place.users.has(user)) place.masters.delete(user);
    }
    return wanted;
  }

  /** Whether the link had to be made. */
  #look(key: string, place: VmacPlace, now: Micros): boolean {
    const parent = this.#table.byName(place.spec.parent);
    this.#places.set(key, place);
    if (place.link !== null && !isThere(place.link, parent, this.#table)) {
      const text = `VMAC interface ${place.link.name} is gone`;
      this.#sayAll(place, "warning", text, now);
      this.#abandon(key, place);
    } else if (place.link !== null && place.error !== null) this.#abandon(key, place);
    if (place.link !== null) {
      this.#follow(place);
      return false;
    }
    place.error = null;
    if (parent === undefined) return false;
    if (place.remadeAt !== null && now < after(place.remadeAt, REMAKE_US)) {
      place.error = `VMAC interface ${place.spec.name} was removed as soon as it was made`;
      return false;
    }
    const taken = new Set([...this.#places.values()].flatMap(({ link }) => link?.index ?? []));
    try {
      const { link, failures } = obtainVmac(this.#socket, place.spec, parent, { taken, user: key });
      place.link = link;
      if (place.wasThere) place.remadeAt = now;
      place.wasThere = true;
      const text = `${
        link.isFound ? "Found" : "Made"
      } VMAC interface ${link.name} on ${parent.name}`;
      this.#sayAll(place, "info", text, now);
      for (const failure of failures) this.#sayAll(place, "warning", failure, now);
      for (const user of place.users) if (user.router.state === "master") place.masters.add(user);
      level(place);
      return true;
    } catch (error) {
      place.error = errorText(error);
      return false;
    }
  }

  /** What somebody else has done to a link: up or down is this router's to say. */
  #follow(place: VmacPlace): void {
    const up = this.#table.byIndex(place.link!.index)?.up;
    if (up === undefined || place.link!.up === up) return;
    // An event may be older than what was done last: asking again does no harm.
    place.link = { ...place.link!, up };
    try {
      level(place);
    } catch (error) {
      place.error = errorText(error);
    }
  }

  /** That one is down while nobody is master must keep nobody from becoming master. */
  #asParent(link: Link | undefined): Link | undefined {
    if (link === undefined) return undefined;
    const parent = this.#parents.get(link.index);
    if (parent === undefined) return link;
    const { up = false, running = false } = this.#table.byName(parent) ?? {};
    return { ...link, up, running };
  }

  /** A link that is of no use as it is. Its parent may have another name now, with its settings. */
  #abandon(key: string, place: VmacPlace): void {
    const { index, parentIndex, isOurs, name } = place.link!, { parent, isNamed } = place.spec;
    const there = this.#table.byIndex(parentIndex);
    const isMoved = there !== undefined && there.name !== parent;
    if (isMoved) renameSettingInterface(parentIndex, there.name);
    place.link = null;
    const hasOtherName = this.#table.byIndex(index)?.name !== name;
    // One that was only given another name is found again by its MAC.
    if (!isOurs || (hasOtherName && !isMoved && !isNamed)) return;
    try {
      removeVmac(this.#socket, index);
    } catch (error) {
      this.#say("warning", errorText(error));
    }
    for (const failure of releaseVmacSettings(key)) this.#say("warning", failure);
  }

  #recall(): void {
    try {
      predecessorsVmacs(this.#socket);
    } catch (error) {
      this.#say("warning", errorText(error));
    }
  }

  /** Removes a predecessor's links that are nobody's, and puts back what they had changed. */
  #clear(): boolean {
    let isChanged = false;
    const ours = new Set([...this.#places.values()].flatMap(({ link }) => link?.index ?? []));
    try {
      for (const { index, name } of predecessorsVmacs(this.#socket)) {
        if (ours.has(index)) continue;
        removeVmac(this.#socket, index);
        this.#say("notice", `Removed VMAC interface ${name}, left by a predecessor`);
        isChanged = true;
      }
    } catch (error) {
      this.#say("warning", errorText(error));
    }
    for (const failure of putBackRecalled()) this.#say("warning", failure);
    return isChanged;
  }

  #drop(key: string, place: VmacPlace): void {
    this.#places.delete(key);
    const { link } = place;
    place.link = null;
    try {
      if (link?.isOurs) {
        removeVmac(this.#socket, link.index);
        this.#say("info", `Removed VMAC interface ${link.name}`);
      } else if (link !== null) setVmacUp(this.#socket, link, link.wasUp);
    } catch (error) {
      this.#say("error", errorText(error));
    }
    for (const failure of releaseVmacSettings(key)) this.#say("warning", failure);
  }

  #load(): void {
    try {
      this.#table.load(this.#socket);
    } catch (error) {
      // The kernel's events tell of it too, a moment later.
      if (!(error instanceof SysError)) throw error;
    }
  }

  #sayAll(place: VmacPlace, level: "info" | "warning", text: string, now: Micros): void {
    for (const user of place.users) {
      sayOnce(this.#to, user, { of: "host", key: text, level, text }, now);
    }
  }

  #say(level: "info" | "notice" | "warning" | "error", text: string): void {
    this.#to.emit({ kind: "log", log: { level, text } });
  }
}

/** What is wrong with the links of an instance. */
export function vmacFaults({ vmacs }: VmacUser): Fault[] {
  return vmacs.flatMap(({ error }) =>
    error === null ? [] : [{ reason: "interface_missing" as const, detail: error }]
  );
}

/** The link that an instance's adverts leave from, or are heard on; null for its interface. */
export function advertLink(
  { vmacs }: Pick<VmacUser, "vmacs">,
  which: readonly VmacSpec["adverts"][],
): VmacPlace | null {
  return vmacs.find(({ spec }) => which.includes(spec.adverts)) ?? null;
}

/** Ups the links of a new master, before anything is sent. @throws {SysError} */
export function raiseVmacs(user: VmacUser): void {
  for (const place of user.vmacs) {
    if (place.masters.has(user)) continue;
    place.masters.add(user);
    level(place);
  }
}

/** Downs the links of one that is master no more. @throws {SysError} */
export function lowerVmacs(user: VmacUser): void {
  for (const place of user.vmacs) if (place.masters.delete(user)) level(place);
}

/**
 * Up while somebody is master. A backup's is down, so that it neither answers for the virtual
 * addresses nor forwards what a switch floods to the virtual MAC (RFC 9568 6.4.2 (115)), and no
 * switch learns the MAC from its multicast reports. An ipvlan has no MAC to confuse anybody with, and
 * its address is the source of adverts.
 */
function level(place: VmacPlace): void {
  const up = place.masters.size > 0 || place.spec.link.kind === "ipvlan";
  if (place.link === null || place.link.up === up) return;
  try {
    place.link = setVmacUp(place.socket, place.link, up);
  } catch (error) {
    // Gone: the kernel's event, which makes it anew, is on its way.
    if (error instanceof SysError && error.code === "ENODEV") return;
    // The next look makes a fault of it, and tries again.
    if (error instanceof SysError) place.error = error.message;
    throw error;
  }
}

function newPlace(spec: VmacSpec, socket: NetlinkSocket): VmacPlace {
  return {
    spec,
    socket,
    link: null,
    error: null,
    users: new Set(),
    masters: new Set(),
    remadeAt: null,
    wasThere: false,
  };
}

/** Whether a link of one spec serves another as it is. */
function isSameVmac(a: VmacSpec, b: VmacSpec): boolean {
  return keyOf(a) === keyOf(b) && a.name === b.name && a.isNamed === b.isNamed &&
    a.group === b.group && a.needsIpv6 === b.needsIpv6;
}

/** Whether two specs are of one link. */
export function isOneVmac(a: VmacSpec, b: VmacSpec): boolean {
  return keyOf(a) === keyOf(b);
}

/** Two macvlans with one MAC cannot be up on one parent. */
function keyOf({ parent, name, link }: VmacSpec): string {
  return `vmac ${parent} ${link.kind === "macvlan" ? link.mac : name}`;
}

function errorText(error: unknown): string {
  if (error instanceof SysError || error instanceof VmacError) return error.message;
  throw error;
}
