/** The keywords of routes, rules and static entries: of the top level, of instances, of global_defs. */

import { staticAddressEntry } from "./address_entry.ts";
import { entryLine } from "./entry_words.ts";
import type { Reader, Table } from "./keyword.ts";
import { interfaceName } from "./readers.ts";

const folder: Reader<string> = (args) => {
  const word = args.must("the path of a folder", "error");
  if (word === undefined) return undefined;
  if (word.text.startsWith("/")) return word.text;
  return args.refuse(word, "an absolute path", "the line is ignored and the default holds");
};

/** Of the top level. */
export const ROOT_STATIC = {
  static_ipaddress: {
    kind: "list",
    status: "works",
    usage: "{ one address a line }",
    doc: "Addresses that are there from the start of the daemon to its end.",
    entry: staticAddressEntry,
  },
  static_routes: {
    kind: "list",
    status: "works",
    usage: "{ one route a line }",
    doc: "Routes that are there from the start of the daemon to its end.",
    entry: entryLine,
  },
  static_rules: {
    kind: "list",
    status: "works",
    usage: "{ one rule a line }",
    doc: "Rules that are there from the start of the daemon to its end.",
    entry: entryLine,
  },
} as const satisfies Table;

/** Of `vrrp_instance`. */
export const INSTANCE_ROUTES = {
  virtual_routes: {
    kind: "list",
    status: "works",
    usage: "{ one route a line }",
    doc: "Routes that the master has, in the words of ip-route(8).",
    entry: entryLine,
  },
  virtual_rules: {
    kind: "list",
    status: "works",
    usage: "{ one rule a line }",
    doc: "Routing policy rules that the master has, in the words of ip-rule(8).",
    entry: entryLine,
  },
} as const satisfies Table;

/** Of `global_defs`. */
export const GLOBAL_ROUTES = {
  default_interface: {
    kind: "setting",
    status: "works",
    usage: "IFNAME",
    default: "eth0",
    doc: "Where static addresses go that name no interface.",
    read: interfaceName,
  },
  iproute_usr_dir: {
    kind: "setting",
    status: "works",
    usage: "DIR",
    default: "/usr/share/iproute2, else /usr/lib/iproute2",
    doc: "Where rt_tables and the other names of iproute2 are.",
    read: folder,
  },
  iproute_etc_dir: {
    kind: "setting",
    status: "works",
    usage: "DIR",
    default: "/etc/iproute2",
    doc: "Where names are that override those of iproute_usr_dir.",
    read: folder,
  },
} as const satisfies Table;
