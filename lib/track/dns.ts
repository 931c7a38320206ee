/** The DNS check: one question to one server, and whether its answer is the expected one. */

import { familyOf, isLinkLocal } from "../core/address.ts";
import type { DnsProbe } from "../core/probe_spec.ts";
import { type Checker, couldNotRun, failed, type Verdict } from "./checker.ts";
import { askByTcp, askByUdp, type DnsServer } from "./dns_exchange.ts";
import { answerHead, buildQuery, isDnsName, judgeAnswer, prepareCodec } from "./dns_message.ts";
import { localAddressFor } from "./source.ts";
import { inWords } from "./words.ts";

/**
 * Asks once: by UDP and, if the answer was cut to fit a datagram, again by TCP; by TCP alone if so
 * told. A question that is lost on the way is a failure like any other; `fall` is there for that.
 */
export const checkDns: Checker<DnsProbe> = async (probe, { signal, host }) => {
  if (!isDnsName(probe.name)) return couldNotRun(`"${probe.name}" is not a domain name`);
  if (isLinkLocal(probe.server)) return couldNotRun("a link-local server cannot be asked");
  const source = localAddressFor(probe, familyOf(probe.server), host);
  if (!source.ok) return source.error;
  try {
    return await ask(probe, {
      address: probe.server,
      port: probe.port,
      source: source.value,
    }, signal);
  } catch (error) {
    return failed(inWords(error));
  }
};

/** Loads what a probe needs; not what an answer too long for UDP would. */
export async function prepareDns({ tcp }: DnsProbe): Promise<void> {
  await prepareCodec();
  await (tcp ? import("node:net") : import("node:dgram"));
}

async function ask(probe: DnsProbe, server: DnsServer, signal: AbortSignal): Promise<Verdict> {
  const query = await buildQuery(probe.name, probe.type);
  const isAnswer = (message: Uint8Array) => answerHead(query, message) !== null;
  const exchange = probe.tcp ? askByTcp : askByUdp;
  let answer = await exchange(server, query.message, isAnswer, signal);
  if (!probe.tcp && answerHead(query, answer)!.truncated) {
    answer = await askByTcp(server, query.message, isAnswer, signal);
  }
  return await judgeAnswer(probe, answer);
}
