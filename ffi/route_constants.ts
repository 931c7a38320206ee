/**
 * Numbers of routes and rules beyond those of netlink_constants.ts, grouped by prefix.
 * tests/ffi_layout_test.ts compares each with what a C compiler says.
 */

/** RTAX_*: metrics of a route, inside RTA_METRICS (linux/rtnetlink.h). */
export const RTAX = {
  LOCK: 1,
  MTU: 2,
  WINDOW: 3,
  RTT: 4,
  RTTVAR: 5,
  SSTHRESH: 6,
  CWND: 7,
  ADVMSS: 8,
  REORDERING: 9,
  HOPLIMIT: 10,
  INITCWND: 11,
  FEATURES: 12,
  RTO_MIN: 13,
  INITRWND: 14,
  QUICKACK: 15,
  CC_ALGO: 16,
  FASTOPEN_NO_COOKIE: 17,
} as const;

/** RTAX_FEATURE_*: bits of the metric FEATURES (linux/rtnetlink.h). */
export const RTAX_FEATURE = { ECN: 1 } as const;

/** RTNH_F_*: flags of a next hop (linux/rtnetlink.h). */
export const RTNH_F = { ONLINK: 4 } as const;

/** LWTUNNEL_ENCAP_*: kinds of lightweight tunnel (linux/lwtunnel.h). */
export const LWTUNNEL_ENCAP = { MPLS: 1, IP: 2, ILA: 3, IP6: 4 } as const;

/** LWTUNNEL_IP_*: attributes of a lightweight tunnel over IPv4 (linux/lwtunnel.h). */
export const LWTUNNEL_IP = { ID: 1, DST: 2, SRC: 3, TTL: 4, TOS: 5, FLAGS: 6 } as const;

/** LWTUNNEL_IP6_*: the same over IPv6 (linux/lwtunnel.h). */
export const LWTUNNEL_IP6 = { ID: 1, DST: 2, SRC: 3, HOPLIMIT: 4, TC: 5, FLAGS: 6 } as const;

/** MPLS_IPTUNNEL_*: attributes of labels that are pushed (linux/mpls_iptunnel.h). */
export const MPLS_IPTUNNEL = { DST: 1, TTL: 2 } as const;

/** FRA_*: attributes of a rule (linux/fib_rules.h). */
export const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  GOTO: 4,
  PRIORITY: 6,
  FWMARK: 10,
  FLOW: 11,
  TUN_ID: 12,
  SUPPRESS_IFGROUP: 13,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  L3MDEV: 19,
  UID_RANGE: 20,
  PROTOCOL: 21,
  IP_PROTO: 22,
  SPORT_RANGE: 23,
  DPORT_RANGE: 24,
} as const;

/** FR_ACT_*: what a rule does (linux/fib_rules.h). */
export const FR_ACT = {
  TO_TBL: 1,
  GOTO: 2,
  NOP: 3,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
} as const;

/** FIB_RULE_*: flags of a rule (linux/fib_rules.h). */
export const FIB_RULE = { INVERT: 2 } as const;
