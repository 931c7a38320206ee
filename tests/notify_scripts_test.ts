import assert from "node:assert/strict";
import { millis, seconds } from "../lib/core/time.ts";
import { Notifier } from "../lib/daemon/notify/notifier.ts";
import { ScriptTarget } from "../lib/daemon/notify/script_target.ts";
import { runTimed } from "../lib/daemon/notify/timed_script.ts";
import { startProgram } from "../lib/track/program.ts";
import type { State } from "../lib/vrrp/types.ts";
import {
  announcement,
  config,
  FakePrograms,
  fifo,
  logbook,
  moved,
  notifyDefs,
  POSITION,
  script,
  scripts,
  settle,
  STARTED,
  TestFolder,
  until,
} from "./tools/notify.ts";

/** The scripts of VI_1 with real programs. */
function target(kinds: Parameters<typeof notifyDefs>[0], timeoutUs = seconds(20)) {
  const book = logbook();
  const { scripts } = notifyDefs(kinds);
  const parts = { title: "VRRP Instance VI_1", scripts, scriptUser: null, timeoutUs };
  return { target: new ScriptTarget({ ...parts, start: startProgram, log: book.log }), ...book };
}

Deno.test("200 flaps in 2 s and a slow script: the last notification is the final state", async () => {
  using folder = new TestFolder();
  const log = folder.file("log");
  const slow = folder.script(
    "slow",
    `echo "begin $3" >> ${log}; sleep 0.1; echo "end $3" >> ${log}`,
  );
  const { log: note, lines } = logbook();
  const notifier = new Notifier({
    config: config({ instances: { A: notifyDefs(scripts(script(slow), "notify")) } }),
    log: note,
  });
  notifier.on(STARTED);
  const states: State[] = ["backup", "master", "fault"];
  let state: State = "init";
  for (let flap = 0; flap < 200; flap++) {
    const next = states[flap % 3]!;
    notifier.on(moved("A", state, next));
    state = next;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(state, "master");
  await until("the scripts have caught up", () => notifier.status()[0]!.waiting === 0);
  const ran = folder.lines("log");
  assert.equal(ran.at(-1), "end MASTER");
  for (const [at, line] of ran.entries()) {
    const expected = at % 2 === 0 ? /^begin / : new RegExp(`^end ${ran[at - 1]!.slice(6)}$`);
    assert.match(line, expected, `two at once: ${ran}`);
  }
  const { delivered, leftOut, failed } = notifier.status()[0]!;
  assert.deepEqual([delivered + leftOut, failed, ran.length], [200, 0, delivered * 2]);
  assert.ok(leftOut > 0);
  // Once, unless the machine is so busy that the scripts catch up between two flaps.
  let told = 0;
  for (const [at, line] of lines.entries()) {
    if (at % 2 === 0) assert.match(line, /^warning: The scripts of VRRP Instance A cannot follow/);
    else told += Number(/has caught up, (\d+) notifications were left out/.exec(line)![1]);
  }
  assert.deepEqual([told, lines.length % 2], [leftOut, 0], lines.join("\n"));
  await notifier.stop();
});

Deno.test("few events are all told, in order, state script before the generic one", async () => {
  using folder = new TestFolder();
  const append = folder.script("append", `echo "$*" >> ${folder.file("log")}`);
  const { target: one, lines } = target({
    scripts: {
      notify_master: script(append, "own", "argument with space"),
      notify_backup: script(append, "backup"),
      notify: script(append),
    },
  });
  one.announce(announcement({ state: "BACKUP" }));
  one.announce(announcement({ state: "MASTER" }));
  one.announce(announcement({ state: "FAULT", priority: 0, type: "group", name: "G" }));
  await one.queue.idle();
  assert.deepEqual(folder.lines("log"), [
    "backup",
    "INSTANCE VI_1 BACKUP 100",
    "own argument with space",
    "INSTANCE VI_1 MASTER 100",
    "GROUP G FAULT 0",
  ]);
  assert.deepEqual(lines, []);
});

Deno.test("a script that runs too long is ended with what it started, and the next one runs", async () => {
  using folder = new TestFolder();
  const pid = folder.file("pid"), log = folder.file("log");
  const hangs = folder.script("hangs", `sleep 600 & echo $! > ${pid}; wait`);
  const works = folder.script("works", `echo works >> ${log}`);
  const { target: one, lines } = target(
    { scripts: { notify_master: script(hangs), notify: script(works) } },
    // For the other one, too, which must have ended by then.
    seconds(4),
  );
  one.announce(announcement());
  await one.queue.idle();
  assert.deepEqual(folder.lines("log"), ["works"]);
  assert.deepEqual(lines, [
    `warning: Script notify_master of VRRP Instance VI_1 (${hangs}): timed out`,
  ]);
  const child = Number(folder.lines("pid")[0]);
  assert.ok(child > 1);
  await until("the script's child is gone", () => !isRunning(child));
  assert.deepEqual([one.status().delivered, one.status().failed], [1, 1]);
});

Deno.test("the next script waits until one that was ended is gone for good", async () => {
  const programs = new FakePrograms(), gone = Promise.withResolvers<void>();
  const one = new ScriptTarget({
    title: "VRRP Instance VI_1",
    scripts: { notify_master: script("/first"), notify: script("/second") },
    scriptUser: null,
    log: () => {},
    start: (request) => ({ ...programs.start(request), gone: gone.promise }),
  });
  one.announce(announcement());
  programs.started[0]!.end({ kind: "timed out" });
  await settle();
  assert.deepEqual(programs.commands, ["/first"]);
  gone.resolve();
  await settle();
  assert.deepEqual(programs.commands, ["/first", "/second INSTANCE VI_1 MASTER 100"]);
  await programs.end();
});

Deno.test("a script is run by its own user, else by script_user", async () => {
  const programs = new FakePrograms();
  const user = { user: "alice", group: "staff" }, scriptUser = { user: "bob", group: null };
  const one = new ScriptTarget({
    title: "VRRP Instance VI_1",
    scripts: { notify_master: { ...script("/own"), user }, notify: script("/default") },
    scriptUser,
    log: () => {},
    start: programs.start,
  });
  one.announce(announcement());
  await programs.end();
  await programs.end();
  assert.deepEqual(programs.started.map(({ request }) => request.user), [user, scriptUser]);
});

Deno.test("what is wrong with a script is logged, each time, and nothing else stops", async () => {
  using folder = new TestFolder();
  const plain = folder.file("plain");
  Deno.writeTextFileSync(plain, "#!/bin/sh\n");
  Deno.chmodSync(plain, 0o644);
  const fails = folder.script("fails", "exit 3"), dies = folder.script("dies", "kill -SEGV $$");
  const absent = folder.file("absent");
  const { target: one, lines } = target({
    scripts: {
      notify_master: script(absent),
      notify_backup: script(plain),
      notify_fault: script(fails),
      notify_stop: script(dies),
    },
  });
  for (const state of ["MASTER", "BACKUP", "FAULT", "STOP"] as const) {
    one.announce(announcement({ state }));
  }
  await one.queue.idle();
  const about = (keyword: string, path: string) =>
    `warning: Script ${keyword} of VRRP Instance VI_1 (${path}): `;
  assert.equal(lines.length, 4);
  assert.ok(lines[0]!.startsWith(`${about("notify_master", absent)}could not start: `), lines[0]);
  assert.ok(lines[1]!.startsWith(`${about("notify_backup", plain)}could not start: `), lines[1]);
  assert.equal(lines[2], `${about("notify_fault", fails)}exited with status 3`);
  assert.equal(lines[3], `${about("notify_stop", dies)}killed by SIGSEGV`);
  assert.equal(one.status().failed, 4);
});

Deno.test("a hanging script of one instance delays neither another's, nor its group's, nor the FIFO", async () => {
  using folder = new TestFolder();
  const hangs = folder.script("hangs", "sleep 600");
  const works = folder.script("works", `echo "$2" >> ${folder.file("log")}`);
  const written: string[] = [];
  const notifier = new Notifier({
    config: config({
      instances: {
        A: notifyDefs(scripts(script(hangs), "notify")),
        B: notifyDefs(scripts(script(works), "notify")),
      },
      groups: { G: [["A"], notifyDefs(scripts(script(works), "notify"))] },
      global: { fifos: [fifo("F")] },
    }),
    log: () => {},
    openFifo: () => ({
      made: false,
      writeLine: (line) => (written.push(line), null),
      close: () => {},
    }),
  });
  notifier.start();
  notifier.on(STARTED);
  notifier.on(moved("A", "backup", "master"));
  notifier.on(moved("B", "backup", "master"));
  notifier.on({ kind: "groupTransition", group: "G", from: "backup", to: "master", cause: "" });
  assert.equal(written.length, 3);
  await until("the others are told", () => folder.lines("log").length === 2);
  assert.deepEqual(folder.lines("log").toSorted(), ["B", "G"]);
  assert.equal(notifier.status().find(({ target }) => target.endsWith("Instance A"))!.waiting, 1);
  const begin = performance.now();
  await notifier.stop(2000);
  assert.ok(performance.now() - begin < 60_000, "it does not wait for the script's end");
  await until(
    "the hanging script is gone",
    () => notifier.status().every(({ waiting }) => waiting === 0),
  );
});

Deno.test("notify_stop runs before stop() is over, though an earlier script hangs", async () => {
  using folder = new TestFolder();
  const hangs = folder.script("hangs", "sleep 600");
  const stops = folder.script("stops", `echo stopped >> ${folder.file("log")}`);
  const notifier = new Notifier({
    config: config({
      instances: {
        A: notifyDefs({ scripts: { notify_master: script(hangs), notify_stop: script(stops) } }),
      },
    }),
    log: () => {},
  });
  notifier.on(STARTED);
  notifier.on(moved("A", "backup", "master"));
  notifier.on(moved("A", "master", "init"));
  // Time for the script to start and to end after the other one was ended.
  await notifier.stop(20_000);
  assert.deepEqual(folder.lines("log"), ["stopped"]);
});

Deno.test("runTimed() says whether the script has done its work, and logs why not", async () => {
  using folder = new TestFolder();
  const { log, lines } = logbook();
  const run = (path: string, timeoutUs = seconds(20)) => {
    const command = { words: [path], user: null, position: POSITION };
    return runTimed({ command, timeoutUs }, { keyword: "startup_script", scriptUser: null, log });
  };
  assert.equal(await run(folder.script("works", `echo 1 > ${folder.file("log")}`)), true);
  assert.deepEqual([folder.lines("log"), lines], [["1"], []]);
  const fails = folder.script("fails", "exit 1"), hangs = folder.script("hangs", "sleep 600");
  assert.equal(await run(fails), false);
  assert.equal(await run(hangs, millis(200)), false);
  assert.deepEqual(lines, [
    `warning: Script startup_script (${fails}): exited with status 1`,
    `warning: Script startup_script (${hangs}): timed out after 200 ms`,
  ]);
});

/** Whether a process is there and not a zombie that waits to be reaped by somebody. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
