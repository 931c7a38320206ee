/** A file that served keepalived must serve vigie: both start, or both refuse. */

import assert from "node:assert/strict";
import { BAD_INPUT } from "./lab/bad_input.ts";
import { KEEPALIVED, keepalivedRuns } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";

for (const { of, text, fatal } of BAD_INPUT) {
  // keepalived reads a binary as an empty configuration and runs without a purpose.
  if (typeof text !== "string") continue;
  const does = fatal ? "refuses" : "runs in spite of";
  peerTest(KEEPALIVED, `keepalived ${does} ${of}, as vigie does`, async (lab) => {
    assert.equal(await keepalivedRuns(lab.host("a"), text), !fatal);
  });
}
