/**
 * The state of all instances in the form of keepalived's JSON dump, version 1 (keepalived-behaviour
 * 14.3): an array of `{data, stats}`, which LuCI's page and exporters of metrics read.
 */

import type { Config, ScriptCommand, VrrpInstance } from "../../config/model.ts";
import type { EngineEvent, InstanceStatus } from "../engine/messages.ts";
import type { Micros } from "../core/time.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";

type Status = Extract<EngineEvent, { kind: "status" }>;

/** States by keepalived's numbers. */
const STATE = { init: 0, backup: 1, master: 2, fault: 3 } as const;

/** Names of scopes (RT_SCOPE_*, linux/rtnetlink.h). */
const SCOPES: Readonly<Record<number, string>> = {
  0: "global",
  200: "site",
  253: "link",
  254: "host",
  255: "nowhere",
};

/** What a password is shown as. */
const HIDDEN = "********";

/** @param nowMs The time of the day, milliseconds since 1970. */
export function dumpJson(config: Config, status: Status, nowMs: number): readonly unknown[] {
  const running = new Map(status.instances.map((instance) => [instance.name, instance]));
  return config.instances.flatMap((instance) => {
    const found = running.get(instance.name);
    return found === undefined ? [] : [one(instance, found, config, nowMs)];
  });
}

function one(instance: VrrpInstance, status: InstanceStatus, config: Config, nowMs: number) {
  const { counters, state } = status;
  const since = status.changedAgoUs === null ? nowMs : nowMs - status.changedAgoUs / 1000;
  return {
    data: { ...identity(instance, status, since / 1000), ...lists(instance, state, config) },
    stats: {
      advert_rcvd: counters.rcvdAdvertisements,
      advert_sent: counters.sentAdvertisements,
      become_master: counters.masterTransitions,
      release_master: counters.masterTransitions - (state === "master" ? 1 : 0),
      packet_len_err: counters.packetLengthErrors,
      advert_interval_err: counters.advIntervalErrors,
      ip_ttl_err: counters.ipTtlErrors,
      invalid_type_rcvd: counters.rcvdInvalidTypePackets,
      addr_list_err: counters.addressListErrors,
      invalid_authtype: counters.invalidAuthType,
      authtype_mismatch: counters.authTypeMismatch,
      auth_failure: counters.authFailures,
      pri_zero_rcvd: counters.rcvdPriZeroPackets,
      pri_zero_sent: counters.sentPriZeroPackets,
    },
  };
}

function identity(instance: VrrpInstance, status: InstanceStatus, changedAt: number) {
  const { announce, lowerPriority, protocol } = instance, { state } = status;
  return {
    iname: instance.name,
    dont_track_primary: Number(!instance.trackPrimary),
    skip_check_adv_addr: 0,
    strict_mode: Number(protocol.strict),
    vmac_ifname: instance.vmacs[0]?.name ?? "",
    ifp_ifname: instance.interface ?? "",
    master_priority: state === "backup" ? status.master?.priority ?? 0 : 0,
    last_transition: changedAt,
    garp_delay: seconds(announce.delayUs),
    garp_refresh: seconds(announce.refreshUs),
    garp_rep: announce.repeat,
    garp_refresh_rep: announce.refreshRepeat,
    garp_lower_prio_delay: seconds(lowerPriority.delayUs),
    garp_lower_prio_rep: lowerPriority.repeat,
    lower_prio_no_advert: Number(!lowerPriority.advert),
    higher_prio_send_advert: Number(instance.higherPriorityAdvert),
    vrid: instance.virtualRouterId,
    base_priority: instance.priority,
    effective_priority: status.priority,
    vipset: state === "master",
    promote_secondaries: instance.promoteSecondaries,
    adver_int: seconds(instance.advertIntervalUs),
    master_adver_int: seconds(status.masterAdvertIntervalUs),
    accept: Number(protocol.accept),
    nopreempt: !instance.preempt,
    preempt_delay: seconds(instance.preemptDelayUs),
    state: STATE[state],
    wantstate: STATE[state],
    version: instance.version,
    smtp_alert: instance.notify.mail,
    notify_deleted: instance.notify.deleted,
  };
}

function lists(instance: VrrpInstance, state: InstanceStatus["state"], config: Config) {
  const { scripts } = instance.notify, isSet = state === "master";
  const named = (kind: string) =>
    instance.tracks.filter((track) => track.kind === kind).map(({ name }) => name);
  const { type } = instance.authentication;
  return dropEmpty({
    script_backup: command(scripts.notify_backup),
    script_master: command(scripts.notify_master),
    script_fault: command(scripts.notify_fault),
    script_stop: command(scripts.notify_stop),
    script: command(scripts.notify),
    vips: instance.virtualAddresses.map((entry) => addressText(entry, instance, isSet)),
    evips: instance.excludedAddresses.map((entry) => addressText(entry, instance, isSet)),
    track_ifp: named("interface"),
    track_script: named("script").map((name) => checkText(config, name)),
    track_process: named("process"),
    ...type === "none" ? {} : { auth_type: type === "pass" ? 1 : 2, auth_data: HIDDEN },
  });
}

function checkText(config: Config, name: string): string {
  const check = config.checks.find((one) => one.kind === "script" && one.name === name);
  const probe = check?.spec.probe;
  return probe?.kind === "script" ? quoted(probe.words) : name;
}

function command(script: ScriptCommand | undefined): string | undefined {
  return script && quoted(script.words);
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

/** As `10.0.0.9/24 dev eth0 scope global label eth0:1 set`. */
function addressText(entry: VirtualAddress, instance: VrrpInstance, isSet: boolean): string {
  const { address, prefixLength, scope, label } = entry;
  const device = entry.vmac === null ? entry.device : instance.vmacs[entry.vmac]?.name ?? null;
  return [
    `${address}/${prefixLength} dev ${device ?? instance.interface ?? ""}`,
    `scope ${SCOPES[scope] ?? scope}`,
    ...label === null ? [] : [`label ${label}`],
    ...isSet ? ["set"] : [],
  ].join(" ");
}

/** keepalived leaves out what there is nothing of. */
function dropEmpty(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) =>
      value !== undefined && !(Array.isArray(value) && value.length === 0)
    ),
  );
}

function seconds(us: Micros): number {
  return us / 1_000_000;
}
