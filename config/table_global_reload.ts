/** The keywords of `global_defs` about reloads. */

import type { Reader, Table } from "./keyword.ts";
import { bool, optionalWord, present } from "./readers.ts";

/** keepalived takes any path; where a relative one begins depends on how it was started. */
const absolutePath: Reader<string> = (args) => {
  const allowed = "an absolute path", given = args.must(allowed);
  if (given === undefined || given.text.startsWith("/")) return given?.text;
  return args.refuse(given, allowed, "the line is ignored");
};

/** All of them. */
export const GLOBAL_RELOAD = {
  reload_check_config: {
    kind: "setting",
    status: "no effect",
    usage: "[LOGFILE]",
    doc: "A file is always checked before it is loaded; what is wrong with it goes to the log.",
    read: optionalWord,
  },
  reload_file: {
    kind: "setting",
    status: "works",
    usage: "[PATH]",
    default: "none; /run/keepalived.reload without PATH",
    doc: "A file that is there while a reload is under way.",
    read: optionalWord,
  },
  reload_time_file: {
    kind: "setting",
    status: "works",
    usage: "PATH",
    default: "none",
    doc: "A file with the time of a reload: [[YY]YY-MM-DD ]HH:MM:SS[Z].",
    read: absolutePath,
  },
  reload_repeat: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "A reload_time_file without a date is kept, and means every day.",
    read: bool,
  },
  config_save_dir: {
    kind: "setting",
    status: "works",
    usage: "DIR",
    default: "none",
    doc: "Each configuration that is loaded is saved there, with what it includes put in.",
    read: absolutePath,
  },
  fifo_write_vrrp_states_on_reload: {
    kind: "setting",
    status: "works",
    usage: "",
    doc:
      "After a reload the FIFOs are told the states of all instances and groups, changed or not.",
    read: present,
  },
} as const satisfies Table;
