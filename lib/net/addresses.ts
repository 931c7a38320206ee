/**
 * The virtual addresses on this host's interfaces, and whose they are: what vigie adds it tags and
 * removes; what the operator put there is left alone.
 */

import type { NetlinkMessage } from "../../ffi/netlink.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { addAddressMessage, type AddressSpec, deleteAddressMessage } from "../../ffi/rtnetlink.ts";
import { SysError } from "../../ffi/errno.ts";
import { ipBytes } from "../core/address.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import { ADDRESS_PROTOCOL, type HostAddress, type HostTable } from "./links.ts";

/** A virtual address and the interface it goes to. */
export interface PlacedAddress {
  readonly ifindex: number;
  readonly entry: VirtualAddress;
}

/** What went wrong with one address. */
export interface AddressFailure {
  readonly placed: PlacedAddress;
  readonly error: SysError;
}

/** What `add` brought about. */
export interface AddressOutcome {
  readonly added: PlacedAddress[];
  readonly failures: AddressFailure[];
}

/** It is there already; or its acknowledgement was lost, and it may be. */
const UNSURE: ReadonlySet<string> = new Set(["EEXIST", "ETIMEDOUT"]);

/** Nothing to delete. */
const ALREADY_GONE = new Set(["EADDRNOTAVAIL", "ENODEV", "ENXIO"]);

/** Adds and removes virtual addresses, and knows which of them are vigie's, and for whom. */
export class AddressOwner {
  readonly #socket: NetlinkSocket;
  readonly #table: HostTable;
  readonly #keepsTags: boolean;
  /** What each user has on interfaces, by key: also found when the interface has a new name since. */
  readonly #owned = new Map<string, Map<string, PlacedAddress>>();

  /** @param keepsTags Whether this kernel keeps the tag that tells whose an address is. */
  constructor(socket: NetlinkSocket, table: HostTable, keepsTags: boolean) {
    this.#socket = socket;
    this.#table = table;
    this.#keepsTags = keepsTags;
  }

  /** How many addresses are on interfaces by vigie's doing for a user. */
  count(user: string): number {
    return this.#owned.get(user)?.size ?? 0;
  }

  /** Whether a user has an address by vigie's doing. */
  owns(user: string, placed: PlacedAddress): boolean {
    return this.#owned.get(user)?.has(key(placed)) === true;
  }

  /** What is on interfaces by vigie's doing for a user. */
  owned(user: string): readonly PlacedAddress[] {
    return [...this.#owned.get(user)?.values() ?? []];
  }

  /** Makes known what another image of this daemon had put on interfaces for a user. */
  restore(user: string, list: readonly PlacedAddress[]): void {
    for (const placed of list) this.#own(user, placed);
  }

  /** Users have other names from now on: old ones to new ones, which may be old ones of others. */
  rename(names: ReadonlyMap<string, string>): void {
    const owned = [...this.#owned];
    this.#owned.clear();
    for (const [user, theirs] of owned) this.#owned.set(names.get(user) ?? user, theirs);
  }

  /** Those of the wanted addresses that are not on their interfaces, as far as is known. */
  missing(wanted: readonly PlacedAddress[]): PlacedAddress[] {
    return wanted.filter(({ ifindex, entry }) =>
      !this.#table.addressesOf(ifindex).some(({ address }) => address === entry.address)
    );
  }

  /** Those of the wanted addresses that somebody else put on their interfaces, as they are there. */
  foreign(wanted: readonly PlacedAddress[]): HostAddress[] {
    return wanted.flatMap((placed) => {
      const there = this.#there(placed);
      return there === undefined || there.ours ? [] : [there];
    });
  }

  /**
   * Adds addresses in order; same as `ip address add ADDR/LEN dev IF`. One that is there already is
   * taken over if a predecessor left it, and otherwise stays the operator's, whatever its prefix
   * length. For the rest the kernel is asked, not the table, which may not have heard yet of what was
   * just removed.
   *
   * @returns What was not there before, and what could not be added.
   */
  add(user: string, wanted: readonly PlacedAddress[]): AddressOutcome {
    const asked = wanted.filter((placed) => this.#there(placed)?.ours !== false);
    const unsure: [PlacedAddress, SysError][] = [],
      outcome: AddressOutcome = { added: [], failures: [] };
    for (const [placed, error] of this.#request(asked, addAddressMessage)) {
      if (error === null) {
        this.#own(user, placed);
        outcome.added.push(placed);
      } else if (UNSURE.has(error.code)) unsure.push([placed, error]);
      else outcome.failures.push({ placed, error });
    }
    if (unsure.length > 0) this.#settle(user, unsure, outcome);
    return outcome;
  }

  /**
   * Removes what vigie owns for a user and no other needs; same as `ip address del ADDR/LEN dev IF`.
   * What somebody else has made his own since is left to him. What cannot be removed stays owned, for
   * another try.
   *
   * @param which Those of the user's that are to go; all of them without it.
   */
  remove(
    user: string,
    which: (placed: PlacedAddress) => boolean = () => true,
  ): AddressFailure[] {
    const all = this.#owned.get(user) ?? new Map<string, PlacedAddress>();
    const owned = new Map([...all].filter(([, placed]) => which(placed)));
    for (const name of owned.keys()) all.delete(name);
    if (all.size === 0) this.#owned.delete(user);
    const others = new Set([...this.#owned.values()].flatMap((theirs) => [...theirs.keys()]));
    const list = [...owned].flatMap(([name, placed]) =>
      others.has(name) || this.#isTakenOver(placed) ? [] : [placed]
    );
    const failures = this.#request(list, deleteAddressMessage).flatMap(([placed, error]) =>
      error === null || ALREADY_GONE.has(error.code) ? [] : [{ placed, error }]
    );
    for (const { placed } of failures) this.#own(user, placed);
    return failures;
  }

  /** Removes everything, for whoever it was: the last resort of a program that must end. */
  removeAll(): AddressFailure[] {
    return [...this.#owned.keys()].flatMap((user) => this.remove(user));
  }

  /**
   * Makes vigie's what a crashed predecessor left of these addresses, wherever and with whatever
   * prefix length, so that `remove` takes it away. What somebody of this daemon has is no such thing.
   *
   * @param untagged Also those without a tag: for kernels that keep none, where an address that is
   * virtual by the config is taken for a leftover, as keepalived does.
   */
  adopt(user: string, wanted: readonly PlacedAddress[], untagged: boolean): PlacedAddress[] {
    const left = wanted.flatMap(({ ifindex, entry }) =>
      this.#table.holders(entry.address)
        .filter(({ ours, index }) => ours || (untagged && index === ifindex))
        .map((there) => ({ ifindex: there.index, entry: { ...entry, ...shapeOf(there) } }))
        .filter((placed) => !this.#isSomebodys(placed))
    );
    for (const placed of left) this.#own(user, placed);
    return left;
  }

  /** What the kernel has already, or perhaps: the tables tell whose it is. */
  #settle(user: string, unsure: [PlacedAddress, SysError][], outcome: AddressOutcome): void {
    try {
      this.#table.load(this.#socket);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      outcome.failures.push(...unsure.map(([placed]) => ({ placed, error })));
      return;
    }
    for (const [placed, error] of unsure) {
      const there = this.#there(placed);
      if (there === undefined) outcome.failures.push({ placed, error });
      else if (there.ours || this.#isSomebodys(placed)) {
        this.#own(user, { ...placed, entry: { ...placed.entry, ...shapeOf(there) } });
      }
    }
  }

  /** Whether it is on its interface by vigie's doing, for whoever: kernels may keep no tag that says so. */
  #isSomebodys(placed: PlacedAddress): boolean {
    return [...this.#owned.values()].some((theirs) => theirs.has(key(placed)));
  }

  /** Whether somebody put an address in the place of vigie's, which replaces the tag. */
  #isTakenOver({ ifindex, entry }: PlacedAddress): boolean {
    return this.#keepsTags &&
      this.#table.addressesOf(ifindex).some((there) =>
        there.address === entry.address && there.prefixLength === entry.prefixLength && !there.ours
      );
  }

  /** The address as it is on its interface, whoever put it there; somebody else's first. */
  #there({ ifindex, entry }: PlacedAddress): HostAddress | undefined {
    const found = this.#table.addressesOf(ifindex).filter(({ address }) =>
      address === entry.address
    );
    return found.find(({ ours }) => !ours) ?? found[0];
  }

  #own(user: string, placed: PlacedAddress): void {
    const owned = this.#owned.get(user) ?? new Map<string, PlacedAddress>();
    this.#owned.set(user, owned.set(key(placed), placed));
  }

  #request(
    list: readonly PlacedAddress[],
    message: (spec: AddressSpec) => NetlinkMessage,
  ): [PlacedAddress, SysError | null][] {
    if (list.length === 0) return [];
    try {
      const answers = this.#socket.requestAll(list.map((placed) => message(specOf(placed))));
      return list.map((placed, at) => [placed, answers[at] ?? null]);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return list.map((placed) => [placed, error]);
    }
  }
}

/** What of an address the kernel must be told to find it again. */
function shapeOf({ prefixLength, peer }: HostAddress): Pick<HostAddress, "prefixLength" | "peer"> {
  return { prefixLength, peer };
}

function key({ ifindex, entry }: PlacedAddress): string {
  return `${ifindex} ${entry.address}/${entry.prefixLength}`;
}

/**
 * Metric of the route that comes with an address on a link of its own: the parent's route to the same
 * subnet, whatever metric that was given, stays the one by which this host speaks for itself.
 */
const VMAC_METRIC = 1_000_000;

function specOf({ ifindex, entry }: PlacedAddress): AddressSpec {
  const { peer, label, broadcast, preferredLifetimeSeconds } = entry;
  return {
    index: ifindex,
    local: ipBytes(entry.address),
    prefixLength: entry.prefixLength,
    scope: entry.scope,
    flags: entry.flags,
    protocol: ADDRESS_PROTOCOL,
    ...entry.vmac !== null && { routePriority: VMAC_METRIC },
    ...peer !== null && { peer: ipBytes(peer) },
    ...label !== null && { label },
    ...broadcast !== null && { broadcast: ipBytes(broadcast) },
    ...preferredLifetimeSeconds !== null && { preferredSeconds: preferredLifetimeSeconds },
  };
}
