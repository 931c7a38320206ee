import { ok } from "node:assert/strict";
import fc from "fast-check";
import { knownKeywords } from "../config/known.ts";
import { formatProblem, parseConfig } from "../config/mod.ts";
import type { Table } from "../config/keyword.ts";
import { ROOT } from "../config/tables.ts";

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
  const defined = new Set([
    ...config.checks.map(({ spec }) => spec.tracker),
    ...config.trackProcesses.map(({ name }) => `process ${name}`),
    ...config.trackFiles.map(({ name }) => `file ${name}`),
  ]);
  for (const { tracks, priority, group } of config.instances) {
    for (const { kind, name, weight } of tracks) {
      ok(kind === "interface" || defined.has(`${kind} ${name}`), name);
      ok(Math.abs(weight) <= (kind === "file" || kind === "process" ? 254 : 253));
      ok(weight === 0 || priority !== 255);
    }
    ok(group === null || config.groups.some(({ name }) => name === group));
  }
  const members = config.groups.flatMap(({ members }) => members);
  ok(new Set(members).size === members.length);
  for (const { spec } of config.checks) {
    ok(spec.intervalUs > 0 && spec.timeoutUs > 0 && spec.rise >= 1 && spec.fall >= 1);
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
  ...keywordsOf(ROOT),
];

/** All keywords of a table and of the blocks in it. */
function keywordsOf(table: Table): readonly string[] {
  return Object.entries(table).flatMap(([keyword, row]) => [
    keyword,
    ...row.kind === "section" ? keywordsOf(row.table) : [],
  ]);
}

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

/** A block of every kind of tracker with random lines, then a group and instances that track them. */
const KINDS = ["script", "check", "process", "file"] as const;
const BLOCKS = {
  script: ["vrrp_script"],
  check: ["vrrp_check"],
  process: ["vrrp_track_process"],
  file: ["track_file", "vrrp_track_file"],
} as const;
const PROBE_LINES = {
  script: [
    'script "/bin/a b"',
    "script </f",
    'script "</f"',
    "interval 0",
    "timeout 9",
    "init_fail",
  ],
  check: [
    "ping {\n host ::1\n source_address 10.0.0.1\n}",
    "tcp {\n connect h 1\n}",
    "http {\n url http://h/\n body regex (\n}",
    "script {\n command /a\n}",
    "process {\n process a\n quorum_max 0\n}",
    "interval 0.01",
    "init_state up",
  ],
  process: ["process a", "process /a b", "param_match", "quorum 9", "quorum_max 2", "delay 1"],
  file: ["file /f", "file f", "init_file", "init_file 3 overwrite", "init_file x"],
} as const;
const WEIGHTS = ["", "weight 1", "weight 0 reverse", "weight -254", "weight 300", "weight x"];
const block = fc.constantFrom(...KINDS).chain((kind) =>
  fc.tuple(
    fc.constantFrom(...BLOCKS[kind]),
    fc.constantFrom("a", "b", "c"),
    fc.array(fc.constantFrom(...PROBE_LINES[kind], ...WEIGHTS), { maxLength: 5 }),
  )
).map(([keyword, name, lines]) => `${keyword} ${name} {\n${lines.join("\n")}\n}\n`);
const use = fc.tuple(
  fc.constantFrom(...KINDS, "interface"),
  fc.array(
    fc.tuple(
      fc.constantFrom("a", "b", "c", "d", "eth0"),
      fc.constantFrom("", "weight 7", "weight -254", "reverse", "noreverse weight 0", "weight"),
    ).map((words) => words.join(" ")),
    { maxLength: 4 },
  ),
).map(([kind, lines]) => `track_${kind} {\n${lines.join("\n")}\n}\n`);
const router = fc.tuple(
  fc.constantFrom("V", "W"),
  fc.constantFrom("", "priority 255\n", "interface a\n"),
  fc.array(use, { maxLength: 4 }),
).map(([name, line, uses]) =>
  `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id 1\n${line}${uses.join("")}}\n`
);
const group = fc.tuple(
  fc.constantFrom("G", "H"),
  fc.subarray(["V", "W", "X", "V"]),
  fc.constantFrom("", "sync_group_tracking_weight\n"),
  fc.array(use, { maxLength: 3 }),
).map(([name, members, line, uses]) =>
  `vrrp_sync_group ${name} {\ngroup {\n${members.join("\n")}\n}\n${line}${uses.join("")}}\n`
);

Deno.test("parseConfig() resolves every use of trackers when blocks stand in any order", () => {
  const blocks = fc.array(
    fc.oneof({ weight: 3, arbitrary: block }, { weight: 2, arbitrary: router }, group),
    { maxLength: 12 },
  );
  fc.assert(fc.property(blocks, (texts) => isSound(texts.join(""))), { numRuns: 1000 });
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
    "trackers",
    Array.from({ length: 3000 }, (_, n) => `track_file f${n} {\n file /f\n}\n`).join("") +
    "vrrp_instance V {\n interface eth0\n virtual_router_id 1\n track_file {\n" +
    Array.from({ length: 3000 }, (_, n) => `f${n}\n`).join("") + "}\n}",
  ],
  [
    "trackers that are not there",
    Array.from({ length: 2000 }, (_, n) => `track_file f${n} {\n file /f\n}\n`).join("") +
    "vrrp_instance V {\n track_file {\n" +
    Array.from({ length: 20_000 }, (_, n) => `g${n}\n`).join("") + "}\n}",
  ],
  ["hosts", `vrrp_check c {\n tcp {\n${` connect ${"a".repeat(200)}@ 1\n`.repeat(500)}}\n}\n`],
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
    ok(performance.now() - start < 60_000);
  });
}
