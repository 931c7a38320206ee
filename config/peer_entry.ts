/** The lines of `unicast_peer`. */

import { type Ip, parseIp } from "../lib/core/address.ts";
import type { Arguments, Reader } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { wholeNumber } from "./readers.ts";

/** One unicast peer. */
export interface PeerEntry {
  readonly address: Ip;
  /** TTL or hop limit that its adverts may arrive with; null if the line says nothing of it. */
  readonly minTtl: number | null;
  readonly maxTtl: number | null;
}

const LIMITS = { min_ttl: "minTtl", max_ttl: "maxTtl" } as const;

/** The words that may stand behind the address. */
export const PEER_OPTIONS: readonly string[] = Object.keys(LIMITS);

/** `ADDR [min_ttl N] [max_ttl N]`. */
export const peerEntry: Reader<PeerEntry> = (args) => {
  const given = args.must("an IP address");
  if (given === undefined) return undefined;
  const address = parseIp(given.text);
  if (address === null) {
    return args.refuse(given, "an IP address", "no adverts are sent to this peer");
  }
  const limits: { minTtl: number | null; maxTtl: number | null } = { minTtl: null, maxTtl: null };
  for (let option = args.take(); option !== undefined; option = args.take()) {
    if (option.text === "min_ttl" || option.text === "max_ttl") {
      limits[LIMITS[option.text]] = ttl(args, option);
      continue;
    }
    const remedy = 'Write each peer on a line of its own, with no other words than "min_ttl N" ' +
      'and "max_ttl N"';
    args.report("error", option, `"${option.text}" is ignored: a line is one address`, remedy);
  }
  if (limits.minTtl !== null && limits.maxTtl !== null && limits.minTtl > limits.maxTtl) {
    const message = `No advert of ${address} can have a TTL from ${limits.minTtl} to ` +
      `${limits.maxTtl}: all are dropped`;
    args.report("error", given, message, "Exchange the two numbers");
  }
  return { address, ...limits };
};

function ttl(args: Arguments, option: Word): number | null {
  const word = args.must("a TTL from 0 to 255", "error", `"${option.text}" is ignored`);
  if (word === undefined) return null;
  const value = wholeNumber(word.text, 0, 255);
  if (value === null) args.refuse(word, "a TTL from 0 to 255", `"${option.text}" is ignored`);
  return value;
}
