/** What an instance tracks after references, groups and owners are resolved. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { type Config, type Facts, parseConfig } from "../config/mod.ts";

const FACTS: Facts = {
  interfaces: ["eth0", "eth1"].map((name) => ({ name, loopback: false, mtu: 1500 })),
};

/** One tracked object of each kind, with the weights that keywords have by default or not. */
const OBJECTS = `
vrrp_script s {
 script /bin/s
}
vrrp_script s20 {
 script /bin/s
 weight -20 reverse
}
vrrp_check c {
 ping {
  host 192.0.2.1
 }
}
vrrp_check c30 {
 ping {
  host 192.0.2.1
 }
 weight 30
}
vrrp_track_process p {
 process p
}
vrrp_track_process p5 {
 process p
 weight 5
}
track_file f {
 file /f
}
track_file f0 {
 file /f
 weight 0
}
`;

/** A block of each kind of use: `{ script: "s weight 5" }`. */
function tracking(uses: Readonly<Record<string, string>>): string {
  return Object.entries(uses).map(([kind, lines]) => ` track_${kind} {\n${lines}\n }\n`).join("");
}

/** The instance V, in the group G with W if there is one. */
function read(instance: string, group: string | null = null, global = "") {
  const member = (name: string, id: number, lines: string) =>
    `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${id}\n no_virtual_ipaddress\n` +
    `${lines}}\n`;
  const sync = group === null ? "" : `vrrp_sync_group G {\n group {\n V\n W\n }\n${group}}\n`;
  const text = global + OBJECTS + sync + member("V", 1, instance) + member("W", 2, "");
  return parseConfig(text, "f", { facts: FACTS });
}

/** "kind name weight" of each, with "reverse" where it is. */
function shown(config: Config, name = "V"): readonly string[] {
  const { tracks } = config.instances.find((instance) => instance.name === name)!;
  return tracks.map(({ kind, name, weight, reverse }) =>
    `${kind} ${name} ${weight}${reverse ? " reverse" : ""}`
  );
}

const USES: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
  ["each object's own weight", {
    script: "s\ns20",
    check: "c\nc30",
    process: "p\np5",
    file: "f\nf0",
    interface: "eth1",
  }, [
    "script s 0",
    "script s20 -20 reverse",
    "check c 0",
    "check c30 30",
    "process p 0",
    "process p5 5",
    "file f 1",
    "file f0 0",
    "interface eth1 0",
  ]],
  ["the weight of the use", {
    script: "s weight -253\ns20 weight 7 noreverse",
    check: "c reverse\nc30 weight 0",
    process: "p weight -254",
    file: "f weight 254 reverse",
    interface: "eth1 weight 253 reverse",
  }, [
    "script s -253",
    "script s20 7",
    "check c 0 reverse",
    "check c30 0",
    "process p -254",
    "file f 254 reverse",
    "interface eth1 253 reverse",
  ]],
  ["the object's weight when that of the use is out of range", {
    script: "s20 weight 254",
    check: "c30 weight -254",
    process: "p5 weight 255",
    file: "f weight -255",
    interface: "eth1 weight 300",
  }, ["script s20 -20 reverse", "check c30 30", "process p5 5", "file f 1", "interface eth1 0"]],
  ["only what is found", { script: "c\ns", check: "s\nc", process: "f", file: "p" }, [
    "script s 0",
    "check c 0",
  ]],
  ["only interfaces that exist, but its own", { interface: "eth0\neth1\neth7" }, [
    "interface eth1 0",
  ]],
  ["the first of two uses", { script: "s weight 1\ns weight 2" }, ["script s 1"]],
];

for (const [what, uses, expected] of USES) {
  Deno.test(`parseConfig() makes an instance track ${what}`, () => {
    deepEqual(shown(read(tracking(uses)).config), expected);
  });
}

/** What V says, what its group says, and what V tracks; a group line may keep weights. */
const GROUPS: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    "faults only",
    tracking({
      script: "s\ns20",
      check: "c30",
      process: "p5",
      file: "f weight 2",
      interface: "eth1",
    }),
    tracking({ check: "c" }),
    ["script s 0", "process p5 5", "interface eth1 0", "check c 0"],
  ],
  [
    "interfaces and files of weight 1 as faults",
    tracking({ interface: "eth1 weight -9 reverse", file: "f" }),
    tracking({ file: "f0" }),
    ["interface eth1 0 reverse", "file f 0", "file f0 0"],
  ],
  [
    "with its weight what the group tracks",
    "",
    tracking({
      script: "s weight 5",
      check: "c30",
      process: "p5",
      file: "f",
      interface: "eth1 weight 2",
    }),
    ["script s 5", "check c30 30", "process p5 5", "file f 1", "interface eth1 2"],
  ],
  [
    "all of its weights with sync_group_tracking_weight",
    tracking({ script: "s20", interface: "eth1 weight 3" }),
    tracking({ check: "c30" }) + " sync_group_tracking_weight\n",
    ["script s20 -20 reverse", "interface eth1 3", "check c30 30"],
  ],
  [
    "with the group's weight what both track",
    tracking({ script: "s20 weight 4" }),
    tracking({ script: "s20 weight 9 noreverse" }) + " sync_group_tracking_weight\n",
    ["script s20 9"],
  ],
  [
    "with its own weight of 0 what both track",
    tracking({ script: "s20 weight 0" }),
    tracking({ script: "s20 weight 9" }) + " sync_group_tracking_weight\n",
    ["script s20 0 reverse"],
  ],
  [
    "faults only, of an owner",
    " priority 255\n" + tracking({ script: "s\ns20", process: "p5", file: "f" }),
    tracking({ check: "c30\nc" }) + " sync_group_tracking_weight\n",
    ["script s 0", "file f 0", "check c30 0", "check c 0"],
  ],
  ["its own interface once", "", tracking({ interface: "eth0\neth1" }), ["interface eth1 0"]],
];

for (const [what, instance, group, expected] of GROUPS) {
  Deno.test(`parseConfig() makes a member of a sync group track ${what}`, () => {
    deepEqual(shown(read(instance, group).config), expected);
  });
}

Deno.test("parseConfig() clears the weights of a group for all when one member is an owner", () => {
  for (const owner of [" priority 255\n", " state MASTER\n"]) {
    const { config } = read(owner, tracking({ check: "c30", file: "f weight 9 reverse" }));
    const expected = ["check c30 0", "file f 0 reverse"];
    deepEqual([shown(config, "V"), shown(config, "W")], [expected, expected]);
  }
});

Deno.test("parseConfig() makes every member track what its group does", () => {
  const { config } = read("", tracking({ check: "c" }));
  deepEqual([shown(config, "V"), shown(config, "W")], [["check c 0"], ["check c 0"]]);
  deepEqual(config.groups.map(({ name, members }) => [name, members]), [["G", ["V", "W"]]]);
  deepEqual(config.instances.map(({ group }) => group), ["G", "G"]);
});

Deno.test("parseConfig() keeps the first group of an instance, and no group without members", () => {
  const text = (name: string, members: string) =>
    `vrrp_sync_group ${name} {\n group {\n${members}\n }\n}\n`;
  const { config, problems } = read(
    "",
    null,
    text("A", "W\nV\nW\nX") + text("B", "V") + text("C", ""),
  );
  deepEqual(config.groups.map(({ name, members }) => [name, members]), [["A", ["W", "V"]]]);
  deepEqual(config.instances.map(({ group }) => group), ["A", "A"]);
  const errors = problems.filter(({ severity }) => severity === "error");
  equal(errors.length, 4, "X, V again, B and C");
});

Deno.test("parseConfig() leaves what no instance tracks out of the configuration", () => {
  const { config, problems } = read(
    tracking({ script: "s", file: "f weight 9" }),
    tracking({ file: "f0" }),
  );
  deepEqual(
    [config.checks, config.trackProcesses, config.trackFiles].map((list) =>
      list.map(({ name }) => name)
    ),
    [["s"], [], ["f0"]],
  );
  const unused = problems.filter(({ message }) => message.includes("tracked by no instance"));
  deepEqual(unused.map(({ message }) => message.split('"')[1]), ["s20", "c", "c30", "p", "p5"]);
});

Deno.test("parseConfig() lets an interface be tracked that comes later", () => {
  const global = "global_defs {\n dynamic_interfaces\n}\n";
  const { config, problems } = read(tracking({ interface: "ppp0" }), null, global);
  deepEqual(shown(config), ["interface ppp0 0"]);
  ok(problems.some(({ message, severity }) => /ppp0/.test(message) && severity === "warning"));
});

Deno.test("parseConfig() reads what stands before its users only, for groups too", () => {
  const { config } = parseConfig(
    "vrrp_sync_group G {\n group {\n V\n }\n track_check {\n late\n }\n}\n" +
      "vrrp_check late {\n tcp {\n connect ::1 80\n }\n}\n" +
      "vrrp_instance V {\n interface eth0\n virtual_router_id 1\n track_check {\n late\n }\n}",
    "f",
  );
  equal(config.instances[0]?.tracks.length, 1);
  equal(config.instances[0]?.tracks[0]?.position.line, 18);
});
