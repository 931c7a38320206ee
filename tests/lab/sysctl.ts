/** `promote_secondaries` of a host: whether the other addresses of a subnet survive its first one. */

import type { Place } from "./addresses.ts";

/** What the interface's setting is: "0" or "1". */
export function promotion({ namespace, device }: Place): string {
  return namespace.run(() => Deno.readTextFileSync(pathOf(device))).trim();
}

/** Sets it for all interfaces as well: the kernel promotes where either of the two is 1. */
export function setPromotion({ namespace, device }: Place, value: "0" | "1"): void {
  namespace.run(() => {
    for (const name of ["all", device]) Deno.writeTextFileSync(pathOf(name), value);
  });
}

function pathOf(device: string): string {
  return `/proc/sys/net/ipv4/conf/${device}/promote_secondaries`;
}
