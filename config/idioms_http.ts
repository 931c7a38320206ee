/** Is a page good. */

import type { BuiltIn, Idiom, Unknown } from "./idioms.ts";
import type { ShellCommand } from "./shell.ts";
import {
  familyNotes,
  grepText,
  type ParsedOptions,
  parseOptions,
  secondsOf,
  valueOf,
} from "./idioms_options.ts";

const NOT_UNDERSTOOD: Unknown = { why: "its arguments are not understood" };
const NEGATED: Unknown = { why: "it wants that nothing answers" };
const NOT_CLEAR: Unknown = { why: "what it looks for is not clear" };

/** How many redirections curl and wget follow matters little; the most that the check follows. */
const REDIRECTS = 10;

/** What both programs ask for. */
interface Request {
  readonly url: string;
  readonly method: string | null;
  readonly headers: readonly string[];
  readonly status: string;
  readonly redirects: number;
  readonly insecure: boolean;
  readonly caFile: string | undefined;
  readonly contains: string | null;
  readonly timeoutSeconds: number | null;
  readonly notes: readonly string[];
}

function check(request: Request): BuiltIn | Unknown {
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(request.url)?.[0];
  const url = scheme === undefined ? `http://${request.url}` : request.url;
  if (!/^https?:\/\/[^\s"'/]+(\/[^\s"']*)?$/.test(url)) return NOT_UNDERSTOOD;
  const kind = url.startsWith("https:") ? "https" : "http";
  const headers: string[] = [];
  for (const header of request.headers) {
    const [, name, value] = /^([\w-]+):\s*([^"]*)$/.exec(header) ?? [];
    if (name === undefined || value === "") return NOT_UNDERSTOOD;
    headers.push(name.toLowerCase() === "host" ? `host ${value}` : `header ${name} "${value}"`);
  }
  return {
    kind,
    lines: [
      `url ${/[#!{}]/.test(url) ? `"${url}"` : url}`,
      ...request.method === null || request.method === "GET" ? [] : [`method ${request.method}`],
      ...headers,
      ...request.status === "200-299" ? [] : [`status ${request.status}`],
      ...request.redirects === 0 ? [] : [`redirects ${request.redirects}`],
      ...request.contains === null ? [] : [`body contains "${request.contains}"`],
      ...kind === "https" && request.caFile !== undefined ? [`ca_file ${request.caFile}`] : [],
      ...kind === "https" && request.insecure ? ["insecure"] : [],
    ],
    timeoutSeconds: request.timeoutSeconds,
    notes: request.notes,
  };
}

const CURL = {
  flags: [
    ..."-f -s -S -I -k -L -i -v -4 -6 -g".split(" "),
    ..."--fail --silent --show-error --head --insecure --location --http1.1 --compressed".split(
      " ",
    ),
  ],
  valued: [
    ..."-o -m -X -H -w -A".split(" "),
    ..."--output --max-time --connect-timeout --request --header --write-out --cacert".split(" "),
    ..."--user-agent --retry".split(" "),
  ],
};

const curl: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  const parsed = parseOptions(args, CURL), [url, ...more] = parsed?.operands ?? [];
  if (parsed === null || url === undefined || more.length > 0) return NOT_UNDERSTOOD;
  const given = (...names: string[]) => names.some((name) => parsed.given.has(name));
  // Braces and ranges are several pages.
  if (/[{}]|\[[^\]]*-/.test(url) && !given("-g")) return NOT_UNDERSTOOD;
  const found = textOf(readers), isHead = given("-I", "--head");
  const asked = found === null ? null : statusOf(parsed, found, isHead);
  if (asked === null) return NOT_CLEAR;
  return check({
    url,
    method: isHead ? "HEAD" : valueOf(parsed, "-X", "--request") ?? null,
    headers: [
      ...parsed.given.get("-H") ?? [],
      ...parsed.given.get("--header") ?? [],
      ...agentOf(valueOf(parsed, "-A", "--user-agent")),
    ],
    redirects: given("-L", "--location") ? REDIRECTS : 0,
    insecure: given("-k", "--insecure"),
    caFile: valueOf(parsed, "--cacert"),
    timeoutSeconds: secondsOf(valueOf(parsed, "-m", "--max-time")),
    ...asked,
    notes: [
      ...asked.notes,
      ...familyNotes(parsed, hostOf(url)),
      ...given("--connect-timeout")
        ? ["--connect-timeout was for the connection alone, the check's timeout is for everything"]
        : [],
    ],
  });
};

/** What the only reader looks for; "" without one, null if that is not clear. */
function textOf(readers: readonly ShellCommand[]): string | null {
  if (readers.length === 0) return "";
  const text = readers.length === 1 ? grepText(readers[0]) : null;
  return text === null || text === "." || /["\\]/.test(text) ? null : text;
}

function agentOf(agent: string | undefined): readonly string[] {
  return agent === undefined ? [] : [`User-Agent: ${agent}`];
}

function hostOf(url: string): string {
  return url.replace(/^\w+:\/\//, "").replace(/[/?].*$/, "").replace(/:\d+$/, "");
}

/** The code in a status line, or in what begins like the rest of one. */
function statusLineCode(text: string): string | undefined {
  return /^(?:HTTP\/[\d.]+ +)?([1-5]\d\d)\b/.exec(text.trim())?.[1];
}

/** curl fails from 400 on with -f, and never without; what is written out may be looked at. */
function statusOf(
  parsed: ParsedOptions,
  found: string,
  isHead: boolean,
): Pick<Request, "status" | "contains" | "notes"> | null {
  const given = (...names: string[]) => names.some((name) => parsed.given.has(name));
  const isWritten = /%\{(http_code|response_code)\}/.test(
    valueOf(parsed, "-w", "--write-out") ?? "",
  );
  const code = isWritten ? /\b([1-5]\d\d)\b/.exec(found)?.[1] : statusLineCode(found);
  // Of redirections that are followed every head is shown.
  const isLast = isWritten || !given("-L", "--location") || !code?.startsWith("3");
  if (code !== undefined && isLast && (isWritten || isHead || given("-i"))) {
    return { status: code, contains: null, notes: [] };
  }
  // Then the page is not all that is searched, or not searched at all.
  const isOfPage = !isHead && !given("-i", "-v", "-o", "--output", "-w", "--write-out");
  if (found !== "" && !isOfPage) return null;
  const fails = given("-f", "--fail");
  const status = fails ? "200-399" : "100-599";
  const notes = fails || found !== ""
    ? []
    : ["curl without -f was content with any status, and so is the check: write the one you want"];
  return { status, contains: found === "" ? null : found, notes };
}

const WGET = {
  flags: [
    ..."-q -S -4 -6 -nv --quiet --spider --no-check-certificate --server-response".split(" "),
    "--no-verbose",
  ],
  valued: [
    ..."-O -T -t -o -U --output-document --timeout --tries --header --ca-certificate".split(" "),
    ..."--connect-timeout --user-agent".split(" "),
  ],
};

const wget: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  const parsed = parseOptions(args, WGET), [url, ...more] = parsed?.operands ?? [];
  if (parsed === null || url === undefined || more.length > 0) return NOT_UNDERSTOOD;
  const isHead = parsed.given.has("--spider"), found = textOf(readers);
  const showsHead = parsed.given.has("-S") || parsed.given.has("--server-response");
  const code = showsHead ? statusLineCode(found ?? "") : undefined;
  const isOfPage = !showsHead && !isHead && valueOf(parsed, "-O", "--output-document") === "-";
  // Of redirections every head is shown.
  const isClear = found === "" || isOfPage || (code !== undefined && !code.startsWith("3"));
  if (found === null || !isClear) return NOT_CLEAR;
  return check({
    url,
    method: isHead ? "HEAD" : null,
    headers: [
      ...parsed.given.get("--header") ?? [],
      ...agentOf(valueOf(parsed, "-U", "--user-agent")),
    ],
    status: code ?? "200-299",
    redirects: REDIRECTS,
    insecure: parsed.given.has("--no-check-certificate"),
    caFile: valueOf(parsed, "--ca-certificate"),
    contains: found === "" || code !== undefined ? null : found,
    timeoutSeconds: secondsOf(valueOf(parsed, "-T", "--timeout")),
    notes: [
      ...familyNotes(parsed, hostOf(url)),
      ...isHead ? ['wget asked again by GET where HEAD failed: then delete "method HEAD"'] : [],
    ],
  });
};

/** By the name of the program. */
export const HTTP_IDIOMS: Readonly<Record<string, Idiom>> = { curl, wget };
