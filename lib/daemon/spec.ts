/** From what the configuration says to what the engine runs. */

import type { Config, GlobalDefs, VrrpInstance } from "../../config/model.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import type { EngineOptions, EngineParts, GroupSpec, InstanceSpec } from "../engine/messages.ts";
import { hmacSpec } from "./auth_keys.ts";
import { OWNER_PRIORITY, type RouterConfig } from "../vrrp/types.ts";

/**
 * The engine's priority if none is configured: the lowest of the real-time ones, so that whatever
 * computes on this host cannot make adverts late, and everything that is real-time goes first.
 */
const DEFAULT_REALTIME_PRIORITY = 1;

/** What ps -L and top -H show. */
const ENGINE_NAME = "vigie-engine";

function engineOptions(global: GlobalDefs, allowRealtime: boolean): EngineOptions {
  const { realtimePriority, garpIntervalUs, gnaIntervalUs, garpGroups } = global;
  const { engineName, niceness, processors } = global.process;
  const realtime = {
    priority: realtimePriority ?? DEFAULT_REALTIME_PRIORITY,
    isConfigured: realtimePriority !== null,
  };
  return {
    thread: {
      name: engineName ?? ENGINE_NAME,
      realtime: allowRealtime ? realtime : null,
      niceness,
      processors,
    },
    firewall: global.firewall,
    noLocalIgmp: global.noLocalIgmp,
    garpIntervalUs,
    gnaIntervalUs,
    garpGroups,
  };
}

/** What the engine runs. @param allowRealtime False keeps it on the normal scheduler. */
export function engineParts(config: Config, allowRealtime: boolean): EngineParts {
  const owners = config.instances.filter(({ priority }) => priority === OWNER_PRIORITY);
  const isOwner = new Set(owners.map(({ name }) => name));
  // Those that own nothing cannot be masters at once, and a group is never split.
  const mixed = config.groups.filter(({ members }) => !members.every((name) => isOwner.has(name)));
  const waiting = new Set(mixed.flatMap(({ members }) => members));
  const together = config.groups.filter(({ members }) => members.length > 1);
  const grouped = new Set(together.flatMap(({ members }) => members));
  return {
    options: engineOptions(config.global, allowRealtime),
    instances: config.instances.map((instance) =>
      instanceSpec(instance, config.global, {
        isGrouped: grouped.has(instance.name),
        ownerWaits: waiting.has(instance.name),
      })
    ),
    groups: config.groups.map(({ name, members }): GroupSpec => ({ name, members })),
    statics: config.statics,
    linkDelays: config.linkDelays,
  };
}

function instanceSpec(
  instance: VrrpInstance,
  global: GlobalDefs,
  inGroup: Pick<RouterConfig, "isGrouped" | "ownerWaits">,
): InstanceSpec {
  const {
    name,
    family,
    version,
    virtualRouterId,
    priority,
    advertIntervalUs,
    virtualAddresses,
    excludedAddresses,
  } = instance;
  const { authentication, checksumForm, multicastGroup, unicastPeers, protocol } = instance;
  const { preempt, preemptDelayUs, announce, sourceAddress, trackPrimary, promoteSecondaries } =
    instance;
  return {
    router: {
      name,
      family,
      version,
      vrid: virtualRouterId,
      basePriority: priority,
      advertIntervalUs,
      addresses: virtualAddresses.map((entry) => entry.address),
      authentication,
      checksum: checksumForm,
      group: multicastGroup,
      unicastPeers,
      unicastTtl: protocol.unicastTtl,
      checkUnicastSource: protocol.checkUnicastSource,
      peerTtls: protocol.peerTtls,
      downTimerAdverts: protocol.downTimerAdverts,
      ownerIgnoresAdverts: protocol.ownerIgnoresAdverts,
      timerExpiredPriority: protocol.timerExpiredPriority,
      preempt,
      preemptDelayUs,
      startupDelayUs: global.startupDelayUs,
      delayAfterBootUs: global.delayAfterBootUs,
      announce,
      lowerHeard: instance.lowerPriority,
      higherHeardAdvert: instance.higherPriorityAdvert,
      ...inGroup,
    },
    interface: instance.interface,
    virtualAddresses: held([...virtualAddresses, ...excludedAddresses]),
    routes: instance.routes,
    rules: instance.rules,
    sourceAddress,
    trackPrimary,
    promoteSecondaries,
    vmacs: instance.vmacs,
    extraGarp: instance.extraGarp,
    accept: protocol.accept,
    lacksPeer: protocol.lacksPeer,
    tracks: instance.tracks.map(({ kind, name, weight, reverse }) => ({
      tracker: `${kind} ${name}`,
      weight,
      reverse,
    })),
    hmac: hmacSpec(instance.hmac),
  };
}

/** An address that is given twice is held once; the adverts carry it as often as it is given. */
function held(entries: readonly VirtualAddress[]): readonly VirtualAddress[] {
  const first = new Map<string, VirtualAddress>();
  for (const entry of entries) {
    const key = `${entry.address} ${entry.device} ${entry.vmac}`;
    if (!first.has(key)) first.set(key, entry);
  }
  return [...first.values()];
}
