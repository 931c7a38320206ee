/** How an instance speaks VRRP: unicast, strictness, the down timer. */

import { type Family, isLinkLocal } from "../lib/core/address.ts";
import { micros } from "../lib/core/time.ts";
import { OWNER_PRIORITY } from "./build_election.ts";
import { isStrict, tellTakenBack } from "./build_strict.ts";
import { type InstanceContext, tell } from "./instance_context.ts";
import type { VrrpInstance } from "./model.ts";
import type { PeerTtl, ProtocolDefs } from "./model_protocol.ts";

/** RFC 9568 6.1: Active_Down_Interval is three times the interval, and the skew. */
const DOWN_TIMER_ADVERTS = 3;

/** RFC 9568 5.1.1.3, for unicast too. */
const TTL = 255;

/** What the instance says, else `global_defs`, else the RFCs. */
export function buildProtocol(
  context: InstanceContext,
  family: Family,
  priority: number,
): ProtocolDefs {
  const { settings, globals } = context;
  const strict = isStrict(context), isOwner = priority === OWNER_PRIORITY;
  const peerTtls = buildPeerTtls(context);
  if (strict) checkStrict(context, family);
  const ignores = settings.owner_ignore_adverts ?? globals.vrrp_owner_ignore_adverts;
  return {
    strict,
    accept: isOwner ? ownerAccepts(context) : buildAccept(context, strict),
    unicastTtl: buildUnicastTtl(context),
    checkUnicastSource: settings.check_unicast_src !== undefined ||
      (globals.vrrp_check_unicast_src?.value ?? false) || peerTtls.length > 0,
    peerTtls,
    lacksPeer: settings.unicast_fault_no_peer !== undefined &&
      (settings.unicast_peer ?? []).length === 0,
    downTimerAdverts: buildDownTimer(context, strict),
    ownerIgnoresAdverts: isOwner && (ignores?.value ?? strict),
    timerExpiredPriority: buildTimerExpired(context),
  };
}

function buildDownTimer(context: InstanceContext, strict: boolean): number {
  const given = context.settings.down_timer_adverts ?? context.globals.vrrp_down_timer_adverts;
  if (given === undefined || given.value === DOWN_TIMER_ADVERTS) return DOWN_TIMER_ADVERTS;
  if (strict) tellTakenBack(context, given, `Another count of adverts than ${DOWN_TIMER_ADVERTS}`);
  return strict ? DOWN_TIMER_ADVERTS : given.value;
}

function buildPeerTtls({ settings }: InstanceContext): readonly PeerTtl[] {
  return (settings.unicast_peer ?? []).flatMap(({ value: { address, minTtl, maxTtl } }) =>
    minTtl === null && maxTtl === null
      ? []
      : [{ peer: address, min: minTtl ?? 0, max: maxTtl ?? TTL }]
  );
}

/** The addresses are the owner's own, which it answers at whatever is written (RFC 9568 6.1). */
function ownerAccepts(context: InstanceContext): boolean {
  const { no_accept: refuse } = context.settings;
  if (refuse !== undefined) {
    const message =
      "no_accept has no effect: an owner (priority 255) takes packets to its addresses";
    tell(context, "warning", refuse, message, "Delete the line, or write another priority");
  }
  return true;
}

/** `no_accept`, `accept`, and what strict mode makes of neither, for who is no owner. */
function buildAccept(context: InstanceContext, strict: boolean): boolean {
  const { accept, no_accept: refuse } = context.settings;
  if (accept !== undefined && refuse !== undefined) {
    const message = "Both accept and no_accept: no_accept counts";
    tell(context, "warning", refuse, message, "Delete one of the two lines");
  }
  if (refuse !== undefined) return false;
  if (!strict) return true;
  if (accept === undefined) {
    tell(
      context,
      "warning",
      context.settings.strict_mode ?? context.globals.vrrp_strict,
      "The virtual addresses will not answer, not even to ping: strict mode implies no_accept",
      'Write "accept" into the instance (VRRP version 3), or do without strict mode',
    );
    return false;
  }
  const isVersion2 = (context.settings.version ?? context.globals.vrrp_version)?.value !== "3";
  if (!isVersion2) return true;
  tell(
    context,
    "error",
    accept,
    "accept is ignored: strict mode and RFC 3768 let only the owner answer for the addresses",
    'Write "version 3" on all routers, or do without strict mode',
  );
  return false;
}

/** An advert with TTL 0 never leaves the host. */
function buildUnicastTtl(context: InstanceContext): number {
  const { unicast_ttl: ttl, unicast_peer: peers } = context.settings;
  if (ttl === undefined) return TTL;
  if (peers === undefined) {
    const message = "unicast_ttl has no effect: there is no unicast_peer";
    tell(context, "warning", ttl, message, "Delete the line, or name the peers");
  }
  if (ttl.value > 0) return ttl.value;
  const message = `No advert could leave with TTL 0: ${TTL} is used`;
  tell(context, "error", ttl, message, "Write a number from 1 to 255");
  return TTL;
}

function buildTimerExpired(context: InstanceContext): number | null {
  const { timer_expired_backup: now, thread_timer_expired: old, nopreempt } = context.settings;
  const given = now ?? old;
  if (given === undefined) return null;
  if (nopreempt !== undefined) return given.value;
  const message = "timer_expired_backup has no effect without nopreempt: the router with the " +
    "higher priority is elected anyway";
  tell(context, "warning", given, message, 'Delete the line, or write "nopreempt"');
  return null;
}

/** What keepalived says in strict mode, and still runs. */
function checkStrict(context: InstanceContext, family: Family): void {
  const { settings, named } = context;
  if (settings.unicast_peer !== undefined) {
    const message =
      "Unicast is no part of the RFCs that strict mode asks for: it is used all the same";
    const at = { position: settings.unicast_peer[0]?.position ?? named.position };
    tell(context, "warning", at, message, "Do without strict mode, or without unicast_peer");
  }
  const first = settings.virtual_ipaddress?.[0];
  if (family === "ipv6" && first !== undefined && !isLinkLocal(first.value.address)) {
    const message = "In strict mode the first IPv6 virtual address must be a link-local one";
    tell(context, "error", first, message, "Write an address in fe80::/10 on the first line");
  }
}

/** `vrrp_min_garp`: what is announced where neither the instance nor a global keyword says. */
export function announceDefaults(
  { globals }: InstanceContext,
  usual: Pick<VrrpInstance["announce"], "repeat" | "delayUs">,
): Pick<VrrpInstance["announce"], "repeat" | "delayUs"> {
  const isMinimal = globals.vrrp_min_garp?.value ?? false;
  return isMinimal ? { repeat: 1, delayUs: micros(0) } : usual;
}
