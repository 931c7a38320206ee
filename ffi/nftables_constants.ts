/**
 * Numbers of nf_tables, grouped by prefix: `NFT_MSG.NEWTABLE` is NFT_MSG_NEWTABLE.
 * tests/ffi_layout_test.ts compares each with what a C compiler says.
 */

/** NFNL_SUBSYS_NFTABLES (linux/netfilter/nfnetlink.h): the upper byte of a message's type. */
export const NFNL_SUBSYS_NFTABLES = 10;

/** NFNL_MSG_BATCH_*: what a transaction begins and ends with (linux/netfilter/nfnetlink.h). */
export const NFNL_MSG_BATCH = { BEGIN: 0x10, END: 0x11 } as const;

/** NFNETLINK_V0 (linux/netfilter/nfnetlink.h). */
export const NFNETLINK_V0 = 0;

/** NFPROTO_*: families (linux/netfilter.h). */
export const NFPROTO = { UNSPEC: 0, IPV4: 2, IPV6: 10 } as const;

/** NF_INET_*: hooks (linux/netfilter.h). */
export const NF_INET = { LOCAL_IN: 1, LOCAL_OUT: 3 } as const;

/** NF_*: verdicts (linux/netfilter.h). */
export const NF = { DROP: 0, ACCEPT: 1 } as const;

/** NFT_MSG_* (linux/netfilter/nf_tables.h). */
export const NFT_MSG = {
  NEWTABLE: 0,
  DELTABLE: 2,
  NEWCHAIN: 3,
  NEWRULE: 6,
  NEWSET: 9,
  NEWSETELEM: 12,
  DELSETELEM: 14,
} as const;

/** NFTA_*: attributes (linux/netfilter/nf_tables.h). */
export const NFTA = {
  TABLE_NAME: 1,
  CHAIN_TABLE: 1,
  CHAIN_NAME: 3,
  CHAIN_HOOK: 4,
  CHAIN_POLICY: 5,
  CHAIN_TYPE: 7,
  HOOK_HOOKNUM: 1,
  HOOK_PRIORITY: 2,
  RULE_TABLE: 1,
  RULE_CHAIN: 2,
  RULE_EXPRESSIONS: 4,
  LIST_ELEM: 1,
  EXPR_NAME: 1,
  EXPR_DATA: 2,
  PAYLOAD_DREG: 1,
  PAYLOAD_BASE: 2,
  PAYLOAD_OFFSET: 3,
  PAYLOAD_LEN: 4,
  META_DREG: 1,
  META_KEY: 2,
  CMP_SREG: 1,
  CMP_OP: 2,
  CMP_DATA: 3,
  LOOKUP_SET: 1,
  LOOKUP_SREG: 2,
  IMMEDIATE_DREG: 1,
  IMMEDIATE_DATA: 2,
  DATA_VALUE: 1,
  DATA_VERDICT: 2,
  VERDICT_CODE: 1,
  SET_TABLE: 1,
  SET_NAME: 2,
  SET_KEY_TYPE: 4,
  SET_KEY_LEN: 5,
  SET_ID: 10,
  SET_ELEM_LIST_TABLE: 1,
  SET_ELEM_LIST_SET: 2,
  SET_ELEM_LIST_ELEMENTS: 3,
  SET_ELEM_KEY: 1,
} as const;

/** NFT_PAYLOAD_*: where an offset counts from (linux/netfilter/nf_tables.h). */
export const NFT_PAYLOAD = { NETWORK_HEADER: 1, TRANSPORT_HEADER: 2 } as const;

/** NFT_META_* (linux/netfilter/nf_tables.h). */
export const NFT_META = { IIF: 4, OIF: 5 } as const;

/** NFT_CMP_* (linux/netfilter/nf_tables.h). */
export const NFT_CMP = { EQ: 0, LTE: 3, GTE: 5 } as const;

/** NFT_REG_*: registers of 16 bytes, and the one of verdicts (linux/netfilter/nf_tables.h). */
export const NFT_REG = { VERDICT: 0, R1: 1, R2: 2 } as const;

/** Bytes of struct nfgenmsg (linux/netfilter/nfnetlink.h): family, version, resource id. */
export const NFGENMSG_BYTES = 4;
