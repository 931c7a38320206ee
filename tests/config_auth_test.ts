/** `authentication` and `auth_hmac` in a configuration: what they become, and what is said of them. */

import assert from "node:assert/strict";
import { withoutKeys } from "../config/hmac_key.ts";
import { type Facts, formatProblem, parseConfig } from "../config/mod.ts";

const HEX = `hex:${"0123456789abcdef".repeat(4)}`, OTHER = `hex:${"fedcba9876543210".repeat(4)}`;

function parsed(lines: readonly string[], facts?: Facts) {
  const text = [
    "vrrp_instance VI_1 {",
    "  interface eth0",
    "  virtual_router_id 51",
    ...lines,
    "  virtual_ipaddress {",
    "    192.0.2.100",
    "  }",
    "}",
    "",
  ].join("\n");
  const { config, problems } = parseConfig(text, "a.conf", facts === undefined ? {} : { facts });
  const said = problems.map(({ severity, message, remedy }) =>
    `${severity}: ${message} -> ${remedy}`
  );
  return { instance: config.instances[0]!, said, text: problems.map(formatProblem).join("\n") };
}

const block = (name: string, lines: readonly string[]) => [`  ${name} {`, ...lines, "  }"];
const hmac = (...lines: readonly string[]) => block("auth_hmac", lines);
const auth = (...lines: readonly string[]) => block("authentication", lines);

function only(said: readonly string[], expected: RegExp): void {
  assert.equal(said.length, 1, said.join("\n"));
  assert.match(said[0]!, expected);
}

Deno.test("parseConfig() reads AH with its password", () => {
  const { instance, said } = parsed(auth("auth_type AH", "auth_pass secret"));
  assert.deepEqual(instance.authentication, { type: "ah", password: "secret" });
  assert.deepEqual(said, []);
});

Deno.test("parseConfig() makes a backup of a MASTER with AH, unless it is the owner", () => {
  const lines = auth("auth_type AH", "auth_pass secret");
  const master = parsed(["state MASTER", "priority 200", "nopreempt", ...lines]);
  assert.equal(master.instance.state, "BACKUP");
  assert.equal(master.instance.preempt, false, "as keepalived: nopreempt is kept then");
  only(master.said, /^warning: .*state MASTER is read as BACKUP with auth_type AH/);
  const owner = parsed(["state MASTER", "priority 255", ...lines]);
  assert.deepEqual([owner.instance.state, owner.said], ["MASTER", []]);
});

Deno.test("parseConfig() says what of authentication does not work", () => {
  only(parsed(["version 3", ...auth("auth_type AH", "auth_pass a")]).said, /version 3 has no auth/);
  only(parsed(auth("auth_type AH")).said, /no password given/);
  only(parsed(auth("auth_pass a")).said, /"auth_pass" without "auth_type"/);
  const cut = parsed(auth("auth_type AH", "auth_pass 123456789"));
  only(cut.said, /Truncating auth_pass to 8 characters: it has 9/);
  assert.deepEqual(cut.instance.authentication, { type: "ah", password: "12345678" });
});

Deno.test("parseConfig() reads auth_hmac with its defaults and with everything given", () => {
  const usual = parsed(hmac(`key 1 ${HEX}`, "active_key 1"));
  assert.deepEqual(usual.said, []);
  const { keys, ...rest } = usual.instance.hmac!;
  assert.deepEqual(keys.map(({ id, secret }) => [id, secret]), [[1, HEX]]);
  assert.deepEqual(rest, { activeKey: 1, windowS: 5, antiReplay: "time", mode: "enforce" });
  const full = parsed([
    "version 3",
    ...hmac(
      `key 1 ${HEX}`,
      'key 255 "words that are long enough for a key"',
      "key 3 file:/etc/vigie/key",
      "active_key 255",
      "time_window 30",
      "anti_replay monotonic",
      "mode receive-only",
    ),
  ]);
  assert.deepEqual(full.said, []);
  const { keys: three, ...other } = full.instance.hmac!;
  assert.deepEqual(three.map(({ id }) => id), [1, 255, 3]);
  const expected = { activeKey: 255, windowS: 30, antiReplay: "monotonic", mode: "receive-only" };
  assert.deepEqual(other, expected);
  assert.equal(parsed([]).instance.hmac, null);
});

Deno.test("the default time_window is 3 adverts, from 5 to 300 seconds", () => {
  const window = (interval: string) =>
    parsed([`advert_int ${interval}`, ...hmac(`key 1 ${HEX}`, "active_key 1")]).instance.hmac!
      .windowS;
  assert.deepEqual(["1", "2", "10", "200"].map(window), [5, 6, 30, 300]);
});

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "a short key",
    [`key 1 ${HEX}`, "key 2 short", "active_key 1"],
    /key 2: it has 5 bytes, must be 32 to 64/,
  ],
  [
    "a long key",
    [`key 1 ${HEX}`, `key 2 hex:${"ab".repeat(65)}`, "active_key 1"],
    /it has 65 bytes/,
  ],
  [
    "bad digits",
    [`key 1 ${HEX}`, "key 2 hex:xyz", "active_key 1"],
    /not pairs of hexadecimal digits/,
  ],
  ["a relative file", [`key 1 ${HEX}`, "key 2 file:k", "active_key 1"], /its file is not absolute/],
  [
    "a key twice",
    [`key 1 ${HEX}`, `key 1 ${OTHER}`, "active_key 1"],
    /Key 1 is given twice: the first/,
  ],
  [
    "the same key under two ids",
    [`key 1 ${HEX}`, `key 2 ${HEX}`, "active_key 1"],
    /^warning: .*Key 2 is the same as key 1/,
  ],
  [
    "a guessable key",
    [`key 1 hex:${"00".repeat(32)}`, "active_key 1"],
    /^warning: .*few different bytes/,
  ],
  [
    "digits without hex:",
    [`key 1 ${HEX.slice(4)}`, "active_key 1"],
    /^warning: .*looks hexadecimal, but is taken as text/,
  ],
  [
    "ascii:",
    ["key 1 ascii:0123456789ghijklmnopqrstuvwxyz", "active_key 1"],
    /^warning: .*there is no such prefix/,
  ],
  [
    "an id out of range",
    [`key 1 ${HEX}`, `key 256 ${OTHER}`, "active_key 1"],
    /Cannot read the id of a key/,
  ],
  [
    "an unknown active key",
    [`key 1 ${HEX}`, "active_key 2"],
    /active_key 2 is no usable key .*stays in FAULT -> Name one .*\(1\)/,
  ],
  ["no active key", [`key 1 ${HEX}`], /No "active_key" in auth_hmac: .*stays in FAULT/],
  [
    "a wrong mode",
    [`key 1 ${HEX}`, "active_key 1", "mode on"],
    /must be "enforce" or "permissive" or "receive-only"/,
  ],
  ["a wide window", [`key 1 ${HEX}`, "active_key 1", "time_window 301"], /from 1 to 300/],
];

for (const [what, lines, expected] of WRONG) {
  Deno.test(`parseConfig() says of auth_hmac: ${what}`, () =>
    only(parsed(hmac(...lines)).said, expected));
}

Deno.test("a router that only receives needs no key to sign, and hears so", () => {
  only(parsed(hmac(`key 1 ${HEX}`, "mode receive-only")).said, /leave unsigned anyway/);
});

Deno.test("parseConfig() asks the machine about key files, and keeps the key", () => {
  const lines = hmac("key 1 file:/etc/vigie/key", "active_key 1");
  const asked: string[] = [];
  const say = (fails: boolean) =>
    parsed(lines, {
      interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }],
      inspect: {
        regex: () => null,
        script: () => [],
        pem: () => null,
        fifo: () => null,
        folderOf: () => null,
        account: () => null,
        keyFile: (path) => {
          asked.push(path);
          const trouble = { message: "M", remedy: "R", refuses: false };
          return fails ? { ...trouble, fails } : trouble;
        },
      },
    });
  only(say(true).said, /^error: .*Cannot use key 1: M -> R; until then nothing is signed/);
  only(say(false).said, /^error: .*Key 1 is no secret: M -> R$/);
  assert.equal(say(true).instance.hmac!.activeKey, 1);
  assert.deepEqual([...new Set(asked)], ["/etc/vigie/key"]);
});

Deno.test("no problem ever shows a key", () => {
  const secret = "s3cr3t-s3cr3t-s3cr3t", other = `${secret}${secret} ${secret}`;
  for (
    const lines of [
      [`key 1 ${secret}`],
      [`key ${secret}`],
      [`key ${secret} 1`],
      [`key 1 hex:${secret}`],
      [`key 300 ${secret}`],
      [`key 1 "${other}"`, `key 1 "${other}"`],
      [`key 1 ascii:${secret}${secret}`],
    ]
  ) {
    const { text } = parsed(hmac(...lines));
    assert.ok(text.length > 0);
    assert.ok(!text.includes("s3cr3t"), text);
  }
});

Deno.test("withoutKeys() stars keys and leaves the rest of a line", () => {
  assert.equal(withoutKeys("  key 1 abc def }"), "  key 1 *** *** }");
  assert.equal(withoutKeys("\tkey 12 hex:00"), "\tkey 12 ******");
  assert.equal(withoutKeys("key 1 file:/etc/key"), "key 1 file:/etc/key");
  assert.equal(withoutKeys("active_key 1"), "active_key 1");
  assert.equal(withoutKeys("  key /etc/ssl/key.pem"), "  key /etc/ssl/key.pem");
});

Deno.test("parseConfig() warns of a clock that nothing keeps right, if times count", () => {
  const asked = (line: string) =>
    parsed(hmac(`key 1 ${HEX}`, "active_key 1", ...line === "" ? [] : [line]), {
      interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }],
      inspect: {
        regex: () => null,
        script: () => [],
        pem: () => null,
        fifo: () => null,
        folderOf: () => null,
        account: () => null,
        keyFile: () => null,
        clock: () => "it is wrong",
      },
    }).said;
  only(asked(""), /^warning: .*compares times, and it is wrong: .* -> Run an NTP client/);
  assert.deepEqual(asked("anti_replay monotonic"), []);
});

Deno.test("strict mode has no authentication, and says so", () => {
  const { instance, said } = parsed(["strict_mode", ...auth("auth_type AH", "auth_pass a")]);
  assert.deepEqual(instance.authentication, { type: "none" });
  assert.ok(said.some((text) => /Strict mode has no authentication/.test(text)), said.join("\n"));
});
