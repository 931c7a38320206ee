import assert from "node:assert/strict";
import { O } from "../ffi/constants.ts";
import { closeFd, openFd, readFd } from "../ffi/fd.ts";
import { makeFifo, openFifo, PIPE_BUF, writeWhole } from "../ffi/fifo.ts";
import { openLineFifo } from "../lib/net/fifo.ts";
import { TestFolder } from "./tools/notify.ts";

/** What can be read from a FIFO now. */
function drain(path: string): string {
  const fd = openFd(path, O.RDONLY | O.NONBLOCK), buffer = new Uint8Array(1 << 17);
  let text = "";
  for (let length; (length = readFd(fd, buffer)) !== null && length > 0;) {
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
  closeFd(fd);
  return text;
}

Deno.test("makeFifo() makes one, and says so when something has the name", () => {
  using folder = new TestFolder();
  assert.equal(makeFifo(folder.file("f"), 0o600), true);
  assert.equal(makeFifo(folder.file("f"), 0o600), false);
  assert.equal(Deno.statSync(folder.file("f")).isFifo, true);
  assert.throws(() => makeFifo(folder.file("none/f"), 0o600), { code: "ENOENT", call: "mkfifo" });
});

Deno.test("writeWhole() writes all of a line or nothing when the pipe is full", () => {
  using folder = new TestFolder();
  makeFifo(folder.file("f"), 0o600);
  const fd = openFifo(folder.file("f"));
  try {
    const line = new Uint8Array(1000).fill(0x61);
    let written = 0;
    while (writeWhole(fd, line)) written++;
    assert.ok(written > 10);
    assert.equal(drain(folder.file("f")).length, written * line.length);
    assert.equal(writeWhole(fd, line), true);
  } finally {
    closeFd(fd);
  }
});

Deno.test("writeWhole() throws EMSGSIZE for what the kernel could write in part", () => {
  using folder = new TestFolder();
  makeFifo(folder.file("f"), 0o600);
  const fd = openFifo(folder.file("f"));
  try {
    assert.equal(writeWhole(fd, new Uint8Array(PIPE_BUF)), true);
    assert.throws(() => writeWhole(fd, new Uint8Array(PIPE_BUF + 1)), { code: "EMSGSIZE" });
  } finally {
    closeFd(fd);
  }
});

Deno.test("openLineFifo() makes a FIFO for its owner alone and removes it when closed", () => {
  using folder = new TestFolder();
  const fifo = openLineFifo(folder.file("f"), { uid: Deno.uid()!, gid: Deno.gid()! });
  const { isFifo, mode } = Deno.lstatSync(folder.file("f"));
  assert.deepEqual([fifo.made, isFifo, mode! & 0o777], [true, true, 0o600]);
  assert.equal(fifo.writeLine('INSTANCE "VI_1" MASTER 100'), null);
  assert.equal(drain(folder.file("f")), 'INSTANCE "VI_1" MASTER 100\n');
  fifo.close();
  fifo.close();
  assert.throws(() => Deno.lstatSync(folder.file("f")), Deno.errors.NotFound);
  assert.equal(fifo.writeLine("late"), "it is closed");
});

Deno.test({
  name: "openLineFifo() gives a FIFO that it makes to its owner",
  ignore: Deno.uid() !== 0,
  fn() {
    using folder = new TestFolder();
    const fifo = openLineFifo(folder.file("f"), { uid: 12345, gid: 54321 });
    const { uid, gid } = Deno.lstatSync(folder.file("f"));
    fifo.close();
    assert.deepEqual([uid, gid], [12345, 54321]);
  },
});

Deno.test("openLineFifo() uses a FIFO that is there and leaves it behind", () => {
  using folder = new TestFolder();
  makeFifo(folder.file("f"), 0o640);
  const fifo = openLineFifo(folder.file("f"), { uid: 12345, gid: 54321 });
  assert.equal(fifo.made, false);
  fifo.close();
  const { mode, uid } = Deno.lstatSync(folder.file("f"));
  assert.deepEqual([mode! & 0o777, uid], [0o640, Deno.uid()]);
});

Deno.test("openLineFifo() leaves a file that has taken the name of its FIFO", () => {
  using folder = new TestFolder();
  const fifo = openLineFifo(folder.file("f"), null);
  Deno.renameSync(folder.file("f"), folder.file("moved"));
  Deno.writeTextFileSync(folder.file("f"), "another's");
  fifo.close();
  assert.equal(Deno.readTextFileSync(folder.file("f")), "another's");
});

Deno.test("openLineFifo() refuses what is no FIFO, in words", () => {
  using folder = new TestFolder();
  Deno.writeTextFileSync(folder.file("file"), "keep me");
  Deno.mkdirSync(folder.file("dir"));
  Deno.symlinkSync(folder.file("file"), folder.file("link"));
  const open = (name: string) => () => openLineFifo(folder.file(name), null);
  assert.throws(open("file"), /Cannot use ".*file" as a FIFO: it is a regular file/);
  assert.throws(open("dir"), /it is a directory/);
  assert.throws(open("link"), /it is a symbolic link/);
  assert.throws(open("none/f"), /Cannot make the FIFO .*ENOENT/);
  assert.equal(Deno.readTextFileSync(folder.file("file")), "keep me");
});

Deno.test("writeLine() says when the FIFO is full and never writes half a line", () => {
  using folder = new TestFolder();
  const fifo = openLineFifo(folder.file("f"), null);
  const line = "x".repeat(999);
  let written = 0;
  while (fifo.writeLine(line) === null) written++;
  assert.equal(fifo.writeLine(line), "it is full");
  assert.equal(drain(folder.file("f")), `${line}\n`.repeat(written));
  assert.equal(fifo.writeLine(line), null);
  fifo.close();
});
