import assert from "node:assert/strict";
import { LogLimiter } from "../lib/engine/log_limiter.ts";
import { micros, seconds } from "../lib/core/time.ts";

Deno.test("say() says the first, counts the next, and sums up after five minutes", () => {
  const limiter = new LogLimiter();
  assert.equal(limiter.say("a", "bad checksum", micros(0)), "bad checksum");
  for (let s = 1; s < 300; s++) assert.equal(limiter.say("a", "bad checksum", seconds(s)), null);
  const summed = limiter.say("a", "bad checksum", seconds(300));
  assert.equal(summed, "bad checksum (300 times since it was last said)");
  assert.equal(limiter.say("a", "bad checksum", seconds(301)), null);
});

Deno.test("say() keeps kinds apart, and stops naming new ones before they fill the memory", () => {
  const limiter = new LogLimiter();
  const lines = Array.from(
    { length: 5000 },
    (_, at) => limiter.say(`${at}`, `bad ${at}`, micros(0)),
  )
    .filter((line) => line !== null);
  assert.equal(lines.length, 512);
  assert.match(lines.at(-1)!, /counted without being named/);
  assert.equal(limiter.say("0", "bad 0", seconds(400)), "bad 0 (1 times since it was last said)");
});
