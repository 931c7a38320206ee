/** What keepalived knows: the answer for every keyword that the tables of vigie do not have. */

import { type Area, KEEPALIVED_KEYWORDS } from "./known_data.ts";
import type { Severity } from "./problem.ts";

export type { Area } from "./known_data.ts";

/** A keyword of keepalived in one block. */
export interface Known {
  readonly keyword: string;
  readonly area: Area;
  readonly opensBlock: boolean;
  /** How bad it is that vigie does not have it yet. */
  readonly severity: Exclude<Severity, "fatal">;
}

/** What is missed without the keywords of an area, and how bad that is. */
const AREAS: Readonly<
  Record<Area, { readonly severity: Known["severity"]; readonly without: string }>
> = {
  "address-route": { severity: "error", without: "no such address, route or rule is managed" },
  bfd: { severity: "error", without: "BFD does not run" },
  checker: { severity: "error", without: "no real server is checked" },
  core: { severity: "warning", without: "vigie has its own way here" },
  dbus: { severity: "warning", without: "nothing is offered on D-Bus" },
  ipvs: { severity: "error", without: "no load balancing is set up" },
  "nftables-iptables": { severity: "warning", without: "no firewall rules are made" },
  notify: { severity: "error", without: "no script or FIFO hears of virtual servers" },
  obsolete: { severity: "warning", without: "keepalived keeps it for old files only" },
  process: { severity: "warning", without: "processes are not tuned" },
  smtp: { severity: "warning", without: "no mail is sent about real servers" },
  snmp: { severity: "warning", without: "nothing is offered over SNMP" },
  track: { severity: "error", without: "nothing is watched, so the priority does not move" },
  vmac: { severity: "error", without: "adverts and addresses keep the interface's own MAC" },
  vrrp: { severity: "error", without: "the protocol runs without it" },
};

/** Graver than their area: they change who holds an address, or what is on the wire. */
const SERIOUS: ReadonlySet<string> = new Set([
  "no_accept",
  "old_unicast_checksum",
]);

/** Harmless though their area is not: they only tune, or speak about parts that are reported anyway. */
const HARMLESS: ReadonlySet<string> = new Set([
  "log_unknown_vrids",
  "vrrp_rx_bufs_policy",
  "vrrp_rx_bufs_multiplier",
  "kernel_rx_buf_size",
  "vrrp_skip_check_adv_addr",
  "checker_log_all_failures",
  "rs_init_notifies",
  "SSL",
  "net_namespace_ipvs",
  "lvs_timeouts",
  "lvs_flush",
  "lvs_flush_on_stop",
  "lvs_notify_fifo",
  "lvs_notify_fifo_script",
  "lvs_netlink_cmd_rcv_bufs",
  "lvs_netlink_cmd_rcv_bufs_force",
  "lvs_netlink_monitor_rcv_bufs",
  "lvs_netlink_monitor_rcv_bufs_force",
]);

/** What is missed without some keywords, where that is more than what their area says. */
const WITHOUT: Readonly<Record<string, string>> = {
  set_supplementary_groups: "scripts run with the one group of their user",
  no_accept: "packets to the virtual addresses are accepted",
  vrrp_strict: "what the RFC forbids is allowed",
  strict_mode: "what the RFC forbids is allowed",
  unicast_ttl: "adverts leave with TTL 255",
  check_unicast_src: "adverts are taken from any sender",
  vrrp_check_unicast_src: "adverts are taken from any sender",
  vrf: "sockets and addresses stay outside of the VRF",
  track_src_ip: "the loss of the source address is not noticed by it",
  down_timer_adverts: "a master is down after 3 adverts",
  vrrp_down_timer_adverts: "a master is down after 3 adverts",
};

/** Keywords by block: "root", "vrrp_instance", "vrrp_instance.authentication", … */
const BLOCKS: ReadonlyMap<string, ReadonlyMap<string, Known>> = new Map(
  Object.entries(KEEPALIVED_KEYWORDS).map(([block, areas]) => {
    const rows = Object.entries(areas).flatMap(([area, words]) =>
      words.split(" ").map((word) => describe(word, area as Area))
    );
    return [block, new Map(rows.map((row) => [row.keyword, row]))];
  }),
);

function describe(word: string, area: Area): Known {
  const keyword = word.replace(/\{$/, "");
  const severity = SERIOUS.has(keyword)
    ? "error"
    : HARMLESS.has(keyword)
    ? "warning"
    : AREAS[area].severity;
  return { keyword, area, opensBlock: word !== keyword, severity };
}

/** keepalived's keyword in a block; null if it has none. */
export function knownKeyword(block: string, keyword: string): Known | null {
  return BLOCKS.get(block)?.get(keyword) ?? null;
}

/** All of keepalived's keywords in a block. */
export function knownKeywords(block: string): readonly Known[] {
  return [...BLOCKS.get(block)?.values() ?? []];
}

/** The blocks that hold keywords, such as "vrrp_instance.authentication". */
export function knownBlocks(): readonly string[] {
  return [...BLOCKS.keys()];
}

/** In which block a keyword belongs, the outermost first; null if keepalived does not have it. */
export function homeOf(keyword: string): string | null {
  for (const [block, rows] of BLOCKS) {
    if (!block.includes(" ") && rows.has(keyword)) return block;
  }
  return null;
}

/** What is missed without a keyword, for messages. */
export function without(known: Known): string {
  return Object.hasOwn(WITHOUT, known.keyword)
    ? WITHOUT[known.keyword]!
    : AREAS[known.area].without;
}
