/** What the configuration says of the daemon's process, done; and kept from what it starts. */

import type { ProcessDefs } from "../../config/model.ts";
import type { LogEvent } from "../core/log.ts";
import { micros } from "../core/time.ts";
import { nameThread, oomScoreAdjust, OwnLimits } from "../net/process_options.ts";
import { keepInMemory, type SwapOutcome } from "../net/swap.ts";
import { guardStarts } from "../track/program.ts";
import type { Logger } from "./logger.ts";

/**
 * Unless told otherwise: killed after nearly everything else, as the D-Bus daemon, and not never, as
 * what leaks must not take the host with it. A VRRP daemon that is gone means a failover.
 */
const DEFAULT_OOM_SCORE_ADJUST = -900;

/** keepalived's soft limit, which warns, is half of the hard one, which kills. */
const WARN_PART = 2;

/** What this process has changed of itself; null before. */
let ownLimits: OwnLimits | null = null;

/**
 * Applies what holds for the process: its name, umask, and limits. What the engine thread needs it
 * does by itself. Scripts, checks and notifications inherit the umask alone.
 */
export function applyProcessOptions(options: ProcessDefs, log: Logger): void {
  // What a configuration before has changed is put back, so that the system's is known again.
  ownLimits?.end();
  const limits = ownLimits = new OwnLimits();
  if (options.name !== null) nameThread(options.name);
  if (options.umask !== null) Deno.umask(options.umask);
  adjustOomScore(limits, options.oomScoreAdjust, log);
  if (options.realtimeLimitUs !== null) {
    limits.limitRealtime(micros(Math.ceil(options.realtimeLimitUs / WARN_PART)));
  }
  guardStarts((start) => limits.without(start));
  for (const event of options.noSwap ? swapWords(keepInMemory()) : []) log(event);
}

/** What is to be said of `vrrp_no_swap`: what could not be had, and what to do about it. */
export function swapWords({ swapped, dropped }: SwapOutcome): readonly LogEvent[] {
  const events: LogEvent[] = [];
  if (swapped !== null && !swapped.hasSwap) {
    const text = `vrrp_no_swap: this host has no swap. If it gets some: ${swapped.why}`;
    events.push({ level: "info", text });
  } else if (swapped !== null) {
    const text = `vrrp_no_swap: this process may be swapped out: ${swapped.why}. ` +
      "Under systemd, set MemorySwapMax=0 in the unit; elsewhere start it in a cgroup v2 of its own, " +
      "with 0 in memory.swap.max";
    events.push({ level: "warning", text });
  }
  if (dropped !== null) {
    const text =
      `vrrp_no_swap: the program may be dropped from memory and read again: ${dropped}. ` +
      "Under systemd, set LimitMEMLOCK=infinity; elsewhere give it CAP_IPC_LOCK, or ulimit -l unlimited";
    events.push({ level: "warning", text });
  }
  return events;
}

/**
 * Starts another image of this daemon, or becomes one, with the process as this image has found it:
 * what a service manager had set must not be taken for what this image has made of it.
 */
export function asForNextImage<T>(start: () => T): T {
  return ownLimits === null ? start() : ownLimits.asFound(start);
}

/** Lower than the default is left alone: a service manager has been told so. */
function adjustOomScore(limits: OwnLimits, configured: number | null, log: Logger): void {
  const before = oomScoreAdjust();
  if (before === null) return;
  const why = limits.adjustOomScore(configured ?? Math.min(before, DEFAULT_OOM_SCORE_ADJUST));
  if (why === null || configured === null) return;
  log({ level: "warning", text: `Cannot set oom_score_adj ${configured}: ${why}` });
}
