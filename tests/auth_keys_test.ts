/** Keys of `auth_hmac` in files: what is read, what is refused, and who else could read them. */

import assert from "node:assert/strict";
import type { HmacDefs } from "../config/model_authentication.ts";
import { hmacSpec, keyFileComplaint } from "../lib/daemon/auth_keys.ts";

const KEY = "0123456789abcdef0123456789ABCDEF";
const POSITION = { file: "a", line: 1, column: 1, length: 1 };

function defs(secrets: readonly string[], change: Partial<HmacDefs> = {}): HmacDefs {
  const keys = secrets.map((secret, at) => ({ id: at + 1, secret, position: POSITION }));
  return { keys, activeKey: 1, windowS: 5, antiReplay: "time", mode: "enforce", ...change };
}

function withFile(content: string | Uint8Array, mode: number, run: (path: string) => void): void {
  const path = Deno.makeTempFileSync({ prefix: "vigie key ' " });
  try {
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    Deno.chmodSync(path, mode);
    run(path);
  } finally {
    Deno.removeSync(path);
  }
}

const hex = (text: string) => new TextEncoder().encode(text).toHex();

Deno.test("hmacSpec() makes bytes of text, of digits and of files", () => {
  withFile(`${KEY}\n`, 0o600, (path) => {
    const spec = hmacSpec(defs([KEY, `hex:${"AB".repeat(32)}`, `file:${path}`]))!;
    assert.deepEqual(spec.keys, [
      { id: 1, hex: hex(KEY) },
      { id: 2, hex: "ab".repeat(32) },
      { id: 3, hex: hex(KEY) },
    ]);
    assert.deepEqual([spec.activeKey, spec.fault], [1, null]);
  });
  assert.equal(hmacSpec(null), null);
});

Deno.test("a key file ends before one newline, and may hold any bytes", () => {
  const bytes = Uint8Array.from({ length: 33 }, (_, at) => at < 31 ? 250 + at & 255 : 0x0a);
  withFile(bytes, 0o600, (path) => {
    assert.deepEqual(hmacSpec(defs([`file:${path}`]))!.keys[0]!.hex, bytes.subarray(0, 32).toHex());
  });
});

Deno.test("without the key that signs it is a fault, unless nothing is signed", () => {
  const missing = "file:/nonexistent/key";
  const spec = hmacSpec(defs([missing, KEY]))!;
  assert.deepEqual(spec.keys.map(({ id }) => id), [2]);
  assert.equal(spec.activeKey, null);
  assert.match(spec.fault!, /no key to sign with: Cannot read "\/nonexistent\/key": No such file/);
  assert.equal(hmacSpec(defs([missing, KEY], { activeKey: 2 }))!.fault, null);
  assert.equal(hmacSpec(defs([missing], { mode: "receive-only" }))!.fault, null);
  assert.match(hmacSpec(defs([KEY], { activeKey: null }))!.fault!, /no key to sign with$/);
});

Deno.test("keyFileComplaint() names what is wrong and the command that mends it", () => {
  withFile(KEY, 0o600, (path) => assert.equal(keyFileComplaint(path), null));
  withFile(KEY, 0o640, (path) => {
    const { message, remedy, insecure } = keyFileComplaint(path)!;
    assert.match(message, /mode 640\) can be read or changed by others/);
    assert.match(remedy, /^Run: chmod go= '/);
    assert.equal(insecure, true);
  });
  withFile("short", 0o600, (path) => {
    const { message, fails } = keyFileComplaint(path)!;
    assert.match(message, /cannot be used: it has 5 bytes, must be 32 to 64$/);
    assert.equal(fails, true);
  });
  withFile("x".repeat(5000), 0o600, (path) => {
    assert.match(keyFileComplaint(path)!.message, /has 5000 bytes, which no key has/);
  });
  assert.match(keyFileComplaint("/nonexistent/key")!.message, /No such file or directory/);
  assert.match(keyFileComplaint("/")!.message, /is no file/);
});
