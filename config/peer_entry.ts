/** The lines of `unicast_peer`. */

import { type Ip, parseIp } from "../lib/core/address.ts";
import type { Reader } from "./keyword.ts";

/** `ADDR [min_ttl N] [max_ttl N]`. The limits are not supported yet. */
export const peerEntry: Reader<Ip> = (args) => {
  const given = args.must("an IP address");
  if (given === undefined) return undefined;
  const address = parseIp(given.text);
  if (address === null) {
    return args.refuse(given, "an IP address", "no adverts are sent to this peer");
  }
  for (let option = args.take(); option !== undefined; option = args.take()) {
    if (option.text !== "min_ttl" && option.text !== "max_ttl") {
      const remedy = "Write each peer on a line of its own, without other words";
      args.report("error", option, `"${option.text}" is ignored: a line is one address`, remedy);
      continue;
    }
    args.take();
    args.report(
      "error",
      option,
      `"${option.text}" is known, not supported yet: adverts of this peer are taken with any TTL`,
      "Delete the option, or keep others from sending to this router with a firewall",
    );
  }
  return address;
};
