/** What is on the interfaces before an instance starts: a predecessor's, or the operator's. */

import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import { keepsAddressProtocol } from "../net/host.ts";
import { OWNER_PRIORITY } from "../vrrp/types.ts";
import { log, type Tools } from "./effects.ts";
import type { Instance } from "./instance.ts";

/**
 * Removes the virtual addresses that a crashed predecessor left, and warns of those that somebody
 * else put there, unless the instance owns them.
 */
export function clearLeftovers(tools: Tools, instance: Instance, socket: NetlinkSocket): void {
  const { table, addresses } = tools;
  const placed = instance.placed(table);
  const isOwner = instance.spec.router.basePriority === OWNER_PRIORITY;
  const untagged = !isOwner && !keepsAddressProtocol(Deno.osRelease());
  const left = addresses.adopt(instance.name, placed, untagged);
  if (left.length > 0) {
    const names = left.map(({ entry }) => entry.address).join(", ");
    log(tools, instance, "notice", `removing VIPs left by a predecessor: ${names}`);
    for (const { error } of addresses.remove(instance.name)) {
      log(tools, instance, "error", error.message);
    }
    table.load(socket);
  }
  if (!isOwner) { for (const one of placed) warnOfForeign(tools, instance, one); }
}

function warnOfForeign(tools: Tools, instance: Instance, placed: PlacedAddress): void {
  const { table, addresses } = tools;
  if (addresses.present(placed) === undefined) return;
  const address = `${placed.entry.address}/${placed.entry.prefixLength}`;
  const device = table.byIndex(placed.ifindex)?.name;
  const text =
    `${address} is on ${device} already and not by vigie, which will not remove it: if ` +
    `this router does not own it, run "ip address del ${address} dev ${device}"`;
  log(tools, instance, "warning", text);
}
