/** The keywords of `global_defs`. */

import type { Table } from "./keyword.ts";
import {
  atLeastOne,
  bool,
  clamped,
  duration,
  multicastGroup,
  oneOf,
  optionalWord,
  present,
  presentWhatever,
  whole,
  wholeSeconds,
  word,
} from "./readers.ts";
import { GLOBAL_FIREWALL } from "./table_firewall.ts";
import { GLOBAL_LATER } from "./table_global_later.ts";
import { GLOBAL_MAIL, GLOBAL_NOTIFY } from "./table_global_notify.ts";
import { GLOBAL_PROCESS } from "./table_global_process.ts";
import { GLOBAL_RELOAD } from "./table_global_reload.ts";
import { GLOBAL_VMAC } from "./table_vmac.ts";
import { GLOBAL_ROUTES } from "./table_routes.ts";
import { GLOBAL_INCLUDE } from "./table_root.ts";
import { GLOBAL_PROTOCOL } from "./table_protocol.ts";

const UINT32_MAX = 0xffff_ffff;
const INT32_MAX = 0x7fff_ffff;

/** `global_defs`: what holds for the daemon, and the defaults of all instances. */
export const GLOBAL_DEFS = {
  router_id: {
    kind: "setting",
    status: "works",
    usage: "STRING",
    default: "the host name",
    doc: "Names this router in notifications and status; never on the wire.",
    read: word("a name", "error"),
  },
  vrrp_version: {
    kind: "setting",
    status: "works",
    usage: "2|3",
    default: "2",
    doc: "VRRP version of instances that do not say; IPv6 instances are always 3.",
    read: oneOf("2", "3"),
  },
  vrrp_mcast_group4: {
    kind: "setting",
    status: "works",
    usage: "IPV4",
    default: "224.0.0.18",
    doc: "Multicast group of IPv4 adverts.",
    read: multicastGroup("ipv4"),
  },
  vrrp_mcast_group6: {
    kind: "setting",
    status: "works",
    usage: "IPV6",
    default: "ff02::12",
    doc: "Multicast group of IPv6 adverts.",
    read: multicastGroup("ipv6"),
  },
  vrrp_garp_master_delay: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "5",
    doc: "From becoming master to the second batch of announcements; 0 for no second batch.",
    read: wholeSeconds(4294),
  },
  vrrp_garp_master_repeat: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "5",
    doc: "Rounds of announcements in a batch.",
    read: atLeastOne(UINT32_MAX),
  },
  vrrp_garp_master_refresh: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0",
    doc: "Between later announcements while master; 0 for none.",
    read: wholeSeconds(UINT32_MAX),
  },
  vrrp_garp_master_refresh_repeat: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "1",
    doc: "Rounds of each later announcement.",
    read: atLeastOne(UINT32_MAX),
  },
  vrrp_garp_lower_prio_delay: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "vrrp_garp_master_delay",
    doc: "After a lower master was heard, how long to the second batch of announcements.",
    read: wholeSeconds(4294),
  },
  vrrp_garp_lower_prio_repeat: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "vrrp_garp_master_repeat",
    doc: "After a lower master was heard, rounds of announcements in a batch; 0 for none.",
    read: whole(0, INT32_MAX),
  },
  vrrp_lower_prio_no_advert: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "A master does not answer the advert of a lower one at once.",
    read: bool,
  },
  vrrp_higher_prio_send_advert: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "A master sends one last advert when a higher router takes over.",
    read: bool,
  },
  vrrp_garp_interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0",
    doc: "Least gap between gratuitous ARPs on one interface.",
    read: duration(0, 4294),
  },
  vrrp_gna_interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0",
    doc: "Least gap between unsolicited neighbour advertisements on one interface.",
    read: duration(0, 4294),
  },
  vrrp_startup_delay: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0",
    doc: "After the start, how long all instances only listen.",
    read: duration(0, 4294),
  },
  v3_checksum_as_v2: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "VRRPv3 adverts over IPv4 carry a checksum of the message alone (RFC 9568).",
    read: presentWhatever,
  },
  dynamic_interfaces: {
    kind: "setting",
    status: "works",
    usage: "[allow_if_changes]",
    default: "off",
    doc: "Interfaces may be missing at the start; their instances wait in FAULT.",
    read: optionalWord,
  },
  vrrp_skip_check_adv_addr: {
    kind: "setting",
    status: "no effect",
    usage: "[BOOL]",
    doc: "An advert with another address list is kept and reported once, with it or without.",
    read: bool,
  },
  vrrp_rt_priority: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "none",
    doc: "Real-time priority (SCHED_RR) of the thread that speaks VRRP.",
    read: clamped(1, 99),
  },
  vrrp_no_swap: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "Keeps the process out of swap, and its program in memory.",
    read: present,
  },
  ...GLOBAL_FIREWALL,
  ...GLOBAL_INCLUDE,
  ...GLOBAL_PROTOCOL,
  ...GLOBAL_ROUTES,
  ...GLOBAL_PROCESS,
  ...GLOBAL_NOTIFY,
  ...GLOBAL_MAIL,
  ...GLOBAL_LATER,
  ...GLOBAL_RELOAD,
  ...GLOBAL_VMAC,
} as const satisfies Table;
