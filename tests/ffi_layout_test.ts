import assert from "node:assert/strict";
import { CAPABILITY_NAMES } from "../ffi/capabilities.ts";
import * as constants from "../ffi/constants.ts";
import { ERRNO } from "../ffi/errno.ts";
import * as layouts from "../ffi/layout.ts";
import * as netlink from "../ffi/netlink_constants.ts";
import * as nftables from "../ffi/nftables_constants.ts";
import * as routes from "../ffi/route_constants.ts";
import { SIGNALS } from "../ffi/signal.ts";

/** Compilers of the machine: its own, and one for the other architecture if it is there. */
const COMPILERS = [
  ...["cc", "gcc"].filter(works).slice(0, 1),
  ...["aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc"]
    .filter((name) => !name.startsWith(Deno.build.arch) && works(name)),
];

/** SIGRTMIN and SIGRTMAX are function calls in C: nothing to compare at compile time. */
const { SIGRTMIN: _min, SIGRTMAX: _max, ...NAMED_SIGNALS } = SIGNALS;

/** Constants by group: how C spells them and which headers define them. */
const GROUPS: readonly [prefix: string, headers: string[], values: Record<string, number>][] = [
  ["AF_", ["sys/socket.h"], constants.AF],
  ["SOCK_", ["sys/socket.h"], constants.SOCK],
  ["IPPROTO_", ["netinet/in.h"], constants.IPPROTO],
  ["SOL_", ["sys/socket.h"], constants.SOL],
  ["SO_", ["sys/socket.h"], constants.SO],
  ["IP_", ["linux/in.h"], constants.IP],
  ["IPV6_", ["netinet/in.h"], constants.IPV6],
  ["", ["linux/icmpv6.h"], { ICMPV6_FILTER: constants.ICMPV6_FILTER }],
  ["PACKET_", ["linux/if_packet.h"], constants.PACKET],
  ["ETH_P_", ["linux/if_ether.h"], constants.ETH_P],
  ["ARPHRD_", ["linux/if_arp.h"], constants.ARPHRD],
  ["MSG_", ["sys/socket.h"], constants.MSG],
  ["IFF_", ["linux/if.h"], constants.IFF],
  ["O_", ["fcntl.h"], constants.O],
  ["F_", ["fcntl.h"], constants.FCNTL],
  ["POLL", ["poll.h"], constants.POLL],
  ["EFD_", ["sys/eventfd.h"], constants.EFD],
  ["TFD_", ["sys/timerfd.h"], constants.TFD],
  ["CLOCK_", ["time.h"], constants.CLOCK],
  ["PROT_", ["sys/mman.h"], constants.PROT],
  ["MAP_", ["sys/mman.h"], constants.MAP],
  ["SA_", ["signal.h"], constants.SA],
  ["CLONE_NEW", ["sched.h"], constants.CLONE_NEW],
  ["SCHED_", ["sched.h"], constants.SCHED],
  ["MLOCK_", ["sys/mman.h"], constants.MLOCK],
  ["PR_", ["sys/prctl.h"], constants.PR],
  ["RLIMIT_", ["sys/resource.h"], constants.RLIMIT],
  ["NETLINK_", ["linux/netlink.h"], netlink.NETLINK],
  ["NETLINK_", ["linux/netlink.h"], netlink.NETLINK_OPTION],
  ["NLMSG_", ["linux/netlink.h"], netlink.NLMSG],
  ["NLM_F_", ["linux/netlink.h"], netlink.NLM_F],
  ["NLMSGERR_ATTR_", ["linux/netlink.h"], netlink.NLMSGERR_ATTR],
  ["NLA_", ["linux/netlink.h"], netlink.NLA],
  ["", ["linux/netfilter/nfnetlink.h"], {
    NFNL_SUBSYS_NFTABLES: nftables.NFNL_SUBSYS_NFTABLES,
    NFNETLINK_V0: nftables.NFNETLINK_V0,
  }],
  ["NFNL_MSG_BATCH_", ["linux/netlink.h", "linux/netfilter/nfnetlink.h"], nftables.NFNL_MSG_BATCH],
  ["NFPROTO_", ["linux/netfilter.h"], nftables.NFPROTO],
  ["NF_INET_", ["linux/netfilter.h"], nftables.NF_INET],
  ["NF_", ["linux/netfilter.h"], nftables.NF],
  ["NFT_MSG_", ["linux/netfilter/nf_tables.h"], nftables.NFT_MSG],
  ["NFTA_", ["linux/netfilter/nf_tables.h"], nftables.NFTA],
  ["NFT_PAYLOAD_", ["linux/netfilter/nf_tables.h"], nftables.NFT_PAYLOAD],
  ["NFT_META_", ["linux/netfilter/nf_tables.h"], nftables.NFT_META],
  ["NFT_CMP_", ["linux/netfilter/nf_tables.h"], nftables.NFT_CMP],
  ["NFT_REG_", ["linux/netfilter/nf_tables.h"], {
    VERDICT: nftables.NFT_REG.VERDICT,
    1: nftables.NFT_REG.R1,
    2: nftables.NFT_REG.R2,
  }],
  ["RTM_", ["linux/rtnetlink.h"], netlink.RTM],
  ["RTNLGRP_", ["linux/rtnetlink.h"], netlink.RTNLGRP],
  ["RTMGRP_", ["linux/rtnetlink.h"], netlink.RTMGRP],
  ["IFLA_", ["linux/if_link.h"], netlink.IFLA],
  ["VETH_INFO_", ["linux/veth.h"], netlink.VETH_INFO],
  ["MACVLAN_MODE_", ["linux/if_link.h"], netlink.MACVLAN_MODE],
  ["IPVLAN_MODE_", ["linux/if_link.h"], netlink.IPVLAN_MODE],
  ["IPVLAN_F_", ["linux/if_link.h"], netlink.IPVLAN_F],
  ["IN6_ADDR_GEN_MODE_", ["linux/if_link.h"], netlink.IN6_ADDR_GEN_MODE],
  ["IF_OPER_", ["linux/if.h"], netlink.IF_OPER],
  ["IFA_", ["linux/if_addr.h"], netlink.IFA],
  ["IFA_F_", ["linux/if_addr.h"], netlink.IFA_F],
  ["RT_SCOPE_", ["linux/rtnetlink.h"], netlink.RT_SCOPE],
  ["RT_TABLE_", ["linux/rtnetlink.h"], netlink.RT_TABLE],
  ["RTN_", ["linux/rtnetlink.h"], netlink.RTN],
  ["RTPROT_", ["linux/rtnetlink.h"], netlink.RTPROT],
  ["RTA_", ["linux/rtnetlink.h"], netlink.RTA],
  ["RTAX_", ["linux/rtnetlink.h"], routes.RTAX],
  ["RTAX_FEATURE_", ["linux/rtnetlink.h"], routes.RTAX_FEATURE],
  ["RTNH_F_", ["linux/rtnetlink.h"], routes.RTNH_F],
  ["LWTUNNEL_ENCAP_", ["linux/lwtunnel.h"], routes.LWTUNNEL_ENCAP],
  ["LWTUNNEL_IP_", ["linux/lwtunnel.h"], routes.LWTUNNEL_IP],
  ["LWTUNNEL_IP6_", ["linux/lwtunnel.h"], routes.LWTUNNEL_IP6],
  ["MPLS_IPTUNNEL_", ["linux/mpls_iptunnel.h"], routes.MPLS_IPTUNNEL],
  ["FRA_", ["linux/fib_rules.h"], routes.FRA],
  ["FR_ACT_", ["linux/fib_rules.h"], routes.FR_ACT],
  ["FIB_RULE_", ["linux/fib_rules.h"], routes.FIB_RULE],
  ["", ["errno.h"], ERRNO],
  ["", ["signal.h"], NAMED_SIGNALS],
  ["", ["linux/capability.h"], Object.fromEntries(CAPABILITY_NAMES.entries().map(swap))],
];

/** Names that C spells in another way than prefix and key. */
const SPELLINGS: Readonly<Record<string, string>> = {
  F_FD_CLOEXEC: "FD_CLOEXEC",
  SCHED_RESET_ON_FORK: "SCHED_RESET_ON_FORK",
  NLA_TYPE_MASK: "(unsigned short)NLA_TYPE_MASK",
};

if (COMPILERS.length === 0) {
  Deno.test({
    name: "layouts and constants agree with C [skipped: no C compiler]",
    ignore: true,
    fn: () => {},
  });
}

for (const compiler of COMPILERS) {
  for (const layout of Object.values(layouts).filter(isLayout)) {
    Deno.test(`layout of ${layout.c} agrees with ${compiler}`, async () => {
      const facts = Object.entries(layout.at).map(([field, offset]) =>
        same(`offsetof(${layout.c}, ${field})`, offset)
      );
      facts.push(same(`sizeof(${layout.c})`, layout.size));
      await compile(compiler, ["stddef.h", layout.header], facts);
    });
  }
  for (const [prefix, headers, values] of GROUPS) {
    const first = Object.keys(values)[0];
    Deno.test(`constants like ${prefix}${first} agree with ${compiler}`, async () => {
      const facts = Object.entries(values).map(([key, value]) => {
        const name = `${prefix}${key}`;
        return same(SPELLINGS[name] ?? name, value);
      });
      await compile(compiler, headers, facts);
    });
  }
}

Deno.test("every group of constants is compared with C", () => {
  const compared = new Set<unknown>(GROUPS.map(([, , values]) => values));
  for (const module of [constants, netlink]) {
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === "object") assert.ok(compared.has(value), name);
    }
  }
});

function same(expression: string, value: number): string {
  return `_Static_assert((${expression}) == ${value}, ${JSON.stringify(expression)});`;
}

async function compile(compiler: string, headers: string[], facts: string[]): Promise<void> {
  const includes = headers.map((header) => `#include <${header}>`);
  const source = ["#define _GNU_SOURCE", ...includes, ...facts, ""].join("\n");
  const args = ["-fsyntax-only", "-w", "-x", "c", "-"];
  const child = new Deno.Command(compiler, { args, stdin: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { success, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

function isLayout(value: unknown): value is layouts.Layout {
  return typeof value === "object" && value !== null && "c" in value && "at" in value;
}

function swap([number, name]: [number, string]): [string, number] {
  return [name, number];
}

function works(compiler: string): boolean {
  try {
    const { success } = new Deno.Command(compiler, { args: ["--version"], stdout: "null" })
      .outputSync();
    return success;
  } catch {
    return false;
  }
}
