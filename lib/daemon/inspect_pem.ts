/** Whether a PEM file holds what it should. */

import { codeOf, inWords } from "../track/words.ts";

/** What a PEM file can be asked for. */
export type PemKind = "certificate" | "key";

/** The labels of RFC 7468 that are meant; those of OpenSSL's older forms too. */
const LABELS: Readonly<Record<PemKind, RegExp>> = {
  certificate: /^(X509 |TRUSTED )?CERTIFICATE$/,
  key: /^((RSA|EC|DSA|ENCRYPTED) )?PRIVATE KEY$/,
};

const NOUNS: Readonly<Record<PemKind, string>> = {
  certificate: "certificate",
  key: "private key",
};

/** No bundle of authorities is so large; a device that never ends is. */
const MAX_BYTES = 16 * 1024 * 1024;

interface Block {
  readonly label: string;
  readonly text: string;
}

/**
 * Why a PEM file cannot be used; null if it can. Whether a certificate is still valid is not asked.
 * Null as well for a file that only the daemon's user may read, when another one asks.
 */
export function pemFault(path: string, holds: PemKind): string | null {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) return "it is not a regular file";
    if (size > MAX_BYTES) return "it is too large to be one";
    return faultIn(Deno.readTextFileSync(path), holds);
  } catch (error) {
    const isHidden = codeOf(error) === "EACCES" && Deno.uid() !== 0;
    return isHidden ? null : inWords(error);
  }
}

function faultIn(text: string, holds: PemKind): string | null {
  const blocks = blocksOf(text);
  const wanted = blocks.filter(({ label }) => LABELS[holds].test(label));
  if (wanted.length === 0) return nothingWanted(text, blocks, holds);
  for (const [at, block] of wanted.entries()) {
    const why = holds === "key" ? keyFault(block) : certificateFault(block);
    if (why === null) continue;
    const which = wanted.length === 1 ? "" : ` ${at + 1} of ${wanted.length}`;
    return `${NOUNS[holds]}${which} ${why}`;
  }
  return null;
}

function blocksOf(text: string): Block[] {
  const found = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----/g);
  return [...found].map(([text, label]) => ({ label: label!, text }));
}

function nothingWanted(text: string, blocks: readonly Block[], holds: PemKind): string {
  if (text === "") return "it is empty";
  if (blocks.length > 0) {
    const labels = [...new Set(blocks.map(({ label }) => `"${label}"`))].join(", ");
    return `it holds no ${NOUNS[holds]}, but ${labels}`;
  }
  if (text.includes("-----BEGIN ")) return "it ends in the middle of a PEM block";
  return `it is not PEM: there is no "-----BEGIN" line`;
}

function certificateFault({ text, label }: Block): string | null {
  // OpenSSL's "trusted" form has more behind the certificate, which node:crypto reads as well.
  const plain = text.replaceAll(label, "CERTIFICATE");
  return attempt(() => new (nodeCrypto().X509Certificate)(plain));
}

function keyFault({ text, label }: Block): string | null {
  if (label.startsWith("ENCRYPTED") || text.includes("Proc-Type: 4,ENCRYPTED")) {
    return "is encrypted, and nobody is there to give its passphrase";
  }
  return attempt(() => nodeCrypto().createPrivateKey(text));
}

function attempt(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    return `cannot be read: ${inWords(error)}`;
  }
}

/** Loaded when the first PEM file is read: it takes 10 MB. */
function nodeCrypto(): typeof import("node:crypto") {
  return process().getBuiltinModule("node:crypto");
}

function process(): { getBuiltinModule(name: "node:crypto"): typeof import("node:crypto") } {
  return (globalThis as unknown as { process: ReturnType<typeof process> }).process;
}
