/** One webhook request: what it says, how it is signed, how it is posted. docs/notifications.md */

import { toHex } from "../../core/bytes.ts";
import type { Announcement } from "./announcement.ts";
import { DeliveryError } from "./delivery.ts";

/** What a receiver learns of where it comes from. */
export interface WebhookOrigin {
  readonly host: string;
  /** `router_id`. */
  readonly routerId: string | null;
}

/** One request. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Posts a request. @returns The HTTP status. @throws {Error} If there is no answer. */
export type Poster = (request: WebhookRequest, signal: AbortSignal) => Promise<number>;

/** 408 and 429 ask for another try, and 5xx may pass; other refusals would be repeated. */
const TRY_AGAIN = [408, 429];

/** The body: JSON in one line. */
export function webhookBody(announcement: Announcement, origin: WebhookOrigin): string {
  const { type, name, state, previous, priority, cause, at } = announcement;
  const { host, routerId } = origin;
  const time = at.toISOString();
  return JSON.stringify({
    type,
    name,
    state,
    previous,
    priority,
    cause,
    host,
    router_id: routerId,
    time,
  });
}

/**
 * The value of X-Vigie-Signature: "sha256=" and the HMAC-SHA256 in hexadecimal of the timestamp, a
 * full stop and the body, so that a request can neither be changed nor sent again later.
 */
export async function webhookSignature(secret: string, timestamp: string, body: string) {
  const encoder = new TextEncoder(), algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, [
    "sign",
  ]);
  const text = encoder.encode(`${timestamp}.${body}`);
  return `sha256=${toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, text)))}`;
}

/** The headers of one try. @param delivery Stays the same when a request is tried again. */
export async function webhookHeaders(
  body: string,
  delivery: string,
  secret: string | null,
  now: Date,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "User-Agent": "vigie",
    "X-Vigie-Delivery": delivery,
    "X-Vigie-Timestamp": timestamp,
  };
  if (secret !== null) {
    headers["X-Vigie-Signature"] = await webhookSignature(secret, timestamp, body);
  }
  return headers;
}

/** The status as an answer. @throws {DeliveryError} If it is not a 2xx. */
export function judgeStatus(status: number): string {
  if (status >= 200 && status < 300) return `HTTP ${status}`;
  throw new DeliveryError(`HTTP ${status}`, status < 500 && !TRY_AGAIN.includes(status));
}

/**
 * Posts with Deno's own client. A redirection is an answer, not followed. For https: URLs the
 * authorities of the system are trusted besides those that Deno brings along.
 * @param authorities Files of authorities to look for, the first that exists; the system's without it.
 */
export function poster(authorities?: readonly string[]): Poster {
  const clientFor = trustingClient(authorities);
  return async ({ url, headers, body }, signal) => {
    const client = url.startsWith("https:") ? await clientFor() : undefined;
    const init = { method: "POST", headers, body, signal, redirect: "manual", client } as const;
    try {
      const response = await fetch(url, init);
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      throw signal.aborted ? error : new Error(whyNoAnswer(error, url));
    }
  };
}

/** Posts from this process. */
export const post: Poster = poster();

/**
 * A client that trusts the system's authorities, made at the first call and again when their file
 * has changed. Undefined for Deno's own where there is no such file.
 */
function trustingClient(authorities?: readonly string[]) {
  let made: { readonly pem: string; readonly client: Deno.HttpClient } | null = null;
  let before: Deno.HttpClient | undefined;
  return async (): Promise<Deno.HttpClient | undefined> => {
    const { DEFAULT_TLS } = await import("../../track/tls.ts");
    const { tlsFiles } = await import("../../track/tls_files.ts");
    const files = await tlsFiles(DEFAULT_TLS, authorities);
    if (!files.ok) return made?.client;
    const pem = files.value.authorities;
    if (made?.pem !== pem) {
      // The latest is not closed yet: another webhook may be about to use it.
      before?.close();
      before = made?.client;
      made = { pem, client: Deno.createHttpClient({ caCerts: [pem] }) };
    }
    return made.client;
  };
}

/**
 * Why fetch failed, in words: it says so itself in its error's cause only, behind the URL, whose path
 * is nobody's business.
 */
export function whyNoAnswer(error: unknown, url: string): string {
  const { message, cause } = error as Error;
  const detail = cause instanceof Error ? cause.message : message;
  const words = detail.replace(/ \(os error \d+\)/g, "").replace(/^.*\): /s, "");
  const { pathname, search } = new URL(url);
  const isTelling = [pathname, search].some((part) => part.length > 1 && words.includes(part));
  return isTelling || words.includes("for url (") ? "no connection" : words;
}
