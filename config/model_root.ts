/** What the top level says about the daemon as a whole, outside of any block. */

import type { Micros } from "../lib/core/time.ts";
import type { Position } from "./model.ts";

/** Keywords of the top level that are no blocks. */
export interface RootDefs {
  /** `net_namespace`: where the daemon runs, as `ip netns` names it; null where it is started. */
  readonly netNamespace: { readonly name: string; readonly position: Position } | null;
  /** `instance`: in the names of pid files, for several daemons on one host. */
  readonly instance: string | null;
  /** `use_pid_dir`: pid files are in a folder of their own. */
  readonly usePidFolder: boolean;
  /** `child_wait_time`: how long the end of scripts and notifications is waited for at a stop. */
  readonly stopWaitUs: Micros;
}
