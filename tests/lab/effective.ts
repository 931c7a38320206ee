/** What a configuration comes to, in one form for vigie's records and for keepalived's dump. */

import type { Config, Track, VrrpInstance } from "../../config/mod.ts";
import type { VirtualAddress } from "../../lib/core/virtual_address.ts";
import { type Dump, type DumpRecord, valueIn } from "./keepalived_dump.ts";

/** By the name of an instance, a group or a script: what of it is compared, by a word for it. */
export type Effective = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What vigie has read. */
export function effectiveOf(config: Config): Effective {
  const { instances, groups, checks, statics } = config;
  return Object.fromEntries([
    ...instances.map((one) => [`instance ${one.name}`, valuesOf(one)]),
    ...groups.map(({ name, members }) => [`group ${name}`, { members: [...members].sort() }]),
    ...checks.filter(({ kind }) => kind === "script").map(({ name, weight, reverse, spec }) => [
      `script ${name}`,
      {
        intervalS: spec.intervalUs / 1e6,
        weight: weightText(weight, reverse),
        rise: spec.rise,
        fall: spec.fall,
      },
    ]),
    ["static", {
      addresses: statics.addresses.map(({ entry }) => `${addressText(entry)} ${entry.device}`),
      routes: statics.routes.map(({ entry }) => prefixText(entry.destination)),
      rules: statics.rules.map(({ entry }) => entry.preference),
    }],
  ]);
}

/** What keepalived says it does. */
export function effectiveIn(dump: Dump): Effective {
  const records = (title: string) => dump.get(title) ?? [];
  const lines = (title: string) => records(title).flatMap(({ lines }) => lines);
  const groups = records("VRRP Sync groups");
  return Object.fromEntries([
    ...records("VRRP Topology").map((one) => [
      `instance ${one.name}`,
      valuesIn(one, {
        dump,
        group: groups.find(({ name }) => name.startsWith(`${groupOf(one)},`)),
      }),
    ]),
    ...groups.map(({ name, lists }) => [
      `group ${name.replace(/, \w+$/, "")}`,
      { members: [...lists.get("VRRP member instances") ?? []].sort() },
    ]),
    ...records("VRRP Scripts").filter(isTracked).map(({ name, fields }) => [`script ${name}`, {
      intervalS: parseFloat(fields.get("Interval")!),
      weight: fields.get("Weight"),
      rise: Number(fields.get("Rise")),
      fall: Number(fields.get("Fall")),
    }]),
    ["static", {
      addresses: lines("Static Addresses").map((line) =>
        `${addressIn(line)} ${valueIn(line, "dev")}`
      ),
      routes: lines("Static Routes").map(destinationIn),
      rules: lines("Static Rules").map((line) => Number(valueIn(line, "priority"))),
    }],
  ]);
}

function valuesOf(instance: VrrpInstance): Record<string, unknown> {
  const { announce, lowerPriority, protocol, notify } = instance;
  const own = instance.vmacs.find(({ parent }) => parent === instance.interface);
  return {
    version: instance.version,
    vrid: instance.virtualRouterId,
    state: instance.state,
    interface: instance.interface,
    vmac: own === undefined ? null : plainName(own.name),
    priority: instance.priority,
    advertIntervalUs: instance.advertIntervalUs,
    source: instance.sourceAddress,
    multicast: instance.unicastPeers.length > 0 ? null : instance.multicastGroup,
    peers: instance.unicastPeers.map((peer) => {
      const limits = protocol.peerTtls.find((one) => one.peer === peer);
      return `${peer} min_ttl ${limits?.min ?? 0} max_ttl ${limits?.max ?? 255}`;
    }),
    unicastTtl: instance.unicastPeers.length > 0 && instance.family === "ipv4"
      ? protocol.unicastTtl
      : null,
    preempt: instance.preempt,
    // The dump has six digits.
    preemptDelayS: Number((instance.preemptDelayUs / 1e6).toPrecision(6)),
    promoteSecondaries: instance.promoteSecondaries,
    authentication: withoutKey(instance.authentication),
    announce: [
      announce.delayUs / 1e6,
      announce.repeat,
      announce.refreshUs / 1e6,
      announce.refreshRepeat,
    ],
    lowerPriority: [lowerPriority.delayUs / 1e6, lowerPriority.repeat, lowerPriority.advert],
    higherPriorityAdvert: instance.higherPriorityAdvert,
    downTimerAdverts: protocol.downTimerAdverts,
    accept: protocol.accept,
    strict: protocol.strict,
    addresses: instance.virtualAddresses.map((entry) => placed(entry, instance)),
    excluded: instance.excludedAddresses.map((entry) => placed(entry, instance)),
    routes: instance.routes.map(({ destination }) => prefixText(destination)),
    rules: instance.rules.map(({ preference }) => preference),
    group: instance.group,
    tracks: instance.tracks.map(trackText).sort(),
    mail: notify.mail,
    priorityChanges: notify.priorityChanges,
    notifyDeleted: notify.deleted,
    notifications: Object.entries(notify.scripts)
      .filter(([kind]) => kind !== "notify_deleted")
      .map(([kind, { words }]) => `${kind} ${words.map((word) => `'${word}'`).join(" ")}`)
      .sort(),
  };
}

/** The dump shows passwords, and keys of AH not. */
function withoutKey(authentication: VrrpInstance["authentication"]): unknown {
  return authentication.type === "ah" ? { type: "ah" } : authentication;
}

/** What an instance is among. */
interface Around {
  readonly dump: Dump;
  readonly group: DumpRecord | undefined;
}

function valuesIn(record: DumpRecord, around: Around): Record<string, unknown> {
  const { fields, lists, lines } = record;
  const text = (key: string) => fields.get(key) ?? "";
  const number = (key: string) => parseFloat(text(key));
  const own = /^([^\s,]+)(?:, \w+ on ([^\s,]+))?/.exec(text("Interface"));
  const source = / \(from configuration\)$/.test(text("Using src_ip"));
  const multicast = lines.find((line) => line.startsWith("Multicast address "));
  const garp = (what: string) => number(`Gratuitous ARP ${what}`);
  return {
    version: number("VRRP Version"),
    vrid: number("Virtual Router ID"),
    state: stateIn(record, tracksIn(record, around)),
    interface: own?.[2] ?? own?.[1] ?? null,
    vmac: vmacIn(lines),
    priority: number("Priority"),
    advertIntervalUs: number("Advert interval") *
      (text("Advert interval").endsWith("milli-sec") ? 1e3 : 1e6),
    source: source ? text("Using src_ip").split(" ")[0] : null,
    multicast: multicast?.split(" ")[2]?.replace(/,$/, "") ?? null,
    peers: lists.get("Unicast Peer") ?? [],
    unicastTtl: fields.has("Unicast TTL") ? number("Unicast TTL") : null,
    preempt: text("Preempt") === "enabled",
    preemptDelayS: fields.has("Preempt delay") ? number("Preempt delay") : 0,
    promoteSecondaries: text("Promote_secondaries") === "enabled",
    authentication: authenticationIn(record),
    announce: [garp("delay"), garp("repeat"), garp("refresh"), garp("refresh repeat")],
    lowerPriority: [
      garp("lower priority delay"),
      garp("lower priority repeat"),
      text("Send advert after receive lower priority advert") === "true",
    ],
    higherPriorityAdvert: text("Send advert after receive higher priority advert") === "true",
    downTimerAdverts: number("Down timer adverts"),
    accept: text("Accept") === "enabled",
    strict: lines.includes("Enforcing strict VRRP compliance"),
    addresses: (lists.get("Virtual IP") ?? []).map(placeIn),
    excluded: (lists.get("Virtual IP Excluded") ?? []).map(placeIn),
    routes: (lists.get("Virtual Routes") ?? []).map(destinationIn),
    rules: (lists.get("Virtual Rules") ?? []).map((line) => Number(valueIn(line, "priority"))),
    group: groupOf(record),
    tracks: tracksIn(record, around),
    mail: text("Using smtp notification") === "yes",
    priorityChanges: text("Notify priority changes") === "true",
    notifyDeleted: text("Notify deleted") === "Deleted",
    notifications: notificationsIn(record),
  };
}

/**
 * The state that a router wants; null where it is no longer what the file says: a fault, a group and
 * what is tracked change it.
 */
function stateIn(record: DumpRecord, tracks: readonly string[]): string | null {
  const state = record.fields.get("Wantstate")!;
  const isFirst = groupOf(record) === null && tracks.length === 0 && state !== "FAULT";
  return state === "MASTER" || isFirst ? state : null;
}

function groupOf({ fields }: DumpRecord): string | null {
  return fields.get("Sync group") ?? null;
}

function authenticationIn({ fields }: DumpRecord): unknown {
  const type = { SIMPLE_PASSWORD: "pass", IPSEC_AH: "ah" }[fields.get("Authentication type")!];
  return type === undefined ? { type: "none" } : { type, password: fields.get("Password") };
}

function vmacIn(lines: readonly string[]): string | null {
  const [, name] = /^Use VMAC, i\/f name ([^,\s]+),/m.exec(lines.join("\n")) ?? [];
  return name === undefined ? null : plainName(name);
}

/** What the dump calls the scripts of an instance. */
const SCRIPT_TITLES: Readonly<Record<string, string>> = {
  "Backup state transition script": "notify_backup",
  "Master state transition script": "notify_master",
  "Fault state transition script": "notify_fault",
  "Stop state transition script": "notify_stop",
  "Master rx lower pri state transition script": "notify_master_rx_lower_pri",
  "Generic state transition script": "notify",
};

function notificationsIn({ fields }: DumpRecord): string[] {
  return Object.entries(SCRIPT_TITLES)
    .filter(([title]) => fields.has(title))
    .map(([title, kind]) => `${kind} ${fields.get(title)!.replace(/, uid:gid .*$/, "")}`)
    .sort();
}

/** Sections whose objects know who tracks them, and how they are called here. */
const TRACKED: Readonly<Record<string, Track["kind"]>> = {
  "VRRP Scripts": "script",
  "VRRP Track files": "file",
  "VRRP Track processes": "process",
};

function tracksIn(record: DumpRecord, { dump, group }: Around): string[] {
  const tracks: string[] = [];
  for (const [title, kind] of Object.entries(TRACKED)) {
    for (const { name, lists } of dump.get(title) ?? []) {
      const use = lists.get("Tracking instances")?.find((use) => nameIn(use) === record.name);
      if (use !== undefined) tracks.push(`${kind} ${name} ${weightIn(use)}`);
    }
  }
  const interfaces = [record, group].flatMap((one) => one?.lists.get("Tracked interfaces") ?? []);
  tracks.push(...interfaces.map((use) => `interface ${nameIn(use)} ${weightIn(use)}`));
  return tracks.sort();
}

/** A script that nobody tracks: vigie leaves it out. */
function isTracked({ lists }: DumpRecord): boolean {
  return (lists.get("Tracking instances") ?? []).length > 0;
}

function nameIn(use: string): string {
  return use.replace(/,? weight .*$/, "");
}

function weightIn(use: string): string {
  return / weight (-?\d+(?: reverse)?)/.exec(use)?.[1] ?? "";
}

function weightText(weight: number, reverse: boolean): string {
  return `${weight}${reverse ? " reverse" : ""}`;
}

function trackText({ kind, name, weight, reverse }: Track): string {
  return `${kind} ${name} ${weightText(weight, reverse)}`;
}

/** Scopes as the dump names them (RT_SCOPE_* of linux/rtnetlink.h). */
const SCOPES: Readonly<Record<number, string>> = {
  0: "global",
  200: "site",
  253: "link",
  254: "host",
  255: "nowhere",
};

function addressText(entry: VirtualAddress): string {
  const host = entry.address.includes(":") ? 128 : 32;
  const words = [entry.prefixLength === host ? entry.address : prefixText(entry)];
  if (entry.broadcast !== null) words.push(`brd ${entry.broadcast}`);
  words.push(`scope ${SCOPES[entry.scope] ?? entry.scope}`);
  if (entry.label !== null) words.push(`label ${entry.label}`);
  if (entry.peer !== null) words.push(`peer ${entry.peer}`);
  if (!entry.track) words.push("no_track");
  return words.join(" ");
}

function placed(entry: VirtualAddress, { interface: own, vmacs }: VrrpInstance): string {
  const device = entry.vmac === null ? entry.device ?? own : vmacs[entry.vmac]?.name;
  return `${addressText(entry)} on ${plainName(device ?? "")}`;
}

function addressIn(line: string): string {
  const words = [line.split(" ")[0]!];
  for (const word of ["brd", "scope", "label", "peer"]) {
    const value = valueIn(line, word);
    if (value !== null) words.push(`${word} ${value.replace(/\/(32|128)$/, "")}`);
  }
  if (/ no_track\b/.test(line)) words.push("no_track");
  return words.join(" ");
}

function placeIn(line: string): string {
  return `${addressIn(line)} on ${plainName(valueIn(line, "dev")?.replace(/@.*$/, "") ?? "")}`;
}

/** A link's name as it is first tried: if that is taken, another number is, when the link is made. */
function plainName(name: string): string {
  return name.replace(/^vrrp\d+\.(?=\d+$)/, "vrrp.");
}

/** The dump leaves the length of a host's prefix out. */
function prefixText(
  { address, ...given }: { address: string; length?: number; prefixLength?: number },
): string {
  const length = given.length ?? given.prefixLength;
  return `${address}/${length}`;
}

function destinationIn(line: string): string {
  const prefix = line.split(" ").find((word) => /[.:]/.test(word)) ?? "";
  return prefix.includes("/") ? prefix : `${prefix}/${prefix.includes(":") ? 128 : 32}`;
}
