/** The keywords about links of a virtual router's own: `use_vmac`, `use_ipvlan` and their kin. */

import { type Ip, type Mac, parseIp, parseMac } from "../lib/core/address.ts";
import { familyOf, HOST_PREFIX } from "../lib/core/address.ts";
import { type Micros, seconds } from "../lib/core/time.ts";
import type { IpvlanFlag } from "../lib/core/vmac.ts";
import type { Arguments, Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { INTERFACE_NAME_MAX, isInterfaceName, present, wholeNumber } from "./readers.ts";

/** What both kinds of link may be told. */
export interface LinkUse {
  readonly name: string | null;
  readonly group: number | null;
}

/** `use_vmac`. */
export interface VmacUse extends LinkUse {
  /** Six octets, or five behind which the VRID comes; null for that of the RFC. */
  readonly mac: string | null;
}

/** `use_ipvlan`. */
export interface IpvlanUse extends LinkUse {
  readonly flag: IpvlanFlag;
  readonly address: { readonly address: Ip; readonly prefixLength: number } | null;
}

/** `garp_extra_if`. */
export interface ExtraGarp {
  /** 0 for none. */
  readonly intervalUs: Micros;
  /** On every other interface, not on links of its own only. */
  readonly all: boolean;
}

/** Interface groups (IFLA_GROUP) are 32 bits. */
const GROUP_MAX = 0xffff_ffff;

/** A day (keepalived.conf(5)). */
const EXTRA_MAX_SECONDS = 86_400;

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Takes a word that neither of the words with an argument is. False if it means nothing here. */
type TakeWord<T> = (args: Arguments, word: Word, draft: Draft<T>) => boolean;

/** Reads the words of a keyword in any order; what cannot be used is reported and left out. */
function linkUse<T extends LinkUse>(initial: T, takeWord: TakeWord<T>): Reader<T> {
  return (args) => {
    const draft: Draft<T> = { ...initial };
    for (let word = args.take(); word !== undefined; word = args.take()) {
      if (word.text === "group") readGroup(args, draft);
      else if (word.text === "name") readName(args, args.take() ?? word, draft);
      else if (!takeWord(args, word, draft)) readName(args, word, draft);
    }
    return draft;
  };
}

function readName(args: Arguments, word: Word, draft: Draft<LinkUse>): void {
  if (isInterfaceName(word.text)) draft.name = word.text;
  else {
    const allowed = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
    args.refuse(word, allowed, "the name is chosen by vigie");
  }
}

function readGroup(args: Arguments, draft: Draft<LinkUse>): void {
  const word = args.must("the number of an interface group", "error");
  if (word === undefined) return;
  const group = word.text === "default" ? 0 : wholeNumber(word.text, 0, GROUP_MAX);
  if (group !== null) draft.group = group;
  else {
    const allowed = `a number from 0 to ${GROUP_MAX} (names of /etc/iproute2/group are not read)`;
    args.refuse(word, allowed, "the link is in no group");
  }
}

/** The blocks of RFC 9568 7.3: who writes one of these means another VRID than he says. */
const RFC_MAC = /^00:00:5e:00:0[12]:/;

const takeVmacWord: TakeWord<VmacUse> = (args, word, draft) => {
  // What keepalived would do about it, vigie does anyway.
  if (word.text === "netlink_notify_msg") return true;
  if (!word.text.includes(":")) return false;
  const mac = readMac(word.text);
  if (mac !== null) draft.mac = mac;
  else {
    const allowed = "a MAC of six octets, or of five behind which the VRID comes, such as " +
      "02:00:00:00:01: not a multicast one, and not one of 00:00:5e:00:01 or 00:00:5e:00:02";
    args.refuse(word, allowed, "the MAC of the RFC is used");
  }
  return true;
};

/** The octets in lower case, two digits each; null if that is no MAC that could be used. */
function readMac(text: string): string | null {
  const octets = text.toLowerCase().split(":");
  if (octets.length !== 5 && octets.length !== 6) return null;
  if (!octets.every((octet) => /^[0-9a-f]{1,2}$/.test(octet))) return null;
  const mac = octets.map((octet) => octet.padStart(2, "0")).join(":");
  const isMulticast = (parseInt(octets[0]!, 16) & 1) !== 0;
  return isMulticast || RFC_MAC.test(`${mac}:`) || /^(00:)+00$/.test(mac) ? null : mac;
}

/** The MAC of a link: the one given, with the VRID where an octet is missing, else that of the RFC. */
export function macOf(given: string | null, vrid: number, family: "ipv4" | "ipv6"): Mac {
  const last = vrid.toString(16).padStart(2, "0");
  const five = given ?? `00:00:5e:00:0${family === "ipv4" ? 1 : 2}`;
  return parseMac(five.split(":").length === 6 ? five : `${five}:${last}`)!;
}

const FLAGS: readonly string[] = ["bridge", "private", "vepa"] satisfies readonly IpvlanFlag[];

const takeIpvlanWord: TakeWord<IpvlanUse> = (args, word, draft) => {
  if (FLAGS.includes(word.text)) {
    draft.flag = word.text as IpvlanFlag;
    return true;
  }
  if (!/[:/]|^\d+\./.test(word.text)) return false;
  const [text = "", length] = word.text.split("/"), address = parseIp(text);
  const most = address === null ? 0 : HOST_PREFIX[familyOf(address)];
  const prefixLength = length === undefined ? most : wholeNumber(length, 0, most);
  if (address !== null && prefixLength !== null) draft.address = { address, prefixLength };
  else {
    args.refuse(word, "an IP address, with or without a prefix length", "it has no address");
  }
  return true;
};

const extraGarp: Reader<ExtraGarp> = (args) => {
  const range = `a whole number of seconds from 0 to ${EXTRA_MAX_SECONDS}`;
  let word = args.must(range, "error");
  const all = word?.text === "all";
  if (all) word = args.must(range, "error");
  if (word === undefined) return undefined;
  const value = wholeNumber(word.text, 0, EXTRA_MAX_SECONDS);
  if (value === null) return args.refuse(word, range, "the line is ignored and the default holds");
  return { intervalUs: seconds(value), all };
};

/** As `extraGarp`, under a name that keepalived keeps for old files. */
function oldSpelling(now: string): Reader<ExtraGarp> {
  return (args) => {
    const { head, text } = args, value = extraGarp(args);
    const remedy = `Write "${text.replace(head.text, now)}"`;
    args.report("warning", head, `"${head.text}" is an old spelling of "${now}"`, remedy);
    return value;
  };
}

const prefix: Reader<string> = (args) => {
  const word = args.must("the beginning of an interface's name", "error");
  if (word === undefined || isInterfaceName(word.text)) return word?.text;
  const allowed = "the beginning of an interface's name, without spaces and slashes";
  return args.refuse(word, allowed, 'names begin with "vrrp"');
};

/** Of `vrrp_instance`. */
export const INSTANCE_VMAC = {
  use_vmac: {
    kind: "setting",
    status: "works",
    usage: "[IFNAME] [MAC] [netlink_notify_msg] [group G] [name IFNAME]",
    default: "off; named vrrp.VRID, with the MAC 00:00:5e:00:01:VRID (02 for IPv6)",
    doc: "The virtual addresses are on an interface of their own, with the virtual router's MAC.",
    read: linkUse<VmacUse>({ name: null, group: null, mac: null }, takeVmacWord),
  },
  vmac_xmit_base: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off; on with unicast_peer",
    doc: "Adverts leave from the interface itself, with its MAC.",
    read: present,
  },
  use_vmac_addr: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "Addresses on other interfaces, and excluded ones of the other family, have links too.",
    read: present,
  },
  use_ipvlan: {
    kind: "setting",
    status: "works",
    usage: "[IFNAME] [ADDR[/LEN]] [bridge|private|vepa] [group G] [name IFNAME]",
    default: "off; in mode bridge",
    doc: "The virtual addresses are on an interface of their own, with the parent's MAC.",
    read: linkUse<IpvlanUse>(
      { name: null, group: null, flag: "bridge", address: null },
      takeIpvlanWord,
    ),
  },
  garp_extra_if: {
    kind: "setting",
    status: "works",
    usage: "[all] SECONDS",
    default: "vrrp_garp_extra_if",
    doc: "Announces addresses that are not where adverts leave from so often; 0 for not at all.",
    read: extraGarp,
  },
  vmac_garp_intvl: {
    kind: "setting",
    status: "works",
    usage: "[all] SECONDS",
    doc: "The old spelling of garp_extra_if.",
    read: oldSpelling("garp_extra_if"),
  },
} as const satisfies Table;

/** Of `global_defs`. */
export const GLOBAL_VMAC = {
  disable_local_igmp: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "As long as the daemon runs, its network namespace reports no membership in groups of " +
      "224.0.0.0/24 (net.ipv4.igmp_link_local_mcast_reports is 0); one that is killed leaves it so.",
    read: present,
  },
  vmac_prefix: {
    kind: "setting",
    status: "works",
    usage: "STRING",
    default: "vrrp",
    doc: "How the names of links of use_vmac begin; a dot and the VRID follow.",
    read: prefix,
  },
  vmac_addr_prefix: {
    kind: "setting",
    status: "works",
    usage: "STRING",
    default: "vmac_prefix",
    doc: "The same for links that are for single addresses.",
    read: prefix,
  },
  vrrp_garp_extra_if: {
    kind: "setting",
    status: "works",
    usage: "[all] SECONDS",
    default: "0",
    doc: "garp_extra_if of instances that do not say.",
    read: extraGarp,
  },
  vrrp_vmac_garp_intvl: {
    kind: "setting",
    status: "works",
    usage: "[all] SECONDS",
    doc: "The old spelling of vrrp_garp_extra_if.",
    read: oldSpelling("vrrp_garp_extra_if"),
  },
} as const satisfies Table;
