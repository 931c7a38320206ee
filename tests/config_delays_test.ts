/** interface_up_down_delays: what its lines mean, and what is said of them. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import { seconds } from "../lib/core/time.ts";

/** A file with these lines in the block, and an instance with these; others before and behind it. */
function read(delays: readonly string[], lines: readonly string[] = [], around = ["", ""]) {
  const text = [
    "interface_up_down_delays {",
    ...delays,
    "}",
    around[0],
    "vrrp_instance VI_1 {",
    "interface eth0",
    "virtual_router_id 51",
    "advert_int 2",
    ...lines,
    "virtual_ipaddress {\n192.0.2.100/24\n192.0.2.101/24 dev eth2\n}",
    "}",
    around[1],
  ].join("\n");
  const { config, problems } = parseConfig(text, "test.conf");
  return {
    delays: config.linkDelays.map(({ interface: name, downUs, upUs }) => [name, downUs, upUs]),
    said: problems.map(({ position: { line }, message }) => `${line}: ${message}`),
  };
}

Deno.test("interface_up_down_delays takes decimals; UP is 0 if it is not given, as in keepalived", () => {
  assert.deepEqual(read(["eth0 0.5 3", "eth9 255", "interface 1 2"]), {
    delays: [["eth0", seconds(0.5), seconds(3)], ["eth9", seconds(255), 0], [
      "interface",
      seconds(1),
      seconds(2),
    ]],
    said: [],
  });
});

Deno.test("interface_up_down_delays ignores a line without a usable delay, and says so", () => {
  const { delays, said } = read(["eth0", "eth1 256", "eth2 1 x", "eth3 1 2 3"]);
  assert.deepEqual(delays, [["eth3", seconds(1), seconds(2)]]);
  assert.equal(said.length, 4);
  assert.match(said.join("\n"), /2: Cannot read "eth0": a number of seconds is missing/);
  assert.match(said.join("\n"), /3: .*from 0 to 255/);
});

Deno.test("a down delay is limited by the instances that use the interface", () => {
  const limited = (delay: string, ...lines: string[]) => {
    const { delays, said } = read([delay], lines);
    return [delays[0]![1], said.filter((text) => /rather than/.test(text)).length];
  };
  assert.deepEqual(limited("eth0 4"), [seconds(4), 0]);
  assert.deepEqual(limited("eth0 4.5 9"), [seconds(4), 1]);
  assert.deepEqual(limited("eth2 5"), [seconds(4), 1], "of an address");
  assert.deepEqual(limited("eth0 5", "down_timer_adverts 4"), [seconds(5), 0]);
  assert.deepEqual(limited("eth1 5"), [seconds(5), 0], "nobody uses it");
  assert.deepEqual(limited("eth1 5", "track_interface {\neth1\n}"), [seconds(4), 1]);
});

Deno.test("the instance that waits least limits a down delay", () => {
  const other = "vrrp_instance VI_2 {\ninterface eth0\nvirtual_router_id 52\nadvert_int 1\n" +
    "virtual_ipaddress {\n192.0.2.102/24\n}\n}";
  for (const at of [0, 1]) {
    const { delays } = read(["eth0 9"], [], at === 0 ? [other, ""] : ["", other]);
    assert.deepEqual(delays, [["eth0", seconds(2), 0]]);
  }
});

Deno.test("an interface that does not exist is an error unless interfaces may come later", () => {
  const severities = (globals: string) =>
    parseConfig(
      `global_defs {\n${globals}\n}\ninterface_up_down_delays {\neth7 1\n}`,
      "test.conf",
      { facts: { interfaces: [] } },
    ).problems.filter(({ message }) => /eth7/.test(message)).map(({ severity }) => severity);
  assert.deepEqual(severities(""), ["error"]);
  assert.deepEqual(severities("dynamic_interfaces"), ["warning"]);
});

Deno.test("interface_up_down_delays of one interface twice: the last line counts", () => {
  const { delays, said } = read(["eth0 1 1", "eth0 2 2"]);
  assert.deepEqual(delays, [["eth0", seconds(2), seconds(2)]]);
  assert.match(said.join(), /3: Interface "eth0" has a delay already/);
});
