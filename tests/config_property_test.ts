import { ok } from "node:assert/strict";
import fc from "fast-check";
import { knownKeywords } from "../config/known.ts";
import { formatProblem, parseConfig } from "../config/mod.ts";
import { GLOBAL_DEFS } from "../config/table_global.ts";
import { VRRP_INSTANCE } from "../config/table_vrrp.ts";

const FACTS = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };

/** What holds for the answer to any input. */
function isSound(text: string | Uint8Array): boolean {
  const { config, problems } = parseConfig(text, "f", { facts: FACTS });
  for (const problem of problems) {
    const { position, message, remedy } = problem;
    ok(position.line >= 1 && position.column >= 1 && position.length >= 1, message);
    ok(message !== "" && remedy !== "" && !/[a-z]\.$/.test(message), message);
    ok(formatProblem(problem).includes(`:${position.line}:${position.column}: `));
  }
  for (const instance of config.instances) {
    ok(instance.virtualRouterId >= 1 && instance.virtualRouterId <= 255);
    ok(instance.priority >= 1 && instance.priority <= 255);
    ok(instance.virtualAddresses.length <= 255);
    ok(instance.family === "ipv4" || instance.version === 3);
    ok(instance.advertIntervalUs >= (instance.version === 2 ? 1_000_000 : 10_000));
  }
  const paced = config.global.garpGroups.flatMap(({ interfaces }) => interfaces);
  ok(new Set(paced).size === paced.length);
  ok(config.global.garpGroups.every(({ interfaces }) => interfaces.length > 0));
  return true;
}

const KEYWORDS = [
  ...["root", "global_defs", "vrrp_instance", "garp_group", "address entry"].flatMap((block) =>
    knownKeywords(block).map(({ keyword }) => keyword)
  ),
  ...Object.keys(GLOBAL_DEFS),
  ...Object.keys(VRRP_INSTANCE),
];

/** Words, values and signs that the language is made of, and some that it is not. */
const piece = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...KEYWORDS) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ..."0 1 51 255 256 -1 0.5 1e9 MASTER PASS 10.0.0.1/24 fe80::1 eth0 VI_1 chk + - on off".split(
        " ",
      ),
    ),
  },
  { weight: 6, arbitrary: fc.constantFrom("{", "}", "\n", "\n", "{\n", "\n}\n") },
  { weight: 2, arbitrary: fc.constantFrom('"', "'", "\\", "#", "!", "\t", "\\#", "${N}", "$N=") },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty"),
  },
);

const program = fc.array(piece, { maxLength: 120 }).map((pieces) => pieces.join(" "));

/** An instance with everything it needs, so that what is random inside it gets far. */
const insideInstance = program.map((text) =>
  `vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n${text}\n}`
);

Deno.test("parseConfig() answers when its input is any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 3000 }), isSound));
});

Deno.test("parseConfig() answers when its input is any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), isSound));
});

Deno.test("parseConfig() answers when its input is made of the language's words", () => {
  fc.assert(fc.property(program, isSound), { numRuns: 1000 });
  fc.assert(fc.property(insideInstance, isSound), { numRuns: 1000 });
});

Deno.test("parseConfig() reads the same when comments and blanks are added to its lines", () => {
  const line = fc.constantFrom(
    " priority 90",
    " nopreempt",
    " advert_int 3",
    " virtual_ipaddress {\n10.0.0.1/24\n}",
    " state BACKUP",
    " garp_master_delay 2",
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
    const text = `vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n${lines.join("\n")}\n}\n`;
    const padded = text.replaceAll("\n", " \t # { a }\n\t").replaceAll(" ", "\t ");
    return meaning(text) === meaning(padded);
  }));
});

function meaning(text: string): string {
  const { config } = parseConfig(text, "f");
  return JSON.stringify(config, (key, value) => key === "position" ? undefined : value);
}

/** Inputs that would hang a reader whose time is not about linear in their length. */
const LARGE: readonly (readonly [string, string])[] = [
  ["unknown words", "abcdefghij klm\n".repeat(60_000)],
  ["open braces", "vrrp_instance a {\n".repeat(60_000)],
  ["braces on one line", "{}".repeat(500) + "\n" + "{".repeat(400_000)],
  ["one long line", "a".repeat(2_000_000)],
  [
    "instances",
    Array.from(
      { length: 4000 },
      (_, n) => `vrrp_instance V${n} {\n interface e${n}\n virtual_router_id 1\n}\n`,
    ).join(""),
  ],
  ["quotes", '"\\" \n'.repeat(100_000)],
  [
    "addresses",
    `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n${
      Array.from({ length: 20_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1\n`).join("")
    }}\n}`,
  ],
];

for (const [what, text] of LARGE) {
  Deno.test(`parseConfig() ends in good time when it is given many ${what}`, () => {
    const start = performance.now();
    parseConfig(text, "f", { facts: FACTS });
    // A guard against quadratic time, which would take minutes: not a measure of speed.
    ok(performance.now() - start < 20_000);
  });
}
