/** The keywords about how the protocol is spoken: unicast, strictness, the down timer, receiving. */

import type { Reader, Table } from "./keyword.ts";
import { bool, choice, duration, interfaceName, LENIENT, present, whole } from "./readers.ts";

const UINT32_MAX = 0xffff_ffff;

/** What a receive buffer of vigie's holds anyway. */
const ENOUGH = "Each socket of vigie has room for a second of adverts of thousands of routers.";

/** A priority of another router; without one, the highest of a router that owns nothing. */
const otherPriority: Reader<number> = (args) =>
  args.rest().length === 0 ? 254 : whole(1, 254, LENIENT)(args);

const timerExpired = {
  kind: "setting",
  status: "works",
  usage: "[HIGHEST_OTHER_PRIORITY]",
  default: "off, 254 without an argument",
  doc: "A master that could not send for so long that another took over becomes a backup.",
  read: otherPriority,
} as const;

/** `MTU`, `ADVERT` or a number of bytes. */
const bufferPolicy: Reader<string | number> = (args) =>
  /^\d/.test(args.rest()[0]?.text ?? "")
    ? whole(0, UINT32_MAX, LENIENT)(args)
    : choice(["MTU", "ADVERT"], LENIENT)(args);

/** Of `vrrp_instance`. */
export const INSTANCE_PROTOCOL = {
  unicast_ttl: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "255",
    doc: "TTL or hop limit of unicast adverts.",
    read: whole(0, 255),
  },
  check_unicast_src: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "vrrp_check_unicast_src",
    doc: "Unicast adverts from anybody but a peer are dropped.",
    read: present,
  },
  unicast_fault_no_peer: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off: without peers adverts are multicast",
    doc: "The instance is in FAULT while its unicast_peer block names nobody.",
    read: present,
  },
  strict_mode: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "vrrp_strict",
    doc: "Keeps to the RFCs: no authentication, and only an owner takes packets to the addresses.",
    read: bool,
  },
  down_timer_adverts: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "vrrp_down_timer_adverts",
    doc: "Adverts that may be missed before a master counts as gone.",
    read: whole(1, 100),
  },
  timer_expired_backup: timerExpired,
  thread_timer_expired: { ...timerExpired, doc: "The old spelling of timer_expired_backup." },
  owner_ignore_adverts: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "vrrp_owner_ignore_adverts",
    doc: "An owner (priority 255) drops every advert.",
    read: bool,
  },
  track_src_ip: {
    kind: "setting",
    status: "works",
    usage: "",
    doc: "FAULT while the source address is on no interface, which is so with it or without.",
    read: present,
  },
  vrf: {
    kind: "setting",
    status: "no effect",
    usage: "IFNAME",
    doc: "Sockets and addresses are bound to the interface, and with it to the VRF that it is in.",
    read: interfaceName,
  },
  kernel_rx_buf_size: {
    kind: "setting",
    status: "no effect",
    usage: "BYTES",
    doc: ENOUGH,
    read: whole(0, UINT32_MAX, LENIENT),
  },
  old_unicast_checksum: {
    kind: "setting",
    status: "works",
    usage: "[never]",
    default: "off",
    doc: "Unicast VRRPv3 adverts over IPv4 are summed as keepalived 1.3.6 did; both are accepted.",
    read: (args) => args.rest().length === 0 ? "always" : choice(["never"], LENIENT)(args),
  },
  linkbeat_use_polling: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "The kernel tells of every change of a link.",
    read: present,
  },
  lvs_sync_daemon_interface: {
    kind: "setting",
    status: "not yet",
    severity: "warning",
    usage: "IFNAME",
    doc: "Load balancing: where connections are synchronised.",
    read: interfaceName,
  },
} as const satisfies Table;

/** Of `global_defs`. */
export const GLOBAL_PROTOCOL = {
  vrrp_check_unicast_src: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "Unicast adverts from anybody but a peer are dropped.",
    read: bool,
  },
  vrrp_strict: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "The strict_mode of instances that do not say.",
    read: bool,
  },
  vrrp_down_timer_adverts: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "3",
    doc: "Adverts that may be missed before a master counts as gone.",
    read: whole(1, 100),
  },
  vrrp_owner_ignore_adverts: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "An owner (priority 255) drops every advert.",
    read: bool,
  },
  vrrp_min_garp: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "One round of announcements and no second batch, where an instance does not say.",
    read: bool,
  },
  vrrp_delay_after_boot: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0",
    doc: "Until the system has run for so long, all instances only listen.",
    read: duration(0.001, 4294),
  },
  vrrp_rx_bufs_policy: {
    kind: "setting",
    status: "no effect",
    usage: "MTU|ADVERT|BYTES",
    doc: ENOUGH,
    read: bufferPolicy,
  },
  vrrp_rx_bufs_multiplier: {
    kind: "setting",
    status: "no effect",
    usage: "N",
    doc: ENOUGH,
    read: whole(1, UINT32_MAX, LENIENT),
  },
  log_unknown_vrids: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "An advert for a router that is not configured is logged once for each sender.",
    read: present,
  },
} as const satisfies Table;
