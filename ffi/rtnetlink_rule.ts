/** Routing policy rules (RTM_*RULE). */

import { type Bytes, FIB_RULE_HDR, HOST_ORDER, viewOf } from "./layout.ts";
import {
  Attributes,
  NetlinkMessage,
  type NetlinkReceived,
  NLM_F,
  RT_TABLE,
  RTM,
} from "./netlink.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";
import { FIB_RULE, FR_ACT, FRA } from "./route_constants.ts";

/** An address and how many of its bits count. */
export interface RulePrefix {
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

/** A range of numbers, both ends included. */
export interface RuleRange {
  readonly low: number;
  readonly high: number;
}

/** A rule to add or delete. What is not given matches every packet. */
export interface RuleSpec {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** FR_ACT.*; TO_TBL if not given. */
  readonly action?: number;
  /** Its place among the rules: lower is asked first. */
  readonly preference: number;
  readonly from?: RulePrefix;
  readonly to?: RulePrefix;
  /** RT_TABLE.* or any number. */
  readonly table?: number;
  /** Matches what the rest does not. */
  readonly invert?: boolean;
  readonly tos?: number;
  readonly mark?: number;
  /** The bits of the mark that count; the kernel's default is all. */
  readonly markMask?: number;
  /** Realms, the source's in the upper half. */
  readonly realms?: number;
  /** Routes with prefixes of so many bits or fewer do not count. */
  readonly suppressPrefixLength?: number;
  /** Routes over interfaces of this group do not count. */
  readonly suppressGroup?: number;
  readonly inputName?: string;
  readonly outputName?: string;
  readonly tunnelId?: bigint;
  readonly userIds?: RuleRange;
  /** The table is that of the VRF. */
  readonly l3mdev?: boolean;
  /** RTPROT.*: who made it. */
  readonly protocol?: number;
  /** IPPROTO_*. */
  readonly ipProtocol?: number;
  readonly sourcePorts?: RuleRange;
  readonly destinationPorts?: RuleRange;
  /** The preference of the rule to go on with (FR_ACT.GOTO). */
  readonly goto?: number;
}

/** What the kernel says about a rule, as far as it tells rules apart. */
export interface RuleInfo {
  readonly family: number;
  /** FR_ACT.*. */
  readonly action: number;
  readonly preference: number;
  readonly table: number;
  readonly from: Bytes | null;
  readonly fromLength: number;
  readonly to: Bytes | null;
  readonly toLength: number;
  readonly mark: number;
  readonly inputName: string | null;
  readonly outputName: string | null;
  /** RTPROT.*; 0 nobody said. */
  readonly protocol: number;
}

/** All rules of the socket's namespace. Same as `ip rule show`. @param family AF.INET or AF.INET6. @throws {SysError} */
export function dumpRules(socket: NetlinkSocket, family: number): RuleInfo[] {
  const message = new NetlinkMessage(RTM.GETRULE, 0, "list the rules");
  message.head(FIB_RULE_HDR.size, (view) => view.setUint8(FIB_RULE_HDR.at.family, family));
  return socket.dump(message).map(parseRule).filter((rule) => rule !== null);
}

/** Reads RTM_NEWRULE or RTM_DELRULE; null if the message is another or cut short. */
export function parseRule({ type, payload }: NetlinkReceived): RuleInfo | null {
  const { at, size } = FIB_RULE_HDR;
  if (type !== RTM.NEWRULE && type !== RTM.DELRULE || payload.length < size) return null;
  const view = viewOf(payload), attributes = new Attributes(payload.subarray(size));
  return {
    family: view.getUint8(at.family),
    action: view.getUint8(at.action),
    preference: attributes.u32(FRA.PRIORITY) ?? 0,
    table: attributes.u32(FRA.TABLE) ?? view.getUint8(at.table),
    from: attributes.bytes(FRA.SRC),
    fromLength: view.getUint8(at.src_len),
    to: attributes.bytes(FRA.DST),
    toLength: view.getUint8(at.dst_len),
    mark: attributes.u32(FRA.FWMARK) ?? 0,
    inputName: attributes.text(FRA.IIFNAME),
    outputName: attributes.text(FRA.OIFNAME),
    protocol: attributes.u8(FRA.PROTOCOL) ?? 0,
  };
}

/** Adds a rule. Same as `ip rule add ...`. @throws {SysError} EEXIST if there is the very same. */
export function addRule(socket: NetlinkSocket, spec: RuleSpec): void {
  socket.request(addRuleMessage(spec));
}

/** The request of `addRule`, for batches. */
export function addRuleMessage(spec: RuleSpec): NetlinkMessage {
  return ruleMessage(RTM.NEWRULE, NLM_F.CREATE | NLM_F.EXCL, "add", spec);
}

/** Deletes a rule. Same as `ip rule delete ...`. @throws {SysError} ENOENT if it is not there. */
export function deleteRule(socket: NetlinkSocket, spec: RuleSpec): void {
  socket.request(deleteRuleMessage(spec));
}

/**
 * The request of `deleteRule`, for batches. What is not given matches any rule: of rules that share
 * a preference the one that says most goes first.
 */
export function deleteRuleMessage(spec: RuleSpec): NetlinkMessage {
  return ruleMessage(RTM.DELRULE, 0, "delete", spec);
}

function ruleMessage(
  type: number,
  flags: number,
  verb: "add" | "delete",
  spec: RuleSpec,
): NetlinkMessage {
  const { at, size } = FIB_RULE_HDR, table = spec.table ?? RT_TABLE.UNSPEC;
  const message = new NetlinkMessage(
    type,
    flags,
    `${verb} the rule of preference ${spec.preference}`,
  );
  message.head(size, (view) => {
    view.setUint8(at.family, spec.family);
    view.setUint8(at.dst_len, spec.to?.prefixLength ?? 0);
    view.setUint8(at.src_len, spec.from?.prefixLength ?? 0);
    view.setUint8(at.tos, spec.tos ?? 0);
    view.setUint8(at.table, table < 256 ? table : RT_TABLE.UNSPEC); // FRA_TABLE has it whole
    view.setUint8(at.action, spec.action ?? FR_ACT.TO_TBL);
    view.setUint32(at.flags, spec.invert === true ? FIB_RULE.INVERT : 0, HOST_ORDER);
  });
  message.u32(FRA.PRIORITY, spec.preference);
  if (table !== RT_TABLE.UNSPEC) message.u32(FRA.TABLE, table);
  for (const put of ATTRIBUTES) put(message, spec);
  return message;
}

type Numeric = {
  [K in keyof RuleSpec]-?: NonNullable<RuleSpec[K]> extends number ? K : never;
}[keyof RuleSpec];

/** Appends what a rule says, as far as it says it. */
const ATTRIBUTES: readonly ((message: NetlinkMessage, spec: RuleSpec) => void)[] = [
  (message, { from }) => from && from.prefixLength > 0 && message.attribute(FRA.SRC, from.address),
  (message, { to }) => to && to.prefixLength > 0 && message.attribute(FRA.DST, to.address),
  (message, { inputName }) => inputName !== undefined && message.text(FRA.IIFNAME, inputName),
  (message, { outputName }) => outputName !== undefined && message.text(FRA.OIFNAME, outputName),
  number("mark", FRA.FWMARK),
  number("markMask", FRA.FWMASK),
  number("realms", FRA.FLOW),
  number("suppressPrefixLength", FRA.SUPPRESS_PREFIXLEN),
  number("suppressGroup", FRA.SUPPRESS_IFGROUP),
  number("goto", FRA.GOTO),
  (message, { tunnelId }) => tunnelId !== undefined && message.be64(FRA.TUN_ID, tunnelId),
  (message, { userIds }) => userIds && message.attribute(FRA.UID_RANGE, pair32(userIds)),
  (message, { l3mdev }) => l3mdev === true && message.u8(FRA.L3MDEV, 1),
  (message, { protocol }) => protocol !== undefined && message.u8(FRA.PROTOCOL, protocol),
  (message, { ipProtocol }) => ipProtocol !== undefined && message.u8(FRA.IP_PROTO, ipProtocol),
  (message, { sourcePorts: range }) => range && message.attribute(FRA.SPORT_RANGE, pair16(range)),
  (message, { destinationPorts: range }) =>
    range && message.attribute(FRA.DPORT_RANGE, pair16(range)),
];

function number(key: Numeric, type: number): (message: NetlinkMessage, spec: RuleSpec) => void {
  return (message, spec) => {
    const value = spec[key];
    if (value !== undefined) message.u32(type, value);
  };
}

/** struct fib_rule_uid_range of linux/fib_rules.h. */
function pair32({ low, high }: RuleRange): Uint8Array {
  const bytes = new Uint8Array(8), view = viewOf(bytes);
  view.setUint32(0, low, HOST_ORDER);
  view.setUint32(4, high, HOST_ORDER);
  return bytes;
}

/** struct fib_rule_port_range of linux/fib_rules.h. */
function pair16({ low, high }: RuleRange): Uint8Array {
  const bytes = new Uint8Array(4), view = viewOf(bytes);
  view.setUint16(0, low, HOST_ORDER);
  view.setUint16(2, high, HOST_ORDER);
  return bytes;
}
