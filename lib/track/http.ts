/** The HTTP and HTTPS check: a request, perhaps some redirections, and what the answer must be. */

import type { HttpProbe, TlsSpec } from "../core/probe_spec.ts";
import {
  type Checker,
  couldNotRun,
  failed,
  GOOD,
  type ProbeContext,
  type Verdict,
} from "./checker.ts";
import type { AnswerHead } from "./http_answer.ts";
import { prepareTest } from "./body.ts";
import { type BodyReader, bodyReader } from "./http_body.ts";
import { connectTo, hostOf, prepareConnection, Sockets } from "./http_connect.ts";
import { type Broken, exchange } from "./http_exchange.ts";
import { encodeRequest, firstRequest, redirected, type Request } from "./http_request.ts";
import { DEFAULT_TLS, tlsWords } from "./tls.ts";
import { codeOf, inWords } from "./words.ts";

/** Asks once, over a connection of its own, and follows as many redirections as the probe allows. */
export const checkHttp: Checker<HttpProbe> = async (probe, context) => {
  const { signal } = context;
  if (signal.aborted) return failed("aborted");
  const sockets = new Sockets();
  const { promise: aborted, resolve } = Promise.withResolvers<Verdict>();
  const abort = () => {
    sockets.close();
    resolve(failed("aborted"));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, ask(probe, context, sockets)]);
  } catch (error) {
    return couldNotRun(inWords(error));
  } finally {
    signal.removeEventListener("abort", abort);
    sockets.close();
  }
};

/** Loads what a probe needs; not what a redirection to HTTPS would. */
export async function prepareHttp(probe: HttpProbe): Promise<void> {
  const { body } = probe;
  if (body !== null) await bodyReader(body);
  await prepareTest(body);
  const first = firstRequest(probe);
  if (!first.ok) return;
  const { url } = first.value;
  await prepareConnection(url, url.protocol === "https:" ? probe.tls ?? DEFAULT_TLS : null, probe);
}

async function ask(probe: HttpProbe, context: ProbeContext, sockets: Sockets): Promise<Verdict> {
  const first = firstRequest(probe);
  if (!first.ok) return couldNotRun(first.error);
  let request = first.value;
  let warning: string | null = null;
  for (let redirections = 0;; redirections++) {
    const answer = await answerTo(request, first.value.url, probe, context, sockets);
    warning ??= answer.warning;
    if ("verdict" in answer) return withWarning(answer.verdict, warning);
    if (redirections === probe.redirects) {
      return failed(`more than ${counted(probe.redirects, "redirection")}`);
    }
    const next = redirected(request, answer.status, answer.location);
    if (!next.ok) return failed(next.error);
    request = next.value;
  }
}

/** What became of one request. */
type Outcome =
  & { readonly warning: string | null }
  & (
    | { readonly verdict: Verdict }
    | { readonly status: number; readonly location: string }
  );

async function answerTo(
  request: Request,
  firstUrl: URL,
  probe: HttpProbe,
  context: ProbeContext,
  sockets: Sockets,
): Promise<Outcome> {
  const { url, method } = request;
  const tls = url.protocol === "https:" ? tlsFor(url, firstUrl, probe.tls) : null;
  const body = probe.body === null ? null : await bodyReader(probe.body);
  const connection = await connectTo(url, tls, probe, context, sockets);
  if (!connection.ok) return { warning: null, verdict: connection.error };
  const { wire, warning } = connection.value;
  const answer = await exchange(wire, method, encodeRequest(request), {
    wantsBody: (head) => body !== null && nextOf(head, probe) === null && isExpected(head, probe),
    body: (part) => body!.push(part),
  });
  wire.destroy();
  if (!answer.ok) return { warning, verdict: failed(words(answer.error, tls !== null)) };
  const next = nextOf(answer.value, probe);
  if (next !== null) return { warning, status: answer.value.status, location: next };
  return { warning, verdict: await judge(answer.value, body, probe) };
}

async function judge(
  head: AnswerHead,
  body: BodyReader | null,
  probe: HttpProbe,
): Promise<Verdict> {
  if (!isExpected(head, probe)) return failed(`HTTP ${head.status}`);
  const why = body === null ? null : await body.verdict();
  return why === null ? GOOD : failed(why);
}

/** The name to verify and the days are about the server that was asked first. */
function tlsFor(url: URL, firstUrl: URL, spec: TlsSpec | null): TlsSpec {
  if (spec === null) return DEFAULT_TLS;
  return hostOf(url) === hostOf(firstUrl) ? spec : { ...spec, serverName: null };
}

/** RFC 9110 section 15.4; 300 and 304 lead nowhere by themselves. */
const REDIRECTIONS = [301, 302, 303, 307, 308];

/** Where an answer sends us; null if it is to be judged as it is. */
function nextOf({ status, headers }: AnswerHead, { redirects }: HttpProbe): string | null {
  if (redirects === 0 || !REDIRECTIONS.includes(status)) return null;
  return headers.get("location") ?? null;
}

function isExpected({ status }: AnswerHead, probe: HttpProbe): boolean {
  return probe.status.some(({ low, high }) => low <= status && status <= high);
}

function withWarning(verdict: Verdict, warning: string | null): Verdict {
  return verdict.good && warning !== null ? { good: true, warning } : verdict;
}

function words(error: Broken, isTls: boolean): string {
  if (typeof error === "string") return error;
  return isTls && codeOf(error)?.startsWith("ERR_SSL") ? tlsWords(error) : inWords(error);
}

function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
