/** `interface_up_down_delays`: how long the state of an interface must last before it counts. */

import type { LinkDelay } from "../lib/core/link_delay.ts";
import { devicesOfRoute, devicesOfRule } from "../lib/core/route_entry.ts";
import { formatMicros, micros } from "../lib/core/time.ts";
import type { Found } from "./keyword.ts";
import type { Facts, VrrpInstance } from "./model.ts";
import { otherInterface } from "./other_interface.ts";
import type { Report } from "./problem.ts";

/** What lines are judged by. */
export interface DelayInput {
  readonly facts: Facts | null;
  /** Interfaces may come later. */
  readonly dynamicInterfaces: boolean;
  readonly report: Report;
}

/** The delay of each interface: the last one counts, as in keepalived, and none is too long. */
export function buildDelays(
  entries: readonly Found<LinkDelay>[],
  instances: readonly VrrpInstance[],
  { facts, dynamicInterfaces, report }: DelayInput,
): readonly LinkDelay[] {
  const byName = new Map<string, Found<LinkDelay>>();
  for (const entry of entries) {
    const { value, position } = entry;
    if (byName.has(value.interface)) {
      const message = `Interface "${value.interface}" has a delay already: this one is used`;
      report({ severity: "warning", position, message, remedy: "Delete one of the two lines" });
    }
    byName.set(value.interface, entry);
  }
  return [...byName.values()].map((entry) => {
    if (facts !== null) checkExists(entry, facts, dynamicInterfaces, report);
    return limited(entry, instances, report);
  });
}

/**
 * A master must find out before its peers do: they take it for gone down_timer_adverts intervals
 * after the last advert that they heard.
 */
function limited(
  { value, position }: Found<LinkDelay>,
  instances: readonly VrrpInstance[],
  report: Report,
): LinkDelay {
  const limits = instances.filter((instance) => uses(instance, value.interface)).map((
    instance,
  ) => ({
    instance,
    mostUs: micros((instance.protocol.downTimerAdverts - 1) * instance.advertIntervalUs),
  })).sort((a, b) => a.mostUs - b.mostUs);
  const [lowest] = limits;
  if (lowest === undefined || value.downUs <= lowest.mostUs) return value;
  const { instance: { name, protocol, advertIntervalUs }, mostUs } = lowest;
  report({
    severity: "warning",
    position,
    message: `The down delay of ${value.interface} is ${formatMicros(mostUs)} rather than ` +
      `${formatMicros(value.downUs)}: after ${protocol.downTimerAdverts} adverts, one each ` +
      `${formatMicros(advertIntervalUs)}, peers of (${name}) take over anyway`,
    remedy: `Write at most ${mostUs / 1_000_000}, or a greater advert_int or down_timer_adverts`,
  });
  return { ...value, downUs: mostUs };
}

/** Its own interface, those that it tracks, and those of its addresses, routes and rules. */
function uses(instance: VrrpInstance, name: string): boolean {
  const { tracks, virtualAddresses, excludedAddresses, routes, rules } = instance;
  return instance.interface === name ||
    tracks.some((track) => track.kind === "interface" && track.name === name) ||
    [...virtualAddresses, ...excludedAddresses].some(({ device }) => device === name) ||
    routes.some((route) => devicesOfRoute(route).includes(name)) ||
    rules.some((rule) => devicesOfRule(rule).includes(name));
}

/** keepalived leaves the line out unless interfaces may come later. */
function checkExists(
  { value, position }: Found<LinkDelay>,
  facts: Facts,
  dynamicInterfaces: boolean,
  report: Report,
): void {
  const { interface: name } = value;
  if (facts.interfaces.some((link) => link.name === name)) return;
  report({
    severity: dynamicInterfaces ? "warning" : "error",
    position,
    message: `Interface "${name}" does not exist now: its delays hold once it comes`,
    remedy: `${otherInterface(name, facts)}, or create it later`,
  });
}
