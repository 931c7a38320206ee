/** The PEM files of HTTPS checks: authorities, client certificates, keys. */

import type { TlsSpec } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { patience, Shared } from "./shared.ts";
import { inWords } from "./words.ts";

/** What a TLS client needs besides a name. */
export interface TlsFiles {
  /** PEM texts of all authorities to trust. */
  readonly authorities: string;
  /** PEM texts. */
  readonly client: { readonly cert: string; readonly key: string } | null;
}

/**
 * Where distributions keep the authorities they trust: Debian, Arch and Gentoo; Fedora and RHEL;
 * openSUSE; CentOS 7; Alpine and others. The first that exists is the system's.
 */
export const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, one by one. */
export function certificatesIn(pem: string): string[] {
  return pem.match(CERTIFICATE) ?? [];
}

/**
 * The files of a check, read again only when they change, so that a renewed certificate counts at
 * once. The error says what is wrong with which file: the configuration's check may show it too.
 * @param system The files of authorities to look for when none is given, the first that exists.
 * @param host Where the files are; tests bring their own.
 */
export async function tlsFiles(
  spec: TlsSpec,
  system: readonly string[] = SYSTEM_AUTHORITIES,
  host: PemSystem = { stat: Deno.stat, read: Deno.readTextFile },
): Promise<Result<TlsFiles, string>> {
  const authorities = spec.insecure
    ? ok("")
    : spec.caFile === null
    ? await systemAuthorities(system, host)
    : await pemFile(spec.caFile, "certificate", host);
  if (!authorities.ok) return authorities;
  const client = await clientFiles(spec.clientCertificate, host);
  return client.ok ? ok({ authorities: authorities.value, client: client.value }) : client;
}

async function systemAuthorities(
  paths: readonly string[],
  host: PemSystem,
): Promise<Result<string, string>> {
  for (const path of paths) {
    const file = await pemFile(path, "certificate", host);
    if (file.ok || !file.missing) return file;
  }
  return err("this system has no file of trusted authorities: install ca-certificates");
}

async function clientFiles(
  client: TlsSpec["clientCertificate"],
  host: PemSystem,
): Promise<Result<TlsFiles["client"], string>> {
  if (client === null) return ok(null);
  const { certFile, keyFile } = client;
  const cert = await pemFile(certFile, "certificate", host);
  if (!cert.ok) return cert;
  const key = await pemFile(keyFile, "key", host);
  if (!key.ok) return key;
  return (await belongTogether(cert.value, key.value))
    ? ok({ cert: cert.value, key: key.value })
    : err(`${keyFile} is not the key of ${certFile}`);
}

/** What was found in a file, or why there is nothing. */
type Judged = Result<string, string> & { readonly missing?: boolean };

interface PemFile {
  readonly modifiedMs: number;
  readonly bytes: number;
  readonly judged: Judged;
}

/** By path and what they are read for: one file may hold a certificate and its key. */
const files = new Map<string, PemFile>();

/** What of a file is used; or what is wrong with it, as an end of "FILE ...". */
const READERS = { certificate: readCertificates, key: readKey } as const;

/** What the system is asked about files. */
export interface PemSystem {
  stat(path: string): Promise<Pick<Deno.FileInfo, "mtime" | "size">>;
  read(path: string): Promise<string>;
}

/** So many files at once, of Deno's 32 threads for calls that block. */
const MOST_AT_ONCE = 4;
/** How long a file system may be silent before what was read of it last is used. */
const PATIENCE_MS = 500;
const looks = new Shared<Judged>(MOST_AT_ONCE, SYSTEM_CLOCK);

/**
 * What is in a file now; while its file system is silent, what was in it last. Nobody but those who
 * look waits for that, and one look at a time is made.
 */
async function pemFile(
  path: string,
  purpose: keyof typeof READERS,
  system: PemSystem,
): Promise<Judged> {
  const id = `${purpose} ${path}`;
  const look = looks.ask(id, () => readPem(id, path, purpose, system));
  const known = files.get(id)?.judged;
  if (known !== undefined && performance.now() - look.beganMs >= PATIENCE_MS) return known;
  const waits = patience(PATIENCE_MS, SYSTEM_CLOCK);
  const outcome = await look.wait(waits.signal);
  waits.end();
  if (outcome?.status === "fulfilled") return outcome.value;
  if (outcome !== null) throw outcome.reason;
  return known ?? err(`cannot read ${path}: no answer from the file system`);
}

async function readPem(
  id: string,
  path: string,
  purpose: keyof typeof READERS,
  system: PemSystem,
): Promise<Judged> {
  try {
    const { mtime, size } = await system.stat(path);
    const modifiedMs = mtime?.getTime() ?? 0;
    const known = files.get(id);
    if (known?.modifiedMs === modifiedMs && known.bytes === size) return known.judged;
    const read = await READERS[purpose](await system.read(path));
    const judged = read.ok ? read : err(`${path} ${read.error}`);
    files.set(id, { modifiedMs, bytes: size, judged });
    return judged;
  } catch (error) {
    files.delete(id);
    const missing = error instanceof Deno.errors.NotFound;
    return { ...err(`cannot read ${path}: ${inWords(error)}`), missing };
  }
}

async function readCertificates(pem: string): Promise<Result<string, string>> {
  const certificates = certificatesIn(pem);
  const [first] = certificates;
  if (first === undefined) return err("has no certificate in it");
  const { X509Certificate } = await import("node:crypto");
  try {
    new X509Certificate(first);
    return ok(certificates.join("\n"));
  } catch {
    return err("has a certificate in it that cannot be read");
  }
}

const KEY = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]+-----END \1-----/;

/** The key, without the parameters or certificates that may stand around it. */
async function readKey(pem: string): Promise<Result<string, string>> {
  if (pem.includes("ENCRYPTED")) return err("has a key that is encrypted with a passphrase");
  const { createPrivateKey } = await import("node:crypto");
  try {
    const [key = ""] = KEY.exec(pem) ?? [];
    createPrivateKey(key);
    return ok(key);
  } catch {
    return err("has no private key in it");
  }
}

/** Pairs of texts that were found to belong together. */
const pairs = new Set<string>();
/** More are not remembered: every renewal makes a new one. */
const MAX_PAIRS = 100;

/** A wrong key would be noticed by nobody: node:tls goes on without a certificate then. */
async function belongTogether(cert: string, key: string): Promise<boolean> {
  const pair = cert + key;
  if (pairs.has(pair)) return true;
  const { createPrivateKey, createPublicKey, X509Certificate } = await import("node:crypto");
  const spki = { type: "spki", format: "pem" } as const;
  const certified = new X509Certificate(cert).publicKey.export(spki);
  const own = createPublicKey(createPrivateKey(key)).export(spki);
  if (certified !== own) return false;
  if (pairs.size >= MAX_PAIRS) pairs.clear();
  pairs.add(pair);
  return true;
}
