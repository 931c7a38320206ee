import assert from "node:assert/strict";
import { type JobContext, MAX_BEHIND, TargetQueue } from "../lib/daemon/notify/target_queue.ts";
import { settle } from "./tools/notify.ts";

interface Item {
  readonly key: string;
  readonly n: number;
}

/** A queue whose jobs end when the test says so. */
class Bench {
  readonly done: string[] = [];
  readonly said: string[] = [];
  readonly jobs: { item: Item; context: JobContext; end: () => void; fail: () => void }[] = [];
  atOnce = 0;
  most = 0;
  readonly queue = new TargetQueue<Item>({
    keyOf: ({ key }) => key,
    run: async (item, context) => {
      this.most = Math.max(this.most, ++this.atOnce);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      context.signal.addEventListener("abort", () => resolve());
      this.jobs.push({ item, context, end: resolve, fail: () => reject(new Error("broken")) });
      await promise.finally(() => this.atOnce--);
      this.done.push(`${item.key}${item.n}${context.signal.aborted ? " ended" : ""}`);
    },
    failed: (error) => this.said.push(`failed: ${(error as Error).message}`),
    behind: () => this.said.push("behind"),
    caughtUp: (leftOut) => this.said.push(`caught up, ${leftOut} left out`),
  });

  add(key: string, n: number): void {
    this.queue.add({ key, n });
  }

  async endAll(): Promise<void> {
    while (this.queue.isRunning || this.queue.waiting > 0) {
      this.jobs.at(-1)!.end();
      await settle();
    }
  }
}

Deno.test("TargetQueue delivers in order, one at a time, the first at once", async () => {
  const bench = new Bench();
  for (let n = 0; n <= MAX_BEHIND; n++) bench.add("a", n);
  assert.equal(bench.jobs.length, 1);
  assert.equal(bench.queue.waiting, MAX_BEHIND);
  await bench.endAll();
  assert.deepEqual(bench.done, Array.from({ length: MAX_BEHIND + 1 }, (_, n) => `a${n}`));
  assert.equal(bench.most, 1);
  assert.deepEqual(bench.said, []);
});

Deno.test("TargetQueue keeps the newest of each key when it is behind, says so once, and the sum", async () => {
  const bench = new Bench();
  bench.add("first", 0);
  for (let n = 0; n < 100; n++) bench.add("a", n);
  for (let n = 0; n < 3; n++) bench.add("b", n);
  assert.ok(bench.queue.waiting <= MAX_BEHIND);
  assert.deepEqual(bench.said, ["behind"]);
  await bench.endAll();
  assert.equal(bench.done[0], "first0");
  assert.ok(bench.done.indexOf("a99") > 0);
  assert.equal(bench.done.at(-1), "b2");
  const leftOut = 104 - bench.done.length;
  assert.ok(leftOut >= 80);
  assert.equal(bench.queue.leftOut, leftOut);
  assert.deepEqual(bench.said, ["behind", `caught up, ${leftOut} left out`]);
});

Deno.test("TargetQueue never changes the order of what is left", async () => {
  const bench = new Bench();
  bench.add("x", 0);
  for (let n = 1; n <= 12; n++) bench.add(n % 3 === 0 ? "b" : "a", n);
  await bench.endAll();
  const numbers = bench.done.map((text) => Number(text.slice(1)));
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
  assert.equal(numbers.at(-1), 12);
});

Deno.test("TargetQueue goes on after a job that throws", async () => {
  const bench = new Bench();
  bench.add("a", 1);
  bench.add("a", 2);
  bench.jobs[0]!.fail();
  await settle();
  await bench.endAll();
  assert.deepEqual(bench.done, ["a2"]);
  assert.deepEqual(bench.said, ["failed: broken"]);
});

Deno.test("TargetQueue tells a job when something newer of its key waits", () => {
  const bench = new Bench();
  bench.add("a", 1);
  const { context } = bench.jobs[0]!;
  bench.add("b", 1);
  assert.equal(context.isOutdated(), false);
  bench.add("a", 2);
  assert.equal(context.isOutdated(), true);
  bench.queue.cancel();
});

Deno.test("TargetQueue.hurry() ends what runs only if others wait, then delivers the newest", async () => {
  const bench = new Bench();
  bench.add("a", 1);
  bench.queue.hurry();
  assert.equal(bench.jobs[0]!.context.signal.aborted, false);
  for (let n = 2; n <= 5; n++) bench.add("a", n);
  bench.queue.hurry();
  await bench.endAll();
  assert.deepEqual(bench.done, ["a1 ended", "a5"]);
});

Deno.test("TargetQueue.cancel() ends what runs and forgets the rest; idle() resolves", async () => {
  const bench = new Bench();
  await bench.queue.idle();
  for (let n = 1; n <= 3; n++) bench.add("a", n);
  bench.queue.cancel();
  await bench.queue.idle();
  assert.deepEqual(bench.done, ["a1 ended"]);
  assert.equal(bench.queue.leftOut, 2);
  bench.add("a", 4);
  await bench.endAll();
  assert.deepEqual(bench.done, ["a1 ended", "a4"]);
});
