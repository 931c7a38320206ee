/** The ping check: one echo request to one address. The engine sends it, for it may open raw sockets. */

import { familyOf, type Ip, isLinkLocal } from "../core/address.ts";
import type { PingProbe, ProbeSource } from "../core/probe_spec.ts";
import { type Checker, couldNotRun, failed, type ProbeHost } from "./checker.ts";
import { addressesOf, prepareLookup } from "./source.ts";

/** Finds the address of the host, if it is a name, and waits for the answer to one echo request. */
export const checkPing: Checker<PingProbe> = async (probe, { signal, host }) => {
  const addresses = await addressesOf(probe.host, signal);
  if (!addresses.ok) return addresses.error;
  if (signal.aborted) return failed("aborted");
  const destination = chooseAddress(addresses.value, probe, host);
  if (destination === null) {
    return couldNotRun(`${probe.host} has no address of the family of ${probe.sourceAddress}`);
  }
  if (isLinkLocal(destination) && probe.device === null) {
    return couldNotRun(`the link-local address ${destination} needs a device`);
  }
  return await host.ping(probe, destination, signal);
};

/** Loads what a probe needs. */
export function preparePing({ host }: PingProbe): Promise<void> {
  return prepareLookup(host);
}

/**
 * The first address in the order of the resolver that the source can reach, and rather one whose family
 * the device has an address of. A device without one may still send: routers have such links. Null if
 * none of them is of the family of the source address.
 */
export function chooseAddress(
  addresses: readonly Ip[],
  { sourceAddress, device }: ProbeSource,
  host: ProbeHost,
): Ip | null {
  const fitting = addresses.filter((address) =>
    sourceAddress === null || familyOf(address) === familyOf(sourceAddress)
  );
  const likely = (address: Ip) =>
    device === null || host.addressOf(device, familyOf(address)) !== null;
  return fitting.find(likely) ?? fitting[0] ?? null;
}
