/** What is worth a remark in an advert that is kept: mostly two routers configured differently. */

import { type Ip, isLinkLocal } from "../core/address.ts";
import { formatMicros } from "../core/time.ts";
import type { NoticeKind, ReceivedPacket, Receiver } from "./admission_rules.ts";
import { type DecodedAdvert, wireInterval } from "./packet.ts";
import { type ChecksumForm, OWNER_PRIORITY, RESIGN_PRIORITY } from "./types.ts";

/** A remark. The same sender gives cause for the same remark in each advert: log it once. */
export interface Notice {
  readonly kind: NoticeKind;
  /** For the log: what differs, and what of it is theirs. */
  readonly text: string;
  /** Only of `addressList`: the addresses that are ours alone and theirs alone. */
  readonly difference?: { readonly missing: readonly Ip[]; readonly extra: readonly Ip[] };
}

const NONE: readonly Notice[] = [];

/** Every remark about an advert that passed the checks, in the order of the rules. */
export function noticesOf(
  advert: DecodedAdvert,
  packet: ReceivedPacket,
  receiver: Receiver,
  form: ChecksumForm,
): readonly Notice[] {
  const found = [
    intervalNotice(advert, packet, receiver),
    addressListNotice(advert, packet, receiver),
    linkLocalNotice(advert, packet),
    sourceNotice(packet, receiver),
    priorityNotice(advert, packet, receiver),
    checksumNotice(advert, packet, receiver, form),
  ].filter((notice) => notice !== null);
  return found.length === 0 ? NONE : found;
}

/** V3-RX-11; version 2 refuses what differs. */
function intervalNotice(
  advert: DecodedAdvert,
  { source }: ReceivedPacket,
  { router: { config } }: Receiver,
): Notice | null {
  const ours = wireInterval(config.version, config.advertIntervalUs);
  if (advert.advertIntervalUs === ours) return null;
  const text = `${source} advertises every ${formatMicros(advert.advertIntervalUs)}, ` +
    `we are configured for ${formatMicros(ours)}`;
  return { kind: "interval", text };
}

/** V2-RX-11, V3-RX-12: compared as sets, for the order means nothing (RFC 9568 5.2.9). */
function addressListNotice(
  advert: DecodedAdvert,
  { source }: ReceivedPacket,
  { router: { config } }: Receiver,
): Notice | null {
  const ours = config.addresses, theirs = advert.addresses;
  if (ours.length === theirs.length && ours.every((address, at) => address === theirs[at])) {
    return null;
  }
  const ourSet = new Set(ours), theirSet = new Set(theirs);
  const missing = [...ourSet.difference(theirSet)], extra = [...theirSet.difference(ourSet)];
  if (missing.length === 0 && extra.length === 0) return null;
  const parts = [
    ...(missing.length > 0 ? [`without our ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`with ${extra.join(", ")}, which we have not`] : []),
  ];
  const text = `${source} advertises another address list: ${parts.join("; ")}`;
  return { kind: "addressList", text, difference: { missing, extra } };
}

/** V3-RX-09: FRR and keepalived send such lists, so they are kept. */
function linkLocalNotice(advert: DecodedAdvert, { family, source }: ReceivedPacket): Notice | null {
  const first = advert.addresses[0];
  if (family === "ipv4" || first === undefined || isLinkLocal(first)) return null;
  const text = `${source} advertises ${first} first, which is not a link-local address`;
  return { kind: "noLinkLocalFirst", text };
}

/** V3-RX-16: in unicast any source is in order. */
function sourceNotice(packet: ReceivedPacket, { router }: Receiver): Notice | null {
  const multicast = router.config.unicastPeers.length === 0;
  if (packet.family === "ipv4" || !multicast || isLinkLocal(packet.source)) return null;
  const text = `advert from ${packet.source}, which is not a link-local address`;
  return { kind: "sourceNotLinkLocal", text };
}

/** V2-RX-07, V3-RX-10, V3-RX-14, V3-RX-15. */
function priorityNotice(
  { priority }: DecodedAdvert,
  { source }: ReceivedPacket,
  { router }: Receiver,
): Notice | null {
  if (priority === OWNER_PRIORITY && router.priority === OWNER_PRIORITY) {
    const text = `${source} advertises priority 255 too: two routers are configured as owner`;
    return { kind: "ownerConflict", text };
  }
  const { master } = router;
  if (
    priority === OWNER_PRIORITY && master?.priority === OWNER_PRIORITY && master.address !== source
  ) {
    const text = `${source} and ${master.address} both advertise priority 255`;
    return { kind: "duplicateOwner", text };
  }
  if (priority !== router.priority || priority === RESIGN_PRIORITY) return null;
  return { kind: "equalPriority", text: `${source} advertises our own priority ${priority}` };
}

/** CK-05: who sends one form as a rule accepts no other. */
function checksumNotice(
  { version }: DecodedAdvert,
  { family, source }: ReceivedPacket,
  { router: { config } }: Receiver,
  form: ChecksumForm,
): Notice | null {
  if (version !== 3 || family !== "ipv4" || form === config.checksum) return null;
  const text = `${source} sends ${form} checksums, we send ${config.checksum}: it may drop ours`;
  return { kind: "checksumForm", text };
}
