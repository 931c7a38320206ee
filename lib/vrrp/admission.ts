/**
 * Which received adverts count, and why the others do not: RFC 9568 7.1 and RFC 3768 7.1, each
 * check a named verdict. Checks run in a fixed order and the first failure decides, so that every
 * packet is counted once.
 *
 * The virtual router is looked up as soon as the fixed part is there, earlier than the RFCs list
 * it: the version, the destination and all that follows are for that router to expect.
 */

import { type Ip, isMulticast } from "../core/address.ts";
import { type Notice, noticesOf } from "./admission_notices.ts";
import {
  ADMISSION_RULES,
  NOTICE_COUNTERS,
  type ReceivedPacket,
  type Receiver,
  type Refusal,
  REJECT_COUNTERS,
  type RejectReason,
} from "./admission_rules.ts";
import type { AhError } from "./ah.ts";
import { type IpError, VRRP_HOP_LIMIT } from "./ip.ts";
import { TRAILER_BYTES } from "./hmac_trailer.ts";
import { sameSecret } from "./mac.ts";
import {
  type AdvertHead,
  ADVERTISEMENT,
  AUTH_TYPE,
  authData,
  decodeAdvert,
  type DecodedAdvert,
  type DecodeError,
  decodeHead,
  HEAD_BYTES,
  wireInterval,
} from "./packet.ts";
import { type Advert, type ChecksumForm, OWNER_PRIORITY } from "./types.ts";

export { ADMISSION_RULES, NOTICE_COUNTERS, REJECT_COUNTERS };
export type { Notice, ReceivedPacket, Receiver, RejectReason };

/** What becomes of a packet. `R` is the caller's own notion of a receiver. */
export type Verdict<R extends Receiver = Receiver> =
  | {
    readonly ok: true;
    readonly receiver: R;
    readonly advert: Advert;
    /** The form that the sender's checksum has; our own form where several fit. */
    readonly checksumForm: ChecksumForm;
    readonly notices: readonly Notice[];
  }
  | Rejection<R>;

/** A packet that does not count. */
export interface Rejection<R extends Receiver = Receiver> {
  readonly ok: false;
  /** Null if the packet was refused before its router was known. */
  readonly receiver: R | null;
  readonly reason: RejectReason;
  /** For the log, in keepalived's words where it has some. Names neither instance nor interface. */
  readonly text: string;
}

type Check<T> = (found: T, packet: ReceivedPacket, receiver: Receiver) => Refusal | null;

/**
 * Judges one packet.
 *
 * @param lookup Finds a virtual router of the interface and family that the packet came by.
 */
export function admit<R extends Receiver>(
  packet: ReceivedPacket,
  lookup: (vrid: number) => R | null,
): Verdict<R> {
  const head = decodeHead(packet.message);
  if (head === null) {
    const error = { why: "short", have: packet.message.length, need: HEAD_BYTES } as const;
    return { ok: false, receiver: null, ...undecodable(error) };
  }
  const receiver = lookup(head.vrid);
  if (receiver === null) {
    const text = `Unknown VRID(${head.vrid}) received`;
    return { ok: false, receiver: null, reason: "vrid", text };
  }
  const early = firstRefusal(HEAD_CHECKS, head, packet, receiver);
  if (early !== null) return { ok: false, receiver, ...early };
  const opened = receiver.authenticator?.open(packet);
  if (opened?.ok === false) return { receiver, ...opened };
  const decoded = decodeAdvert(opened?.message ?? packet.message, packet);
  if (!decoded.ok) return { ok: false, receiver, ...undecodable(decoded.error) };
  const late = firstRefusal(ADVERT_CHECKS, decoded.value, packet, receiver);
  if (late !== null) return { ok: false, receiver, ...late };
  const checksumForm = acceptedForm(decoded.value, receiver)!;
  return {
    ok: true,
    receiver,
    advert: advertOf(decoded.value, packet.source),
    checksumForm,
    notices: [
      ...opened?.notices ?? [],
      ...noticesOf(decoded.value, packet, receiver, checksumForm),
    ],
  };
}

/** The verdict on a packet whose IP header is unusable: RX-01, RX-04. */
export function refuseIp(error: IpError | AhError): Rejection {
  if (error.why === "fragment") {
    const text = `fragment at offset ${error.offset}${error.more ? ", more follow" : ""}`;
    return { ok: false, receiver: null, reason: "fragment", text };
  }
  const text = error.why === "short"
    ? `ip packet too short, length ${error.have} and expect ${error.need}`
    : `invalid ip header: ${error.why} ${error.found}`;
  return { ok: false, receiver: null, reason: "ipHeader", text };
}

/** L3-14: multicast that was looped back, or another host with our address. */
const notOurs: Check<AdvertHead> = (_, { source }, { ownAddresses }) =>
  ownAddresses.has(source)
    ? { reason: "ownAddress", text: `advert from our own address ${source}` }
    : null;

/** RX-03, UC-04: to our group, or to our own address if we have unicast peers. */
const forUs: Check<AdvertHead> = (_, { destination }, { router: { config }, ownAddresses }) => {
  const unicast = config.unicastPeers.length > 0;
  if (unicast ? ownAddresses.has(destination) : destination === config.group) return null;
  const text = unicast === isMulticast(destination)
    ? `Expected ${unicast ? "un" : "mult"}icast packet but received ${
      unicast ? "mult" : "un"
    }icast packet`
    : `advert to ${destination}, expected ${unicast ? "our own address" : config.group}`;
  return { reason: "destination", text };
};

/** AH-10: protected by AH or not, as we are. */
const inOurWrapping: Check<AdvertHead> = (_, { ah }, { router: { config } }) => {
  const wanted = config.authentication.type === "ah";
  if (wanted === (ah !== undefined)) return null;
  const text = `received an advert with${wanted ? "out" : ""} authentication header (AH), ` +
    `expecting ${wanted ? "one" : "none"}`;
  return { reason: "authTypeMismatch", text };
};

/** V2-RX-01, V3-RX-01; unicast may come from other links, so its TTL proves nothing (UC-03). */
const notForwarded: Check<AdvertHead> = (_, { hopLimit }, { router: { config } }) =>
  hopLimit === VRRP_HOP_LIMIT || config.unicastPeers.length > 0 ? null : {
    reason: "hopLimit",
    text: `invalid TTL/HL. Received ${hopLimit} and expect ${VRRP_HOP_LIMIT}`,
  };

/** UC-05: a peer that is given limits, and who is none where only peers count. */
const fromPeer: Check<AdvertHead> = (_, { source, hopLimit }, { router: { config } }) => {
  if (config.unicastPeers.length === 0) return null;
  if (config.checkUnicastSource && !config.unicastPeers.includes(source)) {
    return {
      reason: "unicastSource",
      text: `unicast source address ${source} not a unicast peer`,
    };
  }
  const limit = config.peerTtls.find(({ peer }) => peer === source);
  if (limit === undefined || (hopLimit >= limit.min && hopLimit <= limit.max)) return null;
  const text = `invalid TTL/HL. Received ${hopLimit} and expect ${limit.min} to ${limit.max}`;
  return { reason: "hopLimit", text };
};

/** `owner_ignore_adverts`: an owner has nothing to learn from anybody. */
const heeded: Check<DecodedAdvert> = (_, { source }, { router: { config, priority } }) =>
  config.ownerIgnoresAdverts && priority === OWNER_PRIORITY
    ? { reason: "ownerIgnores", text: `advert from ${source}, to an owner that takes none` }
    : null;

/** V2-RX-02, V3-RX-02. */
const ourVersion: Check<AdvertHead> = ({ version }, _, { router: { config } }) =>
  version === config.version ? null : {
    reason: "version",
    text: `wrong version. Received ${version} and expect ${config.version}`,
  };

/** V2-RX-03, V3-RX-03. */
const advertisement: Check<AdvertHead> = ({ type }) =>
  type === ADVERTISEMENT ? null : {
    reason: "type",
    text: `Invalid packet type. ${type} and expect ${ADVERTISEMENT}`,
  };

/** V2-RX-05, V3-RX-05, CK-05 to CK-07. */
const intact: Check<DecodedAdvert> = (advert, _, receiver) =>
  acceptedForm(advert, receiver) !== null
    ? null
    : { reason: "checksum", text: `Invalid VRRPv${advert.version} checksum` };

/**
 * V3-RX-07, and the same in version 2, where it could match no router's list but one that is empty
 * too: all addresses excluded from the advert, or none wanted (`no_virtual_ipaddress`).
 */
const someAddresses: Check<DecodedAdvert> = ({ count }, _, { router: { config } }) =>
  count > 0 || config.addresses.length === 0
    ? null
    : { reason: "noAddresses", text: "received an advert without addresses" };

/** V2-RX-08, V2-RX-09, V2-RX-12. */
const authentic: Check<DecodedAdvert> = ({ auth }, _, { router: { config } }) => {
  if (auth === null) return null;
  const expected = AUTH_TYPE[config.authentication.type];
  if (!Object.values<number>(AUTH_TYPE).includes(auth.type)) {
    return { reason: "authTypeUnknown", text: `Invalid auth type: ${auth.type}` };
  }
  if (auth.type !== expected) {
    const text = `received a ${auth.type} auth, expecting ${expected}!`;
    return { reason: "authTypeMismatch", text };
  }
  return auth.type !== AUTH_TYPE.pass || sameSecret(auth.data, authData(config.authentication))
    ? null
    : { reason: "authFailure", text: "received an invalid passwd!" };
};

/** V2-RX-10: another interval than ours makes two masters. V3-RX-08: zero makes us flap. */
const usableInterval: Check<DecodedAdvert> = (advert, _, { router: { config } }) => {
  const theirs = advert.advertIntervalUs;
  const ours = wireInterval(config.version, config.advertIntervalUs);
  if (advert.version === 3) {
    return theirs > 0 ? null : { reason: "interval", text: "received advertisement interval 0" };
  }
  if (theirs === ours) return null;
  const text = `advertisement interval mismatch mine=${ours / 1e6} sec rcv'd=${theirs / 1e6} sec`;
  return { reason: "interval", text };
};

const HEAD_CHECKS = [
  notOurs,
  forUs,
  inOurWrapping,
  notForwarded,
  fromPeer,
  ourVersion,
  advertisement,
];
const ADVERT_CHECKS = [intact, someAddresses, authentic, usableInterval, heeded];

function firstRefusal<T>(
  checks: readonly Check<T>[],
  found: T,
  packet: ReceivedPacket,
  receiver: Receiver,
): Refusal | null {
  for (const check of checks) {
    const refusal = check(found, packet, receiver);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** RX-02, V2-RX-04, V3-RX-04. */
function undecodable(error: DecodeError): Refusal {
  if (error.why === "version") {
    return { reason: "version", text: `wrong version. Received ${error.found}` };
  }
  const signed = error.have - error.need === TRAILER_BYTES ? ": signed by auth_hmac, perhaps" : "";
  const text = `vrrp packet too ${error.why}, length ${error.have} and expect ${error.need}`;
  return { reason: "packetLength", text: text + signed };
}

/** Our own form if it fits, else any that does; the old unicast form only from unicast peers. */
function acceptedForm(
  advert: DecodedAdvert,
  { router: { config } }: Receiver,
): ChecksumForm | null {
  const forms = advert.checksumForms;
  if (forms.includes(config.checksum)) return config.checksum;
  const form = forms[0] ?? null;
  return form === "old-unicast" && config.unicastPeers.length === 0 ? null : form;
}

function advertOf(decoded: DecodedAdvert, source: Ip): Advert {
  const { version, vrid, priority, advertIntervalUs, addresses } = decoded;
  return { version, vrid, priority, advertIntervalUs, addresses, source };
}
