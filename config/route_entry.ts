/** The lines of `virtual_routes` and `static_routes` (keepalived-behaviour 12.1). */

import { familyOf } from "../lib/core/address.ts";
import type { RouteEntry } from "../lib/core/route_entry.ts";
import type { EntryWords } from "./entry_words.ts";
import type { Word } from "./lexer.ts";
import { readEncap } from "./route_entry_encap.ts";
import { finishRoute } from "./route_entry_finish.ts";
import { METRICS } from "./route_entry_metrics.ts";
import { isSaid, newHop, newRoute, type RouteDraft as Draft, TYPES } from "./route_entry_draft.ts";

const UINT32_MAX = 0xffff_ffff;

/** ICMPV6_ROUTER_PREF_* of linux/icmpv6.h. */
const PREFERENCES: ReadonlyMap<string, number> = new Map([["low", 3], ["medium", 0], ["high", 1]]);
const ENABLED: ReadonlyMap<string, boolean> = new Map([["enabled", true], ["disabled", false]]);

/** A line and what names it may use besides. */
export interface ReadRoute {
  readonly entry: RouteEntry;
  /** `track_group`: static routes only. */
  readonly trackGroup: Word | null;
  /** Words that name interfaces. */
  readonly devices: readonly Word[];
}

/** Reads one option, whose keyword is taken already, into the draft. */
type Option = (words: EntryWords, keyword: Word, draft: Draft) => void;

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ["inet", (_words, _keyword, draft) => void (draft.family = "ipv4")],
  ["inet6", (_words, _keyword, draft) => void (draft.family = "ipv6")],
  ["add", (_words, _keyword, draft) => void (draft.mode = "add")],
  ["append", (_words, _keyword, draft) => void (draft.mode = "append")],
  ["prepend", (_words, _keyword, draft) => void (draft.mode = "prepend")],
  ["to", readTo],
  ["via", readVia],
  ["gw", readVia],
  ["dev", readDevice],
  ["oif", readDevice],
  ["src", (words, keyword, draft) => void (draft.source = words.address(keyword))],
  ["as", readAs],
  ["from", (words, keyword, draft) => void (draft.from = words.value(keyword, "a prefix"))],
  ["tos", (words, keyword, draft) => void (draft.tos = words.named(keyword, "dsfield"))],
  ["dsfield", (words, keyword, draft) => void (draft.tos = words.named(keyword, "dsfield"))],
  ["table", (words, keyword, draft) => void (draft.table = words.named(keyword, "table"))],
  ["vrf", refuseVrf],
  ["protocol", readProtocol],
  ["scope", (words, keyword, draft) => void (draft.scope = words.named(keyword, "scope"))],
  ["metric", readMetric],
  ["priority", readMetric],
  ["preference", readMetric],
  ["onlink", (_words, _keyword, draft) => void (draft.hop.onLink = true)],
  ["encap", (words, keyword, draft) => void (draft.hop.encap = readEncap(words, keyword))],
  ["expires", (words, keyword, draft) => {
    draft.expiresSeconds = words.number(keyword, 0, UINT32_MAX);
  }],
  ["pref", (words, keyword, draft) => void (draft.preference = words.choice(keyword, PREFERENCES))],
  ["ttl-propagate", (words, keyword, draft) => {
    draft.ttlPropagate = words.choice(keyword, ENABLED);
  }],
  ["realms", (words, keyword, draft) => void (draft.hop.realms = words.realms(keyword))],
  ["weight", (words, keyword, draft) => void (draft.hop.weight = words.number(keyword, 1, 256))],
  ["nexthop", (_words, keyword, draft) => addHop(keyword, draft)],
  ["or", readOr],
  ["no_track", (_words, _keyword, draft) => void (draft.track = false)],
  ["track_group", (words, keyword, draft) => {
    draft.trackGroup = words.value(keyword, "the name of a track_group");
  }],
  ...[...TYPES].map(([name, kind]): [string, Option] => [
    name,
    (_words, _keyword, draft) => void (draft.kind = kind),
  ]),
  ...[...METRICS].map(([name, read]): [string, Option] => [name, read]),
]);

/** The words that a route may hold. */
export const ROUTE_OPTIONS: readonly string[] = [...OPTIONS.keys()];

/** Reads a route. @throws {Unusable} After a report, if there cannot be such a route. */
export function readRoute(words: EntryWords): ReadRoute {
  const draft = newRoute();
  for (let word = words.take(); word !== undefined; word = words.take()) {
    const read = OPTIONS.get(word.text);
    if (read !== undefined) read(words, word, draft);
    else if (draft.destination === null) draft.destination = word;
    else {
      words.fail(word, `Unknown word "${word.text}" in "${words.text}"`, "Delete or correct it");
    }
  }
  return { entry: finishRoute(words, draft), trackGroup: draft.trackGroup, devices: draft.devices };
}

function readTo(words: EntryWords, keyword: Word, draft: Draft): void {
  const word = words.value(keyword, "a destination"), kind = TYPES.get(word.text);
  if (kind !== undefined) draft.kind = kind;
  draft.destination = kind === undefined ? word : words.value(word, "a destination");
}

function readVia(words: EntryWords, keyword: Word, { hop }: Draft): void {
  if (keyword.text === "gw") {
    words.warn(keyword, '"gw" is an old spelling of "via"', 'Write "via"');
  }
  const family = words.skip("inet6") ? "ipv6" : words.skip("inet") ? "ipv4" : null;
  const word = words.peek();
  hop.gateway = words.address(keyword);
  if (family !== null && familyOf(hop.gateway) !== family) {
    words.refuse(word!, family === "ipv6" ? "an IPv6 address" : "an IPv4 address");
  }
}

function readDevice(words: EntryWords, keyword: Word, draft: Draft): void {
  const word = words.peek();
  draft.hop.device = words.device(keyword);
  draft.devices.push(word!);
}

/** Labels are rewritten in routes of MPLS, which keepalived does not have either. */
function readAs(words: EntryWords, keyword: Word): void {
  words.skip("to");
  words.address(keyword);
  words.error(keyword, '"as" is ignored: it is for MPLS routes only', "Delete it and its address");
}

function refuseVrf(words: EntryWords, keyword: Word): void {
  words.fail(
    keyword,
    '"vrf" is known, not active yet',
    'Write the number of the table of the VRF behind "table"',
  );
}

function readProtocol(words: EntryWords, keyword: Word, draft: Draft): void {
  const word = words.peek() ?? keyword;
  draft.protocol = { word, value: words.named(keyword, "protocol") };
}

function readMetric(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.metric = words.number(keyword, 0, UINT32_MAX);
}

function addHop(_keyword: Word, draft: Draft): void {
  if (draft.hops.length === 0 && isSaid(draft.hop)) draft.hops.push(draft.hop);
  draft.hop = newHop();
  draft.hops.push(draft.hop);
}

function readOr(words: EntryWords, keyword: Word, draft: Draft): void {
  words.warn(keyword, '"or" is an old spelling of "nexthop via"', 'Write "nexthop via"');
  addHop(keyword, draft);
  const next = words.peek();
  if (next !== undefined && !OPTIONS.has(next.text)) draft.hop.gateway = words.address(keyword);
}
