/** What is on the interfaces before an instance starts: a predecessor's, or the operator's. */

import { keepsAddressProtocol } from "../net/host.ts";
import type { HostAddress } from "../net/links.ts";
import { OWNER_PRIORITY } from "../vrrp/types.ts";
import type { Tools } from "./effects.ts";
import type { Instance } from "./instance.ts";
import { clearRouting } from "./routes.ts";
import { say } from "./say.ts";

/**
 * Removes the virtual addresses, routes and rules that a crashed predecessor left, and warns of
 * addresses that somebody else put there, unless the instance owns them.
 *
 * @returns Whether an address was removed: the table does not know it yet.
 */
export function clearLeftovers(tools: Tools, instances: readonly Instance[]): boolean {
  clearRouting(tools, instances.map((instance) => ({ speaker: instance, wanted: instance.spec })));
  return instances.map((instance) => clearAddresses(tools, instance)).includes(true);
}

function clearAddresses(tools: Tools, instance: Instance): boolean {
  const { table, addresses } = tools;
  const placed = instance.placed(table);
  const isOwner = instance.spec.router.basePriority === OWNER_PRIORITY;
  const untagged = !isOwner && !keepsAddressProtocol(Deno.osRelease());
  const left = addresses.adopt(instance.name, placed, untagged);
  if (left.length > 0) {
    const names = left.map(({ entry }) => `${entry.address}/${entry.prefixLength}`).join(", ");
    say(tools, instance, "notice", `removing VIPs left by a predecessor: ${names}`);
    for (const { error } of addresses.remove(instance.name)) {
      say(tools, instance, "error", error.message);
    }
  }
  if (!isOwner && !untagged) {
    for (const one of addresses.foreign(placed)) warnOfForeign(tools, instance, one);
  }
  return left.length > 0;
}

function warnOfForeign(tools: Tools, instance: Instance, there: HostAddress): void {
  const address = `${there.address}/${there.prefixLength}`;
  const device = tools.table.byIndex(there.index)?.name;
  const text =
    `${address} is on ${device} already and not by vigie, which will not remove it: if this router ` +
    `does not own it, take it off with "ip address del ${address} dev ${device}"`;
  say(tools, instance, "warning", text);
}
