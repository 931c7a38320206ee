import assert from "node:assert/strict";
import { FifoTarget } from "../lib/daemon/notify/fifo_target.ts";
import { Notifier } from "../lib/daemon/notify/notifier.ts";
import { openLineFifo } from "../lib/net/fifo.ts";
import {
  config,
  FakeClock,
  fifo,
  groupMoved,
  logbook,
  moved,
  notifyDefs,
  script,
  STARTED,
  TestFolder,
  until,
} from "./tools/notify.ts";

/** Reads a FIFO to its end, but not for ever, should the test be killed. */
const CAT = "exec timeout --foreground 300 cat";

const QUIET = { instances: { VI_1: notifyDefs() } };

Deno.test("a script reads keepalived's lines from a real FIFO, the last of a stop too", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo");
  const reader = folder.script("reader", `${CAT} "$2" > ${folder.file("log")}`);
  const { log, lines } = logbook();
  const notifier = new Notifier({
    config: config({
      instances: { VI_1: notifyDefs({ priorityChanges: true }) },
      groups: { G1: [["VI_1"], notifyDefs()] },
      global: { fifos: [fifo(path, script(reader, "-x"))] },
    }),
    log,
  });
  notifier.start();
  notifier.on(moved("VI_1", "init", "backup"));
  notifier.on(groupMoved("G1", "init", "backup"));
  notifier.on(STARTED);
  notifier.on({ kind: "priority", instance: "VI_1", state: "backup", priority: 120 });
  notifier.on(moved("VI_1", "backup", "master", 120));
  notifier.on(groupMoved("G1", "backup", "master"));
  notifier.on({ kind: "heardLower", instance: "VI_1", priority: 120 });
  // The stop does not wait long for a reader; one that has begun is there at once.
  await until("the script reads", () => folder.lines("log").length === 5);
  notifier.on(moved("VI_1", "master", "init", 120));
  notifier.on(groupMoved("G1", "master", "init"));
  await notifier.stop();
  assert.deepEqual(folder.lines("log"), [
    'GROUP "G1" BACKUP 0',
    'INSTANCE "VI_1" BACKUP_PRIORITY 120',
    'INSTANCE "VI_1" MASTER 120',
    'GROUP "G1" MASTER 0',
    'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 120',
    'INSTANCE "VI_1" STOP 120',
    'GROUP "G1" STOP 0',
  ]);
  assert.deepEqual(lines, []);
  assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
});

Deno.test("a FIFO that nobody reads fills up, keeps the newest line, and is told of once", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo");
  const { log, lines } = logbook();
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(path)] } }),
    log,
  });
  notifier.start();
  notifier.on(STARTED);
  const begin = performance.now();
  for (let n = 0; n < 10_000; n++) notifier.on(moved("VI_1", "backup", "master"));
  assert.ok(performance.now() - begin < 60_000, "nobody waits for a reader");
  const { delivered, leftOut, waiting, last } = notifier.status()[0]!;
  assert.equal(delivered + leftOut + waiting, 10_000);
  assert.ok(delivered > 1000 && leftOut > 1000);
  assert.deepEqual([waiting, last], [1, "it is full"]);
  assert.deepEqual(lines, [
    `warning: FIFO "${path}": a line was not written, it is full; until it can be, only the newest` +
    " of each instance and group are kept",
  ]);
  await notifier.stop();
  assert.equal(
    lines.at(-1),
    `info: FIFO "${path}" was full to the end: ${leftOut + 1} lines were dropped`,
  );
});

/** A FIFO with room for so many lines, which the test reads. */
function staged() {
  const written: string[] = [], clock = new FakeClock(), book = logbook();
  const stage = { written, clock, ...book, room: 0 };
  const target = new FifoTarget({
    fifo: fifo("/run/f"),
    scriptUser: null,
    open: () => ({
      made: false,
      close: () => {},
      writeLine(line) {
        if (stage.room === 0) return "it is full";
        stage.room--;
        written.push(line);
        return null;
      },
    }),
    start: () => assert.fail("it has no script"),
    clock,
    log: book.log,
  });
  target.start();
  return { stage, target, clock };
}

Deno.test("a FIFO that is read again gets the newest line of each subject, by itself", async () => {
  const { stage, target, clock } = staged();
  stage.room = 1;
  for (
    const line of [
      'INSTANCE "A" BACKUP 100',
      'INSTANCE "A" MASTER 100',
      'INSTANCE "B \\"x" MASTER 50',
      'GROUP "A" MASTER 0',
      'INSTANCE "A" MASTER_RX_LOWER_PRI 100',
      'INSTANCE "A" FAULT 100',
    ]
  ) {
    target.write(line);
  }
  assert.equal(target.status().waiting, 4);
  stage.room = 2;
  await clock.advance(1000);
  stage.room = 9;
  await clock.advance(1000);
  assert.deepEqual(stage.written, [
    'INSTANCE "A" BACKUP 100',
    'INSTANCE "B \\"x" MASTER 50',
    'GROUP "A" MASTER 0',
    'INSTANCE "A" MASTER_RX_LOWER_PRI 100',
    'INSTANCE "A" FAULT 100',
  ]);
  const { delivered, leftOut, waiting } = target.status();
  assert.deepEqual([delivered, leftOut, waiting, clock.nextMs], [5, 1, 0, null]);
});

Deno.test("a FIFO's kept lines go before the next one, which waits behind them", async () => {
  const { stage, target } = staged();
  target.write('INSTANCE "A" BACKUP 100');
  target.write('INSTANCE "B" BACKUP 100');
  stage.room = 1;
  target.write('INSTANCE "C" BACKUP 100');
  assert.deepEqual(stage.written, ['INSTANCE "A" BACKUP 100']);
  stage.room = 3;
  target.write('INSTANCE "A" MASTER 100');
  assert.deepEqual(stage.written.map((line) => line.split(" ").slice(1, 3).join(" ")), [
    '"A" BACKUP',
    '"B" BACKUP',
    '"C" BACKUP',
    '"A" MASTER',
  ]);
  await target.stop();
});

Deno.test("a FIFO says each time that it is full, and the sum when it is not any more", async () => {
  const { stage, target, clock } = staged();
  const full = 'warning: FIFO "/run/f": a line was not written, it is full; until it can be, only' +
    " the newest of each instance and group are kept";
  const again = (sum: string) => `info: FIFO "/run/f" takes lines again: ${sum} dropped`;
  for (const [count, sum] of [[1, "no lines were"], [2, "1 line was"], [4, "3 lines were"]]) {
    stage.lines.length = 0;
    stage.room = 0;
    for (let n = 0; n < Number(count); n++) target.write('INSTANCE "A" MASTER 100');
    await clock.advance(5000);
    assert.deepEqual(stage.lines, [full]);
    stage.room = 9;
    await clock.advance(1000);
    assert.deepEqual(stage.lines, [full, again(String(sum))]);
  }
  await target.stop();
  assert.equal(stage.lines.length, 2);
  assert.equal(clock.nextMs, null);
});

Deno.test("a FIFO that was there before stays after the stop", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo");
  const earlier = openLineFifo(path, null);
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(path)] } }),
    log: () => {},
  });
  notifier.start();
  await notifier.stop();
  assert.equal(Deno.lstatSync(path).isFifo, true);
  earlier.close();
});

Deno.test("a path that is no FIFO is an error in the log and untouched", async () => {
  using folder = new TestFolder();
  const path = folder.file("file");
  Deno.writeTextFileSync(path, "precious");
  const { log, lines } = logbook();
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(path)] } }),
    log,
  });
  notifier.start();
  notifier.on(STARTED);
  notifier.on(moved("VI_1", "backup", "master"));
  await notifier.stop();
  assert.match(lines[0]!, /^error: No notifications go to the FIFO .*: it is a regular file$/);
  assert.equal(Deno.readTextFileSync(path), "precious");
});

Deno.test("a FIFO's script that ends is logged and not started again", async () => {
  using folder = new TestFolder();
  const once = folder.script("once", `echo "$1" >> ${folder.file("log")}; exit 4`);
  const { log, lines } = logbook();
  const path = folder.file("fifo");
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(path, script(once))] } }),
    log,
  });
  notifier.start();
  await until("the script has ended", () => lines.length > 0);
  notifier.on(STARTED);
  notifier.on(moved("VI_1", "backup", "master"));
  await notifier.stop();
  assert.deepEqual(folder.lines("log"), [path]);
  assert.deepEqual(lines, [
    `warning: The script of the FIFO "${path}" exited with status 4; it is not started again`,
  ]);
});

Deno.test("a FIFO's script that never ends is ended by the stop", async () => {
  using folder = new TestFolder();
  const pid = folder.file("pid");
  const stays = folder.script("stays", `echo $$ > ${pid}; exec sleep 600`);
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(folder.file("fifo"), script(stays))] } }),
    log: () => {},
  });
  notifier.start();
  await until("the script runs", () => folder.lines("pid").length > 0);
  await notifier.stop();
  const status = `/proc/${folder.lines("pid")[0]}/status`;
  await until("it is gone", () => {
    try {
      return /^State:\s*Z/m.test(Deno.readTextFileSync(status));
    } catch {
      return true;
    }
  });
});

Deno.test("a FIFO's script that is late reads the state that holds in the end", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo"), go = folder.file("go");
  const wait = `n=0; until [ -e ${go} ] || [ $((n += 1)) -gt 3000 ]; do sleep 0.05; done`;
  const reader = folder.script("reader", `${wait}; ${CAT} "$1" > ${folder.file("log")}`);
  const notifier = new Notifier({
    config: config({ ...QUIET, global: { fifos: [fifo(path, script(reader))] } }),
    log: () => {},
  });
  notifier.start();
  notifier.on(STARTED);
  for (let n = 0; n < 5000; n++) notifier.on(moved("VI_1", "backup", "master"));
  notifier.on(moved("VI_1", "master", "backup"));
  assert.ok(notifier.status()[0]!.leftOut > 1000);
  Deno.writeTextFileSync(go, "");
  await until(
    "the last line is read",
    () => folder.lines("log").at(-1) === 'INSTANCE "VI_1" BACKUP 100',
  );
  await notifier.stop();
});
