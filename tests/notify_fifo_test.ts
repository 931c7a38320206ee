import assert from "node:assert/strict";
import { Notifier } from "../lib/daemon/notify/notifier.ts";
import { openLineFifo } from "../lib/net/fifo.ts";
import {
  config,
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

const QUIET = { instances: { VI_1: notifyDefs() } };

Deno.test("a script reads keepalived's lines from a real FIFO, the last of a stop too", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo");
  const reader = folder.script("reader", `exec cat "$2" > ${folder.file("log")}`);
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

Deno.test("a FIFO that nobody reads fills up, loses whole lines, and is told of once", async () => {
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
  assert.ok(performance.now() - begin < 5000, "nobody waits for a reader");
  const { delivered, leftOut, last } = notifier.status()[0]!;
  assert.equal(delivered + leftOut, 10_000);
  assert.ok(delivered > 1000 && leftOut > 1000);
  assert.equal(last, "it is full");
  assert.deepEqual(lines, [
    `warning: FIFO "${path}": a line was dropped, it is full; more will be without a word`,
  ]);
  await notifier.stop();
  assert.equal(lines.at(-1), `info: FIFO "${path}": ${leftOut} lines were dropped`);
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
