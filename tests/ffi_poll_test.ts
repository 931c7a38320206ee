import assert from "node:assert/strict";
import { monotonicUs } from "../ffi/clock.ts";
import { closeFd } from "../ffi/fd.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import { clearEvent, eventfd, getPid, kill, raiseEvent } from "../ffi/process.ts";
import { receive, sendTo, socketPair } from "../ffi/socket.ts";

Deno.test("wait() returns 0 when nothing happens, not before its time", () => {
  const set = new PollSet(), start = monotonicUs();
  assert.equal(set.wait(20_000), 0);
  assert.ok(monotonicUs() - start >= 20_000);
  assert.deepEqual(set.ready(), []);
});

Deno.test("wait() only looks when the timeout is zero, negative or a fraction", () => {
  const set = new PollSet(), fd = eventfd();
  set.add(fd, POLL.IN);
  for (const timeout of [0, -1, -1e12, 0.3]) assert.equal(set.wait(timeout), 0);
  raiseEvent(fd);
  for (const timeout of [0, -1, 0.3, null, 1e15]) assert.equal(set.wait(timeout), 1);
  closeFd(fd);
});

Deno.test("wait() wakes for a datagram of a socket pair", () => {
  const [left, right] = socketPair(), set = new PollSet(), buffer = new Uint8Array(64);
  set.add(left, POLL.IN);
  set.add(right, POLL.IN);
  sendTo(left, new TextEncoder().encode("hello"), null);
  assert.equal(set.wait(null), 1);
  assert.deepEqual(set.ready(), [{ fd: right, revents: POLL.IN }]);
  assert.equal(receive(right, buffer), 5);
  closeFd(right);
  set.remove(right);
  assert.equal(set.wait(0), 1);
  assert.ok(set.ready()[0]!.revents & POLL.HUP);
  closeFd(left);
});

Deno.test("ready() reports NVAL when a descriptor was closed while watched", () => {
  const set = new PollSet(), fd = eventfd();
  set.add(fd, POLL.IN);
  closeFd(fd);
  assert.equal(set.wait(0), 1);
  assert.deepEqual(set.ready(), [{ fd, revents: POLL.NVAL }]);
});

Deno.test("add() and remove() keep the set right when it grows and shrinks in any order", () => {
  const set = new PollSet(), fds = Array.from({ length: 50 }, () => eventfd());
  fds.forEach((fd) => set.add(fd, POLL.IN));
  fds.forEach((fd) => set.add(fd, POLL.IN));
  assert.equal(set.size, 50);
  fds.forEach(raiseEvent);
  assert.equal(set.wait(null), 50);
  for (const { fd } of set.ready()) if (fd % 2 === 0) set.remove(fd);
  const odd = fds.filter((fd) => fd % 2 !== 0);
  assert.equal(set.wait(null), odd.length);
  assert.deepEqual(set.ready().map(({ fd }) => fd).toSorted((a, b) => a - b), odd);
  set.remove(-5);
  fds.forEach((fd) => set.remove(fd));
  assert.equal(set.size, 0);
  fds.forEach(closeFd);
});

Deno.test("add() changes the events of a descriptor that is watched already", () => {
  const set = new PollSet(), fd = eventfd();
  set.add(fd, POLL.IN);
  set.add(fd, POLL.OUT);
  assert.equal(set.wait(0), 1);
  assert.deepEqual(set.ready(), [{ fd, revents: POLL.OUT }]);
  closeFd(fd);
});

Deno.test('wait() says "interrupted" when a signal reaches the thread', async () => {
  // A process of its own: here the signal might reach any thread. There the program's only other
  // threads are the runtime's, so it is sent to the one that waits, until it has answered.
  const path = new URL("tools/ffi_interrupted.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", path],
  }).output();
  assert.equal(
    new TextDecoder().decode(stdout).trim(),
    '"interrupted" []',
    new TextDecoder().decode(stderr),
  );
});

Deno.test("wait() in a worker wakes when another thread raises an event", async () => {
  const fd = eventfd(), url = new URL("./tools/ffi_waiting_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const messages = inbox<string>(worker);
  worker.postMessage(fd);
  assert.equal(await messages.next(), "waiting");
  raiseEvent(fd);
  assert.equal(await messages.next(), "woken");
  worker.terminate();
  assert.equal(clearEvent(fd), true);
  closeFd(fd);
});

Deno.test("kill() finds this process with signal 0", () => {
  kill(getPid(), 0);
  assert.throws(() => kill(0x3fff_ffff, 0), { code: "ESRCH" });
});

function inbox<T>(worker: Worker): { next(): Promise<T> } {
  const arrived: T[] = [], waiting: ((message: T) => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<T>) => {
    const resolve = waiting.shift();
    if (resolve) resolve(data);
    else arrived.push(data);
  };
  return {
    next: () => {
      const message = arrived.shift();
      return message !== undefined
        ? Promise.resolve(message)
        : new Promise((resolve) => waiting.push(resolve));
    },
  };
}
