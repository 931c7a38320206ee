/** Rules of the configuration in the kernel's terms: requests, and what tells one from another. */

import { AF } from "../../ffi/constants.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addRuleMessage,
  deleteRuleMessage,
  dumpRules,
  type RuleInfo,
  type RuleSpec,
} from "../../ffi/rtnetlink.ts";
import { type Family, formatIp, ipBytes } from "../core/address.ts";
import { type IpPrefix, KEEPALIVED_PROTOCOL, type RuleEntry } from "../core/route_entry.ts";
import { EntryOwner } from "./entries.ts";

/** What makes rules, and knows which are vigie's. */
export type RuleOwner = EntryOwner<RuleEntry>;

/** An owner of rules that speaks through a socket, with the kernel of the thread's namespace. */
export function createRuleOwner(socket: NetlinkSocket): RuleOwner {
  return new EntryOwner<RuleEntry>(socket, {
    key: ({ text: _text, track: _track, ...rule }) => JSON.stringify(rule),
    slot: slotOfEntry,
    add: (rule) => addRuleMessage(specOf(rule)),
    remove: (rule) => deleteRuleMessage(specOf(rule)),
    // What a request does not say matches any rule: the one that says most must go first.
    removalOrder: (list) => list.toSorted((a, b) => said(b) - said(a)),
    marked: markedRules,
  });
}

const AF_OF: Readonly<Record<Family, number>> = { ipv4: AF.INET, ipv6: AF.INET6 };

function specOf(rule: RuleEntry): RuleSpec {
  const { from, to, table, tos, mark, markMask, realms, inputDevice, outputDevice, tunnelId } =
    rule;
  const { suppressPrefixLength, suppressGroup, userIds, ipProtocol, sourcePorts } = rule;
  return {
    family: AF_OF[rule.family],
    action: rule.action,
    preference: rule.preference,
    invert: rule.invert,
    l3mdev: rule.l3mdev,
    protocol: rule.protocol,
    ...from !== null && { from: prefix(from) },
    ...to !== null && { to: prefix(to) },
    ...table !== null && { table },
    ...tos !== null && { tos },
    ...mark !== null && { mark },
    ...markMask !== null && { markMask },
    ...realms !== null && { realms },
    ...suppressPrefixLength !== null && { suppressPrefixLength },
    ...suppressGroup !== null && { suppressGroup },
    ...inputDevice !== null && { inputName: inputDevice },
    ...outputDevice !== null && { outputName: outputDevice },
    ...tunnelId !== null && { tunnelId: BigInt(tunnelId) },
    ...userIds !== null && { userIds },
    ...ipProtocol !== null && { ipProtocol },
    ...sourcePorts !== null && { sourcePorts },
    ...rule.destinationPorts !== null && { destinationPorts: rule.destinationPorts },
    ...rule.goto !== null && { goto: rule.goto },
  };
}

function prefix({ address, length }: IpPrefix) {
  return { address: ipBytes(address), prefixLength: length };
}

/** How much a rule says. */
function said(rule: RuleEntry): number {
  const prefixes = [rule.from, rule.to].filter((one) => one !== null && one.length > 0).length;
  const { from: _from, to: _to, invert, l3mdev, ...rest } = rule;
  const flags = [invert, l3mdev].filter(Boolean).length;
  return prefixes + flags + Object.values(rest).filter((value) => value !== null).length;
}

/** What all rules have; of those that agree in it, one with the mark is taken for the wanted one. */
function slotOfEntry(rule: RuleEntry): string {
  const { family, action, preference, table, from, to, mark, inputDevice, outputDevice } = rule;
  const place = (one: IpPrefix | null) =>
    one === null || one.length === 0 ? "any" : `${one.address}/${one.length}`;
  const devices = [inputDevice, outputDevice];
  return JSON.stringify([
    ...[AF_OF[family], action, preference, table ?? 0, place(from), place(to), mark ?? 0],
    ...devices,
  ]);
}

function slotOfRule(rule: RuleInfo): string {
  const place = (address: Uint8Array | null, length: number) =>
    address === null || length === 0 ? "any" : `${formatIp(address)}/${length}`;
  const { family, action, preference, table, mark, inputName, outputName } = rule;
  const from = place(rule.from, rule.fromLength), to = place(rule.to, rule.toLength);
  return JSON.stringify([
    ...[family, action, preference, table, from, to, mark],
    ...[inputName, outputName],
  ]);
}

function markedRules(wanted: readonly RuleEntry[]): RuleEntry[] {
  const candidates = wanted.filter(({ protocol }) => protocol === KEEPALIVED_PROTOCOL);
  if (candidates.length === 0) return [];
  using socket = new NetlinkSocket(NETLINK.ROUTE, "look for rules");
  const families = new Set(candidates.map(({ family }) => family));
  const found = new Set(
    [...families].flatMap((family) =>
      dumpRules(socket, AF_OF[family]).filter(({ protocol }) => protocol === KEEPALIVED_PROTOCOL)
        .map(slotOfRule)
    ),
  );
  return candidates.filter((rule) => found.has(slotOfEntry(rule)));
}
