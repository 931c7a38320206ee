/**
 * Messages of nf_tables (linux/netfilter/nf_tables.h): tables, chains, rules and sets, as far as
 * dropping packets to and from a set of addresses needs them. Numbers are in network order.
 */

import { viewOf } from "./layout.ts";
import { NetlinkMessage, NLM_F } from "./netlink.ts";
import {
  NF,
  NFGENMSG_BYTES,
  NFNETLINK_V0,
  NFNL_MSG_BATCH,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO,
  NFT_MSG,
  NFT_REG,
  NFTA,
} from "./nftables_constants.ts";

export * from "./nftables_constants.ts";

/** A table of one family. */
export interface NftTable {
  /** NFPROTO.IPV4 or NFPROTO.IPV6. */
  readonly family: number;
  /** At most 255 bytes (NFT_NAME_MAXLEN). */
  readonly name: string;
}

/** What a rule does to a packet, step by step; built by the functions below. */
export type Expression = (message: NetlinkMessage) => void;

/** What the messages of a transaction stand between. */
export function batchMessages(): { readonly begin: NetlinkMessage; readonly end: NetlinkMessage } {
  const edge = (type: number) => message(type, 0, NFPROTO.UNSPEC, "change nftables at once", true);
  return { begin: edge(NFNL_MSG_BATCH.BEGIN), end: edge(NFNL_MSG_BATCH.END) };
}

/** `add table`: no error if it is there. */
export function addTable(table: NftTable): NetlinkMessage {
  return nft(NFT_MSG.NEWTABLE, NLM_F.CREATE, table, `add nftables table ${table.name}`)
    .text(NFTA.TABLE_NAME, table.name);
}

/** `delete table`, with all that is in it. */
export function deleteTable(table: NftTable): NetlinkMessage {
  return nft(NFT_MSG.DELTABLE, 0, table, `delete nftables table ${table.name}`)
    .text(NFTA.TABLE_NAME, table.name);
}

/** `add chain` of type filter that accepts what no rule drops. @param priority Of the hook. */
export function addBaseChain(
  table: NftTable,
  name: string,
  hook: number,
  priority: number,
): NetlinkMessage {
  return nft(NFT_MSG.NEWCHAIN, NLM_F.CREATE, table, `add nftables chain ${table.name} ${name}`)
    .text(NFTA.CHAIN_TABLE, table.name)
    .text(NFTA.CHAIN_NAME, name)
    .nest(NFTA.CHAIN_HOOK, (m) => {
      m.be32(NFTA.HOOK_HOOKNUM, hook).be32(NFTA.HOOK_PRIORITY, priority >>> 0);
    })
    .be32(NFTA.CHAIN_POLICY, NF.ACCEPT)
    .text(NFTA.CHAIN_TYPE, "filter");
}

/** `add rule`, behind those that are there. */
export function addRule(
  table: NftTable,
  chain: string,
  expressions: readonly Expression[],
): NetlinkMessage {
  const flags = NLM_F.CREATE | NLM_F.APPEND;
  return nft(NFT_MSG.NEWRULE, flags, table, `add a rule to nftables chain ${table.name} ${chain}`)
    .text(NFTA.RULE_TABLE, table.name)
    .text(NFTA.RULE_CHAIN, chain)
    .nest(NFTA.RULE_EXPRESSIONS, (m) => {
      for (const expression of expressions) expression(m);
    });
}

/**
 * `add set`.
 * @param keyType What nft shows the keys as (its include/datatype.h); the kernel does not care.
 * @param id Any number that no other set of the transaction has.
 */
export function addSet(
  table: NftTable,
  set: { readonly name: string; readonly keyType: number; readonly keyBytes: number },
  id: number,
): NetlinkMessage {
  return nft(NFT_MSG.NEWSET, NLM_F.CREATE, table, `add nftables set ${table.name} ${set.name}`)
    .text(NFTA.SET_TABLE, table.name)
    .text(NFTA.SET_NAME, set.name)
    .be32(NFTA.SET_KEY_TYPE, set.keyType)
    .be32(NFTA.SET_KEY_LEN, set.keyBytes)
    .be32(NFTA.SET_ID, id);
}

/** `add element`; no error for those that are in the set. */
export function addElements(
  table: NftTable,
  set: string,
  keys: readonly Uint8Array[],
): NetlinkMessage {
  return elements(NFT_MSG.NEWSETELEM, NLM_F.CREATE, "add to", table, set, keys);
}

/** `delete element`. @throws by the kernel ENOENT, for all of them, if one is not in the set. */
export function deleteElements(
  table: NftTable,
  set: string,
  keys: readonly Uint8Array[],
): NetlinkMessage {
  return elements(NFT_MSG.DELSETELEM, 0, "delete from", table, set, keys);
}

function elements(
  type: number,
  flags: number,
  verb: string,
  table: NftTable,
  set: string,
  keys: readonly Uint8Array[],
): NetlinkMessage {
  return nft(type, flags, table, `${verb} nftables set ${table.name} ${set}`)
    .text(NFTA.SET_ELEM_LIST_TABLE, table.name)
    .text(NFTA.SET_ELEM_LIST_SET, set)
    .nest(NFTA.SET_ELEM_LIST_ELEMENTS, (m) => {
      for (const key of keys) {
        m.nest(NFTA.LIST_ELEM, () => {
          m.nest(NFTA.SET_ELEM_KEY, () => void m.attribute(NFTA.DATA_VALUE, key));
        });
      }
    });
}

/** Loads bytes of a packet. @param base NFT_PAYLOAD.* @param register NFT_REG.* */
export function payload(base: number, offset: number, length: number, register: number) {
  return expression("payload", (m) => {
    m.be32(NFTA.PAYLOAD_DREG, register).be32(NFTA.PAYLOAD_BASE, base)
      .be32(NFTA.PAYLOAD_OFFSET, offset).be32(NFTA.PAYLOAD_LEN, length);
  });
}

/** Loads something about a packet. @param key NFT_META.* @param register NFT_REG.* */
export function meta(key: number, register: number): Expression {
  return expression("meta", (m) => {
    m.be32(NFTA.META_KEY, key).be32(NFTA.META_DREG, register);
  });
}

/** Ends the rule unless the register compares so. @param op NFT_CMP.* */
export function compare(register: number, op: number, value: Uint8Array): Expression {
  return expression("cmp", (m) => {
    m.be32(NFTA.CMP_SREG, register).be32(NFTA.CMP_OP, op)
      .nest(NFTA.CMP_DATA, () => void m.attribute(NFTA.DATA_VALUE, value));
  });
}

/** Ends the rule unless what stands from the register on is in the set. */
export function lookup(set: string, register: number): Expression {
  return expression("lookup", (m) => {
    m.text(NFTA.LOOKUP_SET, set).be32(NFTA.LOOKUP_SREG, register);
  });
}

/** Counts packets and bytes. */
export function counter(): Expression {
  return expression("counter", () => {});
}

/** Decides. @param code NF.* */
export function verdict(code: number): Expression {
  return expression("immediate", (m) => {
    m.be32(NFTA.IMMEDIATE_DREG, NFT_REG.VERDICT)
      .nest(NFTA.IMMEDIATE_DATA, () => {
        m.nest(NFTA.DATA_VERDICT, () => void m.be32(NFTA.VERDICT_CODE, code));
      });
  });
}

function expression(name: string, fill: (message: NetlinkMessage) => void): Expression {
  return (m) => {
    m.nest(NFTA.LIST_ELEM, () => {
      m.text(NFTA.EXPR_NAME, name).nest(NFTA.EXPR_DATA, () => fill(m));
    });
  };
}

function nft(type: number, flags: number, table: NftTable, doing: string): NetlinkMessage {
  return message(NFNL_SUBSYS_NFTABLES << 8 | type, flags, table.family, doing);
}

/** A message with its struct nfgenmsg; only the edges of a batch name the subsystem there. */
function message(
  type: number,
  flags: number,
  family: number,
  doing: string,
  isEdge = false,
): NetlinkMessage {
  const head = new Uint8Array(NFGENMSG_BYTES);
  head[0] = family;
  head[1] = NFNETLINK_V0;
  viewOf(head).setUint16(2, isEdge ? NFNL_SUBSYS_NFTABLES : 0);
  return new NetlinkMessage(type, flags, doing).put(head);
}
