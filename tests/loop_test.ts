import assert from "node:assert/strict";
import { clearEvent, eventfd, raiseEvent } from "../ffi/process.ts";
import { closeFd } from "../ffi/fd.ts";
import { after, type Micros, millis, seconds } from "../lib/core/time.ts";
import { Loop, now } from "../lib/engine/loop.ts";

/** A loop whose timers are in the test's hands. */
function testLoop(more: { next?: () => Micros | null; fire?: (at: Micros) => void }) {
  const strains: boolean[] = [];
  const loop: Loop = new Loop({
    next: more.next ?? (() => null),
    fire: more.fire ?? (() => {}),
    rest: () => {},
    strained: (isStrained) => strains.push(isStrained),
  });
  return { loop, strains };
}

Deno.test("Loop fires a timer once it is due, and never before", () => {
  const due = after(now(), millis(20));
  let firedAt: Micros | null = null;
  const { loop } = testLoop({
    next: () => firedAt === null ? due : null,
    fire: (at) => {
      firedAt = at;
      loop.stop();
    },
  });
  loop.run();
  loop.close();
  assert.ok(firedAt !== null && firedAt >= due);
});

Deno.test("Loop reads what waits before it fires a timer that is late", () => {
  const order: string[] = [], fd = eventfd();
  const { loop } = testLoop({
    next: () => order.includes("timer") ? null : after(now(), -millis(5) as Micros),
    fire: () => {
      order.push("timer");
      loop.stop();
    },
  });
  loop.watch(fd, () => {
    clearEvent(fd);
    order.push("packet");
  });
  raiseEvent(fd);
  loop.run();
  loop.close();
  closeFd(fd);
  assert.deepEqual(order, ["packet", "timer"]);
});

Deno.test("Loop says that it is strained while it has no rest, and that it is over", () => {
  const fd = eventfd(), giveUpAt = after(now(), seconds(60));
  let calmAt: Micros | null = null;
  const { loop, strains } = testLoop({
    next: () => calmAt === null ? giveUpAt : after(calmAt, millis(20)),
    fire: () => loop.stop(),
  });
  loop.watch(fd, () => {
    // A flood: the descriptor stays readable until the loop has noticed. Its work takes time, or a
    // busy machine would interrupt the loop while it looks for more, which counts as sleep.
    for (const end = after(now(), millis(5)); now() < end;);
    if (strains.length === 0) return;
    clearEvent(fd);
    calmAt = now();
  });
  raiseEvent(fd);
  loop.run();
  loop.close();
  closeFd(fd);
  assert.deepEqual(strains, [true, false]);
});
