/**
 * Layouts of the C structs that vigie reads and writes, as data: offsets and sizes in bytes, the
 * same on x86-64 and aarch64. tests/ffi_layout_test.ts compares each with what a C compiler says.
 * Fields are in host order, little-endian, except where a comment says "network order".
 */

/** Bytes backed by memory of their own: what may be handed to C. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The order of multi-byte fields in host order, as DataView's last argument. */
export const HOST_ORDER = true;

/** The order of multi-byte fields in network order (big-endian), as DataView's last argument. */
export const NETWORK_ORDER = false;

/** Where the fields of a C struct lie. */
export interface Layout<Fields extends string = string> {
  /** The C type: "struct pollfd". */
  readonly c: string;
  /** The header that declares it. */
  readonly header: string;
  /** sizeof, in bytes. */
  readonly size: number;
  /** offsetof each field, in bytes. */
  readonly at: Readonly<Record<Fields, number>>;
}

function layout<Fields extends string>(
  c: string,
  header: string,
  size: number,
  at: Record<Fields, number>,
): Layout<Fields> {
  return { c, header, size, at };
}

/** A DataView on the same memory as `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A descriptor to watch. */
export const POLLFD = layout("struct pollfd", "poll.h", 8, { fd: 0, events: 4, revents: 6 });

/** Seconds and nanoseconds, both long. */
export const TIMESPEC = layout("struct timespec", "time.h", 16, { tv_sec: 0, tv_nsec: 8 });

/** When a timer fires: the interval, which stays zero for once only, then the instant. */
export const ITIMERSPEC = layout("struct itimerspec", "time.h", 32, {
  it_interval: 0,
  it_value: 16,
});

/** Who made a UNIX-domain socket (unix(7), SO_PEERCRED). */
export const UCRED = layout("struct ucred", "sys/socket.h", 12, { pid: 0, uid: 4, gid: 8 });

/** A UNIX-domain socket address; a name that begins with a zero byte is in no file system (unix(7)). */
export const SOCKADDR_UN = layout("struct sockaddr_un", "sys/un.h", 110, {
  sun_family: 0,
  sun_path: 2,
});

/** A limit: soft and hard, both unsigned long. */
export const RLIMIT_PAIR = layout("struct rlimit", "sys/resource.h", 16, {
  rlim_cur: 0,
  rlim_max: 8,
});

/** What a signal does. The mask has 1024 bits in libc, not the kernel's 64. */
export const SIGACTION = layout("struct sigaction", "signal.h", 152, {
  sa_sigaction: 0,
  sa_mask: 8,
  sa_flags: 136,
});

/** Which process capget asks about. */
export const CAP_HEADER = layout(
  "struct __user_cap_header_struct",
  "linux/capability.h",
  8,
  { version: 0, pid: 4 },
);

/** 32 capabilities of each set; version 3 passes two of them. */
export const CAP_DATA = layout("struct __user_cap_data_struct", "linux/capability.h", 12, {
  effective: 0,
  permitted: 4,
  inheritable: 8,
});

/** IPv4 address and port; both in network order. */
export const SOCKADDR_IN = layout("struct sockaddr_in", "netinet/in.h", 16, {
  sin_family: 0,
  sin_port: 2,
  sin_addr: 4,
});

/** IPv6 address, port and flow label in network order; sin6_scope_id is an interface index. */
export const SOCKADDR_IN6 = layout("struct sockaddr_in6", "netinet/in.h", 28, {
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
});

/** Address of an AF_PACKET socket; sll_protocol is in network order. */
export const SOCKADDR_LL = layout("struct sockaddr_ll", "linux/if_packet.h", 20, {
  sll_family: 0,
  sll_protocol: 2,
  sll_ifindex: 4,
  sll_hatype: 8,
  sll_pkttype: 10,
  sll_halen: 11,
  sll_addr: 12,
});

/** Address of a netlink socket: port and groups. */
export const SOCKADDR_NL = layout("struct sockaddr_nl", "linux/netlink.h", 12, {
  nl_family: 0,
  nl_pid: 4,
  nl_groups: 8,
});

/** Room for any socket address. */
export const SOCKADDR_STORAGE = layout("struct sockaddr_storage", "sys/socket.h", 128, {
  ss_family: 0,
});

/** IPv4 group membership: group and own address in network order. */
export const IP_MREQN = layout("struct ip_mreqn", "netinet/in.h", 12, {
  imr_multiaddr: 0,
  imr_address: 4,
  imr_ifindex: 8,
});

/** IPv6 group membership. */
export const IPV6_MREQ = layout("struct ipv6_mreq", "netinet/in.h", 20, {
  ipv6mr_multiaddr: 0,
  ipv6mr_interface: 16,
});

/** Promiscuity and multicast membership of a packet socket. */
export const PACKET_MREQ = layout("struct packet_mreq", "linux/if_packet.h", 16, {
  mr_ifindex: 0,
  mr_type: 4,
  mr_alen: 6,
  mr_address: 8,
});

/** Interface and addresses of a received or sent IPv4 packet; addresses in network order. */
export const IN_PKTINFO = layout("struct in_pktinfo", "netinet/in.h", 12, {
  ipi_ifindex: 0,
  ipi_spec_dst: 4,
  ipi_addr: 8,
});

/** Address and interface of a received or sent IPv6 packet; address in network order. */
export const IN6_PKTINFO = layout("struct in6_pktinfo", "netinet/in.h", 20, {
  ipi6_addr: 0,
  ipi6_ifindex: 16,
});

/** What sendmsg and recvmsg take. */
export const MSGHDR = layout("struct msghdr", "sys/socket.h", 56, {
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
});

/** One piece of a message. */
export const IOVEC = layout("struct iovec", "sys/uio.h", 16, { iov_base: 0, iov_len: 8 });

/** Head of a control message; data follows, padded to 8 bytes. */
export const CMSGHDR = layout("struct cmsghdr", "sys/socket.h", 16, {
  cmsg_len: 0,
  cmsg_level: 8,
  cmsg_type: 12,
});

/** One instruction of classic BPF. */
export const SOCK_FILTER = layout("struct sock_filter", "linux/filter.h", 8, {
  code: 0,
  jt: 2,
  jf: 3,
  k: 4,
});

/** A classic BPF program: length in instructions, pointer. */
export const SOCK_FPROG = layout("struct sock_fprog", "linux/filter.h", 16, { len: 0, filter: 8 });

/** Head of a netlink message. */
export const NLMSGHDR = layout("struct nlmsghdr", "linux/netlink.h", 16, {
  nlmsg_len: 0,
  nlmsg_type: 4,
  nlmsg_flags: 6,
  nlmsg_seq: 8,
  nlmsg_pid: 12,
});

/** Head of a netlink attribute; the length counts this head and not the padding. */
export const NLATTR = layout("struct nlattr", "linux/netlink.h", 4, { nla_len: 0, nla_type: 2 });

/** Acknowledgement: a negative errno or 0, then the head of the request. */
export const NLMSGERR = layout("struct nlmsgerr", "linux/netlink.h", 20, { error: 0, msg: 4 });

/** Payload head of RTM_*LINK. */
export const IFINFOMSG = layout("struct ifinfomsg", "linux/rtnetlink.h", 16, {
  ifi_family: 0,
  ifi_type: 2,
  ifi_index: 4,
  ifi_flags: 8,
  ifi_change: 12,
});

/** Payload head of RTM_*ADDR. */
export const IFADDRMSG = layout("struct ifaddrmsg", "linux/if_addr.h", 8, {
  ifa_family: 0,
  ifa_prefixlen: 1,
  ifa_flags: 2,
  ifa_scope: 3,
  ifa_index: 4,
});

/** Lifetimes of an address in seconds, stamps in hundredths of a second. */
export const IFA_CACHEINFO = layout("struct ifa_cacheinfo", "linux/if_addr.h", 16, {
  ifa_prefered: 0,
  ifa_valid: 4,
  cstamp: 8,
  tstamp: 12,
});

/** Payload head of RTM_*ROUTE. */
export const RTMSG = layout("struct rtmsg", "linux/rtnetlink.h", 12, {
  rtm_family: 0,
  rtm_dst_len: 1,
  rtm_src_len: 2,
  rtm_tos: 3,
  rtm_table: 4,
  rtm_protocol: 5,
  rtm_scope: 6,
  rtm_type: 7,
  rtm_flags: 8,
});

/** One next hop of several, in RTA_MULTIPATH; its attributes follow. */
export const RTNEXTHOP = layout("struct rtnexthop", "linux/rtnetlink.h", 8, {
  rtnh_len: 0,
  rtnh_flags: 2,
  rtnh_hops: 3,
  rtnh_ifindex: 4,
});

/** Payload head of RTM_*RULE. */
export const FIB_RULE_HDR = layout("struct fib_rule_hdr", "linux/fib_rules.h", 12, {
  family: 0,
  dst_len: 1,
  src_len: 2,
  tos: 3,
  table: 4,
  action: 7,
  flags: 8,
});

/** Head of a connector message: who it is about, what it answers, and the length of what follows. */
export const CN_MSG = layout("struct cn_msg", "linux/connector.h", 20, {
  "id.idx": 0,
  "id.val": 4,
  seq: 8,
  ack: 12,
  len: 16,
  flags: 18,
});

/** What the kernel's process connector tells; thread ids are called pid, process ids tgid. */
export const PROC_EVENT = layout("struct proc_event", "linux/cn_proc.h", 40, {
  what: 0,
  "event_data.ack.err": 16,
  "event_data.fork.parent_tgid": 20,
  "event_data.fork.child_pid": 24,
  "event_data.fork.child_tgid": 28,
  "event_data.exec.process_tgid": 20,
  "event_data.comm.process_pid": 16,
  "event_data.comm.process_tgid": 20,
});
