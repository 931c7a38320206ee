/** From what the configuration says to what the engine runs. */

import type { Config, GlobalDefs, VrrpInstance } from "../../config/model.ts";
import type { EngineOptions, InstanceSpec } from "../engine/messages.ts";

/** The engine's options. */
export function engineOptions(global: GlobalDefs): EngineOptions {
  const { realtimePriority, lockMemory, garpIntervalUs, gnaIntervalUs, garpGroups } = global;
  return { realtimePriority, lockMemory, garpIntervalUs, gnaIntervalUs, garpGroups };
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
