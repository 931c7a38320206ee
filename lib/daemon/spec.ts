/** From what the configuration says to what the engine runs. */

import type { Config, GlobalDefs, VrrpInstance } from "../../config/model.ts";
import type { EngineOptions, InstanceSpec } from "../engine/messages.ts";

/**
 * The engine's priority if none is configured: the lowest of the real-time ones, so that whatever
 * computes on this host cannot make adverts late, and everything that is real-time goes first.
 */
const DEFAULT_REALTIME_PRIORITY = 1;

/** The engine's options. @param allowRealtime False keeps it on the normal scheduler. */
export function engineOptions(global: GlobalDefs, allowRealtime: boolean): EngineOptions {
  const { realtimePriority, lockMemory, garpIntervalUs, gnaIntervalUs, garpGroups } = global;
  const realtime = {
    priority: realtimePriority ?? DEFAULT_REALTIME_PRIORITY,
    isConfigured: realtimePriority !== null,
  };
  return {
    realtime: allowRealtime ? realtime : null,
    lockMemory,
    garpIntervalUs,
    gnaIntervalUs,
    garpGroups,
  };
}

/** Every instance, as the engine runs it. */
export function instanceSpecs(config: Config): InstanceSpec[] {
  return config.instances.map((instance) => instanceSpec(instance, config.global));
}

function instanceSpec(instance: VrrpInstance, global: GlobalDefs): InstanceSpec {
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
  const { authentication, checksumForm, multicastGroup, unicastPeers } = instance;
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
      preempt,
      preemptDelayUs,
      startupDelayUs: global.startupDelayUs,
      announce,
    },
    interface: instance.interface,
    virtualAddresses: [...virtualAddresses, ...excludedAddresses],
    sourceAddress,
    trackPrimary,
    promoteSecondaries,
  };
}
