import assert from "node:assert/strict";
import { monotonicUs } from "../ffi/clock.ts";
import { closeFd } from "../ffi/fd.ts";
import { claimName } from "../ffi/local_name.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import { getPid } from "../ffi/process.ts";
import { AF, bindSocket, openSocket, SOCK } from "../ffi/socket.ts";
import { Timer } from "../ffi/timer.ts";

/** Waits for a descriptor, whatever signals come. */
function wait(set: PollSet, timeoutUs: number): number {
  for (;;) {
    const ready = set.wait(timeoutUs);
    if (ready !== "interrupted") return ready;
  }
}

Deno.test("Timer fires at its instant and not before, at once if that has passed, never if null", () => {
  const timer = new Timer(), set = new PollSet();
  set.add(timer.fd, POLL.IN);
  try {
    const at = monotonicUs() + 20_000;
    timer.set(at);
    assert.equal(wait(set, 0), 0);
    assert.equal(wait(set, 60_000_000), 1);
    assert.ok(monotonicUs() >= at, "not early");
    timer.set(null);
    assert.equal(wait(set, 1000), 0, "set() makes it quiet");
    timer.set(monotonicUs() - 1_000_000);
    assert.equal(wait(set, 60_000_000), 1);
    timer.set(0);
    assert.equal(wait(set, 60_000_000), 1, "zero is an instant too");
  } finally {
    timer.close();
  }
});

Deno.test("claimName() gives a name to one holder at a time, and tells the others who has it", () => {
  const name = `vigie-test-${getPid()}-${crypto.randomUUID()}`;
  const fd = claimName(name);
  assert.equal(typeof fd, "number");
  assert.deepEqual(claimName(name), { pid: getPid(), uid: Deno.uid() });
  closeFd(fd as number);
  const again = claimName(name);
  for (let count = 0; count < 50; count++) {
    assert.deepEqual(claimName(name), { pid: getPid(), uid: Deno.uid() }, "however often one asks");
  }
  assert.equal(typeof again, "number");
  closeFd(again as number);
});

Deno.test("claimName() does not wait for a holder that never answers", () => {
  const name = `vigie-test-${crypto.randomUUID()}`, text = new TextEncoder().encode(name);
  const silent = openSocket(AF.UNIX, SOCK.SEQPACKET, 0, "test");
  // struct sockaddr_un (sys/un.h): the family, then a zero byte and the name.
  bindSocket(silent, Uint8Array.of(AF.UNIX, 0, 0, ...text));
  assert.deepEqual(claimName(name), { pid: null, uid: null });
  closeFd(silent);
});
