/** Random configurations of several files: valid blocks, broken ones, and all of the preprocessor. */

import fc from "fast-check";
import { knownBlocks, knownKeywords } from "../../config/known.ts";
import type { Table } from "../../config/keyword.ts";
import { ROOT } from "../../config/tables.ts";

/** Files by path; "k.conf" is the one that is read. */
export type Files = Readonly<Record<string, string>>;

/** The paths that includes may name. */
export const PATHS = ["k.conf", "a.conf", "b.conf", "c/d.conf", "c/e.conf"] as const;

function keywordsOf(table: Table): readonly string[] {
  return Object.entries(table).flatMap(([keyword, row]) => [
    keyword,
    ...row.kind === "section" ? keywordsOf(row.table) : [],
  ]);
}

const KEYWORDS = [
  ...new Set([
    ...keywordsOf(ROOT),
    ...knownBlocks().flatMap((block) => knownKeywords(block).map(({ keyword }) => keyword)),
  ]),
];

const VALUES =
  ("0 1 51 255 -1 0.5 1e9 MASTER PASS 10.0.0.1/24 fe80::1/64 eth0 VI_1 chk + - on off " +
    "/bin/true dev weight via table a@b.c ${A} $A $M $N ${N} ${_HASH} ${_PWD} ${_RANDOM 1 9} ${_ENV X} " +
    "\\ \\# # ! \" ' { } {} }} {{ \u00e9 \ud800").split(" ");

const name = fc.constantFrom("A", "B", "M", "N", "_X", "1");
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
);
const statement = fc.tuple(
  fc.constantFrom(...KEYWORDS),
  fc.array(value, { maxLength: 3 }),
  fc.constantFrom("", "", " {", "{", "\n{", " }"),
).map(([keyword, values, end]) => [keyword, ...values].join(" ") + end);

const number = fc.constantFrom("0", "1", "3", "-2", "0x10", "07", "1000000000", "${N}", "x", "");
const sequence = fc.oneof(
  fc.tuple(fc.constantFrom("SEQ", "SEQx"), name, fc.array(number, { maxLength: 4 })).map((
    [kind, name, numbers],
  ) => `~${kind}(${[name, ...numbers].join(", ")}) `),
  fc.tuple(
    fc.constantFrom("A", "{A,B}", "{A", ""),
    fc.array(fc.constantFrom("x", "{1,2}", "{1,2,3}", "${A}", " "), { maxLength: 4 }),
  )
    .map(([names, values]) => `~LST(${[names, ...values].join(",")}) `),
);
const condition = fc.constantFrom("@lb1 ", "@^lb1 ", "@lb2 ", "@ ", "@^", "@${A} ");
const prefix = fc.array(fc.oneof(sequence, condition), { maxLength: 3 }).map((all) => all.join(""));
const use = fc.constantFrom("$A", "$M", "x ${M}", "$B extra", "${A}${B}${N}", "${A", "$");
const definition = fc.tuple(
  name,
  fc.array(fc.oneof(statement, use, fc.constantFrom("", "$N=1", "@lb1 x")), {
    minLength: 1,
    maxLength: 5,
  }),
).map(([name, lines]) => `$${name}=${lines.join(" \\\n")}`);
const include = fc.tuple(
  fc.constantFrom("include", "includer", "includem", "includew", "includeb", "includea"),
  fc.constantFrom(
    ...PATHS,
    "*.conf",
    "c/*",
    "{a,b,x}.conf",
    "[ab].conf",
    "../k.conf",
    "d.conf",
    "${A}.conf",
    "",
    '"a.conf"',
    "**/*{{a,b},",
  ),
).map((words) => words.join(" "));
const instance = fc.tuple(fc.constantFrom("V", "${N}", "$A"), fc.array(statement, { maxLength: 6 }))
  .map(([name, lines]) =>
    `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id 1\n${lines.join("\n")}\n}`
  );

const line = fc.tuple(
  prefix,
  fc.oneof(
    { weight: 5, arbitrary: statement },
    { weight: 2, arbitrary: use },
    { weight: 3, arbitrary: definition },
    { weight: 2, arbitrary: include },
    { weight: 2, arbitrary: instance },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "{",
        "}",
        "} }",
        "",
        "include_check -match +x",
        "x".repeat(1025),
        "\0",
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  ),
  fc.constantFrom("", "", "", " \\", " # c", "\r"),
).map((parts) => parts.join(""));

const file = fc.oneof(
  { weight: 9, arbitrary: fc.array(line, { maxLength: 14 }).map((lines) => lines.join("\n")) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);

/** Configurations of up to five files. */
export const files: fc.Arbitrary<Files> = fc.tuple(file, file, file, file, file).map((texts) =>
  Object.fromEntries(PATHS.map((path, at) => [path, texts[at]!]))
);
