/** The lines of `virtual_rules` and `static_rules` (keepalived-behaviour 12.2). */

import { type Family, familyOf } from "../lib/core/address.ts";
import type { IpPrefix, RuleEntry } from "../lib/core/route_entry.ts";
import type { EntryWords } from "./entry_words.ts";
import type { Word } from "./lexer.ts";

/** FR_ACT_* of linux/fib_rules.h. */
const ACTION = { table: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

/** The actions that are words of their own. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ["nop", ACTION.nop],
  ["blackhole", ACTION.blackhole],
  ["unreachable", ACTION.unreachable],
  ["prohibit", ACTION.prohibit],
]);

const UINT32_MAX = 0xffff_ffff;

/** IPPROTO_* of netinet/in.h, for those that have no number in a file. */
const IP_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["icmp", 1],
  ["igmp", 2],
  ["tcp", 6],
  ["udp", 17],
  ["dccp", 33],
  ["gre", 47],
  ["esp", 50],
  ["ah", 51],
  ["ipv6-icmp", 58],
  ["icmpv6", 58],
  ["ospf", 89],
  ["ipip", 4],
  ["vrrp", 112],
  ["sctp", 132],
  ["udplite", 136],
]);

/** A rule that may lack a preference: the builder counts those. */
export interface ReadRule {
  readonly entry: Omit<RuleEntry, "preference">;
  readonly preference: number | null;
  /** `track_group`: static rules only. */
  readonly trackGroup: Word | null;
  /** Words that name interfaces. */
  readonly devices: readonly Word[];
}

type Draft =
  & {
    -readonly [K in keyof Omit<RuleEntry, "family" | "preference" | "protocol" | "from" | "to">]:
      RuleEntry[K];
  }
  & {
    family: Family | null;
    preference: number | null;
    protocol: { readonly word: Word; readonly value: number } | null;
    from: Word | null;
    to: Word | null;
    trackGroup: Word | null;
    devices: Word[];
  };

/** Reads one option, whose keyword is taken already, into the draft. */
type Option = (words: EntryWords, keyword: Word, draft: Draft) => void;

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ["inet", (_words, _keyword, draft) => void (draft.family = "ipv4")],
  ["inet6", (_words, _keyword, draft) => void (draft.family = "ipv6")],
  ["not", (_words, _keyword, draft) => void (draft.invert = true)],
  ["from", (words, keyword, draft) => void (draft.from = words.value(keyword, "a prefix"))],
  ["to", (words, keyword, draft) => void (draft.to = words.value(keyword, "a prefix"))],
  ["table", readTable],
  ["lookup", readTable],
  ["preference", readPreference],
  ["order", readPreference],
  ["priority", readPreference],
  ["tos", (words, keyword, draft) => void (draft.tos = words.named(keyword, "dsfield"))],
  ["dsfield", (words, keyword, draft) => void (draft.tos = words.named(keyword, "dsfield"))],
  ["fwmark", readMark],
  ["realms", (words, keyword, draft) => void (draft.realms = words.realms(keyword))],
  ["suppress_prefixlength", readSuppressLength],
  ["sup_pl", readSuppressLength],
  ["suppress_ifgroup", readSuppressGroup],
  ["sup_group", readSuppressGroup],
  ["iif", readInput],
  ["dev", readInput],
  ["oif", (words, keyword, draft) => {
    draft.devices.push(words.peek() ?? keyword);
    draft.outputDevice = words.device(keyword);
  }],
  ["tunnel-id", (words, keyword, draft) => void (draft.tunnelId = words.number64(keyword))],
  ["uidrange", (words, keyword, draft) => void (draft.userIds = words.range(keyword, UINT32_MAX))],
  ["l3mdev", (_words, _keyword, draft) => {
    draft.l3mdev = true;
    draft.action = ACTION.table;
  }],
  ["protocol", (words, keyword, draft) => {
    const word = words.peek() ?? keyword;
    draft.protocol = { word, value: words.named(keyword, "protocol") };
  }],
  ["ipproto", readIpProtocol],
  ["ip_proto", (words, keyword) => {
    const message = '"ip_proto" is what keepalived\'s manual says; the keyword is "ipproto"';
    words.fail(keyword, message, 'Write "ipproto"');
  }],
  ["sport", (words, keyword, draft) => void (draft.sourcePorts = words.range(keyword, 0xffff))],
  ["dport", (words, keyword, draft) => {
    draft.destinationPorts = words.range(keyword, 0xffff);
  }],
  ["goto", readGoto],
  ["type", (words, keyword, draft) => {
    const allowed = new Map([...TYPES, ["goto", ACTION.goto] as const]);
    const action = words.choice(keyword, allowed);
    if (action === ACTION.goto) readGoto(words, keyword, draft);
    else draft.action = action;
  }],
  ["no_track", (_words, _keyword, draft) => void (draft.track = false)],
  ["track_group", (words, keyword, draft) => {
    draft.trackGroup = words.value(keyword, "the name of a track_group");
  }],
  ...[...TYPES].map(([name, action]): [string, Option] => [
    name,
    (_words, _keyword, draft) => void (draft.action = action),
  ]),
]);

/** The words that a rule may hold. */
export const RULE_OPTIONS: readonly string[] = [...OPTIONS.keys()];

/** Reads a rule. @throws {Unusable} After a report, if there cannot be such a rule. */
export function readRule(words: EntryWords): ReadRule {
  const draft = newDraft(words.text);
  for (let word = words.take(); word !== undefined; word = words.take()) {
    const read = OPTIONS.get(word.text);
    if (read === undefined) {
      words.fail(word, `Unknown word "${word.text}" in "${words.text}"`, "Delete or correct it");
    } else read(words, word, draft);
  }
  return finish(words, draft);
}

function newDraft(text: string): Draft {
  return {
    text,
    family: null,
    // 0 is FR_ACT_UNSPEC: nothing has been said yet.
    action: 0,
    preference: null,
    invert: false,
    from: null,
    to: null,
    table: null,
    tos: null,
    mark: null,
    markMask: null,
    realms: null,
    suppressPrefixLength: null,
    suppressGroup: null,
    inputDevice: null,
    outputDevice: null,
    tunnelId: null,
    userIds: null,
    l3mdev: false,
    protocol: null,
    ipProtocol: null,
    sourcePorts: null,
    destinationPorts: null,
    goto: null,
    track: true,
    trackGroup: null,
    devices: [],
  };
}

function readTable(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.table = words.named(keyword, "table");
  draft.action = ACTION.table;
}

function readPreference(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.preference = words.number(keyword, 0, UINT32_MAX);
}

/** `N[/MASK]`. */
function readMark(words: EntryWords, keyword: Word, draft: Draft): void {
  const what = "a mark of 32 bits, with or without /MASK", word = words.value(keyword, what);
  const [, mark, mask] = /^(\d{1,10}|0x[0-9a-f]{1,8})(?:\/(\d{1,10}|0x[0-9a-f]{1,8}))?$/i
    .exec(word.text) ?? words.refuse(word, what);
  draft.mark = Number(mark);
  draft.markMask = mask === undefined ? null : Number(mask);
  if (draft.mark > UINT32_MAX || (draft.markMask ?? 0) > UINT32_MAX) words.refuse(word, what);
}

function readSuppressLength(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.suppressPrefixLength = words.number(keyword, 0, 128);
}

function readSuppressGroup(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.suppressGroup = words.named(keyword, "group");
}

function readInput(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.devices.push(words.peek() ?? keyword);
  draft.inputDevice = words.device(keyword);
}

function readIpProtocol(words: EntryWords, keyword: Word, draft: Draft): void {
  const what = `a number from 0 to 255, or ${[...IP_PROTOCOLS.keys()].join(", ")}`;
  const word = words.value(keyword, what);
  const number = /^\d{1,3}$/.test(word.text) ? Number(word.text) : IP_PROTOCOLS.get(word.text);
  draft.ipProtocol = number === undefined || number > 255 ? words.refuse(word, what) : number;
}

function readGoto(words: EntryWords, keyword: Word, draft: Draft): void {
  draft.goto = words.number(keyword, 0, UINT32_MAX);
  draft.action = ACTION.goto;
}

/** What the words mean together. */
function finish(words: EntryWords, draft: Draft): ReadRule {
  const { family: _, protocol: _protocol, preference, from, to, trackGroup, devices, ...rest } =
    draft;
  const head = words.line[0];
  if (draft.action === 0) {
    words.fail(head, `"${words.text}" says nothing to do`, 'Write "table NAME" or an action');
  }
  if (draft.goto !== null && preference !== null && draft.goto <= preference) {
    words.fail(
      head,
      `A rule of preference ${preference} cannot go back to ${draft.goto}`,
      "Name a rule with a higher preference",
    );
  }
  const family = familyOfRule(draft);
  const entry = {
    ...rest,
    family,
    from: from === null ? null : prefixOf(words, from, family),
    to: to === null ? null : prefixOf(words, to, family),
    protocol: words.protocol(draft),
  };
  return { entry, preference, trackGroup, devices };
}

/** As the rule says it, else as its addresses are, else IPv4. */
function familyOfRule({ family, from, to }: Draft): Family {
  if (family !== null) return family;
  return [from, to].some((word) => word?.text.includes(":")) ? "ipv6" : "ipv4";
}

function prefixOf(words: EntryWords, word: Word, family: Family): IpPrefix {
  const prefix = words.prefix(word, family);
  if (familyOf(prefix.address) === family) return prefix;
  return words.fail(
    word,
    `Cannot mix IPv4 and IPv6: ${word.text} in a rule of ${family === "ipv4" ? "IPv4" : "IPv6"}`,
    "Use addresses of one family",
  );
}
