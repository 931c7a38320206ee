/** The keys of `auth_hmac` as the engine needs them, those in files read. */

import { keyBytes, lengthFault } from "../../config/hmac_key.ts";
import type { Complaint } from "../../config/model.ts";
import type { HmacDefs, HmacKey } from "../../config/model_authentication.ts";
import { toHex } from "../core/bytes.ts";
import type { HmacSpec } from "../vrrp/hmac_exchange.ts";
import { shellWord } from "./inspect_words.ts";

const FILE = "file:";

/** Bits of a mode that give a file to others than its owner (sys/stat.h). */
const OTHERS = 0o077;

/** Far more than a key: what is larger is another file. */
const MAX_FILE_BYTES = 4096;

/** Reads the key files. One that cannot be read is left out; without the one that signs it is a fault. */
export function hmacSpec(defs: HmacDefs | null): HmacSpec | null {
  if (defs === null) return null;
  const { keys: given, activeKey, windowS, antiReplay, mode } = defs;
  const read = given.map((key) => ({ key, bytes: bytesOf(key) }));
  const keys = read.flatMap(({ key: { id }, bytes }) =>
    typeof bytes === "string" ? [] : [{ id, hex: toHex(bytes) }]
  );
  const usable = keys.some(({ id }) => id === activeKey) ? activeKey : null;
  const why = read.find(({ key: { id } }) => id === activeKey)?.bytes;
  const fault = mode === "receive-only" || usable !== null
    ? null
    : `auth_hmac has no key to sign with${typeof why === "string" ? `: ${why}` : ""}`;
  return { keys, activeKey: usable, windowS, antiReplay, mode, fault };
}

/** The bytes of a key, or why there are none. */
function bytesOf({ secret }: HmacKey): Uint8Array | string {
  if (!secret.startsWith(FILE)) return keyBytes(secret) ?? "it is malformed";
  return readKey(secret.slice(FILE.length));
}

/** The bytes in a key file without the newline at its end, or why they cannot be used. */
function readKey(path: string): Uint8Array | string {
  let bytes: Uint8Array;
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) return `"${path}" is no file`;
    if (size > MAX_FILE_BYTES) return `"${path}" has ${size} bytes, which no key has`;
    bytes = Deno.readFileSync(path);
  } catch (error) {
    return `Cannot read "${path}": ${reason(error)}`;
  }
  if (bytes.at(-1) === 0x0a) bytes = bytes.subarray(0, -1);
  const fault = lengthFault(bytes.length);
  return fault === null ? bytes : `the key in "${path}" cannot be used: ${fault}`;
}

/** What is wrong with a key file, for `vigie check`; null if nothing is. */
export function keyFileComplaint(path: string): Complaint | null {
  const key = readKey(path);
  if (typeof key === "string") {
    const remedy = `Make it: (umask 077; openssl rand -hex 32 > ${shellWord(path)})`;
    return { message: key, remedy, refuses: false, fails: true };
  }
  const mode = Deno.statSync(path).mode ?? 0;
  if ((mode & OTHERS) === 0) return null;
  return {
    message: `"${path}" (mode ${(mode & 0o777).toString(8)}) can be read or changed by others ` +
      "than its owner",
    remedy: `Run: chmod go= ${shellWord(path)}; and change the key if anybody may have read it`,
    refuses: false,
    insecure: true,
  };
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  return error instanceof Error ? error.message : String(error);
}
