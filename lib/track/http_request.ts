/** One HTTP/1.1 request as bytes. */

import type { HttpProbe } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";

/** A request: where to, and what. */
export interface Request {
  readonly url: URL;
  readonly method: string;
  /** The Host header; null for the URL's. */
  readonly host: string | null;
  readonly headers: readonly (readonly [string, string])[];
}

/** Methods that announce a body: an empty one must be said to be empty (RFC 9110 section 8.6). */
const WITH_BODY = ["POST", "PUT", "PATCH"];
/** What must not go to another origin (curl(1), --location-trusted). */
const SECRETS = ["authorization", "cookie"];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x08\x0a-\x1f\x7f]/;

/** A probe is made again and again, and its first request is always the same. */
const firsts = new WeakMap<HttpProbe, Result<Request, string>>();

/** The first request of a probe; the error says what of it cannot be sent. */
export function firstRequest(probe: HttpProbe): Result<Request, string> {
  const known = firsts.get(probe);
  if (known !== undefined) return known;
  const made = requestOf(probe);
  firsts.set(probe, made);
  return made;
}

function requestOf(probe: HttpProbe): Result<Request, string> {
  const url = URL.parse(probe.url);
  if (url === null || !isHttp(url)) return err(`not an http or https URL: ${probe.url}`);
  const { method, host, headers } = probe;
  if (!TOKEN.test(method)) return err(`not an HTTP method: ${method}`);
  if (host !== null && FORBIDDEN.test(host)) return err("the host has a control character");
  for (const [name, value] of headers) {
    if (!TOKEN.test(name)) return err(`not a header name: ${name}`);
    if (FORBIDDEN.test(value)) return err(`header ${name} has a control character`);
  }
  return ok({ url, method, host, headers });
}

/**
 * The request that follows a redirection (RFC 9110 section 15.4). Another origin gets neither the
 * Host header nor secrets. The error says why there is none.
 */
export function redirected(
  from: Request,
  status: number,
  location: string,
): Result<Request, string> {
  const url = URL.parse(location, from.url);
  if (url === null || !isHttp(url)) return err(`redirected to ${location}`);
  const asGet = status === 303 || (status < 303 && from.method === "POST");
  const method = asGet && from.method !== "HEAD" ? "GET" : from.method;
  if (url.origin === from.url.origin) return ok({ ...from, url, method });
  const headers = from.headers.filter(([name]) => !SECRETS.includes(name.toLowerCase()));
  return ok({ url, method, host: null, headers });
}

const encoded = new WeakMap<Request, Uint8Array>();

/** The bytes of a request. The probe's headers replace those that vigie sends of itself. */
export function encodeRequest(request: Request): Uint8Array {
  const known = encoded.get(request);
  if (known !== undefined) return known;
  const made = encode(request);
  encoded.set(request, made);
  return made;
}

function encode({ url, method, host, headers }: Request): Uint8Array {
  const own: [string, string][] = [
    ["Host", host ?? url.host],
    ["User-Agent", "vigie"],
    ["Accept", "*/*"],
    // Bodies are compared as they are.
    ["Accept-Encoding", "identity"],
    ["Connection", "close"],
  ];
  if (WITH_BODY.includes(method)) own.push(["Content-Length", "0"]);
  if (url.username !== "" || url.password !== "") own.push(["Authorization", basic(url)]);
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [...own.filter(([name]) => !given.has(name.toLowerCase())), ...headers]
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return UTF8.encode(`${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

const UTF8 = new TextEncoder();

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** RFC 7617: UTF-8, base64. */
function basic({ username, password }: URL): string {
  const pair = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${btoa(String.fromCharCode(...UTF8.encode(pair)))}`;
}

/** A URL may hold a % that encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
