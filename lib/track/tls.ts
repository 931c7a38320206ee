/** The TLS client of the HTTPS check: one handshake, which says of a bad certificate what is bad. */

import type { Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { parseIp } from "../core/address.ts";
import type { TlsSpec } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Certificate, endsSoon, whyRefused } from "./certificate.ts";
import type { TlsFiles } from "./tls_files.ts";
import { codeOf, inWords } from "./words.ts";

/** What an HTTPS check expects where the configuration says nothing, as after a redirection. */
export const DEFAULT_TLS: TlsSpec = {
  serverName: null,
  caFile: null,
  clientCertificate: null,
  insecure: false,
  failDays: null,
  warnDays: null,
};

/** A handshake to be made. */
export interface Handshake {
  readonly spec: TlsSpec;
  /** What the certificate must be for; sent as SNI unless it is an address (RFC 6066 section 3). */
  readonly name: string;
  readonly files: TlsFiles;
  /** PEM texts of the authorities to trust. */
  readonly authorities: string;
}

/** A connection that may be used. */
export interface Secured {
  readonly socket: TLSSocket;
  readonly certificate: Certificate;
  /** "certificate expires in 5 days". */
  readonly warning: string | null;
}

/** Why one may not be used. */
export interface Refusal {
  readonly why: string;
  /** No authority vouches for the certificate; with more of them, one might. */
  readonly isUnknownAuthority: boolean;
}

/**
 * Makes a handshake over a connection. Nothing but the handshake is sent before the certificate has
 * been verified. The signature of the handshake is verified in any case; what `rejectUnauthorized`
 * would do is done here, with the certificate at hand to say why.
 * @param keep Told of the socket before anything happens on it.
 */
export async function secure(
  plain: Socket,
  { spec, name, files, authorities }: Handshake,
  keep: (socket: TLSSocket) => void,
): Promise<Result<Secured, Refusal>> {
  const { connect } = await import("node:tls");
  const socket = connect({
    socket: plain,
    // An address is verified as `host`, and must not be sent as SNI.
    ...(parseIp(name) === null ? { servername: name } : { host: name }),
    ...(spec.insecure ? {} : { ca: authorities }),
    ...(files.client ?? {}),
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: false,
  });
  keep(socket);
  const error = await handshaken(socket);
  if (error !== null) return refused(tlsWords(error));
  return judge(socket, spec, name);
}

/** Loads what handshakes need. */
export async function prepareTls(): Promise<void> {
  await import("node:tls");
}

function judge(socket: TLSSocket, spec: TlsSpec, name: string): Result<Secured, Refusal> {
  const certificate = socket.getPeerCertificate(true) as PeerCertificate & Certificate;
  if (certificate.raw === undefined) return refused("the server sent no certificate");
  const nowMs = Date.now();
  if (!spec.insecure && socket.authorized !== true) {
    // node:tls's type says Error; Node and Deno both set the code.
    const code = String(socket.authorizationError);
    const isUnknownAuthority = code !== "ERR_TLS_CERT_ALTNAME_INVALID";
    return err({ why: whyRefused(certificate, code, name, nowMs), isUnknownAuthority });
  }
  const tooSoon = spec.failDays === null ? null : endsSoon(certificate, spec.failDays, nowMs);
  if (tooSoon !== null) return refused(tooSoon);
  const warning = spec.warnDays === null ? null : endsSoon(certificate, spec.warnDays, nowMs);
  return ok({ socket, certificate, warning });
}

function refused(why: string): Result<never, Refusal> {
  return err({ why, isUnknownAuthority: false });
}

/** Resolves to null when the handshake is over, or to what ended it. */
function handshaken(socket: TLSSocket): Promise<Error | null> {
  return new Promise((resolve) => {
    socket.once("secureConnect", () => resolve(null));
    socket.once("error", resolve);
    socket.once("close", () => resolve(new Error("connection closed")));
  });
}

/** What node:tls calls the frequent cases. */
const BY_CODE: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS",
  ECONNRESET: "connection closed",
};

/** An error of a TLS connection in words; alerts of the server arrive after the handshake too. */
export function tlsWords(error: Error): string {
  // "received fatal alert: CertificateRequired (SSL routines:...)": what is in brackets is OpenSSL's.
  const words = BY_CODE[codeOf(error) ?? ""] ?? inWords(error).replace(/ \(SSL routines.*/s, "");
  return `TLS handshake failed: ${words}`;
}
