/** From the words of a route to its record: what they mean together, and what cannot be. */

import {
  type Family,
  familyOf,
  formatIp,
  HOST_PREFIX,
  type Ip,
  ip,
  ipBytes,
} from "../lib/core/address.ts";
import type { IpPrefix, RouteEntry } from "../lib/core/route_entry.ts";
import type { EntryWords } from "./entry_words.ts";
import type { Word } from "./lexer.ts";
import { isSaid, type RouteDraft } from "./route_entry_draft.ts";

/** RTN_* of linux/rtnetlink.h. */
const UNICAST = 1, NAT = 10;

/** RT_TABLE_MAIN of linux/rtnetlink.h. */
const MAIN = 254;

/** What the words mean together. @throws {Unusable} After a report. */
export function finishRoute(words: EntryWords, draft: RouteDraft): RouteEntry {
  const { kind, hops, metric, mode, tos, table, track } = draft;
  const head = words.line[0];
  if (draft.destination === null) {
    return words.fail(head, `"${words.text}" has no destination`, 'Write a prefix, or "default"');
  }
  const nextHops = hops.length > 0 ? hops : isSaid(draft.hop) ? [draft.hop] : [];
  const family = familyOfRoute(words, draft, draft.destination);
  const destination = prefixOf(words, draft.destination, family);
  const from = draft.from === null ? null : prefixOf(words, draft.from, family);
  if (draft.source !== null) mustBe(words, draft.source, family);
  // A gateway of IPv6 may carry IPv4 (RTA_VIA), not the reverse.
  if (family === "ipv6") {
    for (const { gateway } of nextHops) if (gateway !== null) mustBe(words, gateway, family);
  }
  if (kind.type === NAT) {
    words.fail(head, "Linux has no nat routes", "Use nftables or iptables for that");
  }
  if (kind.type === UNICAST && nextHops.length === 0) {
    words.fail(head, `"${words.text}" leads nowhere`, 'Write "via ADDRESS", "dev IFNAME" or both');
  }
  if (from !== null && family === "ipv4") {
    words.fail(
      head,
      '"from" is for IPv6 routes only',
      'Write a rule with "from" for another table',
    );
  }
  const { expiresSeconds, preference, ttlPropagate, source, metrics, lock, congestion } = draft;
  return {
    text: words.text,
    family,
    mode,
    type: kind.type,
    destination,
    from,
    tos,
    table: table === 0 ? MAIN : table,
    protocol: words.protocol(draft),
    scope: draft.scope ?? kind.scope,
    metric,
    source,
    expiresSeconds,
    preference,
    ttlPropagate,
    metrics,
    lock,
    congestion,
    nextHops,
    track,
  };
}

/** As the route says it, else as its destination, its gateway or its source is. */
function familyOfRoute(words: EntryWords, draft: RouteDraft, destination: Word): Family {
  if (draft.family !== null) return draft.family;
  if (destination.text === "default6") {
    words.warn(destination, '"default6" is an old spelling', 'Write "inet6 default"');
    return "ipv6";
  }
  if (destination.text.includes(":")) return "ipv6";
  if (destination.text.includes(".")) return "ipv4";
  const gateway = [draft.hop, ...draft.hops].find((hop) => hop.gateway !== null)?.gateway;
  const address = gateway ?? draft.source;
  return address !== null && address !== undefined ? familyOf(address) : "ipv4";
}

/** A prefix without bits beyond its length, which the kernel would refuse for IPv4. */
function prefixOf(words: EntryWords, word: Word, family: Family): IpPrefix {
  const prefix = words.prefix(word, family);
  mustBe(words, prefix.address, family, word);
  const network = networkOf(prefix);
  if (network !== prefix.address && prefix.length < HOST_PREFIX[family]) {
    words.fail(
      word,
      `${word.text} has bits beyond its ${prefix.length}`,
      `Write ${network}/${prefix.length}`,
    );
  }
  return prefix;
}

/** The address with all bits beyond the prefix cleared. */
function networkOf({ address, length }: IpPrefix): Ip {
  const bytes = ipBytes(address).map((byte, at) => {
    const hostBits = Math.min(8, Math.max(0, (at + 1) * 8 - length));
    return byte & ~((1 << hostBits) - 1);
  });
  return length === 0 ? ip(address.includes(":") ? "::" : "0.0.0.0") : formatIp(bytes);
}

function mustBe(words: EntryWords, address: Ip, family: Family, at?: Word): void {
  if (familyOf(address) === family) return;
  words.fail(
    at ?? words.line.find(({ text }) => text.startsWith(address)) ?? words.line[0],
    `Cannot mix IPv4 and IPv6: ${address} in a route of ${family === "ipv4" ? "IPv4" : "IPv6"}`,
    "Use addresses of one family",
  );
}
