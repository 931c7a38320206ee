/**
 * What keeps a master that does not accept packets to its virtual addresses (`no_accept`) from
 * getting or sending them: a table of nftables for each family, with a set of addresses.
 */

import { SysError } from "../../ffi/errno.ts";
import { NETLINK, type NetlinkMessage } from "../../ffi/netlink.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addBaseChain,
  addElements,
  addRule,
  addSet,
  addTable,
  batchMessages,
  compare,
  counter,
  deleteElements,
  deleteTable,
  type Expression,
  lookup,
  meta,
  NF,
  NF_INET,
  NFPROTO,
  NFT_CMP,
  NFT_META,
  NFT_PAYLOAD,
  NFT_REG,
  type NftTable,
  payload,
  verdict,
} from "../../ffi/nftables.ts";
import { type Family, familyOf, ipBytes, isLinkLocal } from "../core/address.ts";
import type { PlacedAddress } from "./addresses.ts";

/** How the tables are made (`nftables`, `nftables_priority`, `nftables_counters`). */
export interface FirewallOptions {
  readonly table: string;
  /** Of the hooks; lower ones come first. */
  readonly priority: number;
  readonly counters: boolean;
}

/** Addresses of one family, and link-local ones, which mean something on one interface only. */
const VIPS = "vips", VIPS_LINK_LOCAL = "vips_link_local";

/** ICMPv6 types of neighbour solicitations and advertisements (RFC 4861 4.3, 4.4). */
const NEIGHBOUR_SOLICIT = 135, NEIGHBOUR_ADVERT = 136;

/** Next Header of ICMPv6 (RFC 8200 4), and where the IPv6 header has it. */
const ICMPV6 = 58, NEXT_HEADER_AT = 6;

/** Types of keys, as nft shows them: its enum datatypes, six bits for each part of a concatenation. */
const KEY_TYPE = { ipv4: 7, ipv6: 8, ipv6AndLink: 8 << 6 | 20 } as const;

/** Where a header has its addresses (RFC 791 3.1, RFC 8200 3). */
const ADDRESS_AT = {
  ipv4: { source: 12, destination: 16, bytes: 4 },
  ipv6: { source: 8, destination: 24, bytes: 16 },
} as const;

/** Elements in one transaction, which must fit one datagram. */
const ELEMENTS_AT_ONCE = 256;

/** An element of a set. */
interface Element {
  readonly family: Family;
  readonly set: typeof VIPS | typeof VIPS_LINK_LOCAL;
  readonly key: Uint8Array;
}

/** What others may ask of the firewall. */
export type PacketFilter = Pick<
  Firewall,
  "drop" | "release" | "rename" | "restore" | "remake" | "clear" | "close"
>;

/** The rules of this daemon, and which instance wants which address in them. */
export class Firewall {
  readonly #options: FirewallOptions;
  readonly #wanted = new Map<string, ReadonlyMap<string, Element>>();
  readonly #installed = new Set<Family>();
  #socket: NetlinkSocket | null = null;

  constructor(options: FirewallOptions) {
    this.#options = options;
  }

  /**
   * Drops packets to and from these addresses from now on, and no longer to those that the same user
   * gave before.
   * @throws {SysError} If the kernel has no nf_tables, or refuses.
   */
  drop(user: string, placed: readonly PlacedAddress[]): void {
    const before = this.#all();
    const own = new Map(placed.map((one) => {
      const element = elementOf(one);
      return [nameOf(element), element] as const;
    }));
    const mine = this.#wanted.get(user);
    this.#note(user, own);
    try {
      this.#change(before, this.#all());
    } catch (error) {
      // What is not in force must not count as such: the next time all of it is made anew.
      this.#note(user, mine ?? new Map());
      this.#installed.clear();
      throw error;
    }
  }

  #note(user: string, own: ReadonlyMap<string, Element>): void {
    if (own.size === 0) this.#wanted.delete(user);
    else this.#wanted.set(user, own);
  }

  /** Nothing is dropped for a user any more. @throws {SysError} */
  release(user: string): void {
    if (this.#wanted.has(user)) this.drop(user, []);
  }

  /** Users have other names from now on: old ones to new ones, which may be old ones of others. */
  rename(names: ReadonlyMap<string, string>): void {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (const [user, own] of wanted) this.#wanted.set(names.get(user) ?? user, own);
  }

  /** Makes known what another image of this daemon has the kernel drop for a user. */
  restore(user: string, placed: readonly PlacedAddress[]): void {
    const own = placed.map(elementOf);
    if (own.length === 0) return;
    this.#wanted.set(user, new Map(own.map((element) => [nameOf(element), element])));
    for (const { family } of own) this.#installed.add(family);
  }

  /**
   * Makes anew what was restored, for it was made in another way.
   * @param before How. @throws {SysError}
   */
  remake(before: FirewallOptions): void {
    const all = [...this.#all().values()], made = [...this.#installed];
    this.#installed.clear();
    for (const family of made) this.#install(family, all.filter((one) => one.family === family));
    // Not earlier: there is no moment without rules.
    if (before.table === this.#options.table) return;
    const old = new Firewall(before);
    old.clear();
    old.close();
  }

  /** Removes tables, a predecessor's that crashed as well. What the kernel refuses is not there. */
  clear(): void {
    this.#wanted.clear();
    this.#installed.clear();
    for (const family of ["ipv4", "ipv6"] as const) {
      try {
        this.#run([deleteTable(this.#table(family))]);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
      }
    }
  }

  /** Closes the socket; the rules stay. */
  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #all(): Map<string, Element> {
    return new Map([...this.#wanted.values()].flatMap((own) => [...own]));
  }

  #change(before: ReadonlyMap<string, Element>, after: ReadonlyMap<string, Element>): void {
    const added = [...after].filter(([name]) => !before.has(name)).map(([, element]) => element);
    const gone = [...before].filter(([name]) => !after.has(name)).map(([, element]) => element);
    for (const family of ["ipv4", "ipv6"] as const) {
      const of = (elements: readonly Element[]) =>
        elements.filter((element) => element.family === family);
      if (of(added).length === 0 && of(gone).length === 0) continue;
      this.#changeFamily(family, of(added), of(gone), of([...after.values()]));
    }
  }

  /** Somebody may have flushed the ruleset: then everything is made anew. */
  #changeFamily(
    family: Family,
    added: readonly Element[],
    gone: readonly Element[],
    all: readonly Element[],
  ): void {
    if (this.#installed.has(family)) {
      try {
        const table = this.#table(family);
        this.#send(gone, (set, keys) => deleteElements(table, set, keys));
        this.#send(added, (set, keys) => addElements(table, set, keys));
        return;
      } catch (error) {
        if (!(error instanceof SysError) || error.code !== "ENOENT") throw error;
      }
    }
    // What the kernel refused to make has nothing to take away.
    if (all.length > 0 || this.#installed.has(family)) this.#install(family, all);
  }

  #install(family: Family, all: readonly Element[]): void {
    const table = this.#table(family);
    this.#run([addTable(table), deleteTable(table), addTable(table), ...this.#rules(family)]);
    this.#send(all, (set, keys) => addElements(table, set, keys));
    this.#installed.add(family);
  }

  #rules(family: Family): readonly NetlinkMessage[] {
    const table = this.#table(family), { priority, counters } = this.#options;
    const count = counters ? [counter()] : [];
    const drop = [...count, verdict(NF.DROP)];
    const chains = [
      { name: "in", hook: NF_INET.LOCAL_IN, end: "destination", link: NFT_META.IIF },
      { name: "out", hook: NF_INET.LOCAL_OUT, end: "source", link: NFT_META.OIF },
    ] as const;
    const messages = [addSet(table, { name: VIPS, ...vipsKey(family) }, 1)];
    if (family === "ipv6") {
      const key = { keyType: KEY_TYPE.ipv6AndLink, keyBytes: ADDRESS_AT.ipv6.bytes + 4 };
      messages.push(addSet(table, { name: VIPS_LINK_LOCAL, ...key }, 2));
    }
    for (const { name, hook, end, link } of chains) {
      const { [end]: at, bytes } = ADDRESS_AT[family];
      const address = payload(NFT_PAYLOAD.NETWORK_HEADER, at, bytes, NFT_REG.R1);
      messages.push(addBaseChain(table, name, hook, priority));
      if (family === "ipv6") {
        messages.push(
          addRule(table, name, [...neighbourDiscovery(), ...count, verdict(NF.ACCEPT)]),
        );
        const onLink = [address, meta(link, NFT_REG.R2), lookup(VIPS_LINK_LOCAL, NFT_REG.R1)];
        messages.push(addRule(table, name, [...onLink, ...drop]));
      }
      messages.push(addRule(table, name, [address, lookup(VIPS, NFT_REG.R1), ...drop]));
    }
    return messages;
  }

  #send(
    elements: readonly Element[],
    build: (set: string, keys: readonly Uint8Array[]) => NetlinkMessage,
  ): void {
    for (const set of [VIPS, VIPS_LINK_LOCAL]) {
      const keys = elements.filter((element) => element.set === set).map(({ key }) => key);
      for (let from = 0; from < keys.length; from += ELEMENTS_AT_ONCE) {
        this.#run([build(set, keys.slice(from, from + ELEMENTS_AT_ONCE))]);
      }
    }
  }

  #run(messages: readonly NetlinkMessage[]): void {
    this.#socket ??= new NetlinkSocket(NETLINK.NETFILTER, "keep packets from virtual addresses");
    this.#socket.transaction(messages, batchMessages());
  }

  #table(family: Family): NftTable {
    return {
      family: family === "ipv4" ? NFPROTO.IPV4 : NFPROTO.IPV6,
      name: this.#options.table,
    };
  }
}

function vipsKey(family: Family): { readonly keyType: number; readonly keyBytes: number } {
  return { keyType: KEY_TYPE[family], keyBytes: ADDRESS_AT[family].bytes };
}

/** Without it no neighbour could resolve the address, nor this host tell that it is taken. */
function neighbourDiscovery(): readonly Expression[] {
  return [
    payload(NFT_PAYLOAD.NETWORK_HEADER, NEXT_HEADER_AT, 1, NFT_REG.R1),
    compare(NFT_REG.R1, NFT_CMP.EQ, Uint8Array.of(ICMPV6)),
    payload(NFT_PAYLOAD.TRANSPORT_HEADER, 0, 1, NFT_REG.R1),
    compare(NFT_REG.R1, NFT_CMP.GTE, Uint8Array.of(NEIGHBOUR_SOLICIT)),
    compare(NFT_REG.R1, NFT_CMP.LTE, Uint8Array.of(NEIGHBOUR_ADVERT)),
  ];
}

function elementOf({ ifindex, entry: { address } }: PlacedAddress): Element {
  const family = familyOf(address), bytes = ipBytes(address);
  if (family === "ipv4" || !isLinkLocal(address)) return { family, set: VIPS, key: bytes };
  // The kernel compares the index in the order that it has it in (linux/netfilter/nf_tables.h, NFT_META_IIF).
  const link = new Uint8Array(new Uint32Array([ifindex]).buffer);
  return { family, set: VIPS_LINK_LOCAL, key: new Uint8Array([...bytes, ...link]) };
}

function nameOf({ set, key }: Element): string {
  return `${set} ${key.toHex()}`;
}
