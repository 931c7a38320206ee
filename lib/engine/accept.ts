/** A master that does not accept packets to its addresses (`no_accept`), kept so by the firewall. */

import { SysError } from "../../ffi/errno.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import type { FirewallOptions, PacketFilter } from "../net/firewall.ts";
import type { HostTable } from "../net/links.ts";
import type { Instance } from "./instance.ts";
import type { InstanceSpec } from "./messages.ts";
import type { Emitter } from "./say.ts";

/** What is needed for it. */
export interface AcceptTools extends Emitter {
  readonly table: HostTable;
  readonly firewall: PacketFilter;
}

/** Before the addresses of a master are there: nobody is to reach them, if so configured. */
export function refusePackets(tools: AcceptTools, instance: Instance): void {
  const { name, spec } = instance;
  attempt(tools, instance, () => {
    if (spec.accept) tools.firewall.release(name);
    else tools.firewall.drop(name, instance.placed(tools.table));
  });
}

/** After the addresses have gone: whoever has them now may be spoken to. */
export function takePackets(tools: AcceptTools, instance: Pick<Instance, "name">): void {
  attempt(tools, instance, () => tools.firewall.release(instance.name));
}

/** What another image of this daemon refused is still refused, and known to be. */
export function resumeRefusal(
  { firewall }: AcceptTools,
  { accept, router: { name } }: InstanceSpec,
  addresses: readonly PlacedAddress[],
): void {
  if (accept === false) firewall.restore(name, addresses);
}

/** What another image refused is refused as the options are now. @param before As they were for it. */
export function remakeRefusals(tools: AcceptTools, before: FirewallOptions): void {
  attempt(tools, null, () => tools.firewall.remake(before));
}

/** Without a firewall the addresses are reached, which is better than nobody having them. */
function attempt(
  tools: AcceptTools,
  instance: Pick<Instance, "name"> | null,
  change: () => void,
): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const text =
      `no_accept is not kept, packets to the virtual addresses are taken: ${error.message}`;
    const whose = instance === null ? {} : { instance: instance.name };
    tools.emit({ kind: "log", log: { level: "error", text, ...whose } });
  }
}
