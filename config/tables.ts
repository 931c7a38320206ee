/** The top level of the language. */

import type { Table } from "./keyword.ts";
import { VRRP_CHECK } from "./table_check.ts";
import { ROOT_DELAYS } from "./table_delays.ts";
import { GARP_GROUP } from "./table_garp_group.ts";
import { GLOBAL_DEFS } from "./table_global.ts";
import { TRACK_GROUP, VRRP_SYNC_GROUP } from "./table_group.ts";
import { ROOT_DAEMON } from "./table_root.ts";
import { ROOT_STATIC } from "./table_routes.ts";
import { TRACK_FILE, VRRP_SCRIPT, VRRP_TRACK_PROCESS } from "./table_track.ts";
import { VRRP_INSTANCE } from "./table_vrrp.ts";

/** The blocks that a file consists of. */
export const ROOT = {
  ...ROOT_DAEMON,
  global_defs: {
    kind: "section",
    status: "works",
    usage: "{ ... }",
    named: false,
    doc: "What holds for the daemon and for all instances, wherever it stands in the file.",
    table: GLOBAL_DEFS,
  },
  garp_group: {
    kind: "section",
    status: "works",
    usage: "{ ... }",
    named: false,
    repeat: "all",
    doc: "Interfaces whose announcements keep a common gap, instead of each a gap of its own.",
    table: GARP_GROUP,
  },
  vrrp_instance: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "One virtual router.",
    table: VRRP_INSTANCE,
  },
  vrrp_sync_group: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "Instances that move together.",
    table: VRRP_SYNC_GROUP,
  },
  ...ROOT_STATIC,
  ...ROOT_DELAYS,
  track_group: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "Instances that depend on static entries: they are in FAULT while one is missing.",
    table: TRACK_GROUP,
  },
  vrrp_script: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "A command whose result moves priorities.",
    table: VRRP_SCRIPT,
  },
  vrrp_check: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "A built-in check whose result moves priorities; vigie's.",
    table: VRRP_CHECK,
  },
  vrrp_track_process: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "A process whose presence moves priorities.",
    table: VRRP_TRACK_PROCESS,
  },
  track_file: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "A file whose number moves priorities.",
    table: TRACK_FILE,
  },
  vrrp_track_file: {
    kind: "section",
    status: "works",
    usage: "NAME { ... }",
    named: true,
    doc: "The old spelling of track_file.",
    table: TRACK_FILE,
  },
} as const satisfies Table;
