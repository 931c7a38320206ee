/** What is wrong with trackers and groups stops vigie where it stops keepalived, and only there. */

import assert from "node:assert/strict";
import { type Facts, isFatal, parseConfig } from "../config/mod.ts";
import { router } from "./lab/config.ts";
import { KEEPALIVED, keepalivedRuns } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";

const FACTS: Facts = {
  interfaces: [
    { name: "lo", loopback: true, mtu: 65536 },
    { name: "eth0", loopback: false, mtu: 1500 },
  ],
};

const OBJECTS = `
vrrp_script s {
  script "/usr/bin/true"
  weight 300
}
vrrp_track_process p {
  process nginx
  quorum 4
  quorum_max 2
}
vrrp_sync_group G {
  group {
    VI_1
    VI_9
  }
  track_script {
    s
  }
}
`;

const FILES: readonly (readonly [string, string])[] = [
  ["a tracked interface that does not exist", track("interface", "eth9")],
  [
    "one that may come later",
    `global_defs {\n  dynamic_interfaces\n}\n${track("interface", "eth9")}`,
  ],
  ["its own interface as a tracked one", track("interface", "eth0")],
  ["trackers that are not there", track("script", "nobody")],
  ["a use without its weight", track("script", "s weight")],
  ["a weight beyond its range", track("process", "p weight 255")],
  ["a notify script without a command", router({ lines: ["notify_master"] })],
  ["a notify script that does not exist", router({ lines: ["notify_master /no/such/script"] })],
];

function track(kind: string, line: string): string {
  return OBJECTS + router({ lines: [`track_${kind} {`, line, "}"] });
}

for (const [what, text] of FILES) {
  peerTest(
    KEEPALIVED,
    `keepalived and vigie agree on whether they start with ${what}`,
    async (lab) => {
      const { problems } = parseConfig(text, "f", { facts: FACTS });
      assert.equal(await keepalivedRuns(lab.host("a"), text), !isFatal(problems));
    },
  );
}
