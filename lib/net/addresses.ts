/**
 * The virtual addresses on this host's interfaces, and whose they are: what vigie adds it tags and
 * removes; what the operator put there is left alone.
 */

import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { addAddressMessage, type AddressSpec, deleteAddressMessage } from "../../ffi/rtnetlink.ts";
import type { SysError } from "../../ffi/errno.ts";
import { ipBytes } from "../core/address.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import { ADDRESS_PROTOCOL, type HostAddress, type LinkTable } from "./links.ts";

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

/** Already so: nothing to add, or nothing to delete. */
const ALREADY_THERE = "EEXIST";
const ALREADY_GONE = new Set(["EADDRNOTAVAIL", "ENODEV", "ENXIO"]);

/** Adds and removes virtual addresses, and knows which of them are vigie's, and for whom. */
export class AddressOwner {
  readonly #socket: NetlinkSocket;
  readonly #table: LinkTable;
  /** What each user has on interfaces, by key: also found when the interface has a new name since. */
  readonly #owned = new Map<string, Map<string, PlacedAddress>>();

  constructor(socket: NetlinkSocket, table: LinkTable) {
    this.#socket = socket;
    this.#table = table;
  }

  /** How many addresses are on interfaces by vigie's doing for a user. */
  count(user: string): number {
    return this.#owned.get(user)?.size ?? 0;
  }

  /** Whose an address is by vigie's doing; null if nobody's. */
  userOf({ index, address, prefixLength }: HostAddress): string | null {
    const wanted = `${index} ${address}/${prefixLength}`;
    for (const [user, owned] of this.#owned) if (owned.has(wanted)) return user;
    return null;
  }

  /** The address as it is on its interface, whoever put it there. */
  present({ ifindex, entry }: PlacedAddress): HostAddress | undefined {
    return this.#table.addressesOf(ifindex).find((known) =>
      known.address === entry.address && known.prefixLength === entry.prefixLength
    );
  }

  /**
   * Adds addresses in order; same as `ip address add ADDR/LEN dev IF`. One that is there already is
   * taken over if a predecessor left it, and otherwise stays the operator's. The kernel is asked, not
   * the table, which may not have heard yet of what was just removed.
   */
  add(user: string, wanted: readonly PlacedAddress[]): AddressFailure[] {
    const messages = wanted.map((placed) => addAddressMessage(specOf(placed)));
    const there: PlacedAddress[] = [], failures: AddressFailure[] = [];
    for (const [placed, error] of this.#request(wanted, messages)) {
      if (error === null) this.#own(user, placed);
      else if (error.code === ALREADY_THERE) there.push(placed);
      else failures.push({ placed, error });
    }
    if (there.length > 0) this.#table.load(this.#socket);
    for (const placed of there) if (this.present(placed)?.ours) this.#own(user, placed);
    return failures;
  }

  /** Removes what vigie owns for a user; same as `ip address del ADDR/LEN dev IF`. */
  remove(user: string): AddressFailure[] {
    const owned = [...this.#owned.get(user)?.values() ?? []];
    this.#owned.delete(user);
    const messages = owned.map((placed) => deleteAddressMessage(specOf(placed)));
    return this.#request(owned, messages).flatMap(([placed, error]) =>
      error === null || ALREADY_GONE.has(error.code) ? [] : [{ placed, error }]
    );
  }

  /**
   * Makes vigie's what a crashed predecessor left of these addresses, so that `remove` takes it away.
   *
   * @param untagged Also those without a tag: for kernels that keep none, where an address that is
   * virtual by the config is taken for a leftover, as keepalived does.
   */
  adopt(user: string, wanted: readonly PlacedAddress[], untagged: boolean): PlacedAddress[] {
    const left = wanted.filter((placed) => {
      const there = this.present(placed);
      return there !== undefined && (there.ours || untagged);
    });
    for (const placed of left) this.#own(user, placed);
    return left;
  }

  #own(user: string, placed: PlacedAddress): void {
    const owned = this.#owned.get(user) ?? new Map<string, PlacedAddress>();
    this.#owned.set(user, owned.set(key(placed), placed));
  }

  #request(
    list: readonly PlacedAddress[],
    messages: Parameters<NetlinkSocket["requestAll"]>[0],
  ): [PlacedAddress, SysError | null][] {
    if (list.length === 0) return [];
    const answers = this.#socket.requestAll(messages);
    return list.map((placed, at) => [placed, answers[at] ?? null]);
  }
}

function key({ ifindex, entry }: PlacedAddress): string {
  return `${ifindex} ${entry.address}/${entry.prefixLength}`;
}

function specOf({ ifindex, entry }: PlacedAddress): AddressSpec {
  const { peer, label, broadcast, preferredLifetimeSeconds } = entry;
  return {
    index: ifindex,
    local: ipBytes(entry.address),
    prefixLength: entry.prefixLength,
    scope: entry.scope,
    flags: entry.flags,
    protocol: ADDRESS_PROTOCOL,
    ...peer !== null && { peer: ipBytes(peer) },
    ...label !== null && { label },
    ...broadcast !== null && { broadcast: ipBytes(broadcast) },
    ...preferredLifetimeSeconds !== null && { preferredSeconds: preferredLifetimeSeconds },
  };
}
