/** The keywords of `vrrp_sync_group` and `track_group`. */

import type { Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { present } from "./readers.ts";
import { NOTIFY_SCRIPTS, NOTIFY_SWITCHES, NOTIFY_WEBHOOK } from "./table_notify.ts";
import { TRACK_LISTS } from "./track_entry.ts";

/** The name of an instance, which may be defined later. */
const member: Reader<Word> = (args) => args.must("the name of a vrrp_instance");

const members = {
  kind: "list",
  usage: "{ one instance name a line }",
  named: true,
  entry: member,
} as const;

/** `vrrp_sync_group`: instances that move together. */
export const VRRP_SYNC_GROUP = {
  group: {
    ...members,
    status: "works",
    default: "none: required",
    doc: "The members, which may stand anywhere in the file.",
  },
  ...TRACK_LISTS,
  sync_group_tracking_weight: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off: only weight 0 counts for members",
    doc: "Weights of what members and group track are kept.",
    read: present,
  },
  global_tracking: {
    kind: "setting",
    status: "no effect",
    usage: "",
    doc: "Accepted for old configurations: what a group tracks counts for all members.",
    read: present,
  },
  ...NOTIFY_SCRIPTS,
  ...NOTIFY_SWITCHES,
  ...NOTIFY_WEBHOOK,
} as const satisfies Table;

/** `track_group`: instances that depend on static addresses, routes and rules. */
export const TRACK_GROUP = {
  group: {
    ...members,
    status: "works",
    doc: "Its members; static entries refer to it by track_group.",
  },
} as const satisfies Table;
