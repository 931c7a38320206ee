/** The files of an upgrade: fetched, verified, put in the place of the old one, and back. */

import { basename, dirname, join } from "node:path";
import { createHash } from "node:crypto";
import type { Replaced } from "../engine/handover_state.ts";

/** Where an operator puts the key by which upgrades must be signed. */
export const DEFAULT_KEY_FILE = "/etc/vigie/upgrade.pub";

/** Something that is wrong with the new file, in words for people. */
export class BadUpgrade extends Error {
  override readonly name = "BadUpgrade";
}

/** Bytes of an ed25519 key and signature (RFC 8032 5.1.5, 5.1.6). */
const KEY_BYTES = 32, SIGNATURE_BYTES = 64;

/** What SubjectPublicKeyInfo has before an ed25519 key (RFC 8410 4). */
const SPKI_PREFIX = "302a300506032b6570032100";

/** Reads a file or an address. @returns Null if there is none. @throws {BadUpgrade} */
export async function fetchBytes(source: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!isAddress(source)) {
    try {
      return await Deno.readFile(source);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw new BadUpgrade(`Cannot read ${source}: ${(error as Error).message}`);
    }
  }
  try {
    const response = await fetch(source);
    if (response.status === 404) return await response.body?.cancel(), null;
    if (!response.ok) throw new Error(`the answer is ${response.status}`);
    return await response.bytes();
  } catch (error) {
    throw new BadUpgrade(`Cannot fetch ${source}: ${(error as Error).message}`);
  }
}

function isAddress(source: string): boolean {
  return /^https?:\/\//.test(source);
}

/** SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The sum that a file of `sha256sum` names; null if it holds none. */
export function parseSum(text: string): string | null {
  return /^\\?([0-9a-f]{64})\b/im.exec(text)?.[1]?.toLowerCase() ?? null;
}

/**
 * An ed25519 public key: PEM (`openssl pkey -pubout`), or 32 bytes as hexadecimal or base64.
 * @throws {BadUpgrade} If it is none.
 */
export function parseKey(text: string): Uint8Array<ArrayBuffer> {
  const pem = /-----BEGIN PUBLIC KEY-----([^-]+)-----END/.exec(text)?.[1];
  const compact = (pem ?? text).replaceAll(/\s/g, "");
  const bytes = pem === undefined && /^[0-9a-f]{64}$/i.test(compact)
    ? Uint8Array.fromHex(compact)
    : decodeBase64(compact);
  const key = bytes?.toHex().startsWith(SPKI_PREFIX) ? bytes.slice(SPKI_PREFIX.length / 2) : bytes;
  if (key?.length === KEY_BYTES) return key as Uint8Array<ArrayBuffer>;
  throw new BadUpgrade(
    "The key is no ed25519 public key: PEM, or 32 bytes in hexadecimal or base64",
  );
}

/** A detached signature: 64 bytes as they are, or as hexadecimal or base64. @throws {BadUpgrade} */
export function parseSignature(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length === SIGNATURE_BYTES) return bytes;
  const text = new TextDecoder("latin1").decode(bytes).replaceAll(/\s/g, "");
  const decoded = /^[0-9a-f]{128}$/i.test(text) ? Uint8Array.fromHex(text) : decodeBase64(text);
  if (decoded?.length === SIGNATURE_BYTES) return decoded;
  throw new BadUpgrade("The signature is no ed25519 signature of 64 bytes");
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}

/** Whether a signature is the key's for these bytes (RFC 8032). */
export async function isSigned(
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  key: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", imported, signature, bytes);
}

/** Writes the new executable beside the one that it is to replace, complete and on the disk. */
export function stage(bytes: Uint8Array, executable: string): string {
  const staged = join(dirname(executable), `.${basename(executable)}.new-${Deno.pid}`);
  const file = Deno.openSync(staged, { write: true, create: true, truncate: true, mode: 0o755 });
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
  } catch (error) {
    Deno.removeSync(staged);
    throw error;
  } finally {
    file.close();
  }
  Deno.chmodSync(staged, 0o755);
  return staged;
}

/**
 * Puts the new executable in the place of the old one, in one step; the old one is kept.
 * @throws {BadUpgrade} Then the old one has its name.
 */
export function replace(staged: string, executable: string): Replaced {
  const kept = `${executable}.old`, next = `${staged}.kept`;
  try {
    removeIfThere(next);
    keepAs(executable, next);
    // What was kept before is only lost when there is something in its place.
    Deno.renameSync(next, kept);
    Deno.renameSync(staged, executable);
  } catch (error) {
    removeIfThere(next);
    const text = (error as Error).message;
    throw new BadUpgrade(`Cannot replace ${executable}, which is what it was: ${text}`);
  }
  syncFolder(dirname(executable));
  return { file: executable, kept };
}

/** A second name, so that at no time there is no executable. */
function keepAs(executable: string, name: string): void {
  try {
    Deno.linkSync(executable, name);
  } catch {
    // A file system without links (vfat), or somebody else's file (fs.protected_hardlinks, proc(5)).
    Deno.copyFileSync(executable, name);
  }
}

/** Keeps others from replacing an executable, under whatever file it is at the moment. */
export interface UpgradeLock extends Disposable {
  /** This file will be the executable: it is locked too. */
  extendTo(staged: string): void;
}

/**
 * Makes this process the one that upgrades an executable, until it ends or disposes of the lock.
 * @throws {BadUpgrade} If another one does.
 */
export function lockUpgrade(executable: string): UpgradeLock {
  const files: Deno.FsFile[] = [];
  const lock = (path: string) => {
    const file = Deno.openSync(path);
    // Replaced since it was opened: whoever did that was the one, and is not done yet or has just been.
    if (file.tryLockSync(true) && file.statSync().ino === Deno.statSync(path).ino) {
      files.push(file);
      return;
    }
    file.close();
    throw new BadUpgrade(`Another upgrade of ${executable} is under way`);
  };
  lock(executable);
  return {
    extendTo: lock,
    [Symbol.dispose]: () => {
      for (const file of files) file.close();
    },
  };
}

/** Gives the old executable its name back; nothing if the daemon has done so already. */
export function takeBack({ file, kept }: Replaced): void {
  try {
    Deno.renameSync(kept, file);
    syncFolder(dirname(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes a file that may not be there. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}
