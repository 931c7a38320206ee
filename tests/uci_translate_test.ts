/**
 * Files of tests/uci/: each *.uci must mean what its *.expected holds, which is the keepalived.conf
 * and the problems. UPDATE=1 rewrites those.
 */

import assert from "node:assert/strict";
import { formatProblem } from "../config/mod.ts";
import { parseUciConfig } from "../config/uci_config.ts";

const FOLDER = new URL("./uci/", import.meta.url);
const OPTIONS = {
  facts: {
    interfaces: ["eth0", "eth1", "eth2", "averylongname0"].map((name) => ({
      name,
      loopback: false,
      mtu: 1500,
    })),
  },
  devices: new Map([["lan", "eth0"], ["wan", "eth2"], ["eth1", "eth2"]]),
};

/** One instance, with more lines for it, and what stands before. */
function instance(lines: string, before = ""): string {
  return `${before}
config vrrp_instance
	option name 'VI_1'
	option interface 'eth0'
	option virtual_router_id '51'
	list virtual_ipaddress '192.0.2.100/24'
${lines}`;
}

const parse = (text: string) => parseUciConfig(text, "f", OPTIONS);

for (const { name } of [...Deno.readDirSync(FOLDER)].toSorted((a, b) => a.name < b.name ? -1 : 1)) {
  if (!name.endsWith(".uci")) continue;
  Deno.test(`parseUciConfig() makes the known text and problems of tests/uci/${name}`, () => {
    const parsed = parseUciConfig(Deno.readTextFileSync(new URL(name, FOLDER)), name, OPTIONS);
    const found = [parsed.text, ...parsed.problems.map(formatProblem), ""].join("\n");
    const expected = new URL(name.replace(/uci$/, "expected"), FOLDER);
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(expected, found);
    assert.equal(found, Deno.readTextFileSync(expected));
  });
}

Deno.test("parseUciConfig() gives an instance the scripts that it lists and no others", () => {
  const scripts = ["a", "b", "c"].map((name) =>
    `config vrrp_script\n option name '${name}'\n option script '/bin/true'\n`
  ).join("");
  for (const listed of [["b"], ["a", "c"]]) {
    const lines = listed.map((name) => `\tlist track_script '${name}'\n`).join("");
    const { config } = parse(instance(lines, scripts));
    assert.deepEqual(config.instances[0]!.tracks.map(({ name }) => name), listed);
  }
});

Deno.test("parseUciConfig() refuses unicast whose peers all lead nowhere, which would be multicast", () => {
  const { problems } = parse(instance("\tlist unicast_peer 'nobody'\n"));
  const [fatal, error] = problems;
  assert.equal(fatal!.severity, "fatal");
  assert.match(fatal!.message, /adverts would go to the multicast group/);
  assert.match(error!.message, /no "peer" section with option name "nobody"/);
  assert.deepEqual([error!.position.line, error!.position.column], [7, 20]);
});

Deno.test("parseUciConfig() prefers a device of the kernel to netifd's interface of the same name", () => {
  const { config } = parse(instance("\toption interface 'eth1'\n"));
  assert.equal(config.instances[0]!.interface, "eth1");
  assert.deepEqual([...parse(instance("\toption interface 'lan1'\n")).unknownDevices], ["lan1"]);
  const logical = parse(instance("\toption interface 'wan'\n"));
  assert.deepEqual([...logical.unknownDevices], []);
  assert.equal(logical.config.instances[0]!.interface, "eth2");
});

Deno.test("parseUciConfig() tells hotplug exactly as OpenWrt's package does", () => {
  const { config } = parse(
    instance("", "config vrrp_sync_group\n option name 'G'\n list group 'VI_1'\n"),
  );
  const words = (name: string, type: string, action: string) => [
    ...["/bin/busybox", "env", "-i", `ACTION=${action}`, `TYPE=${type}`, `NAME=${name}`],
    ...["/sbin/hotplug-call", "keepalived"],
  ];
  const of = (scripts: object) =>
    Object.fromEntries(Object.entries(scripts).map(([kind, { words }]) => [kind, words]));
  const states = ["backup", "master", "fault", "stop"].map((
    state,
  ) => [`notify_${state}`, `NOTIFY_${state.toUpperCase()}`]);
  assert.deepEqual(
    of(config.instances[0]!.notify.scripts),
    Object.fromEntries(states.map(([kind, action]) => [kind, words("VI_1", "INSTANCE", action!)])),
  );
  assert.deepEqual(
    of(config.groups[0]!.notify.scripts),
    Object.fromEntries(
      [...states, ["notify", "NOTIFY"]].map((
        [kind, action],
      ) => [kind, words("G", "GROUP", action!)]),
    ),
  );
  assert.deepEqual(config.global.startupScript?.command.words, [
    ...["/bin/busybox", "env", "-i", "ACTION=startup", "/sbin/hotplug-call", "keepalived"],
  ]);
  assert.equal(config.global.enableScriptSecurity, true);
  assert.deepEqual(config.global.scriptUser, { user: "root", group: null });
});

Deno.test("parseUciConfig() passes a script's quotes and backslashes on as they are", () => {
  const script = `/bin/sh -c "echo 'a  b' \\\\ \\"{#!}\\""`;
  const { config, problems } = parse(
    instance(
      "\tlist track_script 's'\n",
      `config vrrp_script\n option name 's'\n option script '${script.replaceAll("'", `'"'"'`)}'\n`,
    ),
  );
  const probe = config.checks[0]!.spec.probe;
  assert.deepEqual(problems, []);
  assert.ok(probe.kind === "script");
  assert.deepEqual(probe.words, ["/bin/sh", "-c", `echo 'a  b' \\ "{#!}"`]);
});

Deno.test("parseUciConfig() says whether the service is enabled, and which other file counts", () => {
  assert.equal(parse("").enabled, true);
  assert.equal(parse("config globals 'globals'\n option router_id 'x'\n").enabled, true);
  assert.equal(parse("config globals 'globals'\n option enabled '0'\n").enabled, false);
  const other = parse("config globals 'globals'\n option alt_config_file '/etc/k.conf'\n");
  assert.equal(other.altConfigFile?.text, "/etc/k.conf");
  assert.equal(other.altConfigFile?.position.line, 2);
});

Deno.test("parseUciConfig() turns a presence flag off by 0, and says that others do not", () => {
  const on = parse(instance("\toption nopreempt 'eth0'\n"));
  assert.equal(on.config.instances[0]!.preempt, false);
  const off = parse(instance("\toption nopreempt '0'\n"));
  assert.equal(off.config.instances[0]!.preempt, true);
  assert.match(off.problems[0]!.message, /"nopreempt" is off by this value/);
});

const DOCS = Deno.readTextFileSync(new URL("../docs/openwrt.md", import.meta.url));

Deno.test("the configuration of docs/openwrt.md is one, and its error is what check says", () => {
  const [, text] = /```\n(config globals[^`]*)```/.exec(DOCS)!;
  const devices = new Map([["lan", "br-lan"]]);
  const facts = { interfaces: [{ name: "br-lan", loopback: false, mtu: 1500 }] };
  const answer = (text: string) =>
    parseUciConfig(text, "/etc/config/keepalived", { facts, devices });
  const { config, problems } = answer(text!);
  assert.deepEqual(problems, []);
  assert.deepEqual(config.instances[0]!.tracks.map(({ name }) => name), ["uplink"]);
  const [, shown] = /```\n(\/etc\/config\/keepalived:[^`]*)\n```/.exec(DOCS)!;
  const broken = text!.replace("ipaddress 'lan_vip'", "ipaddress 'lan_vp'");
  const found = answer(broken).problems.map(formatProblem);
  assert.ok(found.includes(shown!), found.join("\n"));
});

Deno.test("the sample that is installed has no mistake once its comments are taken away", () => {
  const file = new URL("../config/init/keepalived.uci", import.meta.url);
  const sample = Deno.readTextFileSync(file);
  assert.equal(parse(sample).enabled, false);
  const facts = { interfaces: [{ name: "br-lan", loopback: false, mtu: 1500 }] };
  const devices = new Map([["lan", "br-lan"]]);
  const whole = sample.replaceAll(/^#(?=config|\toption|\tlist)/gm, "");
  const { config, problems } = parseUciConfig(whole, "f", { facts, devices });
  assert.deepEqual(problems, []);
  assert.equal(config.instances.length, 1);
});
