/** The metrics of a route: what TCP and the neighbours are told about it. */

import type { EntryWords } from "./entry_words.ts";
import type { Word } from "./lexer.ts";

/** The part of a route under construction that metrics are read into. */
export interface MetricsDraft {
  metrics: { readonly kind: number; readonly value: number }[];
  lock: number;
  congestion: string | null;
}

type Metric = (words: EntryWords, keyword: Word, draft: MetricsDraft) => void;

/** RTAX_* of linux/rtnetlink.h. */
const RTAX = {
  mtu: 2,
  window: 3,
  rtt: 4,
  rttvar: 5,
  ssthresh: 6,
  cwnd: 7,
  advmss: 8,
  reordering: 9,
  hoplimit: 10,
  initcwnd: 11,
  features: 12,
  rto_min: 13,
  initrwnd: 14,
  quickack: 15,
  congctl: 16,
  fastopen_no_cookie: 17,
} as const;

const UINT32_MAX = 0xffff_ffff;

/** Less than that keepalived 2.2.7 does not take: TCP_RTO_MIN of the kernel's net/tcp.h. */
const TIME_MIN_MS = 200;

/** How many of the kernel's units a millisecond has (iproute2's ip-route(8)). */
const UNITS_PER_MS = { rtt: 8, rttvar: 4, rto_min: 1 } as const;

/** RTAX_FEATURE_ECN of linux/rtnetlink.h. */
const FEATURE_ECN = 1;

/** Readers of metrics by keyword. */
export const METRICS: ReadonlyMap<string, Metric> = new Map<string, Metric>([
  ...["mtu", "advmss", "reordering", "window", "cwnd", "ssthresh", "initcwnd", "initrwnd"]
    .map((name): [string, Metric] => [name, lockable(RTAX[name as keyof typeof RTAX])]),
  ["hoplimit", plain(RTAX.hoplimit, 255)],
  ["quickack", plain(RTAX.quickack, 1)],
  ["fastopen_no_cookie", plain(RTAX.fastopen_no_cookie, 1)],
  ["rtt", time("rtt")],
  ["rttvar", time("rttvar")],
  ["rto_min", time("rto_min")],
  ["features", (words, keyword, draft) => {
    const value = words.choice(keyword, new Map([["ecn", FEATURE_ECN]]));
    put(draft, RTAX.features, value);
  }],
  ["congctl", (words, keyword, draft) => {
    if (words.skip("lock")) draft.lock = (draft.lock | 1 << RTAX.congctl) >>> 0;
    const word = words.value(keyword, "the name of a congestion control");
    // TCP_CA_NAME_MAX of net/tcp.h, with the final zero byte.
    if (!/^[\w.-]{1,15}$/.test(word.text)) words.refuse(word, "a name of at most 15 characters");
    draft.congestion = word.text;
  }],
]);

function put(draft: MetricsDraft, kind: number, value: number): void {
  draft.metrics = [...draft.metrics.filter((metric) => metric.kind !== kind), { kind, value }];
}

function plain(kind: number, high: number): Metric {
  return (words, keyword, draft) => put(draft, kind, words.number(keyword, 0, high));
}

/** `[lock] N`. */
function lockable(kind: number): Metric {
  return (words, keyword, draft) => {
    if (words.skip("lock")) draft.lock = (draft.lock | 1 << kind) >>> 0;
    put(draft, kind, words.number(keyword, 0, UINT32_MAX));
  };
}

/** `[lock] TIME`: with "s" or "ms", else in the kernel's own units. */
function time(name: keyof typeof UNITS_PER_MS): Metric {
  return (words, keyword, draft) => {
    if (words.skip("lock")) draft.lock = (draft.lock | 1 << RTAX[name]) >>> 0;
    const word = words.value(keyword, "a time"), perMs = UNITS_PER_MS[name];
    const found = /^(\d{1,9}(?:\.\d{1,6})?)(s|sec|secs|ms|msec|msecs)$/.exec(word.text);
    const raw = /^\d{1,10}$/.test(word.text) ? Number(word.text) : null;
    if (found === null && raw === null) {
      words.refuse(word, `a time such as "300ms" or "1.5s", or a whole number`);
    }
    const ms = Number(found?.[1]) * (found?.[2]?.startsWith("s") ? 1000 : 1);
    const value = raw ?? Math.round(ms * perMs);
    if (value > UINT32_MAX) words.refuse(word, "a shorter time");
    if (value >= TIME_MIN_MS * perMs) return put(draft, RTAX[name], value);
    words.error(
      word,
      `${name} ${word.text} is less than ${TIME_MIN_MS} ms, which is used`,
      `Write ${TIME_MIN_MS}ms or more`,
    );
    put(draft, RTAX[name], TIME_MIN_MS * perMs);
  };
}
