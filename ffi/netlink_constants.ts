/**
 * Numbers of netlink and rtnetlink, grouped by prefix: `RTM.NEWADDR` is RTM_NEWADDR.
 * tests/ffi_layout_test.ts compares each with what a C compiler says.
 */

/** NETLINK_* protocols (linux/netlink.h). */
export const NETLINK = {
  ROUTE: 0,
  SOCK_DIAG: 4,
  CONNECTOR: 11,
  NETFILTER: 12,
  GENERIC: 16,
} as const;

/** NETLINK_* options of SOL_NETLINK (linux/netlink.h). */
export const NETLINK_OPTION = {
  ADD_MEMBERSHIP: 1,
  DROP_MEMBERSHIP: 2,
  CAP_ACK: 10,
  EXT_ACK: 11,
  GET_STRICT_CHK: 12,
} as const;

/** NLMSG_*: message types that every protocol shares (linux/netlink.h). */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4, MIN_TYPE: 16 } as const;

/** NLM_F_*: flags of a message (linux/netlink.h). */
export const NLM_F = {
  REQUEST: 0x01,
  MULTI: 0x02,
  ACK: 0x04,
  ECHO: 0x08,
  DUMP_INTR: 0x10,
  ROOT: 0x100,
  MATCH: 0x200,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

/** NLMSGERR_ATTR_*: attributes of an extended acknowledgement (linux/netlink.h). */
export const NLMSGERR_ATTR = { MSG: 1, OFFS: 2 } as const;

/** NLA_*: bits of an attribute's type (linux/netlink.h). */
export const NLA = { F_NESTED: 0x8000, F_NET_BYTEORDER: 0x4000, TYPE_MASK: 0x3fff } as const;

/** RTM_*: rtnetlink message types (linux/rtnetlink.h). */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;

/** RTNLGRP_*: groups of NETLINK_ROUTE to subscribe to (linux/rtnetlink.h). */
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV4_RULE: 8,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV6_RULE: 19,
} as const;

/** RTMGRP_*: the same groups as a mask for nl_groups (linux/rtnetlink.h). */
export const RTMGRP = {
  LINK: 1,
  NEIGH: 4,
  IPV4_IFADDR: 0x10,
  IPV4_ROUTE: 0x40,
  IPV4_RULE: 0x80,
  IPV6_IFADDR: 0x100,
  IPV6_ROUTE: 0x400,
} as const;

/** IFLA_*: attributes of a link (linux/if_link.h). */
export const IFLA = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  LINK_NETNSID: 37,
  INFO_KIND: 1,
  INFO_DATA: 2,
  MACVLAN_MODE: 1,
  IPVLAN_MODE: 1,
  IPVLAN_FLAGS: 2,
  VLAN_ID: 1,
  VRF_TABLE: 1,
  INET6_ADDR_GEN_MODE: 8,
} as const;

/** VETH_INFO_*: attribute that describes the other end of a veth pair (linux/veth.h). */
export const VETH_INFO = { PEER: 1 } as const;

/** MACVLAN_MODE_*: who may talk to whom on a macvlan (linux/if_link.h). */
export const MACVLAN_MODE = { PRIVATE: 1, VEPA: 2, BRIDGE: 4, PASSTHRU: 8, SOURCE: 16 } as const;

/** IPVLAN_MODE_* (linux/if_link.h). */
export const IPVLAN_MODE = { L2: 0, L3: 1, L3S: 2 } as const;

/** IPVLAN_F_*: who may talk to whom on an ipvlan; neither is a bridge (linux/if_link.h). */
export const IPVLAN_F = { PRIVATE: 1, VEPA: 2 } as const;

/** IN6_ADDR_GEN_MODE_*: how a link makes its link-local address (linux/if_link.h). */
export const IN6_ADDR_GEN_MODE = { EUI64: 0, NONE: 1, STABLE_PRIVACY: 2, RANDOM: 3 } as const;

/** IF_OPER_*: operational states of RFC 2863 (linux/if.h). */
export const IF_OPER = {
  UNKNOWN: 0,
  NOTPRESENT: 1,
  DOWN: 2,
  LOWERLAYERDOWN: 3,
  TESTING: 4,
  DORMANT: 5,
  UP: 6,
} as const;

/** IFA_*: attributes of an address (linux/if_addr.h). */
export const IFA = {
  ADDRESS: 1,
  LOCAL: 2,
  LABEL: 3,
  BROADCAST: 4,
  CACHEINFO: 6,
  FLAGS: 8,
  RT_PRIORITY: 9,
  PROTO: 11,
} as const;

/** IFA_F_*: flags of an address (linux/if_addr.h). */
export const IFA_F = {
  SECONDARY: 0x01,
  NODAD: 0x02,
  OPTIMISTIC: 0x04,
  DADFAILED: 0x08,
  HOMEADDRESS: 0x10,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80,
  MANAGETEMPADDR: 0x100,
  NOPREFIXROUTE: 0x200,
  MCAUTOJOIN: 0x400,
} as const;

/** RT_SCOPE_*: how far a destination is (linux/rtnetlink.h). */
export const RT_SCOPE = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** RT_TABLE_*: routing tables (linux/rtnetlink.h). */
export const RT_TABLE = { UNSPEC: 0, DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;

/** RTN_*: kinds of route (linux/rtnetlink.h). */
export const RTN = {
  UNICAST: 1,
  LOCAL: 2,
  BROADCAST: 3,
  MULTICAST: 5,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
  THROW: 9,
  NAT: 10,
} as const;

/** RTPROT_*: who made a route (linux/rtnetlink.h); KEEPALIVED is since Linux 4.20. */
export const RTPROT = { KERNEL: 2, BOOT: 3, STATIC: 4, RA: 9, KEEPALIVED: 18 } as const;

/** RTA_*: attributes of a route (linux/rtnetlink.h). */
export const RTA = {
  DST: 1,
  SRC: 2,
  IIF: 3,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  FLOW: 11,
  TABLE: 15,
  MARK: 16,
  VIA: 18,
  PREF: 20,
  ENCAP_TYPE: 21,
  ENCAP: 22,
  EXPIRES: 23,
  TTL_PROPAGATE: 26,
} as const;
