/** One `vrrp_instance`: keepalived's rules about what its settings mean together. */

import { type Family, familyOf, type Ip, ip } from "../lib/core/address.ts";
import { type Micros, micros, seconds } from "../lib/core/time.ts";
import { buildAuthentication, buildHmac, stateWithAuthentication } from "./build_authentication.ts";
import { buildAddresses } from "./build_addresses.ts";
import {
  buildInterval,
  buildPriority,
  buildVersion,
  OWNER_PRIORITY,
  preemption,
} from "./build_election.ts";
import type { GroupDraft } from "./build_groups.ts";
import { buildNotify } from "./build_notify.ts";
import { announceDefaults, buildProtocol } from "./build_protocol.ts";
import { isStrict, tellTakenBack } from "./build_strict.ts";
import { faultsOnly, mergeTracks, resolveUses, type Tell, withoutWeights } from "./build_tracks.ts";
import { buildVmacs, ipvlanSource } from "./build_vmac.ts";
import { type InstanceContext, type InstanceInput, ofFamily, tell } from "./instance_context.ts";
import type { Found, Settings } from "./keyword.ts";
import type { Track, VrrpInstance } from "./model.ts";
import type { VRRP_INSTANCE } from "./table_vrrp.ts";

const DEFAULT_GROUP: Readonly<Record<Family, Ip>> = {
  ipv4: ip("224.0.0.18"),
  ipv6: ip("ff02::12"),
};

/** Rounds in a batch of announcements, and the gap to the second batch (keepalived-behaviour 7.2). */
const USUAL_GARP = { repeat: 5, delayUs: seconds(5) };

/** The instance, or null after a fatal report. */
export function buildInstance(input: InstanceInput): VrrpInstance | null {
  const { named } = input;
  const { settings } = named;
  const context: InstanceContext = { ...input, settings, name: named.name };
  const virtualRouterId = requireVrid(context);
  const usable = requireInterface(context);
  const family = buildFamily(context);
  const version = buildVersion(context, family);
  const authentication = buildAuthentication(context, family, version);
  const addresses = buildAddresses(context, family, version);
  const unicastPeers = ofFamily(
    context,
    settings.unicast_peer ?? [],
    family,
    (peer) => peer.address,
  )
    .map(({ address }) => address);
  const { priority, ...wanted } = buildPriority(context);
  const state = stateWithAuthentication(context, authentication, { ...wanted, priority });
  const advertIntervalUs = buildInterval(context, version);
  const tracks = buildTracks(context, priority);
  const notify = buildNotify(settings, {
    ...input,
    prefix: `(${named.name}) `,
    ...input.group !== null && { priorityChanges: input.group.notify.priorityChanges },
  });
  if (virtualRouterId === null || !usable) return null;
  const isUnicast = unicastPeers.length > 0;
  const vmacs = buildVmacs(context, { family, vrid: virtualRouterId, addresses, isUnicast });
  return {
    name: named.name,
    position: named.position,
    interface: settings.interface?.value ?? null,
    family,
    version,
    virtualRouterId,
    state,
    priority,
    advertIntervalUs,
    authentication,
    hmac: buildHmac(context, advertIntervalUs),
    checksumForm: buildChecksum(context),
    ...vmacs,
    routes: input.routing.routes.map(({ entry }) => entry),
    rules: input.routing.rules.map(({ entry }) => entry),
    unicastPeers,
    sourceAddress: buildSource(context, family) ?? ipvlanSource(vmacs.vmacs, family),
    multicastGroup: buildGroup(context, family),
    ...preemption(context, state, priority),
    trackPrimary: settings.dont_track_primary === undefined,
    promoteSecondaries: settings.promote_secondaries !== undefined,
    announce: buildAnnounce(context),
    lowerPriority: buildLowerPriority(context),
    protocol: buildProtocol(context, family, priority),
    higherPriorityAdvert: buildHigherAdvert(context),
    tracks,
    group: input.group?.name ?? null,
    notify,
  };
}

function requireVrid(context: InstanceContext): number | null {
  const given = context.settings.virtual_router_id;
  if (given !== undefined) return given.value;
  if (!context.named.refused.has("virtual_router_id")) {
    const remedy = 'Write "virtual_router_id N" with the number that all its routers share';
    tell(context, "fatal", undefined, "The virtual router id must be set, from 1 to 255", remedy);
  }
  return null;
}

/** Whether there is an interface, or none is needed: unicast with an explicit source address. */
function requireInterface(context: InstanceContext): boolean {
  const { settings, named } = context;
  if (settings.interface !== undefined) return true;
  if (settings.unicast_peer !== undefined && sourceSetting(settings) !== undefined) return true;
  if (!named.refused.has("interface")) {
    const message = "No interface: adverts and addresses have no place to go";
    tell(
      context,
      "fatal",
      undefined,
      message,
      'Write "interface IFNAME", such as "interface eth0"',
    );
  }
  return false;
}

/** The family of the first address that is given, in the order of the file. */
function buildFamily(context: InstanceContext): Family {
  const { settings } = context;
  const addresses: { readonly order: number; readonly address: Ip }[] = [
    ...(settings.virtual_ipaddress ?? []).map(({ order, value }) => ({
      order,
      address: value.address,
    })),
    ...[
      ...(settings.unicast_peer ?? []).map((found) => ({ ...found, value: found.value.address })),
      ...given(sourceSetting(settings)),
      ...given(settings.mcast_dst_ip),
    ].map(({ order, value }) => ({ order, address: value })),
  ].sort((a, b) => a.order - b.order);
  const first = addresses[0];
  const forced = settings.native_ipv6;
  if (forced !== undefined && (first === undefined || forced.order < first.order)) return "ipv6";
  const family = first === undefined ? "ipv4" : familyOf(first.address);
  if (forced !== undefined && family === "ipv4") {
    const message = "native_ipv6 is ignored: the first address of this instance is IPv4";
    tell(context, "error", forced, message, "Delete the line, or the IPv4 addresses");
  }
  return family;
}

function given<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** `mcast_src_ip` and `unicast_src_ip` are one setting: the later one counts. */
function sourceSetting(settings: Settings<typeof VRRP_INSTANCE>): Found<Ip> | undefined {
  const { mcast_src_ip: multicast, unicast_src_ip: unicast } = settings;
  if (multicast === undefined || unicast === undefined) return multicast ?? unicast;
  return multicast.order > unicast.order ? multicast : unicast;
}

function buildSource(context: InstanceContext, family: Family): Ip | null {
  return ofFamily(context, given(sourceSetting(context.settings)), family, (ip) => ip)[0] ?? null;
}

function buildGroup(context: InstanceContext, family: Family): Ip {
  const { settings, globals } = context;
  const own = ofFamily(context, given(settings.mcast_dst_ip), family, (ip) => ip)[0];
  const all = family === "ipv4" ? globals.vrrp_mcast_group4 : globals.vrrp_mcast_group6;
  return own ?? all?.value ?? DEFAULT_GROUP[family];
}

function buildChecksum({ settings, globals }: InstanceContext): VrrpInstance["checksumForm"] {
  const isOld = settings.old_unicast_checksum?.value === "always" &&
    (settings.unicast_peer ?? []).length > 0;
  if (isOld) return "old-unicast";
  return settings.v3_checksum_as_v2?.value ?? (globals.v3_checksum_as_v2 !== undefined)
    ? "message-only"
    : "pseudo-header";
}

function buildAnnounce(context: InstanceContext): VrrpInstance["announce"] {
  const { settings, globals } = context, usual = announceDefaults(context, USUAL_GARP);
  const value = <T>(own: Found<T> | undefined, all: Found<T> | undefined, builtIn: T): T =>
    own?.value ?? all?.value ?? builtIn;
  return {
    repeat: value(settings.garp_master_repeat, globals.vrrp_garp_master_repeat, usual.repeat),
    delayUs: value<Micros>(
      settings.garp_master_delay,
      globals.vrrp_garp_master_delay,
      usual.delayUs,
    ),
    refreshUs: value<Micros>(
      settings.garp_master_refresh,
      globals.vrrp_garp_master_refresh,
      micros(0),
    ),
    refreshRepeat: value(
      settings.garp_master_refresh_repeat,
      globals.vrrp_garp_master_refresh_repeat,
      1,
    ),
  };
}

/** As keepalived: what the instance does not say comes from global_defs, there from garp_master_*. */
function buildLowerPriority(context: InstanceContext): VrrpInstance["lowerPriority"] {
  const { settings, globals } = context;
  if (isStrict(context)) return strictLowerPriority(context);
  const usual = announceDefaults(context, USUAL_GARP);
  const repeat = settings.garp_lower_prio_repeat ?? globals.vrrp_garp_lower_prio_repeat ??
    globals.vrrp_garp_master_repeat;
  const delay = settings.garp_lower_prio_delay ?? globals.vrrp_garp_lower_prio_delay ??
    globals.vrrp_garp_master_delay;
  const silent = settings.lower_prio_no_advert ?? globals.vrrp_lower_prio_no_advert;
  return {
    repeat: repeat?.value ?? usual.repeat,
    delayUs: delay?.value ?? usual.delayUs,
    advert: !(silent?.value ?? false),
  };
}

/** A lower router is left to learn by the next advert; what global_defs say is passed over in silence. */
function strictLowerPriority(context: InstanceContext): VrrpInstance["lowerPriority"] {
  const { garp_lower_prio_repeat: repeat, garp_lower_prio_delay: delay } = context.settings;
  const { lower_prio_no_advert: silent } = context.settings;
  if (repeat !== undefined && repeat.value > 0) {
    tellTakenBack(context, repeat, "garp_lower_prio_repeat");
  }
  if (delay !== undefined && delay.value > 0) {
    tellTakenBack(context, delay, "garp_lower_prio_delay");
  }
  if (silent?.value === false) tellTakenBack(context, silent, "lower_prio_no_advert false");
  return { repeat: 0, delayUs: micros(0), advert: false };
}

/** `higher_prio_send_advert`. */
function buildHigherAdvert(context: InstanceContext): boolean {
  const { settings, globals } = context, own = settings.higher_prio_send_advert;
  if (!isStrict(context)) {
    return (own ?? globals.vrrp_higher_prio_send_advert)?.value ?? false;
  }
  if (own?.value === true) tellTakenBack(context, own, "higher_prio_send_advert");
  return false;
}

/** Its own uses and its group's; an owner's priority cannot move. */
function buildTracks(context: InstanceContext, priority: number): VrrpInstance["tracks"] {
  const { settings, group, tracking } = context;
  const say: Tell = (severity, position, message, remedy) =>
    tell(context, severity, { position }, message, remedy);
  const own = resolveUses(settings, { ...tracking, tell: say, owner: "instance" })
    .filter((track) => {
      if (track.kind !== "interface" || track.name !== settings.interface?.value) return true;
      const message = `track_interface "${track.name}" is ignored: it is the instance's own ` +
        "interface, which is always tracked";
      say("error", track.position, message, "Delete the line");
      return false;
    });
  const all = group === null ? own : withGroup(context, own, group, say);
  return priority === OWNER_PRIORITY ? faultsOnly(all, say) : all;
}

function withGroup(
  { settings }: InstanceContext,
  own: readonly Track[],
  group: GroupDraft,
  say: Tell,
): readonly Track[] {
  const mine = group.keepsWeights ? own : withoutWeights(own, group.name, say);
  // A member's own interface is tracked already, whatever the group says.
  const others = group.tracks.filter(({ kind, name }) =>
    kind !== "interface" || name !== settings.interface?.value
  );
  return mergeTracks(mine, others, group.name, say);
}
