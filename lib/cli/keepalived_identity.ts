/** What keepalived's command line and the top level of its configuration say about the daemon itself. */

import type { RootDefs } from "../../config/mod.ts";
import type { Reading } from "../daemon/include_files.ts";
import { readRoot } from "../daemon/load.ts";
import type { OptionName } from "./keepalived_options.ts";

type Options = ReadonlyMap<OptionName, string | null>;

/** keepalived's, whatever is said elsewhere. */
export const CONFIG_FILE = "/etc/keepalived/keepalived.conf";

/** How the configuration is to be read. */
export function readingOf(options: Options): Reading {
  const id = options.get("config-id");
  return {
    ...id ? { id } : {},
    ...options.has("all-config") ? { checkIncludes: true } : {},
    ...options.has("namespace") ? { stays: true } : {},
  };
}

const known = new WeakMap<Options, RootDefs>();

/** What the file says at its top level; it is read once. */
export function rootOf(options: Options): RootDefs {
  const root = known.get(options) ??
    readRoot(options.get("use-file") ?? CONFIG_FILE, readingOf(options));
  known.set(options, root);
  return root;
}

/** Where the daemon runs: -s goes before the file. Null for where it is started. */
export function namespaceOf(options: Options): string | null {
  return options.get("namespace") ?? rootOf(options).netNamespace?.name ?? null;
}

/**
 * The default pid files, of the process and of its VRRP part. As keepalived names them: in a folder
 * of their own with `use_pid_dir`, `instance` or a namespace, and with the name of the instance.
 */
export function defaultPidFiles(options: Options): {
  readonly folder: string;
  readonly pid: string;
  readonly vrrpPid: string;
} {
  const { instance, usePidFolder } = rootOf(options), namespace = namespaceOf(options);
  const folder = namespace !== null
    ? `/run/keepalived/keepalived_${namespace}`
    : usePidFolder || instance !== null
    ? "/run/keepalived"
    : "/run";
  const end = instance === null ? ".pid" : `_${instance}.pid`;
  return { folder, pid: `${folder}/keepalived${end}`, vrrpPid: `${folder}/keepalived_vrrp${end}` };
}
