/**
 * The virtual addresses on this host's interfaces, and whose they are: what vigie adds it tags and
 * removes; what the operator put there is left alone.
 */

import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { addAddressMessage, type AddressSpec, deleteAddressMessage } from "../../ffi/rtnetlink.ts";
import { SysError } from "../../ffi/errno.ts";
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

/** Adds and removes virtual addresses, and knows which of them are vigie's. */
export class AddressOwner {
  readonly #socket: NetlinkSocket;
  readonly #table: LinkTable;
  readonly #owned = new Set<string>();

  constructor(socket: NetlinkSocket, table: LinkTable) {
    this.#socket = socket;
    this.#table = table;
  }

  /** Whether an address is on its interface by vigie's doing. */
  owns(placed: PlacedAddress): boolean {
    return this.#owned.has(key(placed));
  }

  /** The address as it is on its interface now, whoever put it there. */
  present({ ifindex, entry }: PlacedAddress): HostAddress | undefined {
    return this.#table.addressesOf(ifindex).find((known) =>
      known.address === entry.address && known.prefixLength === entry.prefixLength
    );
  }

  /**
   * Adds addresses in order; same as `ip address add ADDR/LEN dev IF`. One that is there already is
   * taken over if a predecessor left it, and otherwise stays the operator's.
   */
  add(wanted: readonly PlacedAddress[]): AddressFailure[] {
    const missing: PlacedAddress[] = [];
    for (const placed of wanted) {
      const there = this.present(placed);
      if (there === undefined) missing.push(placed);
      else if (there.ours) this.#owned.add(key(placed));
    }
    const messages = missing.map((placed) => addAddressMessage(specOf(placed)));
    return this.#request(missing, messages, (placed, error) => {
      if (error === null) this.#owned.add(key(placed));
      return error !== null && error.code !== ALREADY_THERE;
    });
  }

  /** Removes those addresses that vigie owns; same as `ip address del ADDR/LEN dev IF`. */
  remove(wanted: readonly PlacedAddress[]): AddressFailure[] {
    const owned = wanted.filter((placed) => this.#owned.delete(key(placed)));
    const messages = owned.map((placed) => deleteAddressMessage(specOf(placed)));
    return this.#request(
      owned,
      messages,
      (_, error) => error !== null && !ALREADY_GONE.has(error.code),
    );
  }

  /**
   * Makes vigie's what a crashed predecessor left of these addresses, so that `remove` takes it away.
   *
   * @param untagged Also those without a tag: for kernels that keep none, where an address that is
   * virtual by the config is taken for a leftover, as keepalived does.
   */
  adopt(wanted: readonly PlacedAddress[], untagged: boolean): PlacedAddress[] {
    const left = wanted.filter((placed) => {
      const there = this.present(placed);
      return there !== undefined && (there.ours || untagged);
    });
    for (const placed of left) this.#owned.add(key(placed));
    return left;
  }

  #request(
    list: readonly PlacedAddress[],
    messages: Parameters<NetlinkSocket["requestAll"]>[0],
    isFailure: (placed: PlacedAddress, error: SysError | null) => boolean,
  ): AddressFailure[] {
    if (list.length === 0) return [];
    const failures: AddressFailure[] = [];
    for (const [at, error] of this.#socket.requestAll(messages).entries()) {
      const placed = list[at]!;
      if (isFailure(placed, error) && error !== null) failures.push({ placed, error });
    }
    return failures;
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
