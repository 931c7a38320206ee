/** The files of an upgrade: sums, signatures, one name at every instant. */

import assert from "node:assert/strict";
import {
  BadUpgrade,
  fetchBytes,
  isSigned,
  lockUpgrade,
  parseKey,
  parseSignature,
  parseSum,
  replace,
  sha256,
  stage,
  takeBack,
} from "../lib/cli/upgrade_file.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** RFC 8032 7.1, test 2: the message is one byte. */
const RFC8032 = {
  key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  message: Uint8Array.of(0x72),
  signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
};

function withFolder(body: (folder: string) => void | Promise<void>) {
  return async () => {
    const folder = Deno.makeTempDirSync({ prefix: "vigie-handover-" });
    try {
      await body(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  };
}

Deno.test("sha256() and parseSum() agree with sha256sum", () => {
  const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(sha256(bytesOf("abc")), sum);
  for (const text of [`${sum}  vigie\n`, sum.toUpperCase(), `${sum} *vigie`, `\\${sum}  a\\nb`]) {
    assert.equal(parseSum(text), sum, text);
  }
  for (const text of ["", "abc", `${sum}0  vigie`, "<html>"]) assert.equal(parseSum(text), null);
});

Deno.test("isSigned() is RFC 8032's, with keys and signatures in every usual form", async () => {
  const { key, message, signature } = RFC8032, raw = Uint8Array.fromHex(key);
  const spki = Uint8Array.fromHex(`302a300506032b6570032100${key}`).toBase64();
  const keys = [
    key,
    `${key}\n`,
    raw.toBase64(),
    `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`,
  ];
  for (const text of keys) assert.deepEqual(parseKey(text), raw, text);
  const sig = Uint8Array.fromHex(signature);
  for (const form of [sig, bytesOf(`${signature}\n`), bytesOf(`${sig.toBase64()}\n`)]) {
    assert.ok(await isSigned(message, parseSignature(form), raw));
  }
  assert.ok(!await isSigned(Uint8Array.of(0x73), sig, raw));
  assert.ok(!await isSigned(message, sig.with(0, 0x93) as typeof sig, raw));
  assert.ok(!await isSigned(message, sig, Uint8Array.from(raw.with(0, 0x3c))));
  assert.throws(() => parseKey("no key"), BadUpgrade);
  assert.throws(() => parseKey(""), BadUpgrade);
  assert.throws(() => parseSignature(bytesOf("short")), BadUpgrade);
});

Deno.test(
  "replace() keeps the old file under another name, and takeBack() puts it back once",
  withFolder((folder) => {
    const file = `${folder}/vigie`, kept = `${folder}/vigie.old`;
    Deno.writeTextFileSync(file, "old", { mode: 0o755 });
    Deno.writeTextFileSync(kept, "older still");
    const staged = stage(bytesOf("new"), file);
    assert.equal(Deno.readTextFileSync(file), "old", "until it is replaced");
    assert.equal((Deno.statSync(staged).mode ?? 0) & 0o777, 0o755);
    const replaced = replace(staged, file);
    assert.deepEqual(replaced, { file, kept });
    assert.deepEqual([file, kept].map((path) => Deno.readTextFileSync(path)), ["new", "old"]);
    takeBack(replaced);
    assert.equal(Deno.readTextFileSync(file), "old");
    takeBack(replaced);
    assert.equal(Deno.readTextFileSync(file), "old");
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["vigie"]);
  }),
);

Deno.test(
  "replace() leaves the executable as it is if it cannot be kept or replaced, and nothing beside it",
  withFolder((folder) => {
    const file = `${folder}/vigie`;
    Deno.writeTextFileSync(file, "old", { mode: 0o755 });
    const staged = stage(bytesOf("new"), file);
    Deno.mkdirSync(`${file}.old/in the way`, { recursive: true });
    assert.throws(() => replace(staged, file), /Cannot replace .*vigie, which is what it was: /);
    Deno.removeSync(`${file}.old`, { recursive: true });
    Deno.removeSync(staged);
    assert.throws(() => replace(staged, file), BadUpgrade);
    assert.equal(Deno.readTextFileSync(file), "old");
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["vigie", "vigie.old"]);
    assert.equal(Deno.readTextFileSync(`${file}.old`), "old");
  }),
);

Deno.test(
  "lockUpgrade() lets one in at a time, whatever has become of the executable meanwhile",
  withFolder((folder) => {
    const file = `${folder}/vigie`;
    Deno.writeTextFileSync(file, "old", { mode: 0o755 });
    const refused = () => assert.throws(() => lockUpgrade(file), /Another upgrade of .*vigie is/);
    {
      using lock = lockUpgrade(file);
      refused();
      const staged = stage(bytesOf("new"), file);
      lock.extendTo(staged);
      const replaced = replace(staged, file);
      refused();
      takeBack(replaced);
      refused();
    }
    using _ = lockUpgrade(file);
    refused();
  }),
);

Deno.test(
  "fetchBytes() reads files and addresses, null for what is not there",
  withFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/one`, "1");
    assert.deepEqual(await fetchBytes(`${folder}/one`), bytesOf("1"));
    assert.equal(await fetchBytes(`${folder}/two`), null);
    await assert.rejects(() => fetchBytes(folder), BadUpgrade);
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/one") return new Response("1");
        return new Response(null, { status: pathname === "/two" ? 404 : 500 });
      },
    );
    const at = `http://127.0.0.1:${server.addr.port}`;
    assert.deepEqual(await fetchBytes(`${at}/one`), bytesOf("1"));
    assert.equal(await fetchBytes(`${at}/two`), null);
    await assert.rejects(() => fetchBytes(`${at}/three`), /the answer is 500/);
  }),
);
