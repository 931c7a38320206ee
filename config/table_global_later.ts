/**
 * The keywords of `global_defs` about parts of keepalived that vigie does not have yet (SNMP,
 * D-Bus, dump files, load balancing, BFD), and about inner workings of which it has its own.
 */

import { seconds } from "../lib/core/time.ts";
import type { Reader, Setting, Table } from "./keyword.ts";
import { bool, choice, duration, LENIENT, optionalWord, present, whole, word } from "./readers.ts";
import { script } from "./readers_script.ts";

const UINT32_MAX = 0xffff_ffff;

/** Longest interval between two looks at the counters of virtual servers. */
const STATS_INTERVAL_MAX = seconds(30);

/** A row of something that is read and checked, and does nothing yet; going without is harmless. */
function later<T>(usage: string, doc: string, read: Reader<T>): Setting<T> {
  return { kind: "setting", status: "not yet", severity: "warning", usage, doc, read };
}

/** A row of something that vigie has no use for. */
function needless<T>(usage: string, doc: string, read: Reader<T>): Setting<T> {
  return { kind: "setting", status: "no effect", usage, doc, read };
}

const bytes = whole(0, UINT32_MAX, LENIENT);

/** What other programs can ask keepalived, and where it writes what it knows. */
const OBSERVATION = {
  enable_snmp: later(
    "",
    "Not a word of keepalived 2, but of configurations in use; see enable_snmp_vrrp.",
    present,
  ),
  snmp_socket: later(
    "ADDRESS",
    "Where the SNMP master agent listens.",
    word("an address", "error"),
  ),
  enable_traps: later("", "SNMP traps are sent.", present),
  enable_snmp_vrrp: later("", "Offers the KEEPALIVED-MIB over SNMP.", present),
  enable_snmp_keepalived: later("", "The old spelling of enable_snmp_vrrp.", present),
  enable_snmp_rfc: later("", "Offers the MIBs of RFC 2787 and RFC 6527 over SNMP.", present),
  enable_snmp_rfcv2: later("", "Offers the MIB of RFC 2787 over SNMP.", present),
  enable_snmp_rfcv3: later("", "Offers the MIB of RFC 6527 over SNMP.", present),
  enable_snmp_checker: later("", "Offers virtual servers over SNMP.", present),
  snmp_vs_stats_update_interval: later(
    "SECONDS",
    "How old the counters of a virtual server may be over SNMP.",
    duration(0.001, STATS_INTERVAL_MAX / seconds(1), LENIENT),
  ),
  snmp_rs_stats_update_interval: later(
    "SECONDS",
    "How old the counters of a real server may be over SNMP.",
    duration(0.001, STATS_INTERVAL_MAX / seconds(1), LENIENT),
  ),
  enable_dbus: later("", "Offers instances on D-Bus.", present),
  dbus_service_name: later("NAME", "The name on D-Bus.", word("a name", "error")),
  dbus_no_interface_name: later(
    "NAME",
    "In paths on D-Bus, for an instance without an interface.",
    word("a name", "error"),
  ),
  data_use_instance: later("[BOOL]", "Dump files are named after the instance.", bool),
  json_version: later("1|2", "The form of the JSON dump.", choice(["1", "2"], LENIENT)),
  state_dump_file: later("PATH", "Where SIGUSR1 writes to; vigie logs.", word("a path", "error")),
  stats_dump_file: later("PATH", "Where SIGUSR2 writes to; vigie logs.", word("a path", "error")),
  json_dump_file: later("PATH", "Where the JSON dump goes.", word("a path", "error")),
} as const satisfies Table;

/** Load balancing and BFD, as far as they are set in `global_defs`. */
const SERVERS = {
  lvs_notify_fifo: later(
    "PATH [USER [GROUP]]",
    "Hears of virtual and real servers.",
    (args) => (optionalWord(args), optionalWord(args), optionalWord(args)),
  ),
  lvs_notify_fifo_script: later(
    "SCRIPT [USER [GROUP]]",
    "Reads lvs_notify_fifo.",
    script("error"),
  ),
  smtp_alert_checker: later("[BOOL]", "Mail about real servers.", bool),
  no_checker_emails: later("[BOOL]", "No mail about real servers.", bool),
} as const satisfies Table;

/** Inner workings of keepalived. */
const WORKINGS = {
  vrrp_netlink_cmd_rcv_bufs: needless(
    "BYTES",
    "vigie waits for each answer, so that none is lost.",
    bytes,
  ),
  vrrp_netlink_cmd_rcv_bufs_force: needless("[BOOL]", "As vrrp_netlink_cmd_rcv_bufs.", bool),
  vrrp_netlink_monitor_rcv_bufs: needless(
    "BYTES",
    "vigie reads all links and addresses anew when the kernel says that it lost a message.",
    bytes,
  ),
  vrrp_netlink_monitor_rcv_bufs_force: needless(
    "[BOOL]",
    "As vrrp_netlink_monitor_rcv_bufs.",
    bool,
  ),
  process_monitor_rcv_bufs: needless(
    "BYTES",
    "vigie looks at all processes anew when the kernel says that it lost a message.",
    bytes,
  ),
  process_monitor_rcv_bufs_force: needless("[BOOL]", "As process_monitor_rcv_bufs.", bool),
  random_seed: needless("N", "For tests of keepalived: vigie has nothing random.", bytes),
  tmp_config_directory: needless(
    "DIR",
    "vigie keeps no copy of the configuration in a file.",
    word("a directory", "error"),
  ),
} as const satisfies Table;

/** All of them. */
export const GLOBAL_LATER = { ...OBSERVATION, ...SERVERS, ...WORKINGS } as const satisfies Table;
