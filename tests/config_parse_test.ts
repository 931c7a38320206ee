import { deepEqual, equal, ok } from "node:assert/strict";
import { homeOf, knownBlocks, knownKeywords } from "../config/known.ts";
import { exitCode, type Facts, isFatal, parseConfig } from "../config/mod.ts";
import { editDistance, nearest } from "../config/nearest.ts";

const FACTS: Facts = {
  interfaces: [
    { name: "lo", loopback: true, mtu: 65536 },
    { name: "eth0", loopback: false, mtu: 1500 },
    { name: "ptp0", loopback: false, multicast: false, mtu: 1500 },
    { name: "small0", loopback: false, mtu: 82 },
  ],
};

/** An instance that nothing is wrong with, but for the lines put before its end. */
function instance(...lines: readonly string[]): string {
  return [
    "vrrp_instance VI_1 {",
    " interface eth0",
    " virtual_router_id 51",
    " virtual_ipaddress {",
    "  10.0.0.1/24",
    " }",
    ...lines,
    "}",
  ].join("\n");
}

function problems(text: string | Uint8Array) {
  return parseConfig(text, "k.conf", { facts: FACTS }).problems;
}

/** `line:column severity: message → remedy` of each problem. */
function said(text: string | Uint8Array): readonly string[] {
  return problems(text).map(({ position: { line, column }, severity, message, remedy }) =>
    `${line}:${column} ${severity}: ${message} → ${remedy}`
  );
}

Deno.test("parseConfig() has nothing to say about a clean instance", () => {
  deepEqual(said(instance()), []);
});

const BAD: readonly (readonly [string, string | Uint8Array, readonly string[]])[] = [
  ["an unknown interface", instance().replace("eth0", "eth1"), [
    '2:12 fatal: (VI_1) Interface "eth1" does not exist → Write "eth0"; for one that comes later write "dynamic_interfaces" into global_defs',
  ]],
  ["a loopback interface", instance().replace("eth0", "lo"), [
    '2:12 fatal: (VI_1) Cannot use the loopback interface "lo": no other router is there → Name the interface of the network: eth0, ptp0, small0',
  ]],
  ["an interface without multicast", instance().replace("eth0", "ptp0"), [
    '2:12 error: (VI_1) Interface "ptp0" does not carry multicast: no router hears the adverts → Write the addresses of the other routers into a unicast_peer block',
  ]],
  ["an address on an unknown interface", instance().replace("/24", "/24 dev wan7"), [
    '5:3 fatal: (VI_1) Interface "wan7" does not exist → Name an interface of this machine: eth0, ptp0, small0; for one that comes later write "dynamic_interfaces" into global_defs',
  ]],
  ["no interface", instance().replace(" interface eth0\n", ""), [
    '1:15 fatal: (VI_1) No interface: adverts and addresses have no place to go → Write "interface IFNAME", such as "interface eth0"',
  ]],
  ["a VRID of 0", instance().replace("id 51", "id 0"), [
    '3:20 fatal: Cannot read "virtual_router_id 0": must be a whole number from 1 to 255 → Write a whole number from 1 to 255',
  ]],
  ["a VRID of 256", instance().replace("id 51", "id 256"), [
    '3:20 fatal: Cannot read "virtual_router_id 256": must be a whole number from 1 to 255 → Write a whole number from 1 to 255',
  ]],
  ["a VRID without its number", instance().replace("id 51", "id"), [
    '3:2 fatal: Cannot read "virtual_router_id": a whole number from 1 to 255 is missing → Write a whole number from 1 to 255 behind "virtual_router_id"',
  ]],
  ["no VRID", instance().replace(" virtual_router_id 51\n", ""), [
    '1:15 fatal: (VI_1) The virtual router id must be set, from 1 to 255 → Write "virtual_router_id N" with the number that all its routers share',
  ]],
  [
    "a duplicate VRID on an interface",
    `${instance()}\n${instance().replace("VI_1", "VI_2").replace("0.1/", "0.2/")}`,
    [
      "10:20 fatal: (VI_2) VRID 51 is used by VI_1 already, with IPv4 on eth0 → Give one of them another virtual_router_id, or move the addresses of VI_2 into VI_1",
    ],
  ],
  [
    "a VRID of version 2 that version 3 has too",
    `${instance()}\n${instance(" version 3").replace("VI_1", "VI_2").replace("0.1/", "0.2/")}`,
    [
      "10:20 fatal: (VI_2) VRID 51 is used by VI_1 already, with IPv4 on eth0, though with different versions → Give one of them another virtual_router_id, or move the addresses of VI_2 into VI_1",
    ],
  ],
  ["no virtual address in version 2", instance().replace(/ virtual_ipaddress[^}]*}\n/, ""), [
    '1:15 error: (VI_1) No virtual address: a master has nothing to hold → Write a virtual_ipaddress block with one address a line, or "no_virtual_ipaddress" if only its state matters',
  ]],
  ["excluded addresses only", instance().replace("virtual_ipaddress", "$&_excluded"), [
    '1:15 warning: (VI_1) No virtual address but excluded ones: the advert carries no addresses → Move one to virtual_ipaddress, or write "no_virtual_ipaddress" if that is meant',
  ]],
  [
    "no virtual address where that is meant",
    instance(" no_virtual_ipaddress").replace(/ virtual_ipaddress[^}]*}\n/, ""),
    [],
  ],
  [
    "no virtual address in version 3",
    instance(" version 3").replace(/ virtual_ipaddress[^}]*}\n/, ""),
    [
      "1:15 fatal: (VI_1) No virtual address: version 3 requires at least one → Write a virtual_ipaddress block with one address a line",
    ],
  ],
  ["a priority out of range", instance(" priority 256"), [
    '7:11 error: Cannot read "256" in "priority 256": must be a whole number from 1 to 255 → Write a whole number from 1 to 255; until then the line is ignored and the default holds',
  ]],
  ["a priority with letters", instance(" priority 100abc"), [
    '7:11 error: Cannot read "100abc" in "priority 100abc": must be a whole number from 1 to 255 → Write a whole number from 1 to 255; until then the line is ignored and the default holds',
  ]],
  ["an opening brace that is missing", instance().replace("VI_1 {", "VI_1"), [
    '1:15 error: Missing "{" behind "VI_1" → Write "{" at the end of this line; what follows is read as its block',
  ]],
  ["a closing brace that is missing", instance().slice(0, -2), [
    '1:1 error: Cannot find the end of "vrrp_instance VI_1": a "}" is missing before the end of the file → Close the block with "}"',
  ]],
  ["a closing brace too many", `${instance()}\n }`, [
    '8:2 error: Extra "}": no block is open here → Delete it, or add the "{" that it should close',
  ]],
  ["a list that is not closed", instance().replace(" }\n", " priority 90\n"), [
    '1:1 error: Cannot find the end of "vrrp_instance VI_1": a "}" is missing before the end of the file → Close the block with "}"',
    '6:2 error: "priority" is a keyword, not an entry of "virtual_ipaddress": the line is ignored → Close the "virtual_ipaddress" of line 4 with "}" before this line',
  ]],
  ["a brace without a keyword", instance(" {", " priority 90"), [
    '7:2 error: Unexpected "{" in "vrrp_instance VI_1": no keyword that opens a block stands before it → Delete it, and the "}" that belongs to it',
  ]],
  ["an instance twice", `${instance()}\n${instance()}`, [
    '8:15 error: vrrp_instance "VI_1" is already defined: this one is ignored → Give it another name',
  ]],
  ["an instance without a name", `${instance()}\nvrrp_instance {\n priority 1\n}`, [
    '8:1 error: A vrrp_instance must have a name: this one is ignored → Write a name behind "vrrp_instance"',
  ]],
  ["two keywords on a line", instance(" priority 90 nopreempt"), [
    '7:14 warning: "nopreempt" and what follows is ignored: "priority 90 nopreempt" is more than one setting → Write "nopreempt" on a line of its own',
  ]],
  ["a misspelled keyword", instance(" prioritty 90"), [
    '7:2 error: Unknown keyword "prioritty" in "vrrp_instance VI_1": the line is ignored → Write "priority"',
  ]],
  ["a misspelled block", `vrrp_instanc A {\n interface eth0\n a { b }\n}\n${instance()}`, [
    '1:1 error: Unknown keyword "vrrp_instanc" at the top level: its whole block is ignored → Write "vrrp_instance"',
  ]],
  ["a keyword of another block", `${instance()}\npriority 100`, [
    '8:1 error: "priority" cannot stand at the top level, it is a keyword of vrrp_instance: the line is ignored → Move the line into a vrrp_instance block; look for a "}" too many above',
  ]],
  ["an ELF file", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 10, 0, 0, 0]), [
    '1:1 fatal: Cannot read "k.conf" as a configuration: it holds binary data → Name a text file in UTF-8, such as /etc/keepalived/keepalived.conf',
  ]],
  [
    "UTF-16",
    new Uint8Array([0xff, 0xfe, ...[...instance()].flatMap((c) => [c.charCodeAt(0), 0])]),
    [
      '1:1 fatal: Cannot read "k.conf" as a configuration: it holds binary data → Name a text file in UTF-8, such as /etc/keepalived/keepalived.conf',
    ],
  ],
  ["an empty file", "", [
    '1:1 warning: "k.conf" has no vrrp_instance: there is nothing to do → Write a vrrp_instance block',
  ]],
  [
    "a whole block of another feature, with a typing error in it",
    `${instance()}\nvirtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n  wieght 1\n }\n}\n` +
    "virtual_server_group G {\n 10.0.0.1-9 80\n}",
    [
      '8:1 error: "virtual_server" is known, not active yet: no load balancing is set up → Delete it if this router can do without, else keep keepalived here for now',
      '10:3 error: Unknown keyword "wieght" in "real_server 10.0.0.2 80": the line is ignored → Write "weight"',
      '13:1 error: "virtual_server_group" is known, not active yet: no load balancing is set up → Delete it if this router can do without, else keep keepalived here for now',
    ],
  ],
  ["a block of another feature in an instance", instance(" track_bfd", "{", "a", "}"), [
    '7:2 error: "track_bfd" is known, not active yet: BFD does not run → Delete it if this router can do without, else keep keepalived here for now',
  ]],
  [
    "a harmless keyword of another feature",
    `global_defs {\n smtp_alert_checker\n}\n${instance()}`,
    [
      '2:2 warning: "smtp_alert_checker" is known, not active yet: no mail is sent about real servers → Delete it, or leave it for later: it is ignored',
    ],
  ],
  ["a feature that is turned off", `global_defs {\n vrrp_strict false\n}\n${instance()}`, []],
  ["a tracker that is not defined", instance(" track_script {", "  chk", " }"), [
    '8:3 error: (VI_1) track_script "chk" not found: it is ignored → Define it above the instance: vrrp_script chk { ... }',
  ]],
  ["a fraction of a second in version 2", instance(" advert_int 0.5"), [
    '7:13 error: (VI_1) Cannot advertise every 500 ms: VRRP version 2 counts whole seconds; 1 s is used → Write "version 3" on all routers for intervals below a second, or "advert_int 1"',
  ]],
  ["an interval that version 3 cannot carry", instance(" version 3", " advert_int 41"), [
    '8:13 error: (VI_1) Cannot advertise every 41 s: VRRP version 3 counts steps of 10 ms, at most 40.95 s; 40.95 s is used → Write "advert_int 40.95"',
  ]],
  ["state MASTER without a priority", instance(" state MASTER"), [
    '7:8 warning: (VI_1) state MASTER without a priority means 255: this router counts as the owner of the addresses and takes them at once, always → Write "priority N", from 1 to 254',
  ]],
  [
    "preempt_delay under state MASTER",
    instance(" state MASTER", " priority 100", " preempt_delay 300"),
    [
      '9:16 warning: (VI_1) preempt_delay has no effect with state MASTER → Write "state BACKUP" on all routers: the highest priority is elected all the same',
    ],
  ],
  ["nopreempt of an owner", instance(" priority 255", " nopreempt"), [
    "8:2 warning: (VI_1) nopreempt has no effect with priority 255 → Give the router a priority below 255, or delete the line",
  ]],
  ["an address of the other family", instance().replace(" }\n", "  2001:db8::1\n }\n"), [
    "6:3 error: (VI_1) Cannot use 2001:db8::1: the address family of this instance is IPv4 → Make another instance for it, or put a virtual address into virtual_ipaddress_excluded",
  ]],
  [
    "authentication in version 3",
    instance(" version 3", " authentication {", "  auth_type PASS", "  auth_pass a", " }"),
    [
      "9:13 error: (VI_1) VRRP version 3 has no authentication: it is ignored → Delete the authentication block, or use version 2",
    ],
  ],
  [
    "an address in two instances",
    `${instance()}\n${instance().replace("VI_1", "VI_2").replace("51", "52")}`,
    [
      "12:3 error: (VI_2) 10.0.0.1 is an address of VI_1 already: two elections decide on it, and it stays while either is master → Delete the line here or in VI_1",
    ],
  ],
  [
    "an address in the lists of two instances, its interface written out in one",
    `${instance()}\n${
      instance(" virtual_ipaddress_excluded {", "  10.0.0.1/32 dev eth0", " }")
        .replace("VI_1", "VI_2").replace("51", "52").replace("0.1/24", "0.2/24")
    }`,
    [
      "15:3 error: (VI_2) 10.0.0.1 is an address of VI_1 already: two elections decide on it, and it stays while either is master → Delete the line here or in VI_1",
    ],
  ],
  [
    "an address in two instances on two interfaces",
    `${instance()}\n${instance().replace("VI_1", "VI_2").replace("eth0", "small0")}`,
    [
      "12:3 warning: (VI_2) 10.0.0.1 is an address of VI_1 already, on another interface: two routers may hold it at once → Keep it in one instance only",
    ],
  ],
  [
    "a link-local address in two instances on one interface",
    `${instance().replace("10.0.0.1/24", "fe80::1")}\n${
      instance().replace("10.0.0.1/24", "fe80::1").replace("VI_1", "VI_2").replace("51", "52")
    }`,
    [
      "12:3 error: (VI_2) fe80::1 is an address of VI_1 already: two elections decide on it, and it stays while either is master → Delete the line here or in VI_1",
    ],
  ],
  [
    "a link-local address in two instances on two interfaces",
    `${instance().replace("10.0.0.1/24", "fe80::1")}\n${
      instance().replace("10.0.0.1/24", "fe80::1").replace("VI_1", "VI_2").replace("eth0", "small0")
    }`,
    [],
  ],
  [
    "link-local peers without an interface",
    instance(" unicast_src_ip 2001:db8::9", " unicast_peer {", "  2001:db8::2", "  fe80::2", " }")
      .replace("10.0.0.1/24", "fe80::1").replace(" interface eth0\n", ""),
    [
      '9:3 error: (VI_1) Cannot send to fe80::2: a link-local peer needs an interface, and there is none → Write "interface IFNAME" into the instance, or a peer address of wider scope',
    ],
  ],
  [
    "link-local peers with an interface",
    instance(" unicast_src_ip fe80::9", " unicast_peer {", "  fe80::2", " }")
      .replace("10.0.0.1/24", "fe80::1"),
    [],
  ],
  [
    "more addresses than the MTU has room for",
    instance().replace("eth0", "small0").replace(
      " }\n",
      Array.from({ length: 9 }, (_, n) => `  10.0.1.${n}\n`).join("") + " }\n",
    ),
    [
      "13:3 error: (VI_1) An advert carries at most 8 addresses (the MTU of small0 is 82): the other 2 are held but not advertised → Move them to virtual_ipaddress_excluded, or to another instance",
    ],
  ],
  ["IPv6 without a link-local address first", instance().replace("10.0.0.1/24", "2001:db8::1/64"), [
    '5:3 warning: (VI_1) 2001:db8::1 is the first virtual address: a link-local one should be (RFC 9568 5.2.9) → Write a link-local address such as "fe80::1" on the first line of virtual_ipaddress',
  ]],
];

for (const [what, text, expected] of BAD) {
  Deno.test(`parseConfig() says where, why and what to do about ${what}`, () => {
    deepEqual(said(text), expected);
  });
}

Deno.test("parseConfig() lets unicast instances share a VRID when no peer is common", () => {
  const peers = (address: string) => ` unicast_peer {\n  ${address}\n }`;
  const second = (address: string) =>
    instance(peers(address)).replace("VI_1", "VI_2").replace("0.1/", "0.2/");
  deepEqual(said(`${instance(peers("10.0.0.7"))}\n${second("10.0.0.8")}`), []);
  ok(
    isFatal(problems(`${instance(peers("10.0.0.7\n10.0.0.6"))}\n${second("10.0.0.8\n10.0.0.7")}`)),
  );
  deepEqual(said(`${instance()}\n${second("10.0.0.8")}`), []);
});

Deno.test("parseConfig() only warns of a missing interface with dynamic_interfaces", () => {
  const text = `global_defs {\n dynamic_interfaces\n}\n${instance().replace("eth0", "ppp0")}`;
  deepEqual(problems(text).map(({ severity }) => severity), ["warning"]);
});

Deno.test("parseConfig() reads global_defs wherever it stands", () => {
  const text = `${instance()}\nglobal_defs {\n vrrp_version 3\n}`;
  equal(parseConfig(text, "k.conf").config.instances[0]?.version, 3);
});

Deno.test("parseConfig() reads the lines of an unknown block in an instance as keepalived does", () => {
  const { config, problems } = parseConfig(
    instance(" foo {", " priority 7", "}", "priority 8"),
    "f",
  );
  equal(config.instances[0]?.priority, 7);
  deepEqual(problems.map(({ position }) => position.line), [7, 10, 11]);
});

Deno.test("parseConfig() keeps the first of two states and the last of two priorities", () => {
  const text = instance(" state BACKUP", " state MASTER", " priority 5", " priority 6");
  const { config, problems } = parseConfig(text, "f");
  equal(config.instances[0]?.state, "BACKUP");
  equal(config.instances[0]?.priority, 6);
  deepEqual(problems.map(({ position }) => position.line), [8]);
});

Deno.test("parseConfig() says of every keyword of keepalived that it is known", () => {
  const blocks = ["root", "global_defs", "vrrp_instance", "vrrp_instance.authentication"];
  const trackers = ["vrrp_script", "vrrp_track_process", "track_file", "vrrp_track_file"];
  for (const block of [...blocks, ...trackers, "vrrp_sync_group", "track_group", "garp_group"]) {
    ok(knownBlocks().includes(block));
    for (const { keyword, opensBlock } of knownKeywords(block)) {
      const line = opensBlock ? `${keyword} x {\n}` : `${keyword} 1`;
      const [outer, inner] = block.split(".");
      const text = block === "root"
        ? line
        : `${outer} X {\n${inner ? `${inner} {\n${line}\n}` : line}\n}`;
      const unknown = problems(text).filter(({ message }) =>
        /Unknown keyword|cannot stand/.test(message)
      );
      deepEqual(unknown, [], `${block} ${keyword}`);
    }
  }
  for (const block of knownBlocks().filter((block) => !block.includes(" "))) {
    for (const { keyword } of knownKeywords(block)) ok(homeOf(keyword) !== null, keyword);
  }
});

Deno.test("nearest() proposes the likeliest keyword, and none for a word that is like none", () => {
  const words = ["priority", "preempt", "preempt_delay", "virtual_router_id", "virtual_rules"];
  const table = [
    ["priorty", "priority"],
    ["prioirty", "priority"],
    ["Priority", "priority"],
    ["premept", "preempt"],
    ["virtual_routerid", "virtual_router_id"],
    ["x", null],
    ["foo", null],
    ["a".repeat(5000), null],
  ] as const;
  for (const [given, expected] of table) equal(nearest(given, words), expected, given);
});

Deno.test("editDistance() counts a swap of neighbours as one", () => {
  equal(editDistance("ab", "ba"), 1);
  equal(editDistance("", "abc"), 3);
  equal(editDistance("kitten", "sitting"), 3);
});

Deno.test("exitCode() is 1 for errors, and for warnings when they count", () => {
  equal(exitCode(problems(instance())), 0);
  equal(exitCode(problems(instance(" priority 256"))), 1);
  const without = problems(instance().replace(/ virtual_ipaddress[^}]*}\n/, ""));
  ok(exitCode(without) === 1 && !isFatal(without));
  const warned = problems(instance(" state MASTER"));
  equal(exitCode(warned), 0);
  equal(exitCode(warned, { strict: true }), 1);
});
