/** The TCP check: a connection to a port or a unix socket, and what it answers. */

import { concatBytes } from "../core/bytes.ts";
import type { TcpProbe } from "../core/probe_spec.ts";
import { ok, type Result } from "../core/result.ts";
import { matchBody, prepareTest } from "./body.ts";
import {
  type Checker,
  couldNotRun,
  failed,
  GOOD,
  type ProbeContext,
  type Verdict,
} from "./checker.ts";
import { prepareLookup, routesTo } from "./source.ts";
import { openStream, prepareNodeStream, type Stream, type Way } from "./stream.ts";
import { codeOf, inWords } from "./words.ts";

/** An answer longer than this is not read on. */
const ANSWER_BYTES = 64 * 1024;
/** How long the next look at an answer that comes in pieces waits, so that dribbled bytes cost little. */
const LOOK_AGAIN_MS = 20;

/** Connects, to each address of the host in turn, and has the dialogue with the first that answers. */
export const checkTcp: Checker<TcpProbe> = async (probe, context) => {
  const ways = await waysTo(probe, context);
  if (!ways.ok) return ways.error;
  let refusal = failed("host name has no address");
  for (const way of ways.value) {
    const { connected, verdict } = await attempt(way, probe, context.signal);
    if (connected) return verdict;
    refusal = verdict;
    if (context.signal.aborted) break;
  }
  return refusal;
};

/** Loads what a probe needs. */
export async function prepareTcp({ to, expect, sourceAddress, device }: TcpProbe): Promise<void> {
  const isUnix = "unixSocket" in to;
  if (isUnix || sourceAddress !== null || device !== null) await prepareNodeStream();
  if (!isUnix) await prepareLookup(to.host);
  await prepareTest(expect);
}

/** Everything that can be connected to, in the order of the resolver. */
async function waysTo(
  probe: TcpProbe,
  context: ProbeContext,
): Promise<Result<readonly Way[], Verdict>> {
  if ("unixSocket" in probe.to) return ok([probe.to]);
  const { host, port } = probe.to;
  const routes = await routesTo(host, probe, context);
  if (!routes.ok) return routes;
  return ok(routes.value.map(({ destination, source }) => ({ host: destination, port, source })));
}

/** What became of one connection. */
interface Attempt {
  /** False: the next address may be tried. */
  readonly connected: boolean;
  readonly verdict: Verdict;
}

/** Opens a connection, has the dialogue, and resolves when the connection is closed. */
async function attempt(way: Way, probe: TcpProbe, signal: AbortSignal): Promise<Attempt> {
  let stream: Stream | null = null;
  const abort = () => void stream?.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    stream = await openStream(way, signal);
    return { connected: true, verdict: await dialogue(stream, probe, signal) };
  } catch (error) {
    const hasSource = "source" in way && way.source !== null;
    return { connected: stream !== null, verdict: explain(error, hasSource) };
  } finally {
    signal.removeEventListener("abort", abort);
    await stream?.close();
  }
}

/** What is said and heard once connected. It rejects when the connection breaks. */
async function dialogue(stream: Stream, probe: TcpProbe, signal: AbortSignal): Promise<Verdict> {
  signal.throwIfAborted();
  if (probe.send !== null) await stream.write(bytesOf(probe.send));
  if (probe.expect === null) return GOOD;
  let content: Uint8Array = new Uint8Array(0);
  for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
    content = concatBytes(content, chunk).subarray(0, ANSWER_BYTES);
    const why = await matchBody(probe.expect, content, "answer");
    if (why === null) return GOOD;
    if (content.length === ANSWER_BYTES) return failed(`${why} in its first 64 KiB`);
    await pause(LOOK_AGAIN_MS, signal);
  }
  if (content.length === 0) return failed("connection closed before the answer");
  return failed(await matchBody(probe.expect, content, "answer") ?? "");
}

/** The bytes of a byte string, one a character. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Waits, or less if the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

function explain(error: unknown, hasSource: boolean): Verdict {
  // bind(2) says EADDRNOTAVAIL for an address that this host has not; Deno's node:net makes it EINVAL.
  const isSource = codeOf(error) === "EADDRNOTAVAIL" || hasSource && codeOf(error) === "EINVAL";
  return isSource ? couldNotRun("the source address is not on this host") : failed(inWords(error));
}
