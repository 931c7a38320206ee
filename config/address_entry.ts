/** The lines of `virtual_ipaddress` and `virtual_ipaddress_excluded` (keepalived-behaviour 3.5). */

import {
  type Family,
  familyOf,
  formatIp,
  HOST_PREFIX,
  type Ip,
  ipBytes,
  parseIp,
} from "../lib/core/address.ts";
import type { VirtualAddress } from "../lib/core/virtual_address.ts";
import type { Arguments, Reader } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { INTERFACE_NAME_MAX, isInterfaceName, wholeNumber } from "./readers.ts";

/** IFA_F_* of linux/if_addr.h, as entries ask for them. */
export const ADDRESS_FLAGS = {
  nodad: 0x02,
  home: 0x10,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
} as const;

/** RT_SCOPE_* of linux/rtnetlink.h by the names of iproute2. */
const SCOPES: ReadonlyMap<string, number> = new Map([
  ["global", 0],
  ["site", 200],
  ["link", 253],
  ["host", 254],
  ["nowhere", 255],
]);

/** A virtual address as it is written: `use_vmac` asks for a link of its own. */
export interface AddressEntry extends VirtualAddress {
  readonly useVmac?: true;
}

/** The entry under construction. */
type Draft = { -readonly [K in keyof AddressEntry]: AddressEntry[K] };

/** Reads one option into the draft. False, after a report, if the whole entry must go. */
type Option = (args: Arguments, keyword: Word, draft: Draft) => boolean;

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ["dev", readDevice],
  ["scope", readScope],
  ["label", readLabel],
  ["brd", readBroadcast],
  ["broadcast", readBroadcast],
  ["peer", readPeer],
  ["preferred_lft", readPreferredLifetime],
  ["home", flag(ADDRESS_FLAGS.home)],
  ["mngtmpaddr", flag(ADDRESS_FLAGS.mngtmpaddr)],
  ["noprefixroute", flag(ADDRESS_FLAGS.noprefixroute)],
  ["autojoin", flag(ADDRESS_FLAGS.autojoin)],
  ["-nodad", (_args, _keyword, draft) => {
    draft.flags &= ~ADDRESS_FLAGS.nodad;
    return true;
  }],
  ["no_track", (_args, _keyword, draft) => {
    draft.track = false;
    return true;
  }],
  ["use_vmac", (_args, _keyword, draft) => {
    draft.useVmac = true;
    return true;
  }],
]);

/** The words that may follow an address. */
export const ADDRESS_OPTIONS: readonly string[] = [...OPTIONS.keys()];

/** A line of `static_ipaddress`. */
export interface StaticAddressLine {
  readonly entry: VirtualAddress;
  /** `track_group NAME`. */
  readonly trackGroup: Word | null;
}

/** As `addressEntry`, and it may belong to a `track_group`. */
export const staticAddressEntry: Reader<StaticAddressLine> = (args) => {
  let trackGroup: Word | null = null;
  const entry = readEntry(args, (option) => {
    if (option.text !== "track_group") return false;
    trackGroup = value(args, option, "the name of a track_group") ?? trackGroup;
    return true;
  });
  return entry && { entry, trackGroup };
};

/**
 * `IP[/LEN] [option ...]`. Without a length the entry is a single host (/32, /128), as
 * keepalived's. IPv6 addresses skip duplicate detection unless `-nodad`; an IPv6 /128 is
 * deprecated (preferred lifetime 0) so that it is not chosen as a source.
 */
export const addressEntry: Reader<AddressEntry> = (args) => readEntry(args, () => false);

/** @param isMore Whether an option has been read that only some entries have. */
function readEntry(args: Arguments, isMore: (option: Word) => boolean): VirtualAddress | undefined {
  const word = args.must("an IP address");
  if (word === undefined) return undefined;
  const draft = readAddress(args, word);
  if (draft === null) return undefined;
  for (let option = args.take(); option !== undefined; option = args.take()) {
    if (isMore(option)) continue;
    const read = OPTIONS.get(option.text);
    if (read === undefined) reportUnknownOption(args, option);
    else if (!read(args, option, draft)) return undefined;
  }
  return draft;
}

function readAddress(args: Arguments, word: Word): Draft | null {
  const [, text = "", length] = /^([^/]*)(?:\/(.*))?$/.exec(word.text) ?? [];
  const address = parseIp(text);
  if (address === null) {
    const allowed = "an IP address, with or without a prefix length";
    args.refuse(word, allowed, "the address is not used");
    return null;
  }
  const family = familyOf(address);
  const prefixLength = readPrefix(args, word, length, family);
  const deprecated = family === "ipv6" && prefixLength === HOST_PREFIX.ipv6;
  return {
    address,
    prefixLength,
    device: null,
    vmac: null,
    scope: 0,
    label: null,
    broadcast: null,
    peer: null,
    flags: family === "ipv6" ? ADDRESS_FLAGS.nodad : 0,
    preferredLifetimeSeconds: deprecated ? 0 : null,
    track: true,
  };
}

function readPrefix(
  args: Arguments,
  word: Word,
  text: string | undefined,
  family: Family,
): number {
  const host = HOST_PREFIX[family];
  if (text === undefined) return host;
  const length = wholeNumber(text, 0, host);
  if (length !== null) return length;
  args.report(
    "error",
    word,
    `Cannot read the prefix length of "${word.text}": must be a whole number from 0 to ${host}`,
    `Correct the length; until then ${host} is used`,
  );
  return host;
}

function readDevice(args: Arguments, keyword: Word, draft: Draft): boolean {
  const name = value(args, keyword, "the name of an interface");
  if (name === null) return false;
  if (!isInterfaceName(name.text)) {
    const allowed = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
    args.refuse(name, allowed, "the address is not used");
    return false;
  }
  if (draft.device !== null) {
    args.refuse(name, "the only interface of its address", "the address is not used");
    return false;
  }
  draft.device = name.text;
  return true;
}

function readScope(args: Arguments, keyword: Word, draft: Draft): boolean {
  const name = value(args, keyword, "a scope");
  if (name === null) return false;
  const scope = SCOPES.get(name.text) ?? wholeNumber(name.text, 0, 255);
  if (scope === null) {
    const allowed = `${[...SCOPES.keys()].join(", ")} or a number from 0 to 255`;
    args.refuse(name, allowed, "the scope is global");
  } else draft.scope = scope;
  return true;
}

function readLabel(args: Arguments, keyword: Word, draft: Draft): boolean {
  const name = value(args, keyword, "a label");
  if (name === null) return false;
  if (name.text.length <= INTERFACE_NAME_MAX) {
    draft.label = name.text;
    return true;
  }
  const allowed = `a label of at most ${INTERFACE_NAME_MAX} characters`;
  args.refuse(name, allowed, "the address is not used");
  return false;
}

/** Longer prefixes have no address for broadcasts (RFC 3021 2.2). */
const BROADCAST_PREFIX_MAX = 30;

function readBroadcast(args: Arguments, keyword: Word, draft: Draft): boolean {
  const word = value(args, keyword, '"+", "-" or an IPv4 address');
  if (word === null) return false;
  const given = word.text === "+" || word.text === "-" ? word.text : parseIp(word.text);
  const isIpv4 = familyOf(draft.address) === "ipv4";
  if (!isIpv4 || given === null || given.includes(":")) {
    const allowed = isIpv4 ? '"+", "-" or an IPv4 address' : "left out: IPv6 has no broadcast";
    args.refuse(word, allowed, isIpv4 ? "the address is not used" : "it is ignored");
    return !isIpv4;
  }
  if (given.length === 1 && draft.prefixLength > BROADCAST_PREFIX_MAX) {
    const allowed = `an IPv4 address: a /${draft.prefixLength} has no room for a broadcast address`;
    args.refuse(word, allowed, "there is none");
    return true;
  }
  draft.broadcast = given === "+" || given === "-"
    ? edgeOfSubnet(draft.address, draft.prefixLength, given === "+")
    : given as Ip;
  return true;
}

/** The address with all host bits set, or none. */
function edgeOfSubnet(address: Ip, prefixLength: number, ones: boolean): Ip {
  const bytes = ipBytes(address).map((byte, at) => {
    const hostBits = Math.min(8, Math.max(0, (at + 1) * 8 - prefixLength));
    const mask = (1 << hostBits) - 1;
    return ones ? byte | mask : byte & ~mask;
  });
  return formatIp(bytes);
}

function readPeer(args: Arguments, keyword: Word, draft: Draft): boolean {
  const word = value(args, keyword, "an IP address");
  if (word === null) return false;
  const peer = parseIp(word.text);
  if (peer !== null && familyOf(peer) === familyOf(draft.address)) {
    draft.peer = peer;
    return true;
  }
  // keepalived adds the address all the same, as a host without a peer.
  draft.prefixLength = HOST_PREFIX[familyOf(draft.address)];
  const allowed = `an ${nameOf(draft.address)} address without a prefix length`;
  args.refuse(word, allowed, `${draft.address}/${draft.prefixLength} without a peer is used`);
  return true;
}

function nameOf(address: Ip): string {
  return familyOf(address) === "ipv4" ? "IPv4" : "IPv6";
}

function readPreferredLifetime(args: Arguments, keyword: Word, draft: Draft): boolean {
  const word = value(args, keyword, '"forever" or a number of seconds');
  if (word === null) return false;
  const seconds = word.text === "forever" ? null : wholeNumber(word.text, 0, 0xffff_ffff);
  if (seconds === null && word.text !== "forever") {
    args.refuse(word, '"forever" or a number of seconds', "the option is ignored");
  } else draft.preferredLifetimeSeconds = seconds;
  return true;
}

function flag(bit: number): Option {
  return (_args, _keyword, draft) => {
    draft.flags |= bit;
    return true;
  };
}

/** The argument of an option; null, after a report, if the line ends. */
function value(args: Arguments, keyword: Word, what: string): Word | null {
  const word = args.take();
  if (word !== undefined) return word;
  args.report(
    "error",
    keyword,
    `Cannot read "${args.text}": ${what} is missing behind "${keyword.text}"`,
    `Write ${what} behind "${keyword.text}"; until then the address is not used`,
  );
  return null;
}

function reportUnknownOption(args: Arguments, option: Word): void {
  const another = parseIp(option.text.replace(/\/.*/, "")) !== null;
  args.report(
    "error",
    option,
    another
      ? `"${option.text}" is ignored: an entry is one address`
      : `Unknown word "${option.text}" in an address entry: must be ${ADDRESS_OPTIONS.join(", ")}`,
    another ? "Write it on a line of its own" : "Delete or correct the word; it is ignored",
  );
}
