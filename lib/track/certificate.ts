/** What a server's certificate is good for, in words. */

import { toHex } from "../core/bytes.ts";

/** What of a certificate is looked at (node:tls's PeerCertificate, detailed). */
export interface Certificate {
  /** "Sep 16 16:32:58 2027 GMT". */
  readonly valid_from: string;
  readonly valid_to: string;
  /** "DNS:a.example, IP Address:192.0.2.1". */
  readonly subjectaltname?: string | undefined;
  readonly subject: { readonly CN?: string | string[] | undefined };
  /** DER. */
  readonly raw: Uint8Array;
  /** Who signed it; itself if nobody else did, or nobody known. */
  readonly issuerCertificate?: Certificate | undefined;
}

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
/**
 * The extension of extended key usages in DER, up to the length of their sequence (RFC 5280 sections
 * 4.1 and 4.2.1.12), in hexadecimal: its identifier, perhaps "critical", an octet string. Deno's
 * node:tls does not tell them.
 */
const USAGES = /0603551d25(?:0101ff)?04..30([0-7].)/;
/** id-kp-serverAuth and anyExtendedKeyUsage, as they stand in it. */
const FOR_SERVERS = ["06082b06010505070301", "0604551d2500"];
/** A chain longer than this is a loop. */
const MAX_CHAIN = 10;

/** A certificate and those above it, as far as they are known. */
export function chainOf(leaf: Certificate): Certificate[] {
  const chain: Certificate[] = [];
  let next: Certificate | undefined = leaf;
  while (next?.valid_to !== undefined && chain.length < MAX_CHAIN && !chain.includes(next)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

/**
 * Why the end of a certificate is too near: "certificate expires in 5 days". Null if it ends in
 * `days` or more.
 */
export function endsSoon(certificate: Certificate, days: number, nowMs: number): string | null {
  const leftMs = Date.parse(certificate.valid_to) - nowMs;
  if (leftMs < 0) return `certificate expired ${span(-leftMs)} ago`;
  return leftMs < days * DAY_MS ? `certificate expires in ${span(leftMs)}` : null;
}

/**
 * Why a certificate was not accepted.
 * @param code Of node:tls: it tells a wrong name from a chain that does not hold, and no more.
 * @param name What it should have been for.
 */
export function whyRefused(leaf: Certificate, code: string, name: string, nowMs: number): string {
  const [own, ...above] = chainOf(leaf);
  if (own === undefined) return "the server sent no certificate";
  const invalid = outsideItsTime(own, nowMs);
  if (invalid !== null) return `certificate ${invalid}`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `certificate is for ${namesOf(own)}, not ${name}`;
  }
  for (const authority of above) {
    const invalid = outsideItsTime(authority, nowMs);
    if (invalid !== null) return `certificate of the authority ${commonName(authority)} ${invalid}`;
  }
  if (!isForServers(own)) return "certificate is not one of a server";
  return "certificate is signed by an unknown authority";
}

/** Without the extension it is for anything. */
function isForServers({ raw }: Certificate): boolean {
  const der = toHex(raw);
  const found = USAGES.exec(der);
  if (found === null) return true;
  const from = found.index + found[0].length;
  const usages = der.slice(from, from + 2 * Number.parseInt(found[1]!, 16));
  return FOR_SERVERS.some((usage) => usages.includes(usage));
}

function outsideItsTime({ valid_from, valid_to }: Certificate, nowMs: number): string | null {
  const fromMs = Date.parse(valid_from);
  if (fromMs > nowMs) return `not valid before ${new Date(fromMs).toISOString().slice(0, 10)}`;
  const endedMs = nowMs - Date.parse(valid_to);
  return endedMs > 0 ? `expired ${span(endedMs)} ago` : null;
}

/** Whole days, or whole hours of less than a day, or "less than an hour". */
function span(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  if (days > 0) return days === 1 ? "1 day" : `${days} days`;
  const hours = Math.floor(ms / HOUR_MS);
  if (hours > 0) return hours === 1 ? "1 hour" : `${hours} hours`;
  return "less than an hour";
}

/** At most so many names are said; certificates of large sites have hundreds. */
const MAX_NAMES = 3;

function namesOf(certificate: Certificate): string {
  const names = (certificate.subjectaltname ?? "").split(", ").filter((name) => name !== "")
    .map((name) => name.slice(name.indexOf(":") + 1));
  if (names.length === 0) return commonName(certificate);
  const said = names.slice(0, MAX_NAMES).join(", ");
  return names.length > MAX_NAMES ? `${said} and ${names.length - MAX_NAMES} more` : said;
}

function commonName({ subject }: Certificate): string {
  const name = subject.CN;
  return name === undefined ? "(no name)" : String(name);
}
