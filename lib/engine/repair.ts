/** A master without its address would leave it on no node: what somebody took away is put back. */

import type { Micros } from "../core/time.ts";
import type { Tools } from "./effects.ts";
import type { Instance } from "./instance.ts";
import { sayOnce } from "./say.ts";

/**
 * Adds what a master lacks, and announces it. An address goes because somebody deletes it, because
 * the kernel deletes it with the primary address of its subnet, because its link went down (IPv6) or
 * is another one of the same name now. The kernel's answer tells whether it really was gone: tables
 * may be behind what was just added.
 */
export function repair(tools: Tools, instance: Instance, now: Micros): void {
  const { table, addresses, announcer } = tools;
  if (instance.router.state !== "master") return;
  const missing = addresses.missing(instance.placed(table)).filter(({ ifindex, entry }) =>
    entry.track && table.byIndex(ifindex)?.up === true
  );
  if (missing.length === 0) return;
  const { added, failures } = addresses.add(instance.name, missing);
  for (const { error } of failures) {
    const { message: text } = error;
    sayOnce(tools, instance, { of: "host", key: text, level: "error", text }, now);
  }
  for (const { ifindex, entry } of added) {
    const device = table.byIndex(ifindex)?.name;
    const text = `${entry.address} was taken off ${device}, not by vigie: put back`;
    sayOnce(tools, instance, { of: "host", key: text, level: "warning", text }, now);
  }
  const back = new Set(added.map(({ entry }) => entry.address));
  const news = instance.announcements(table).filter(({ address }) => back.has(address));
  announcer.announce(news, instance.spec.router.announce.repeat, now);
}
