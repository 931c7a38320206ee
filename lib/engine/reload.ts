/**
 * A new configuration for an engine that runs. What is the same is not touched: no event reaches it.
 * The rest changes in one turn of the loop, so that nothing is sent or read in between.
 */

import { isSame } from "../core/same.ts";
import { renameSettingUsers } from "../net/sysctl.ts";
import type { Event } from "../vrrp/types.ts";
import type { Tools } from "./effects.ts";
import type { Groups } from "./groups.ts";
import { Instance } from "./instance.ts";
import { now } from "./loop.ts";
import type { EngineParts } from "./messages.ts";
import type { Reception } from "./reception.ts";
import { exchangeAddresses, type Reconfigured } from "./reload_addresses.ts";
import { matchInstances } from "./reload_match.ts";
import { say } from "./say.ts";
import type { Standings } from "./standings.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Trackers } from "./trackers.ts";

/** What of an engine a reload concerns. */
export interface ReloadParts {
  readonly tools: Tools;
  readonly instances: readonly Instance[];
  readonly reception: Reception;
  readonly groups: Groups;
  readonly standings: Standings;
  readonly surroundings: Surroundings;
  readonly trackers: Trackers;
  feed(instance: Instance, event: Event): void;
  /** Looks at the host again and begins what is new. @param fresh Those that are new. */
  settle(instances: readonly Instance[], fresh: readonly Instance[]): void;
  /** Everybody who was removed has resigned; what is told from here on is by the new names. */
  turned(): void;
}

/** Takes over a configuration. */
export function reloadEngine(parts: ReloadParts, next: EngineParts): void {
  const { tools, groups, standings, reception } = parts;
  const match = matchInstances(parts.instances.map(({ spec }) => spec), next.instances);
  const bySpec = new Map(parts.instances.map((instance) => [instance.spec, instance]));
  const removed = match.removed.map((spec) => bySpec.get(spec)!);
  const staying = match.kept.map(({ before, after, isChanged }) => ({
    instance: bySpec.get(before)!,
    before,
    after,
    isChanged,
  }));
  const continued = new Map(staying.map(({ instance, after }) => [after, instance]));
  const fresh = match.added.map((spec) => new Instance(spec));
  for (const instance of fresh) continued.set(instance.spec, instance);
  const instances = next.instances.map((spec) => continued.get(spec)!);
  // Told before anybody goes: who leaves is of no group any more, and takes nobody along.
  groups.reconfigure(
    next.groups,
    new Map(next.instances.map((spec, at) => [spec.router.name, instances[at]!])),
  );
  const names = new Set(staying.map(({ after }) => after.router.name));
  const [inTheWay, others] = split(removed, ({ name }) => names.has(name));
  for (const instance of inTheWay) release(parts, instance);
  rename(tools, staying.map(({ before, after }) => [before.router.name, after.router.name]));
  const changed = staying.filter(({ isChanged }) => isChanged);
  for (const { instance, after } of changed) instance.configure(after);
  parts.trackers.keep(next.instances.flatMap(({ tracks }) => tracks.map(({ tracker }) => tracker)));
  reconfigure(parts, changed);
  for (const instance of others) release(parts, instance);
  reception.reconfigure(instances);
  standings.reconfigure(instances, next.groups);
  parts.surroundings.reconfigure(instances);
  parts.turned();
  parts.settle(instances, fresh);
}

/** What each instance has in the kernel is exchanged here, for all of them in one go. */
function reconfigure({ tools, feed }: ReloadParts, changed: readonly Reconfigured[]): void {
  for (const { instance, before } of changed) {
    const { spec: { router: config } } = instance;
    if (!isSame(before.router, config)) feed(instance, { kind: "config", config });
  }
  exchangeAddresses(tools, changed, now());
}

/** An instance that is not configured any more: it resigns and lets go of all that it has. */
function release({ tools, feed }: ReloadParts, instance: Instance): void {
  const { name, router: { state, priority } } = instance;
  instance.isRemoved = true;
  feed(instance, { kind: "shutdown" });
  say(tools, instance, "notice", "Removed: it is no longer in the configuration");
  tools.emit({ kind: "removed", instance: name, state, priority });
}

/** Whatever is kept by the names of instances goes on under their new ones. */
function rename(tools: Tools, pairs: readonly (readonly [string, string])[]): void {
  const renamed = new Map(pairs.filter(([before, after]) => before !== after));
  if (renamed.size === 0) return;
  tools.addresses.rename(renamed);
  tools.routing.rename(renamed);
  tools.announcer.rename(renamed);
  tools.firewall.rename(renamed);
  renameSettingUsers(renamed);
  for (const [before, after] of renamed) {
    tools.emit({
      kind: "log",
      log: { level: "notice", text: `Called ${after} from now on`, instance: before },
    });
  }
}

function split<T>(list: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [list.filter(isFirst), list.filter((one) => !isFirst(one))];
}
