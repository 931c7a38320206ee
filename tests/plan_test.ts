/** What a reload would change, before it does. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import type { Config } from "../config/model.ts";
import { changesAnything, planReload, type States } from "../lib/daemon/plan.ts";
import { planLines, planSummary } from "../lib/daemon/plan_text.ts";
import { block, file, router } from "./lab/config.ts";

function read(...blocks: string[]): Config {
  const { config, problems } = parseConfig(file([], ...blocks), "test.conf");
  assert.deepEqual(problems.filter(({ severity }) => severity === "fatal"), []);
  return config;
}

const MASTER: States = new Map([["VI_1", "master"], ["VI_2", "master"]]);

function plan(before: string[], after: string[], states: States = MASTER) {
  return planLines(planReload(read(...before), read(...after), states));
}

const two = (...addresses: string[]) =>
  router({ name: "VI_2", vrid: 52, addresses: addresses.map((address) => `${address}/24`) });

Deno.test("planReload() finds nothing in comments, order and layout", () => {
  const found = planReload(
    read(router(), two("192.0.2.7")),
    read("# new\n\n", two("192.0.2.7"), router()),
    MASTER,
  );
  assert.equal(changesAnything(found), false);
  assert.deepEqual(planLines(found), ["Nothing changes", "VIP moves: none"]);
  assert.equal(planSummary(found), "nothing has changed");
});

Deno.test("planReload() names settings by their keywords, old and new", () => {
  assert.deepEqual(
    plan(
      [router({ lines: ["garp_master_repeat 3"] })],
      [router({ priority: 120, advertInt: 2, lines: ["nopreempt", "garp_master_repeat 4"] })],
    ),
    [
      "~ instance VI_1",
      "    priority: 100 -> 120",
      "    advert_int: 100 ms -> 2 s",
      "    preempt: yes -> no",
      "    garp_master_repeat: 3 -> 4",
      "VIP moves: none",
    ],
  );
});

Deno.test("planReload() shows instances that come, go, and have another name", () => {
  assert.deepEqual(plan([router(), two("192.0.2.7")], [router({ name: "NEW" })]), [
    "- instance VI_2 (VRID 52 on eth0, priority 100)",
    "~ instance NEW, which was called VI_1",
    "VIP moves:",
    "  VI_2 gives up 192.0.2.7: it is removed: it resigns, and another router of its VRID takes " +
    "over, if there is one",
  ]);
  const other = plan([router()], [router({ vrid: 53 })]);
  assert.match(other.join("\n"), /- instance VI_1 \(VRID 51/);
  assert.match(other.join("\n"), /\+ instance VI_1 \(VRID 53/);
  assert.match(other.at(-1)!, /VI_1 gives up 192\.0\.2\.100: its VRID, interface/);
});

Deno.test("planReload() says where each address goes, and that one only changes its owner", () => {
  assert.deepEqual(
    plan(
      [router({ addresses: ["192.0.2.100/24", "192.0.2.8/24", "192.0.2.9/24"] }), two("192.0.2.7")],
      [router(), two("192.0.2.7", "192.0.2.8")],
    ),
    [
      "~ instance VI_1",
      "    virtual_ipaddress: 192.0.2.8/24, 192.0.2.9/24 -> none",
      "~ instance VI_2",
      "    virtual_ipaddress: none -> 192.0.2.8/24",
      "VIP moves:",
      "  192.0.2.8 goes from VI_1 to VI_2, without leaving this host",
      "  192.0.2.9 goes: it is no longer an address of VI_1",
    ],
  );
});

Deno.test("planReload() knows who is master: a backup has no address to lose", () => {
  const backup: States = new Map([["VI_1", "backup"]]);
  assert.equal(plan([router()], [router({ vrid: 53 })], backup).at(-1), "VIP moves: none");
  assert.match(
    plan([router()], [router({ priority: 150 })], backup).at(-1)!,
    /VI_1 may become master: its priority rises from 100 to 150/,
  );
  assert.match(
    plan([router({ priority: 150 })], [router()]).at(-1)!,
    /VI_1 may go: its priority falls from 150 to 100/,
  );
  assert.match(plan([router()], [router({ vrid: 53 })], null).at(-1)!, /gives up/, "it may be");
});

Deno.test("planReload() reminds of what all routers of a VRID must agree on, and shows no secret", () => {
  const auth = (password: string) =>
    router({
      version: 2,
      lines: [block("authentication", ["auth_type PASS", `auth_pass ${password}`])],
    });
  const lines = plan([auth("first")], [auth("other")]);
  assert.match(lines.join("\n"), /authentication must be the same on all routers/);
  assert.doesNotMatch(lines.join("\n"), /first|other\b(?! routers)/);
  const version = plan([router({ advertInt: 1 })], [router({ version: 2 })]);
  assert.match(version.join("\n"), /version, advert_int must be the same/);
});

Deno.test("planReload() shows what is tracked, by whom, and how it has changed", () => {
  const check = (name: string, interval: number) =>
    block(`vrrp_check ${name}`, [block("tcp", ["connect 127.0.0.1 80"]), `interval ${interval}`]);
  const tracking = (...names: string[]) =>
    router({ lines: [block("track_check", names.map((name) => `${name} weight -20`))] });
  const lines = plan(
    [check("web", 1), check("old", 1), tracking("web", "old")],
    [check("web", 2), check("new", 1), tracking("web", "new")],
  );
  assert.deepEqual(lines, [
    "~ instance VI_1",
    "    track: check old weight -20 -> check new weight -20",
    "- tracker check old",
    "+ tracker check new",
    "~ tracker check web",
    "    interval: 1 s -> 2 s",
    "    timeout: 1 s -> 2 s",
    "VIP moves:",
    "  VI_1 may go: it tracks other objects, or with other weights: it resigns if one fails that is " +
    "a fault, or if its priority falls too low",
  ]);
});

Deno.test("planReload() says what may move an address besides its own line", () => {
  const tracking = (...lines: string[]) => [
    ...lines.map((line) => block(`vrrp_track_process ${line.split(" ")[0]}`, ["process x"])),
    router({ lines: lines.length === 0 ? [] : [block("track_process", lines)] }),
  ];
  const last = (before: string[], after: string[], states?: States) =>
    plan(before, after, states).at(-1)!;
  const backup: States = new Map([["VI_1", "backup"]]),
    fault: States = new Map([["VI_1", "fault"]]);
  assert.match(last(tracking(), tracking("a")), /VI_1 may go: it tracks/, "a new fault");
  assert.equal(last(tracking("a"), tracking()), "VIP moves: none", "one fault less");
  assert.match(last(tracking("a weight 9"), tracking()), /VI_1 may go: it tracks/);
  assert.match(last(tracking("a weight -9"), tracking(), backup), /VI_1 may become master: it tra/);
  assert.match(last(tracking("a"), tracking(), fault), /VI_1 may become master: it is in fault/);
  assert.equal(last(tracking("a"), tracking("a"), fault), "VIP moves: none");
  const place = (dev: string) => [router({ addresses: [`192.0.2.7/24${dev}`] })];
  assert.match(last(place(""), place(" dev eth1")), /192\.0\.2\.7 goes from eth0 to eth1/);
  assert.equal(last(place(""), place(" dev eth0")), "VIP moves: none");
  const pair = [router(), two("192.0.2.7")];
  const group = block("vrrp_sync_group G", [block("group", ["VI_1", "VI_2"])]);
  assert.match(plan(pair, [...pair, group]).join(), /VI_1 may go: it is in a sync group with VI_2/);
  assert.equal(last([...pair, group], pair), "VIP moves: none");
});

Deno.test("planReload() knows the steps of auth_hmac that every router understands", () => {
  const [one, other] = ["0123456789abcdef".repeat(2), "fedcba9876543210".repeat(2)];
  const signed = (...lines: string[]) => [router({ lines: [block("auth_hmac", lines)] })];
  const first = `key 1 ${one}`, second = `key 2 ${other}`, one1 = "active_key 1";
  const steps = [
    [router()],
    signed(first, one1, "mode receive-only"),
    signed(first, one1, "mode permissive"),
    signed(first, one1),
    signed(first, second, one1),
    signed(first, second, "active_key 2"),
    signed(second, "active_key 2"),
  ];
  const cautions = (from: number, to: number) => plan(steps[from]!, steps[to]!).join("\n");
  for (const at of [0, 1, 2, 3, 4, 5]) {
    assert.doesNotMatch(cautions(at, at + 1), /must be the same/, `step ${at}`);
  }
  for (const at of [0, 1, 3, 4]) {
    assert.match(cautions(at, at + 2), /auth_hmac must be the same/, `two steps from ${at}`);
  }
});

Deno.test("planReload() tells what of the global settings changes, and what only a restart does", () => {
  const before = parseConfig(file(["router_id a", "umask 0177"], router()), "a").config;
  const after = parseConfig(file(["router_id b", "umask 022"], router()), "b").config;
  const found = planReload(before, after, MASTER);
  assert.deepEqual(found.global, [{ setting: "router_id", before: "a", after: "b" }]);
  assert.deepEqual(found.kept.map(({ setting }) => setting), ["umask"]);
  assert.match(planLines(found).join("\n"), /! umask: .*: not by a reload, only by a restart/);
});
