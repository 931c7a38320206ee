import assert from "node:assert/strict";
import type { Config } from "../config/model.ts";
import type { NotifyEvent } from "../lib/daemon/notify/announcement.ts";
import { Notifier, type NotifierParts } from "../lib/daemon/notify/notifier.ts";
import {
  config,
  FakeClock,
  FakePrograms,
  fifo,
  groupMoved,
  logbook,
  mailDefs,
  moved,
  notifyDefs,
  script,
  scripts,
  settle,
  STARTED,
  webhook,
} from "./tools/notify.ts";

/** A notifier whose whole world is made up; `told` is what everybody was told, in order. */
function staged(what: Config, parts: Partial<NotifierParts> = {}) {
  const told: string[] = [], programs = new FakePrograms(), clock = new FakeClock();
  const book = logbook();
  const notifier = new Notifier({
    config: what,
    log: book.log,
    clock,
    host: "h1",
    start: (request) => {
      told.push(`script ${[...request.words, ...request.extraArgs ?? []].join(" ")}`);
      const program = programs.start(request);
      if (request.timeoutUs !== null) programs.started.at(-1)!.end({ kind: "exited", status: 0 });
      return program;
    },
    openFifo: (path) => ({
      made: true,
      writeLine: (line) => (told.push(`${path} ${line}`), null),
      close: () => void told.push(`${path} closed`),
    }),
    sendMail: ({ subject }) => (told.push(`mail ${subject}`), Promise.resolve("250 OK")),
    poster: ({ url, body }) => (told.push(`${url} ${body}`), Promise.resolve(204)),
    ...parts,
  });
  notifier.start();
  const tell = async (...events: NotifyEvent[]) => {
    for (const event of events) notifier.on(event);
    await settle();
    return told.splice(0);
  };
  return { notifier, programs, clock, tell, told, ...book };
}

const ALL = scripts(
  script("/s"),
  "notify",
  "notify_master",
  "notify_backup",
  "notify_fault",
  "notify_stop",
  "notify_deleted",
  "notify_master_rx_lower_pri",
);

const FIFO = { fifos: [fifo("F")] };

Deno.test("Notifier tells FIFO, scripts, mail and webhook of one event in keepalived's words", async () => {
  const notify = notifyDefs({
    scripts: { notify_master: script("/m"), notify: script("/n", "x") },
    mail: true,
    webhooks: [webhook("http://w/")],
  });
  const { tell } = staged(config({ instances: { VI_1: notify }, global: FIFO }));
  const told = await tell(STARTED, moved("VI_1", "backup", "master", 150));
  assert.equal(told.length, 5);
  assert.deepEqual(told.slice(0, 2), ["script /m", 'F INSTANCE "VI_1" MASTER 150']);
  assert.ok(told.includes("script /n x INSTANCE VI_1 MASTER 150"));
  assert.ok(told.includes("mail [R1] VRRP Instance VI_1 - Entering MASTER state"));
  assert.deepEqual(
    JSON.parse(told.find((line) => line.startsWith("http"))!.split(" ").slice(1).join(" ")),
    {
      type: "instance",
      name: "VI_1",
      state: "MASTER",
      previous: "BACKUP",
      priority: 150,
      cause: "a test",
      host: "h1",
      router_id: "R1",
      time: "2026-01-02T03:04:05.000Z",
    },
  );
});

Deno.test("Notifier runs the script of each state without arguments, then the generic one", async () => {
  const { tell } = staged(
    config({ instances: { A: notifyDefs(ALL) }, groups: { G: [["A"], notifyDefs(ALL)] } }),
  );
  await tell(STARTED);
  const words = { backup: "BACKUP", master: "MASTER", fault: "FAULT", init: "STOP" } as const;
  for (const [to, word] of Object.entries(words) as [keyof typeof words, string][]) {
    assert.deepEqual(await tell(moved("A", "init", to, 90)), [
      "script /s",
      `script /s INSTANCE A ${word} 90`,
    ]);
    assert.deepEqual(await tell(groupMoved("G", "init", to)), [
      "script /s",
      `script /s GROUP G ${word} 0`,
    ]);
  }
});

Deno.test("Notifier announces the start by groups, then by instances that differ from their group", async () => {
  const instances = { A: notifyDefs(), B: notifyDefs(), C: notifyDefs() };
  const groups = { G: [["A", "B"], notifyDefs()] as [string[], ReturnType<typeof notifyDefs>] };
  const { tell } = staged(config({ instances, groups, global: FIFO }));
  const before = await tell(
    moved("C", "init", "fault"),
    moved("A", "init", "backup"),
    moved("B", "init", "fault"),
    groupMoved("G", "init", "fault"),
    moved("A", "backup", "fault"),
  );
  assert.deepEqual(before, []);
  assert.deepEqual(await tell(STARTED), [
    'F GROUP "G" FAULT 0',
    'F INSTANCE "C" FAULT 100',
    'F INSTANCE "A" BACKUP 100',
    // A fault is never left out, as keepalived 2.2.7 was seen to do.
    'F INSTANCE "B" FAULT 100',
    'F INSTANCE "A" FAULT 100',
  ]);
  assert.deepEqual(await tell(moved("A", "fault", "backup"), groupMoved("G", "fault", "backup")), [
    'F INSTANCE "A" BACKUP 100',
    'F GROUP "G" BACKUP 0',
  ]);
  const { tell: healthy } = staged(config({ instances, groups, global: FIFO }));
  const start = [
    moved("A", "init", "backup"),
    moved("B", "init", "backup"),
    groupMoved("G", "init", "backup"),
  ];
  assert.deepEqual(await healthy(...start, STARTED), ['F GROUP "G" BACKUP 0']);
});

Deno.test("Notifier tells every FIFO of priorities only where they are wanted", async () => {
  const instances = { A: notifyDefs({ priorityChanges: true }), B: notifyDefs() };
  const { tell } = staged(config({ instances, global: { fifos: [fifo("F"), fifo("V")] } }));
  const priority = (
    instance: string,
    state: "master" | "fault",
    priority: number,
  ): NotifyEvent => ({
    kind: "priority",
    instance,
    state,
    priority,
  });
  assert.deepEqual(
    await tell(
      STARTED,
      priority("B", "master", 1),
      priority("A", "master", 120),
      priority("A", "fault", 70),
    ),
    [
      'F INSTANCE "A" MASTER_PRIORITY 120',
      'V INSTANCE "A" MASTER_PRIORITY 120',
      'F INSTANCE "A" BACKUP_PRIORITY 70',
      'V INSTANCE "A" BACKUP_PRIORITY 70',
    ],
  );
});

Deno.test("Notifier tells of a lower master by its own script and the FIFO, not the generic one", async () => {
  const { tell } = staged(config({ instances: { A: notifyDefs(ALL) }, global: FIFO }));
  assert.deepEqual(await tell(STARTED, { kind: "heardLower", instance: "A", priority: 100 }), [
    "script /s",
    'F INSTANCE "A" MASTER_RX_LOWER_PRI 100',
  ]);
});

Deno.test("Notifier announces a deleted instance as DELETED where it is asked for, else as FAULT", async () => {
  const instances = {
    A: notifyDefs({ ...ALL, deleted: true }),
    B: notifyDefs(ALL),
    C: notifyDefs(),
  };
  const { notifier, tell } = staged(config({ instances, global: FIFO }));
  await tell(STARTED, moved("A", "backup", "master", 130), moved("C", "backup", "fault"));
  for (const name of ["A", "B", "C", "unknown"]) notifier.deleted(name);
  const told = await tell();
  assert.deepEqual(told.toSorted(), [
    'F INSTANCE "A" DELETED 130',
    'F INSTANCE "B" FAULT 100',
    "script /s",
    "script /s",
    "script /s INSTANCE A DELETED 130",
    "script /s INSTANCE B FAULT 100",
  ]);
});

Deno.test("Notifier sends no mail for a stop, nor for faults with no_email_faults, nor unasked", async () => {
  const instances = { A: notifyDefs({ mail: true }), B: notifyDefs() };
  const global = { mail: mailDefs({ noFaults: true }) };
  const { tell } = staged(config({ instances, global }));
  const told = await tell(
    STARTED,
    moved("B", "init", "backup"),
    moved("A", "init", "backup"),
    moved("A", "backup", "fault"),
    moved("A", "fault", "init"),
  );
  assert.deepEqual(told, ["mail [R1] VRRP Instance A - Entering BACKUP state"]);
});

Deno.test("Notifier has no mail target when there is no server or nobody to write to", () => {
  const instances = { A: notifyDefs({ mail: true }) };
  for (const mail of [mailDefs({ server: null }), mailDefs({ recipients: [] })]) {
    assert.deepEqual(staged(config({ instances, global: { mail } })).notifier.status(), []);
  }
});

Deno.test("Notifier tells a webhook that several instances share once an event, in one queue", async () => {
  const hook = webhook("http://w/");
  const instances = {
    A: notifyDefs({ webhooks: [hook, { ...hook }] }),
    B: notifyDefs({ webhooks: [{ ...hook }] }),
  };
  const { tell, notifier } = staged(config({ instances }));
  const told = await tell(STARTED, moved("A", "backup", "master"), moved("B", "backup", "master"));
  assert.deepEqual(told.map((line) => /"name":"(\w)"/.exec(line)![1]), ["A", "B"]);
  assert.equal(notifier.status().length, 1);
});

Deno.test("Notifier starts a FIFO's script once with the path last, and only logs its end", async () => {
  const { programs, log: _, lines, told } = staged(
    config({ global: { fifos: [fifo("F", script("/reader", "-v"))] } }),
  );
  assert.deepEqual(told, ["script /reader -v F"]);
  assert.equal(programs.started[0]!.request.timeoutUs, null);
  await programs.end(3);
  assert.deepEqual(lines, [
    'warning: The script of the FIFO "F" exited with status 3; it is not started again',
  ]);
  assert.equal(programs.started.length, 1);
});

Deno.test("Notifier logs a FIFO that cannot be opened and goes on", async () => {
  const { tell, lines, notifier } = staged(
    config({ instances: { A: notifyDefs(ALL) }, global: FIFO }),
    {
      openFifo: () => {
        throw new Error("Cannot make the FIFO: no folder");
      },
    },
  );
  assert.deepEqual(lines, [
    'error: No notifications go to the FIFO "F": Cannot make the FIFO: no folder',
  ]);
  assert.deepEqual(await tell(STARTED, moved("A", "backup", "master")), [
    "script /s",
    "script /s INSTANCE A MASTER 100",
  ]);
  assert.equal(notifier.status().find(({ kind }) => kind === "fifo")!.leftOut, 1);
});

Deno.test("Notifier logs a FIFO whose owner does not exist", () => {
  const owner = { user: "no-such-user", group: null };
  const { lines } = staged(config({ global: { fifos: [{ ...fifo("F"), owner }] } }));
  assert.match(lines[0]!, /No notifications go to the FIFO "F": no user "no-such-user"/);
});

Deno.test("Notifier.status() is plain JSON and names every target", async () => {
  const notify = notifyDefs({
    ...ALL,
    mail: true,
    webhooks: [webhook("https://u:p@h.example/secret?t=1")],
  });
  const { tell, notifier } = staged(config({ instances: { A: notify }, global: FIFO }));
  await tell(STARTED, moved("A", "backup", "master"));
  const status = notifier.status();
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
  const common = { waiting: 0, failed: 0, leftOut: 0 };
  assert.deepEqual(status, [
    {
      target: "scripts of VRRP Instance A",
      kind: "scripts",
      ...common,
      delivered: 2,
      last: "notify exited with status 0",
    },
    { target: "FIFO F", kind: "fifo", ...common, delivered: 1, last: "written" },
    { target: "mail to 127.0.0.1:25", kind: "mail", ...common, delivered: 1, last: "250 OK" },
    {
      target: "webhook https://h.example (test.conf:7)",
      kind: "webhook",
      ...common,
      delivered: 1,
      last: "HTTP 204",
    },
  ]);
});

Deno.test("Notifier.stop() waits for what is being told, then closes the FIFOs", async () => {
  const { notifier, programs, told } = staged(
    config({ instances: { A: notifyDefs(ALL) }, global: FIFO }),
    {
      start: (request) => programs.start(request),
    },
  );
  notifier.on(STARTED);
  notifier.on(moved("A", "backup", "init"));
  const stopped = notifier.stop();
  await settle();
  await programs.end();
  await programs.end();
  await stopped;
  assert.deepEqual(programs.commands, ["/s", "/s INSTANCE A STOP 100"]);
  assert.deepEqual(told, ['F INSTANCE "A" STOP 100', "F closed"]);
});

Deno.test("Notifier.stop() ends what hangs, still runs the stop scripts, and stays within its bound", async () => {
  const { notifier, programs, clock, lines } = staged(
    config({ instances: { A: notifyDefs(ALL) } }),
    {
      start: (request) => programs.start(request),
    },
  );
  notifier.on(STARTED);
  for (
    const event of [
      moved("A", "init", "backup"),
      moved("A", "backup", "master"),
      moved("A", "master", "init"),
    ]
  ) {
    notifier.on(event);
  }
  const stopped = notifier.stop(5000);
  await clock.advance(999);
  assert.deepEqual(programs.commands, ["/s"]);
  await clock.advance(1);
  assert.equal(programs.started[0]!.request.signal!.aborted, true);
  assert.equal(programs.commands.length, 2);
  await programs.end();
  assert.equal(programs.commands.at(-1), "/s INSTANCE A STOP 100");
  await clock.advance(4000);
  await stopped;
  assert.ok(lines.includes(
    "warning: Stopping before all notifications have left: scripts of VRRP Instance A",
  ));
});

Deno.test("Notifier.stop() announces what the start has held back", async () => {
  const { notifier, tell, told } = staged(config({ instances: { A: notifyDefs() }, global: FIFO }));
  await tell(moved("A", "init", "backup"));
  await notifier.stop();
  assert.deepEqual(told, ['F INSTANCE "A" BACKUP 100', "F closed"]);
});
