/** What differs between two plain values, setting by setting, in words. */

import { isSame } from "../core/same.ts";
import { formatMicros, micros } from "../core/time.ts";

/** One setting. */
export interface SettingChange {
  /** The keyword, or where in the model it is. */
  readonly setting: string;
  /** In words; "none" if it is not set. */
  readonly before: string;
  readonly after: string;
}

/** Where something stands in a file is no setting, and what others are told of it neither. */
export const NO_SETTING: ReadonlySet<string> = new Set(["position"]);

/** What nobody may read over a shoulder. */
const SECRET = /password|secret|login|\bkey/i;

/** Keywords, by where in an instance of the model the setting is; others are called by that. */
const KEYWORDS: Readonly<Record<string, string>> = {
  virtualRouterId: "virtual_router_id",
  advertIntervalUs: "advert_int",
  checksumForm: "checksum",
  virtualAddresses: "virtual_ipaddress",
  excludedAddresses: "virtual_ipaddress_excluded",
  unicastPeers: "unicast_peer",
  sourceAddress: "source address",
  multicastGroup: "mcast_dst_ip",
  preemptDelayUs: "preempt_delay",
  trackPrimary: "track_primary",
  promoteSecondaries: "promote_secondaries",
  "announce.repeat": "garp_master_repeat",
  "announce.delayUs": "garp_master_delay",
  "announce.refreshUs": "garp_master_refresh",
  "announce.refreshRepeat": "garp_master_refresh_repeat",
  "lowerPriority.repeat": "garp_lower_prio_repeat",
  "lowerPriority.delayUs": "garp_lower_prio_delay",
  "lowerPriority.advert": "advert to a lower master",
  higherPriorityAdvert: "higher_prio_send_advert",
  tracks: "track",
  group: "vrrp_sync_group",
  "notify.mail": "smtp_alert",
  "notify.priorityChanges": "notify_priority_changes",
  "notify.deleted": "notify_deleted",
  "notify.webhooks": "notify_webhook",
  routerId: "router_id",
  startupDelayUs: "vrrp_startup_delay",
  scriptUser: "script_user",
  enableScriptSecurity: "enable_script_security",
  fifos: "notify_fifo",
  realtimePriority: "vrrp_rt_priority",
  "process.noSwap": "vrrp_no_swap",
  garpIntervalUs: "vrrp_garp_interval",
  gnaIntervalUs: "vrrp_gna_interval",
  garpGroups: "garp_group",
  "reload.file": "reload_file",
  "reload.writeStates": "fifo_write_vrrp_states_on_reload",
  "reload.timeFile": "reload_time_file",
  "reload.repeat": "reload_repeat",
  "reload.saveFolder": "config_save_dir",
};

/** The differences between two values, in the order of the second. */
export function settingChanges(before: unknown, after: unknown, path = ""): SettingChange[] {
  if (isSame(before, after, NO_SETTING)) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = new Set([...Object.keys(after), ...Object.keys(before)]);
    return [...names].filter((name) => !NO_SETTING.has(name)).flatMap((name) =>
      settingChanges(before[name], after[name], path === "" ? name : `${path}.${name}`)
    );
  }
  if (isList(before) && isList(after)) return listChanges(before, after, path);
  return [{ setting: settingOf(path), before: text(path, before), after: text(path, after) }];
}

/** What is in both lists is left out. */
function listChanges(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): SettingChange[] {
  const without = (list: readonly unknown[], others: readonly unknown[]) =>
    list.filter((one) => !others.some((other) => isSame(one, other, NO_SETTING)));
  const gone = without(before, after), come = without(after, before);
  // Only the order is another one.
  const [from, to] = gone.length + come.length === 0 ? [before, after] : [gone, come];
  return [{ setting: settingOf(path), before: text(path, from), after: text(path, to) }];
}

function settingOf(path: string): string {
  return KEYWORDS[path] ?? path.replace(/^notify\.scripts\./, "").replace(/Us$/, "");
}

/** A value for people; what is secret is not shown. */
function text(path: string, value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (SECRET.test(path)) return "(secret)";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return path.endsWith("Us") ? duration(value) : `${value}`;
  if (typeof value === "string") return value;
  if (isList(value)) {
    return value.length === 0 ? "none" : value.map((one) => text(path, one)).join(", ");
  }
  return recordText(value as Record<string, unknown>);
}

/** The most telling of it. */
function recordText(value: Record<string, unknown>): string {
  if (isList(value.words)) return value.words.join(" ");
  if (typeof value.address === "string") return addressText(value);
  if (typeof value.name === "string" && "weight" in value) {
    const reverse = value.reverse === true ? " reverse" : "";
    return `${value.kind ?? ""} ${value.name} weight ${value.weight}${reverse}`.trim();
  }
  const parts = Object.entries(value)
    .filter(([name, one]) => !NO_SETTING.has(name) && one !== null)
    .map(([name, one]) => `${name} ${text(name, one)}`);
  return parts.join(" ");
}

function addressText({ address, prefixLength, device, label }: Record<string, unknown>): string {
  const where = device === null || device === undefined ? "" : ` dev ${device}`;
  const called = label === null || label === undefined ? "" : ` label ${label}`;
  return `${address}/${prefixLength}${where}${called}`;
}

function duration(us: number): string {
  return us === 0 ? "0" : formatMicros(micros(us));
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
