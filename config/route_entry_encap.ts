/** `encap`: what the packets of a route are wrapped into. */

import type { Encapsulation } from "../lib/core/route_entry.ts";
import type { EntryWords } from "./entry_words.ts";
import type { Word } from "./lexer.ts";

/** A label has 20 bits (RFC 3032 2.1). */
const LABEL_MAX = 0xf_ffff;

type Tunnel = Extract<Encapsulation, { kind: "ip" | "ip6" }>;
type TunnelDraft = { -readonly [K in keyof Tunnel]: Tunnel[K] };
type Option = (words: EntryWords, keyword: Word, draft: TunnelDraft) => void;

const ttl: Option = (words, keyword, draft) => void (draft.ttl = words.number(keyword, 0, 255));
const tos: Option = (words, keyword, draft) => void (draft.tos = words.named(keyword, "dsfield"));

const COMMON: readonly [string, Option][] = [
  ["id", (words, keyword, draft) => void (draft.id = words.number64(keyword))],
  ["dst", (words, keyword, draft) => void (draft.destination = address(words, keyword, draft))],
  ["src", (words, keyword, draft) => void (draft.source = address(words, keyword, draft))],
  ["flags", (words, keyword, draft) => void (draft.flags = words.number(keyword, 0, 0xffff))],
];

/** The words of each kind; the first other word ends it. */
const OPTIONS: Readonly<Record<Tunnel["kind"], ReadonlyMap<string, Option>>> = {
  ip: new Map([...COMMON, ["tos", tos], ["ttl", ttl]]),
  ip6: new Map([...COMMON, ["tc", tos], ["hoplimit", ttl]]),
};

/** Reads what follows `encap`. */
export function readEncap(words: EntryWords, keyword: Word): Encapsulation {
  const kind = words.value(keyword, "mpls, ip or ip6");
  switch (kind.text) {
    case "mpls":
      return readMpls(words, kind);
    case "ip":
    case "ip6":
      return readTunnel(words, kind.text);
    case "ila":
      return words.fail(kind, '"encap ila" is known, not active yet', "Delete the line");
    default:
      return words.refuse(kind, "mpls, ip or ip6");
  }
}

/** `LABEL[/LABEL ...] [ttl N]`. */
function readMpls(words: EntryWords, kind: Word): Encapsulation {
  const what = `labels from 0 to ${LABEL_MAX}, separated by "/"`;
  const word = words.value(kind, what);
  const labels = word.text.split("/").map((text) => /^\d{1,7}$/.test(text) ? Number(text) : -1);
  if (labels.some((label) => label < 0 || label > LABEL_MAX)) words.refuse(word, what);
  const next = words.peek();
  const limit = next !== undefined && words.skip("ttl") ? words.number(next, 0, 255) : null;
  return { kind: "mpls", labels, ttl: limit };
}

function readTunnel(words: EntryWords, kind: Tunnel["kind"]): Encapsulation {
  const draft: TunnelDraft = {
    kind,
    id: null,
    destination: null,
    source: null,
    ttl: null,
    tos: null,
    flags: null,
  };
  for (let next = words.peek(); next !== undefined; next = words.peek()) {
    const read = OPTIONS[kind].get(next.text);
    if (read === undefined) break;
    words.take();
    read(words, next, draft);
  }
  return draft;
}

function address(words: EntryWords, keyword: Word, { kind }: TunnelDraft) {
  const word = words.peek(), found = words.address(keyword);
  const isIpv6 = found.includes(":");
  if (isIpv6 === (kind === "ip6")) return found;
  return words.refuse(word!, isIpv6 ? "an IPv4 address" : "an IPv6 address");
}
