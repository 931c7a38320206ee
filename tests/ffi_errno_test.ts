import assert from "node:assert/strict";
import { monotonicUs } from "../ffi/clock.ts";
import { ERRNO, errnoName, errnoText, retryInterrupted, SysError } from "../ffi/errno.ts";
import { O } from "../ffi/constants.ts";
import {
  closeFd,
  isOpen,
  openFd,
  readFd,
  setCloseOnExec,
  setNonblocking,
  writeFd,
} from "../ffi/fd.ts";
import { cString, symbolAddress } from "../ffi/libc.ts";
import { clearEvent, eventfd, raiseEvent } from "../ffi/process.ts";
import { receive, socketPair } from "../ffi/socket.ts";

Deno.test("SysError says what was attempted, the call, the name and the text of errno", () => {
  const error = new SysError("socket", 1, "open a raw socket on eth0");
  assert.equal(
    error.message,
    "Cannot open a raw socket on eth0: socket: EPERM (Operation not permitted)",
  );
  assert.equal(error.code, "EPERM");
  assert.ok(error instanceof Error);
});

Deno.test("SysError appends the kernel's own words when there are any", () => {
  const error = new SysError("RTM_NEWROUTE", ERRNO.EINVAL, "add a route", "Nexthop is invalid");
  assert.match(error.message, /EINVAL \(Invalid argument\): Nexthop is invalid$/);
});

Deno.test("errnoName() and errnoText() give the number when Linux does not know it", () => {
  assert.equal(errnoName(4095), "E4095");
  assert.equal(errnoText(4095), "Unknown error 4095");
});

Deno.test("openFd() throws ENOENT when the file is missing, with its name", () => {
  assert.throws(() => openFd("/nonexistent/file"), {
    name: "SysError",
    code: "ENOENT",
    message: 'Cannot open "/nonexistent/file": open: ENOENT (No such file or directory)',
  });
});

Deno.test("errno is right for each of 20 000 failing calls when the heap is busy", () => {
  const garbage: unknown[] = [];
  for (let round = 0; round < 20_000; round++) {
    garbage.push(new Array(100).fill(round));
    if (garbage.length > 1000) garbage.length = 0;
    const code = round % 2 === 0 ? "ENOENT" : "EBADF";
    const attempt = round % 2 === 0 ? () => openFd("/nonexistent") : () => closeFd(-1);
    try {
      attempt();
      assert.fail("no error");
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      assert.equal(error.code, code);
    }
  }
});

Deno.test("retryInterrupted() stops at the first result that is none of EINTR's", () => {
  let calls = 0;
  assert.equal(retryInterrupted(() => 40 + ++calls), 41);
  assert.equal(calls, 1);
});

Deno.test("writeFd() writes what fits when a nonblocking pipe is full, and all when it has room", () => {
  const [left, right] = socketPair();
  const datagram = new Uint8Array(1000);
  let sent = 0;
  while (writeFd(left, datagram) === datagram.length) sent++;
  assert.ok(sent > 10);
  const buffer = new Uint8Array(2000);
  for (let received = 0; received < sent; received++) assert.equal(readFd(right, buffer), 1000);
  assert.equal(readFd(right, buffer), null);
  closeFd(left);
  assert.equal(readFd(right, buffer), 0);
  closeFd(right);
});

Deno.test("receive() gives the true length when the datagram is longer than the buffer", () => {
  const [left, right] = socketPair();
  writeFd(left, new Uint8Array(100));
  assert.equal(receive(right, new Uint8Array(10)), 100);
  assert.equal(receive(right, new Uint8Array(10)), null);
  closeFd(left);
  closeFd(right);
});

Deno.test("openFd() makes and truncates a file when flags say so", () => {
  const path = Deno.makeTempFileSync();
  try {
    const fd = openFd(path, O.WRONLY | O.CREAT | O.TRUNC);
    assert.equal(writeFd(fd, new TextEncoder().encode("lookout")), 7);
    closeFd(fd);
    assert.equal(Deno.readTextFileSync(path), "lookout");
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("setNonblocking() and setCloseOnExec() change flags of an open descriptor", () => {
  const fd = eventfd();
  setCloseOnExec(fd, false);
  setNonblocking(fd, false);
  setNonblocking(fd, true);
  const info = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  const flags = parseInt(/flags:\s*(\d+)/.exec(info)![1]!, 8);
  assert.equal(flags & O.NONBLOCK, O.NONBLOCK);
  assert.equal(flags & O.CLOEXEC, 0);
  closeFd(fd);
});

Deno.test("isOpen() is false when the descriptor was never opened", () => {
  assert.equal(isOpen(0x7fff_fff0), false);
  assert.throws(() => closeFd(0x7fff_fff0), { code: "EBADF" });
});

Deno.test("clearEvent() says whether the event had been raised", () => {
  const fd = eventfd();
  assert.equal(clearEvent(fd), false);
  raiseEvent(fd);
  raiseEvent(fd);
  assert.equal(clearEvent(fd), true);
  assert.equal(clearEvent(fd), false);
  closeFd(fd);
});

Deno.test("monotonicUs() is whole, never goes back and agrees with the performance clock", () => {
  const start = performance.now(), first = monotonicUs();
  let last = first;
  for (let round = 0; round < 100_000; round++) {
    const now = monotonicUs();
    assert.ok(Number.isInteger(now) && now >= last);
    last = now;
  }
  const elapsedUs = (performance.now() - start) * 1000;
  assert.ok(last - first <= elapsedUs + 1000 && last - first > 0);
});

Deno.test("cString() refuses text that C would cut", () => {
  assert.deepEqual(cString("é"), Uint8Array.of(0xc3, 0xa9, 0));
  assert.throws(() => cString("a\0b"), TypeError);
});

Deno.test("symbolAddress() finds eventfd_write and throws when there is no such function", () => {
  assert.ok(symbolAddress("eventfd_write") > 0n);
  assert.throws(() => symbolAddress("no_such_function"), TypeError);
});
