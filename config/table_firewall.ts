/** The keywords of `global_defs` about the firewall rules that no_accept and strict mode need. */

import type { Reader, Table } from "./keyword.ts";
import { LENIENT, optionalWord, present, whole } from "./readers.ts";

const INT32_MIN = -0x8000_0000, INT32_MAX = 0x7fff_ffff, UINT32_MAX = 0xffff_ffff;

/** What vigie uses in place of iptables. */
const BY_NFTABLES = "vigie makes its rules by nftables, in a table of its own.";

/** Names of chains or sets. */
const names: Reader<readonly string[]> = (args) => {
  const found: string[] = [];
  for (let word = args.take(); word !== undefined; word = args.take()) found.push(word.text);
  return found;
};

/** All of them. */
export const GLOBAL_FIREWALL = {
  nftables: {
    kind: "setting",
    status: "works",
    usage: "[TABLENAME]",
    default: "keepalived",
    doc: "The table, of both families, that the rules are in.",
    read: optionalWord,
  },
  nftables_priority: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "-1",
    doc: "Priority of the chains' hooks: lower ones see a packet first.",
    read: whole(INT32_MIN, INT32_MAX, LENIENT),
  },
  nftables_counters: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "The rules count what they drop.",
    read: present,
  },
  nftables_ifindex: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "Link-local addresses are always matched with the number of their interface.",
    read: present,
  },
  vrrp_iptables: {
    kind: "setting",
    status: "no effect",
    usage: "[IN_CHAIN [OUT_CHAIN]]",
    doc: BY_NFTABLES,
    read: names,
  },
  vrrp_ipsets: {
    kind: "setting",
    status: "no effect",
    usage: "[SET4 [SET6 [SET_IF6 [SET_IGMP [SET_MLD [SET_ND]]]]]]",
    doc: BY_NFTABLES,
    read: names,
  },
  nftables_ipvs: {
    kind: "setting",
    status: "not yet",
    severity: "warning",
    usage: "[TABLENAME]",
    doc: "Load balancing: the table of virtual servers with several ports.",
    read: optionalWord,
  },
  nftables_ipvs_priority: {
    kind: "setting",
    status: "not yet",
    severity: "warning",
    usage: "N",
    doc: "Load balancing: priority of its chains' hooks.",
    read: whole(INT32_MIN, INT32_MAX, LENIENT),
  },
  nftables_ipvs_start_fwmark: {
    kind: "setting",
    status: "not yet",
    severity: "warning",
    usage: "N",
    doc: "Load balancing: the first mark of packets that it may use.",
    read: whole(1, UINT32_MAX, LENIENT),
  },
} as const satisfies Table;
