/** What the kernel says of its clock is what others read of it. */

import assert from "node:assert/strict";
import { isClockSynchronized } from "../ffi/clock_sync.ts";
import { clockFault } from "../lib/net/clock_sync.ts";

Deno.test("isClockSynchronized() answers, and clockFault() says the same in words", () => {
  const right = isClockSynchronized();
  assert.equal(typeof right, "boolean");
  assert.equal(clockFault() === null, right);
});
