/** Which instance of the new configuration is which of the old one. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import { engineParts } from "../lib/daemon/spec.ts";
import { matchInstances } from "../lib/engine/reload_match.ts";
import { router } from "./lab/config.ts";

function specsOf(...blocks: string[]) {
  const { config, problems } = parseConfig(blocks.join("\n"), "test.conf");
  assert.deepEqual(problems.filter(({ severity }) => severity === "fatal"), []);
  return engineParts(config, false).instances;
}

function matched(before: string[], after: string[]) {
  const { kept, added, removed } = matchInstances(specsOf(...before), specsOf(...after));
  return {
    kept: kept.map(({ before, after, isChanged }) =>
      `${before.router.name}>${after.router.name}${isChanged ? "*" : ""}`
    ),
    added: added.map(({ router }) => router.name),
    removed: removed.map(({ router }) => router.name),
  };
}

const one = router({ name: "A" }), two = router({ name: "B", vrid: 52, addresses: ["192.0.2.7"] });

Deno.test("matchInstances() finds the same by VRID, family, interface and way of sending", () => {
  assert.deepEqual(matched([one, two], ["# a comment", two, one]), {
    kept: ["B>B", "A>A"],
    added: [],
    removed: [],
  });
  assert.deepEqual(matched([one, two], [router({ name: "C" }), two]).kept, ["A>C*", "B>B"]);
  const others = [
    router({ name: "A", vrid: 99 }),
    router({ name: "A", interface: "eth7" }),
    router({ name: "A", addresses: ["fe80::1/64"] }),
    router({ name: "A", lines: ["unicast_peer {\n 192.0.2.9\n }"] }),
  ];
  for (const other of others) {
    const expected = { kept: ["B>B"], added: ["A"], removed: ["A"] };
    assert.deepEqual(matched([one, two], [other, two]), expected, other);
  }
});

Deno.test("matchInstances() goes by a MAC of its own, not by links of single addresses", () => {
  const own = router({ name: "A", lines: ["use_vmac"] });
  assert.deepEqual(matched([one], [own]), { kept: [], added: ["A"], removed: ["A"] });
  const address = router({ name: "A", addresses: ["192.0.2.100/24 use_vmac"] });
  assert.deepEqual(matched([one], [address]), { kept: ["A>A*"], added: [], removed: [] });
});

Deno.test("matchInstances() sees every change of settings, and names that change places", () => {
  for (
    const changed of [
      router({ name: "A", priority: 101 }),
      router({ name: "A", advertInt: 2 }),
      router({ name: "A", addresses: ["192.0.2.101/24"] }),
      router({ name: "A", lines: ["nopreempt"] }),
      router({ name: "A", version: 2 }),
    ]
  ) {
    assert.deepEqual(matched([one], [changed]), { kept: ["A>A*"], added: [], removed: [] });
  }
  const swapped = [
    router({ name: "B" }),
    router({ name: "A", vrid: 52, addresses: ["192.0.2.7"] }),
  ];
  assert.deepEqual(matched([one, two], swapped).kept, ["A>B*", "B>A*"]);
});

Deno.test("matchInstances() goes by names where several share a VRID by unicast", () => {
  const peer = (name: string, address: string) =>
    router({ name, lines: [`unicast_peer {\n ${address}\n }`] });
  const before = [peer("X", "192.0.2.8"), peer("Y", "192.0.2.9")];
  assert.deepEqual(matched(before, [peer("Y", "192.0.2.9"), peer("X", "192.0.2.8")]).kept, [
    "Y>Y",
    "X>X",
  ]);
  assert.deepEqual(matched(before, [peer("Y", "192.0.2.9")]).removed, ["X"]);
});
