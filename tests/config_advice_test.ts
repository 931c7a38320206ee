/** What is legal, and does not do what its owner hopes for. */

import { deepEqual } from "node:assert/strict";
import { type InterfaceFact, parseConfig } from "../config/mod.ts";
import { ip } from "../lib/core/address.ts";

const ETH0: InterfaceFact = { name: "eth0", loopback: false, mtu: 1500 };

/** What is said about an instance with these lines. */
function said(lines: readonly string[], link = ETH0): string[] {
  const text = [
    "vrrp_script one {",
    ' script "/usr/local/bin/one"',
    "}",
    "vrrp_script two {",
    ' script "/usr/local/bin/two"',
    "}",
    "vrrp_instance VI_1 {",
    " interface eth0",
    " virtual_router_id 51",
    ...lines,
    " virtual_ipaddress {",
    "  10.0.0.9/24",
    " }",
    "}",
  ].join("\n");
  return parseConfig(text, "a.conf", { facts: { interfaces: [link] } }).problems
    .map(({ position, message }) => `${position.line}: ${message}`)
    .filter((line) => !/is tracked by no instance/.test(line));
}

const track = (...uses: string[]) => ["track_script {", ...uses, "}"];

for (
  const [what, lines, expected] of [
    ["a weight of 1, with which a peer of the same priority wins", [
      "priority 100",
      ...track("one weight -1"),
    ], []],
    ["a positive weight above the limit", ["priority 254", ...track("one weight 20")], [
      '12: (VI_1) The failure of script "one" makes no peer take over: the priority is 254 while ' +
      "all is well and 254 then (weight 20)",
    ]],
    ["weights that hide each other", ["priority 250", ...track("one weight 9", "two weight 50")], [
      '12: (VI_1) The failure of script "one" makes no peer take over: the priority is 254 while ' +
      "all is well and 254 then (weight 9)",
      '13: (VI_1) The failure of script "two" makes no peer take over: the priority is 254 while ' +
      "all is well and 254 then (weight 50)",
    ]],
    ["a positive weight of 2", ["priority 100", ...track("one weight 2")], []],
    ["a negative weight of 30", ["priority 100", ...track("one weight -30")], []],
    ["weight 0", ["priority 100", ...track("one")], []],
    ["a reversed weight", ["priority 100", ...track("one weight 5 reverse")], []],
  ] as const
) {
  Deno.test(`parseConfig() ${expected.length > 0 ? "warns of" : "is content with"} ${what}`, () => {
    deepEqual(said(lines), expected);
  });
}

Deno.test("parseConfig() warns of a virtual address that the interface has anyway", () => {
  const own = { ...ETH0, addresses: [ip("10.0.0.1"), ip("10.0.0.9")] };
  deepEqual(said(["priority 100"], own), [
    "12: (VI_1) 10.0.0.9 is an address of eth0 itself: unless a daemon has put it there, this " +
    "router keeps it when another one is master, and two have it",
  ]);
  deepEqual(said(["priority 255"], own), [], "an owner has it");
  deepEqual(said(["priority 100"], { ...ETH0, addresses: [ip("10.0.0.1")] }), []);
});
