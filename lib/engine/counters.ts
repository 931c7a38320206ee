/** What is counted of each virtual router: RFC 6527's objects by their names, and ours. */

import { REJECT_COUNTERS, type RejectReason } from "../vrrp/admission.ts";

/** Counts since start; every name a counter that `status` shows. */
export type Counters = Record<CounterName, number>;

/** What is counted. */
export type CounterName =
  | typeof OWN_COUNTERS[number]
  | typeof REJECT_COUNTERS[RejectReason];

/** Packets that belong to no router, by interface. */
export type Strays = Readonly<Record<string, Readonly<Partial<Record<CounterName, number>>>>>;

const OWN_COUNTERS = [
  "masterTransitions",
  "rcvdAdvertisements",
  "rcvdPriZeroPackets",
  "sentAdvertisements",
  "sentPriZeroPackets",
  "sendErrors",
] as const;

/** All counters at zero. */
export function createCounters(): Counters {
  const names: CounterName[] = [...OWN_COUNTERS, ...Object.values(REJECT_COUNTERS)];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counters;
}
