/** What decides an election: version, state, priority, interval, preemption. */

import type { Family } from "../lib/core/address.ts";
import { centiseconds, formatMicros, type Micros, micros, seconds } from "../lib/core/time.ts";
import { isStrict, tellTakenBack } from "./build_strict.ts";
import { type InstanceContext, tell } from "./instance_context.ts";
import type { Named } from "./keyword.ts";
import type { VrrpInstance } from "./model.ts";
import { V3_INTERVAL_MAX, type VRRP_INSTANCE } from "./table_vrrp.ts";

/** Of the router that owns the addresses (RFC 9568 5.2.4). */
export const OWNER_PRIORITY = 255;

/** Of a router that nothing is said about (RFC 9568 5.2.4). */
const DEFAULT_PRIORITY = 100;

/** The instance's own version, else the global one, else 2; IPv6 forces 3. */
export function buildVersion(context: InstanceContext, family: Family): 2 | 3 {
  const own = context.settings.version;
  if (family === "ipv6") {
    if (own?.value === "2") {
      const message = "Version 2 knows no IPv6: version 3 is used";
      tell(context, "error", own, message, 'Write "version 3", or delete the line');
    }
    return 3;
  }
  return (own ?? context.globals.vrrp_version)?.value === "3" ? 3 : 2;
}

/** `state MASTER` without a priority makes an owner, which is rarely meant. */
export function buildPriority(
  context: InstanceContext,
): { readonly state: VrrpInstance["state"]; readonly priority: number } {
  const { settings, named } = context;
  const wanted = settings.state?.value;
  const priority = priorityOf(named);
  if (settings.priority === undefined && priority === OWNER_PRIORITY) {
    const message = "state MASTER without a priority means 255: this router counts as the owner " +
      "of the addresses and takes them at once, always";
    tell(context, "warning", settings.state, message, 'Write "priority N", from 1 to 254');
  }
  const implied = priority === OWNER_PRIORITY ? "MASTER" : "BACKUP";
  if (wanted === undefined || wanted === implied || !isStrict(context)) {
    return { state: wanted ?? implied, priority };
  }
  const message = `In strict mode an owner (priority 255) and nobody else begins with state MASTER`;
  tell(context, "error", settings.state, message, `Write "state ${implied}"`);
  return { state: implied, priority };
}

/** The priority of an instance, before anything that it tracks. */
export function priorityOf({ settings, refused }: Named<typeof VRRP_INSTANCE>): number {
  if (settings.priority !== undefined) return settings.priority.value;
  // As keepalived: a priority that cannot be read leaves the default, not what MASTER implies.
  const implied = settings.state?.value === "MASTER" && !refused.has("priority");
  return implied ? OWNER_PRIORITY : DEFAULT_PRIORITY;
}

/** Version 2 counts whole seconds, version 3 steps of 10 ms up to 40.95 s. */
export function buildInterval(context: InstanceContext, version: 2 | 3): Micros {
  const found = context.settings.advert_int;
  if (found === undefined) return seconds(1);
  const asked = found.value;
  const step = version === 2 ? seconds(1) : centiseconds(1);
  const rounded = micros(Math.max(1, Math.round(asked / step)) * step);
  const used = version === 3 ? micros(Math.min(rounded, V3_INTERVAL_MAX)) : rounded;
  if (used === asked) return used;
  const unit = version === 2 ? "whole seconds" : "steps of 10 ms, at most 40.95 s";
  tell(
    context,
    "error",
    found,
    `Cannot advertise every ${formatMicros(asked)}: VRRP version ${version} counts ${unit}; ` +
      `${formatMicros(used)} is used`,
    version === 2
      ? `Write "version 3" on all routers for intervals below a second, or "advert_int ${
        used / seconds(1)
      }"`
      : `Write "advert_int ${used / seconds(1)}"`,
  );
  return used;
}

/** `nopreempt` and `preempt_delay`, which `state MASTER` and an owner clear. */
export function preemption(
  context: InstanceContext,
  state: VrrpInstance["state"],
  priority: number,
): Pick<VrrpInstance, "preempt" | "preemptDelayUs"> {
  const { preempt_delay: delay } = context.settings, nopreempt = lastNopreempt(context);
  const delayed = delay !== undefined && delay.value > 0;
  const cleared = priority === OWNER_PRIORITY
    ? "priority 255"
    : state === "MASTER"
    ? "state MASTER"
    : null;
  if (cleared === null) {
    if (delayed && isStrict(context)) {
      tellTakenBack(context, delay, "preempt_delay");
      return { preempt: nopreempt === undefined, preemptDelayUs: micros(0) };
    }
    if (nopreempt !== undefined && delayed) {
      const message = "preempt_delay has no effect: nopreempt never preempts";
      tell(context, "warning", delay, message, "Delete one of the two lines");
    }
    return {
      preempt: nopreempt === undefined,
      preemptDelayUs: delayed && nopreempt === undefined ? delay.value : micros(0),
    };
  }
  const remedy = cleared === "state MASTER"
    ? 'Write "state BACKUP" on all routers: the highest priority is elected all the same'
    : "Give the router a priority below 255, or delete the line";
  if (nopreempt !== undefined) {
    tell(context, "warning", nopreempt, `nopreempt has no effect with ${cleared}`, remedy);
  }
  if (delayed) {
    tell(context, "warning", delay, `preempt_delay has no effect with ${cleared}`, remedy);
  }
  return { preempt: true, preemptDelayUs: micros(0) };
}

/** `nopreempt`, unless a later `preempt` takes it back. */
function lastNopreempt({ settings }: InstanceContext): typeof settings.nopreempt {
  const given = Object.keys(settings);
  return given.indexOf("preempt") > given.indexOf("nopreempt") ? undefined : settings.nopreempt;
}
