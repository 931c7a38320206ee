import { deepEqual } from "node:assert/strict";
import { type Facts, parseConfig } from "../config/mod.ts";

const FACTS: Facts = {
  interfaces: ["eth0", "eth1", "wan"].map((name) => ({ name, loopback: false, mtu: 1500 })),
};

/** An instance that nothing is wrong with, below the groups. */
const INSTANCE = "\nvrrp_instance V {\n interface eth0\n virtual_router_id 1\n" +
  " virtual_ipaddress {\n  10.0.0.1\n }\n}";

/** A block with these lines. */
function group(...lines: readonly string[]): string {
  return ["garp_group {", ...lines, "}"].join("\n");
}

/** `line:interfaces garp gna` of each group. */
function groups(text: string): readonly string[] {
  return parseConfig(text + INSTANCE, "k.conf", { facts: FACTS }).config.global.garpGroups.map((
    g,
  ) => `${g.position.line}:${g.interfaces.join(",")} ${g.garpIntervalUs} ${g.gnaIntervalUs}`);
}

/** `line:column severity: message → remedy` of each problem. */
function said(text: string): readonly string[] {
  return parseConfig(text + INSTANCE, "k.conf", { facts: FACTS }).problems.map(
    ({ position: { line, column }, severity, message, remedy }) =>
      `${line}:${column} ${severity}: ${message} → ${remedy}`,
  );
}

const CLEAN: readonly (readonly [string, string, readonly string[]])[] = [
  ["one interface", group(" garp_interval 0.5", " interface eth0"), ["1:eth0 500000 0"]],
  ["an interface a line", group(" gna_interval 2", " interfaces {", "  eth0", "  eth1", " }"), [
    "1:eth0,eth1 0 2000000",
  ]],
  ["both intervals", group(" interface wan", " garp_interval 1", " gna_interval 0.25"), [
    "1:wan 1000000 250000",
  ]],
  ["an interval of 0", group(" garp_interval 0", " interface eth0"), ["1:eth0 0 0"]],
  [
    "interfaces in each way",
    group(" interface wan", " garp_interval 1", " interfaces {", "eth1 eth0", "}"),
    [
      "1:wan,eth1,eth0 1000000 0",
    ],
  ],
  ["interfaces one by one", group(" interface wan", " interface eth1", " garp_interval 1"), [
    "1:wan,eth1 1000000 0",
  ]],
  [
    "several groups",
    `${group(" garp_interval 1", " interface eth0")}\n${
      group(" gna_interval 2", " interface eth1")
    }`,
    ["1:eth0 1000000 0", "5:eth1 0 2000000"],
  ],
];

for (const [what, text, expected] of CLEAN) {
  Deno.test(`parseConfig() reads a garp_group with ${what}`, () => {
    deepEqual(said(text), []);
    deepEqual(groups(text), expected);
  });
}

const BAD: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ["without an interval", group(" interface eth0"), [
    '1:1 error: This garp_group has no interval: it is ignored → Write "garp_interval SECONDS" or "gna_interval SECONDS" into the block',
  ], []],
  ["with an interval that cannot be read", group(" garp_interval fast", " interface eth0"), [
    '2:16 error: Cannot read "fast" in "garp_interval fast": must be a number of seconds from 0 to 4294 → Write a number of seconds from 0 to 4294; until then the line is ignored and the default holds',
  ], []],
  ["without an interface", group(" garp_interval 1"), [
    '1:1 error: This garp_group names no interface: it is ignored → Write "interface IFNAME", or an interfaces block with one name a line',
  ], []],
  ["with an empty list", group(" garp_interval 1", " interfaces {", " }"), [
    '1:1 error: This garp_group names no interface: it is ignored → Write "interface IFNAME", or an interfaces block with one name a line',
  ], []],
  ["with nothing", group(), [
    '1:1 error: This garp_group has no interval: it is ignored → Write "garp_interval SECONDS" or "gna_interval SECONDS" into the block',
    '1:1 error: This garp_group names no interface: it is ignored → Write "interface IFNAME", or an interfaces block with one name a line',
  ], []],
  [
    "with a name that no interface has",
    group(" garp_interval 1", " interfaces {", "  eth0 a/b", " }"),
    [
      '4:8 error: Cannot read "a/b" in "eth0 a/b": must be the name of an interface, at most 15 characters → Write the name of an interface, at most 15 characters; until then it is not in the group',
    ],
    ["1:eth0 1000000 0"],
  ],
  [
    "with an interface of another group",
    `${group(" garp_interval 1", " interface eth0")}\n${
      group(" gna_interval 2", " interfaces {", "  eth1", "  eth0", " }")
    }`,
    [
      '9:3 error: Interface "eth0" is in the garp_group of line 1 already, which keeps it → Delete it from one of the two groups',
    ],
    ["1:eth0 1000000 0", "5:eth1 0 2000000"],
  ],
  [
    "with no interface but that of another group",
    `${group(" garp_interval 1", " interface eth0")}\n${
      group(" gna_interval 2", " interface eth0")
    }`,
    [
      '7:12 error: Interface "eth0" is in the garp_group of line 1 already, which keeps it → Delete it from one of the two groups',
    ],
    ["1:eth0 1000000 0"],
  ],
  [
    "with an interface of a group that is ignored",
    `${group(" interface eth0")}\n${group(" gna_interval 2", " interface eth0")}`,
    [
      '1:1 error: This garp_group has no interval: it is ignored → Write "garp_interval SECONDS" or "gna_interval SECONDS" into the block',
    ],
    ["4:eth0 0 2000000"],
  ],
  ["with an interface twice", group(" garp_interval 1", " interface eth0", " interface eth0"), [
    '4:12 warning: Interface "eth0" is named twice in this garp_group: it is used once → Delete one of the two',
  ], ["1:eth0 1000000 0"]],
  ["with a misspelled interface", group(" garp_interval 1", " interface eth7"), [
    '3:12 warning: Interface "eth7" does not exist now: this garp_group paces it once it comes → Write "eth0", or create it later',
  ], ["1:eth7 1000000 0"]],
  ["with an unknown interface", group(" garp_interval 1", " interface ppp0"), [
    '3:12 warning: Interface "ppp0" does not exist now: this garp_group paces it once it comes → Name an interface of this machine: eth0, eth1, wan, or create it later',
  ], ["1:ppp0 1000000 0"]],
  ["with a misspelled keyword", group(" garp_intervall 1", " gna_interval 1", " interface eth0"), [
    '2:2 error: Unknown keyword "garp_intervall" in "garp_group": the line is ignored → Write "garp_interval"',
  ], ["1:eth0 0 1000000"]],
  ["with a list that is not closed", group(" interfaces {", "  eth0", " garp_interval 1", " }"), [
    '1:1 error: This garp_group has no interval: it is ignored → Write "garp_interval SECONDS" or "gna_interval SECONDS" into the block',
    '4:2 error: "garp_interval" is a keyword, not an entry of "interfaces": the line is ignored → Close the "interfaces" of line 2 with "}" before this line',
  ], []],
];

for (const [what, text, problems, expected] of BAD) {
  Deno.test(`parseConfig() says where, why and what to do about a garp_group ${what}`, () => {
    deepEqual(said(text), problems);
    deepEqual(groups(text), expected);
  });
}

Deno.test("parseConfig() says nothing about the interfaces of a garp_group when the machine is unknown", () => {
  const text = group(" garp_interval 1", " interface ppp0") + INSTANCE;
  deepEqual(parseConfig(text, "k.conf").problems, []);
});
