/**
 * Numbers of the C headers, grouped by prefix: `AF.INET` is AF_INET. The same on x86-64 and
 * aarch64. tests/ffi_layout_test.ts compares each with what a C compiler says.
 */

/** AF_*: address families (sys/socket.h). */
export const AF = { UNSPEC: 0, UNIX: 1, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17 } as const;

/** SOCK_*: socket types and the flags that go with them (sys/socket.h). */
export const SOCK = {
  STREAM: 1,
  DGRAM: 2,
  RAW: 3,
  SEQPACKET: 5,
  NONBLOCK: 0x800,
  CLOEXEC: 0x80000,
} as const;

/** IPPROTO_*: protocols above IP, and levels of options (netinet/in.h); VRRP has no name there. */
export const IPPROTO = {
  IP: 0,
  ICMP: 1,
  IGMP: 2,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  AH: 51,
  ICMPV6: 58,
  RAW: 255,
} as const;

/** Protocol number of VRRP (IANA; RFC 9568 5.1.1.4). */
export const PROTOCOL_VRRP = 112;

/** SOL_*: levels of socket options (sys/socket.h; asm-generic/socket.h). */
export const SOL = { SOCKET: 1, RAW: 255, PACKET: 263, NETLINK: 270 } as const;

/** SO_* options of SOL_SOCKET (asm-generic/socket.h). */
export const SO = {
  REUSEADDR: 2,
  TYPE: 3,
  ERROR: 4,
  BROADCAST: 6,
  SNDBUF: 7,
  RCVBUF: 8,
  PRIORITY: 12,
  PEERCRED: 17,
  BINDTODEVICE: 25,
  ATTACH_FILTER: 26,
  DETACH_FILTER: 27,
  SNDBUFFORCE: 32,
  RCVBUFFORCE: 33,
  TIMESTAMPNS: 35,
  MARK: 36,
  DOMAIN: 39,
  RXQ_OVFL: 40,
  LOCK_FILTER: 44,
} as const;

/** IP_* options of IPPROTO_IP (linux/in.h). */
export const IP = {
  TOS: 1,
  TTL: 2,
  HDRINCL: 3,
  PKTINFO: 8,
  MTU_DISCOVER: 10,
  RECVERR: 11,
  RECVTTL: 12,
  RECVTOS: 13,
  FREEBIND: 15,
  MINTTL: 21,
  MULTICAST_IF: 32,
  MULTICAST_TTL: 33,
  MULTICAST_LOOP: 34,
  ADD_MEMBERSHIP: 35,
  DROP_MEMBERSHIP: 36,
  MULTICAST_ALL: 49,
} as const;

/** IPV6_* options of IPPROTO_IPV6 (netinet/in.h; linux/in6.h). */
export const IPV6 = {
  CHECKSUM: 7,
  UNICAST_HOPS: 16,
  MULTICAST_IF: 17,
  MULTICAST_HOPS: 18,
  MULTICAST_LOOP: 19,
  JOIN_GROUP: 20,
  LEAVE_GROUP: 21,
  RECVERR: 25,
  V6ONLY: 26,
  MULTICAST_ALL: 29,
  HDRINCL: 36,
  RECVPKTINFO: 49,
  PKTINFO: 50,
  RECVHOPLIMIT: 51,
  HOPLIMIT: 52,
  RECVTCLASS: 66,
  TCLASS: 67,
  FREEBIND: 78,
} as const;

/** ICMP_FILTER, option of SOL_RAW: 32 bits, a set bit drops that type (linux/icmp.h). */
export const ICMP_FILTER = 1;

/** ICMPV6_FILTER, option of IPPROTO_ICMPV6: 256 bits, a set bit drops that type (linux/icmpv6.h). */
export const ICMPV6_FILTER = 1;

/** PACKET_* options of SOL_PACKET, and values of mr_type and sll_pkttype (linux/if_packet.h). */
export const PACKET = {
  ADD_MEMBERSHIP: 1,
  DROP_MEMBERSHIP: 2,
  AUXDATA: 8,
  IGNORE_OUTGOING: 23,
  MR_MULTICAST: 0,
  MR_PROMISC: 1,
  MR_ALLMULTI: 2,
  HOST: 0,
  BROADCAST: 1,
  MULTICAST: 2,
  OTHERHOST: 3,
  OUTGOING: 4,
} as const;

/** ETH_P_*: EtherTypes and the kernel's own protocol numbers (linux/if_ether.h). */
export const ETH_P = {
  ALL: 0x0003,
  IP: 0x0800,
  ARP: 0x0806,
  "8021Q": 0x8100,
  IPV6: 0x86dd,
} as const;

/** ARPHRD_*: kinds of link-layer address (linux/if_arp.h). */
export const ARPHRD = {
  ETHER: 1,
  INFINIBAND: 32,
  TUNNEL: 768,
  LOOPBACK: 772,
  NONE: 0xfffe,
} as const;

/** MSG_*: flags of send and receive (sys/socket.h). */
export const MSG = {
  PEEK: 0x02,
  DONTROUTE: 0x04,
  CTRUNC: 0x08,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  ERRQUEUE: 0x2000,
  NOSIGNAL: 0x4000,
} as const;

/** IFF_*: interface flags (linux/if.h). */
export const IFF = {
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  POINTOPOINT: 0x10,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MULTICAST: 0x1000,
  LOWER_UP: 0x10000,
  DORMANT: 0x20000,
} as const;

/** O_*: flags of open whose numbers all architectures share (asm-generic/fcntl.h). */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** F_* commands of fcntl, and FD_CLOEXEC (fcntl.h). */
export const FCNTL = {
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  DUPFD_CLOEXEC: 1030,
  FD_CLOEXEC: 1,
} as const;

/** POLL*: events of poll; ERR, HUP and NVAL are reported unasked (asm-generic/poll.h). */
export const POLL = {
  IN: 1,
  PRI: 2,
  OUT: 4,
  ERR: 8,
  HUP: 0x10,
  NVAL: 0x20,
  RDHUP: 0x2000,
} as const;

/** TFD_*: flags of timerfd (sys/timerfd.h). */
export const TFD = { TIMER_ABSTIME: 1, NONBLOCK: 0x800, CLOEXEC: 0x80000 } as const;

/** CLOCK_*: clocks (linux/time.h). */
export const CLOCK = { MONOTONIC: 1 } as const;

/** EFD_*: flags of eventfd (sys/eventfd.h). */
export const EFD = { NONBLOCK: 0x800, CLOEXEC: 0x80000 } as const;

/** Memory protection (asm-generic/mman-common.h). */
export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;

/** Kinds of mapping (linux/mman.h, asm-generic/mman-common.h). */
export const MAP = { PRIVATE: 2, ANONYMOUS: 0x20 } as const;

/** SA_*: flags of sigaction (asm-generic/signal-defs.h). */
export const SA = { SIGINFO: 4, RESTART: 0x10000000 } as const;

/** CLONE_NEW*: kinds of namespace (linux/sched.h). */
export const CLONE_NEW = {
  NS: 0x00020000,
  UTS: 0x04000000,
  IPC: 0x08000000,
  USER: 0x10000000,
  PID: 0x20000000,
  NET: 0x40000000,
} as const;

/** SCHED_*: scheduling policies, and the flag that children start without them (linux/sched.h). */
export const SCHED = { OTHER: 0, FIFO: 1, RR: 2, RESET_ON_FORK: 0x40000000 } as const;

/** MLOCK_*: how mlock2 locks; ONFAULT is pages as they are touched (asm-generic/mman-common.h). */
export const MLOCK = { ONFAULT: 1 } as const;

/** PR_*: commands of prctl (linux/prctl.h). */
export const PR = { SET_PDEATHSIG: 1, SET_DUMPABLE: 4, SET_NAME: 15, GET_NAME: 16 } as const;

/** RLIMIT_*: resources of setrlimit (asm-generic/resource.h). */
export const RLIMIT = {
  CORE: 4,
  NOFILE: 7,
  MEMLOCK: 8,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;
