import { deepEqual, equal, match, ok } from "node:assert/strict";
import { formatProblem, parseConfig, type ParseOptions } from "../config/mod.ts";
import { firstWords, PREPROCESS_CASES } from "./preprocess_cases.ts";

const OPTIONS: ParseOptions = {
  id: "lb1",
  folder: "/etc/vigie",
  environment: (name) => name === "SITE" ? "paris" : undefined,
  random: (low, high) => high - low > 100 ? 42 : high,
};

function parse(text: string, options = OPTIONS) {
  return parseConfig(text, "k.conf", options);
}

/** Each message of a file with its place. */
function said(text: string, options = OPTIONS): readonly string[] {
  return parse(text, options).problems
    .filter(({ message }) => !/^Unknown keyword|nothing to do/.test(message))
    .map(({ position: { line, column }, severity, message }) =>
      `${line}:${column} ${severity}: ${message}`
    );
}

for (const { what, text, words } of PREPROCESS_CASES) {
  Deno.test(`parseConfig() reads ${what}`, () => deepEqual(firstWords(text, OPTIONS), words));
}

Deno.test("parseConfig() keeps the order of what a definition and a sequence come to", () => {
  const text =
    "$BLOCK=vrrp_instance V${N} { \\\n interface e${N} \\\n virtual_router_id ${N} \\\n" +
    " virtual_ipaddress { \\\n ~SEQ(A, 1, 2) 10.0.${N}.${A}/24 \\\n } \\\n}\n~SEQ(N, 1, 3) $BLOCK\n";
  const { config, problems } = parse(text);
  deepEqual(problems, []);
  deepEqual(config.instances.map(({ name, virtualRouterId }) => [name, virtualRouterId]), [
    ["V1", 1],
    ["V2", 2],
    ["V3", 3],
  ]);
  deepEqual(
    config.instances[1]!.virtualAddresses.map(({ address }) => address),
    [
      "10.0.2.1",
      "10.0.2.2",
    ].map((text) =>
      parse(
        `vrrp_instance A {\ninterface e\nvirtual_router_id 1\nvirtual_ipaddress {\n${text}\n}\n}`,
      )
        .config.instances[0]!.virtualAddresses[0]!.address
    ),
  );
});

Deno.test("parseConfig() takes the environment, the folder and random numbers from its options", () => {
  deepEqual(firstWords('"${_ENV SITE}"\n', OPTIONS), ["paris"]);
  deepEqual(firstWords('"${_PWD}"\n', OPTIONS), ["/etc/vigie"]);
  deepEqual(firstWords('"${_RANDOM}"\n', OPTIONS), ["42"]);
  deepEqual(said('"${_ENV NOPE}|"'), [
    '1:2 warning: The environment has no "NOPE": nothing takes its place',
  ]);
});

Deno.test("parseConfig() is for no id when it is given none", () => {
  deepEqual(firstWords('@lb1 "a"\n@^lb1 "b"', {}), ["b"]);
});

Deno.test("parseConfig() says where a word stands that came out of a definition", () => {
  const text =
    "$PRIO=1OO\nvrrp_instance A {\n interface e\n virtual_router_id 1\n priority $PRIO\n}\n";
  const problem = parse(text).problems.find(({ message }) => /1OO/.test(message))!;
  deepEqual(problem.position, {
    file: "k.conf",
    line: 5,
    column: 11,
    length: 5,
    via: "$PRIO, defined at k.conf:1",
  });
  equal(problem.line, " priority $PRIO");
  match(formatProblem(problem), /\n {2}in \$PRIO, defined at k\.conf:1\n {2}remedy: /);
});

Deno.test("parseConfig() says in which line of a definition over several lines a word stands", () => {
  const text =
    "$B=vrrp_instance A { \\\n interface e \\\n virtual_router_id 1 \\\n prioritty 5 \\\n}\n\n  $B\n";
  const problem = parse(text).problems[0]!;
  deepEqual([problem.position.line, problem.position.column, problem.position.length], [7, 3, 2]);
  equal(problem.position.via, "$B, defined at k.conf:4");
  equal(problem.line, "  $B");
});

Deno.test("parseConfig() keeps the columns of what stands around a definition", () => {
  const text = "$A=eth0\nvrrp_instance A {\n interface ${A} extra\n virtual_router_id 1\n}\n";
  const problem = parse(text).problems.find(({ message }) => /"extra"/.test(message))!;
  deepEqual([problem.position.column, problem.position.length, problem.position.via], [
    17,
    5,
    undefined,
  ]);
});

Deno.test("parseConfig() keeps the columns of script words behind a definition", () => {
  const text = '$A=a\nvrrp_instance s {\n notify "/x ${A}" nobody nogroup more\n}\n';
  const problem = parse(text).problems.find(({ message }) => /"more"/.test(message))!;
  equal(problem.line.slice(problem.position.column - 1), "more");
});

const WARNED: readonly (readonly [string, readonly string[]])[] = [
  ['$ADDRESS=1\n"${ADRESS}"', ['2:2 warning: "${ADRESS}" has no definition: it is left as it is']],
  ['"${A}"\n$A=1', [
    '1:2 warning: "${A}" has no definition yet ($A, defined at k.conf:2): it is left as it is',
  ]],
  ['"${A}"', ['1:2 warning: "${A}" has no definition: it is left as it is']],
  ['"$HOME x"', []],
  ["vrrp_script s {\nscript \"/bin/sh -c 'echo ${HOME} $USER'\"\n}", [
    '1:13 warning: script "s" is tracked by no instance: it is not run',
  ]],
];

for (const [text, expected] of WARNED) {
  Deno.test(`parseConfig() says ${expected.length === 0 ? "nothing" : "so"} of the name in ${JSON.stringify(text)}`, () => {
    const found = said(text).filter((line) => /definition/.test(line));
    deepEqual(found, expected.filter((line) => /definition/.test(line)));
  });
}

Deno.test("parseConfig() proposes the name that was probably meant", () => {
  const [problem] = parse('$ADDRESS=1\nx "${ADRESS}"').problems.filter(({ message }) =>
    /definition/.test(message)
  );
  equal(problem!.remedy, 'Did you mean "$ADDRESS"?');
});

const BOUNDED: readonly (readonly [string, string, RegExp])[] = [
  ["a definition that doubles", "$A=${A}${A}\n${A}", /grow without end/],
  ["a definition that uses itself over lines", "$A=x \\\n$A\n$A", /64 deep/],
  ["a sequence without end", "~SEQ(A, 1, 1000000000) x", /more than \d+ lines/],
  ["an empty sequence without end", "~SEQ(A, 1, 1000000000)", /more than \d+ lines/],
  ["sequences in sequences", `${"~SEQ(A,1,99) ".repeat(20)}x`, /more than \d+ lines/],
  [
    "conditions in braces",
    `$A=${"{@^x ".repeat(160)}\n$B=$A$A$A$A$A$A$A$A$A$A\n$B`,
    /deep|one condition|comes out/,
  ],
  [
    "lines that double",
    Array.from({ length: 40 }, (_, n) => `$A${n}=$A${n + 1} \\\n$A${n + 1}\n`).join("") +
    "$A40=x\n$A0",
    /more than \d+ lines/,
  ],
];

for (const [what, text, expected] of BOUNDED) {
  Deno.test(`parseConfig() ends and says so when there is ${what}`, () => {
    const { problems } = parse(text);
    ok(
      problems.some(({ message }) => expected.test(message)),
      problems.map(({ message }) => message).join("\n"),
    );
  });
}

Deno.test("parseConfig() runs nothing of a file that grows beyond its bounds", () => {
  equal(parse("~SEQ(A, 1, 1000000000) x").problems[0]?.severity, "fatal");
});
