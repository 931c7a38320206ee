/** One mail by SMTP, with the library nodemailer, which is loaded for the first mail. */

import type { Socket } from "node:net";
import type { MailDefs } from "../../../config/model.ts";
import { tlsFiles } from "../../track/tls_files.ts";
import { DeliveryError } from "./delivery.ts";
import type { SendMail } from "./mail_target.ts";
import { readSecret } from "./secret.ts";

/** How long the server may be silent in the middle of a dialogue. */
const SILENCE_MS = 30_000;

/** What `smtp_connect_timeout 0` comes to: keepalived's default, for no time at all would do nothing. */
const CONNECT_MS = 30_000;

/** How long one mail may take, however diligent the server seems. */
const MAIL_MS = 120_000;

/** Whoever has a certificate of the system's authorities for the name of the server. */
const SYSTEM_TRUST = {
  serverName: null,
  caFile: null,
  clientCertificate: null,
  insecure: false,
  failDays: null,
  warnDays: null,
} as const;

/** What sending needs besides the configuration. */
export interface SmtpParts {
  readonly mail: MailDefs & { readonly server: NonNullable<MailDefs["server"]> };
  /** The host's name: said to the server and part of the default sender. */
  readonly host: string;
  /** Files of authorities to trust, the first that exists; without it the system's. */
  readonly authorities?: readonly string[];
}

/** Sends by the configured server; a connection for each mail. */
export function smtpSender(parts: SmtpParts): SendMail {
  return async ({ subject, text }, wanted) => {
    const { mail, host } = parts;
    const signal = AbortSignal.any([wanted, AbortSignal.timeout(MAIL_MS)]);
    const auth = mail.login === null
      ? undefined
      : { user: mail.login.user, pass: await readSecret(mail.login.password) };
    const { createTransport } = await import("nodemailer");
    const from = mail.from ?? await defaultSender(host);
    const patienceMs = mail.connectTimeoutUs / 1000 || CONNECT_MS;
    const connection = await connect(mail.server, patienceMs, signal);
    const end = () => connection.destroy();
    signal.addEventListener("abort", end);
    try {
      const transport = createTransport({
        ...mail.server,
        connection,
        name: mail.heloName ?? host,
        auth,
        ...await security(parts),
        connectionTimeout: patienceMs,
        greetingTimeout: patienceMs,
        socketTimeout: SILENCE_MS,
        socketCloseTimeout: 0,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const { response } = await transport.sendMail({
        from,
        to: [...mail.recipients],
        subject,
        text,
      });
      return response;
    } catch (error) {
      throw asDelivery(error);
    } finally {
      signal.removeEventListener("abort", end);
      connection.destroy();
    }
  };
}

/** As keepalived: the user that the daemon runs as, at this host. */
async function defaultSender(host: string): Promise<string> {
  const { userInfo } = await import("node:os");
  return `${userInfo().username}@${host}`;
}

/** The library resolves names by DNS alone; this one knows /etc/hosts too, and can be given up. */
async function connect(
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  const { createConnection } = await import("node:net");
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection({ host, port });
  const giveUp = (why: string) => {
    socket.destroy();
    reject(new Error(why));
  };
  const end = () => giveUp("given up");
  const timer = setTimeout(() => giveUp(`no connection in ${timeoutMs / 1000} s`), timeoutMs);
  socket.once("connect", () => resolve(socket));
  socket.once("error", reject);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    socket.off("error", reject);
  }
}

/**
 * What the library is told of TLS. Opportunistic encryption does not ask who the server is: who can
 * pretend to be another could as well take the offer of encryption away.
 */
async function security({ mail, authorities }: SmtpParts) {
  if (mail.tls === "none") return { ignoreTLS: true };
  if (mail.tls === "opportunistic") {
    return { opportunisticTLS: true, tls: { rejectUnauthorized: false } };
  }
  const files = await tlsFiles(SYSTEM_TRUST, authorities);
  if (!files.ok) throw new DeliveryError(files.error, true);
  const tls = { rejectUnauthorized: true, ca: files.value.authorities };
  return mail.tls === "tls" ? { secure: true, tls } : { requireTLS: true, tls };
}

/** A refusal with a 5yz code would be repeated (RFC 5321 4.2.1). */
function asDelivery(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { readonly responseCode?: unknown }).responseCode;
  return new DeliveryError(message, typeof code === "number" && code >= 500 && code < 600);
}
