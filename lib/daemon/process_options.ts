/** What the configuration says of the daemon's process, done; and kept from what it starts. */

import type { ProcessDefs } from "../../config/model.ts";
import { micros } from "../core/time.ts";
import { nameThread, oomScoreAdjust, OwnLimits } from "../net/process_options.ts";
import { guardStarts } from "../track/program.ts";
import type { Logger } from "./logger.ts";

/**
 * Unless told otherwise: killed after nearly everything else, as the D-Bus daemon, and not never, as
 * what leaks must not take the host with it. A VRRP daemon that is gone means a failover.
 */
const DEFAULT_OOM_SCORE_ADJUST = -900;

/** keepalived's soft limit, which warns, is half of the hard one, which kills. */
const WARN_PART = 2;

/**
 * Applies what holds for the process: its name, umask, and limits. What the engine thread needs it
 * does by itself. Scripts, checks and notifications inherit the umask alone.
 */
export function applyProcessOptions(options: ProcessDefs, log: Logger): void {
  const limits = new OwnLimits();
  if (options.name !== null) nameThread(options.name);
  if (options.umask !== null) Deno.umask(options.umask);
  adjustOomScore(limits, options.oomScoreAdjust, log);
  if (options.realtimeLimitUs !== null) {
    limits.limitRealtime(micros(Math.ceil(options.realtimeLimitUs / WARN_PART)));
  }
  guardStarts((start) => limits.without(start));
}

/** Lower than the default is left alone: a service manager has been told so. */
function adjustOomScore(limits: OwnLimits, configured: number | null, log: Logger): void {
  const before = oomScoreAdjust();
  if (before === null) return;
  const why = limits.adjustOomScore(configured ?? Math.min(before, DEFAULT_OOM_SCORE_ADJUST));
  if (why === null || configured === null) return;
  log({ level: "warning", text: `Cannot set oom_score_adj ${configured}: ${why}` });
}
