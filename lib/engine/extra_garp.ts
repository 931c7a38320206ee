/**
 * `garp_extra_if`: adverts keep the MAC that they leave with in the tables of switches; addresses on
 * other links are announced from time to time, so that theirs stay there too (keepalived.conf(5)).
 */

import { after, type Micros, micros } from "../core/time.ts";
import type { Announcement, Announcer } from "../net/announce.ts";
import type { HostTable } from "../net/links.ts";
import type { Instance } from "./instance.ts";

/** The next announcement of a new master is an interval away. */
export function beginExtraGarp(instance: Instance, now: Micros): void {
  const { intervalUs } = instance.spec.extraGarp;
  instance.extraGarpAt = intervalUs === 0 ? null : after(now, intervalUs);
}

/** A master that another image, or another configuration, has made one: the next one is due. */
export function resumeExtraGarp(instance: Instance): void {
  const isDue = instance.router.state === "master" && instance.spec.extraGarp.intervalUs > 0;
  instance.extraGarpAt = isDue ? micros(0) : null;
}

/** Announces what is due. */
export function runExtraGarp(
  instances: readonly Instance[],
  { table, announcer }: { readonly table: HostTable; readonly announcer: Announcer },
  now: Micros,
): void {
  for (const instance of instances) {
    if (instance.extraGarpAt === null || instance.extraGarpAt > now) continue;
    announcer.announce(extraAnnouncements(instance, table), 1, now);
    beginExtraGarp(instance, now);
  }
}

/** The addresses on links that no adverts leave from: links of its own, or with `all` any. */
export function extraAnnouncements(instance: Instance, table: HostTable): Announcement[] {
  const { spec: { extraGarp: { all } }, advertIfindex, facts: { ifindex } } = instance;
  const quiet = instance.placed(table).filter((placed) =>
    placed.ifindex !== (advertIfindex ?? ifindex) && (all || placed.entry.vmac !== null)
  );
  return instance.announcementsOf(quiet, table);
}
