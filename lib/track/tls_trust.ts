/**
 * Fewer authorities a handshake. node:tls reads the text of all of them for each connection: 8 ms of
 * CPU for the 144 of a Debian, of 9 ms for the whole check. So the authorities that a server's chain
 * ended at are remembered, and the next connection trusts these alone. They are always a part of
 * what is to be trusted: the worst that can come of it is a refusal, and then all are asked.
 */

import { type Certificate, chainOf } from "./certificate.ts";
import { certificatesIn } from "./tls_files.ts";

interface Narrowed {
  /** The text that `enough` is a part of; another text makes it void. */
  readonly all: string;
  readonly enough: string;
}

/** By what the caller calls the server. */
const known = new Map<string, Narrowed>();
/** Servers that redirections lead to may have any number of names. */
const MAX_KNOWN = 1000;
/** A text shorter than this costs less to read than to think about: some ten authorities. */
const SHORT_CHARS = 16_384;

/** The authorities that should do for a server; `all` if nothing is known. */
export function enoughFor(server: string, all: string): string {
  const narrowed = known.get(server);
  return narrowed?.all === all ? narrowed.enough : all;
}

/** They did not do. */
export function forget(server: string): void {
  known.delete(server);
}

/** Remembers, after a verified handshake, what would have been enough for this chain. */
export async function learn(server: string, all: string, leaf: Certificate): Promise<void> {
  if (all.length < SHORT_CHARS || known.get(server)?.all === all) return;
  const { X509Certificate } = await import("node:crypto");
  const issuers = new Set(
    chainOf(leaf).map(({ raw }) => new X509Certificate(raw as Uint8Array<ArrayBuffer>).issuer),
  );
  const enough = certificatesIn(all).filter((pem) => issuers.has(new X509Certificate(pem).subject));
  if (enough.length === 0) return;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(server, { all, enough: enough.join("\n") });
}
