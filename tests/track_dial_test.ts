/** Connections that are given up: at any moment, also when the event loop was held up meanwhile. */

import assert from "node:assert/strict";
import { dial } from "../lib/track/dial.ts";
import { aloneTest } from "./tools/alone.ts";
import { noMoreDescriptorsThan, openDescriptors } from "./track_host.ts";

/** Enough that some are lost if any can be. */
const AT_ONCE = 20;

/** Keeps this thread from doing anything; what the kernel does goes on. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Dials, so often, to a server that never takes a connection: the kernel makes it. */
function dialAll(listener: Deno.TcpListener) {
  const { port } = listener.addr as Deno.NetAddr;
  return Array.from({ length: AT_ONCE }, () => {
    const controller = new AbortController();
    const settled = dial("127.0.0.1", port, controller.signal).then(
      (connection) => (connection.close(), "connected"),
      (error: unknown) => error,
    );
    return { controller, settled };
  });
}

const MOMENTS: readonly (readonly [string, () => Promise<void>])[] = [
  ["at once", () => Promise.resolve()],
  ["a turn later", () => new Promise((resolve) => setTimeout(resolve, 0))],
  ["by a timer that is late", () => {
    // The timer comes before the connections that were made meanwhile, in one turn of the loop.
    const due = new Promise<void>((resolve) => setTimeout(resolve, 10));
    holdUp(100);
    return due;
  }],
];

for (const [moment, come] of MOMENTS) {
  aloneTest(
    import.meta.url,
    `dial() leaves nothing open when it is aborted ${moment} and the event loop is held up`,
    async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1000 });
      // What the first one loads and keeps is no leak.
      await Promise.all(dialAll(listener).map(({ settled }) => settled));
      const before = openDescriptors();
      for (let round = 0; round < 5; round++) {
        const attempts = dialAll(listener);
        await come();
        for (const { controller } of attempts) controller.abort();
        holdUp(100);
        await Promise.all(attempts.map(({ settled }) => settled));
      }
      await noMoreDescriptorsThan(before);
    },
  );
}

aloneTest(
  import.meta.url,
  "dial() gives up what is not answered when it is aborted, and says why",
  async () => {
    // What does not fit into the queue of the listener gets no answer.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const before = openDescriptors();
    const attempts = dialAll(listener);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const reason = new Error("enough");
    for (const { controller } of attempts) controller.abort(reason);
    const ends = await Promise.all(attempts.map(({ settled }) => settled));
    assert.ok(ends.includes(reason));
    assert.deepEqual(ends.filter((end) => end !== "connected" && end !== reason), []);
    await noMoreDescriptorsThan(before);
  },
);

Deno.test("dial() does not begin what is aborted already", async () => {
  const reason = new Error("enough");
  await assert.rejects(dial("127.0.0.1", 1, AbortSignal.abort(reason)), reason);
});
