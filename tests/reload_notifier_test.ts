/** Notifications over a reload: nothing is lost, nothing is told twice, no FIFO script is restarted. */

import assert from "node:assert/strict";
import type { Config } from "../config/model.ts";
import type { NotifyEvent } from "../lib/daemon/notify/announcement.ts";
import { Notifier } from "../lib/daemon/notify/notifier.ts";
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

const NONE: ReadonlyMap<string, string> = new Map();

/** A notifier that has started; `told` is what everybody was told, in order. */
function staged(what: Config) {
  const told: string[] = [], programs = new FakePrograms(), clock = new FakeClock();
  const notifier = new Notifier({
    config: what,
    log: logbook().log,
    clock,
    host: "h1",
    start: (request) => {
      told.push(`script ${[...request.words, ...request.extraArgs ?? []].join(" ")}`);
      return programs.start(request);
    },
    openFifo: (path) => {
      told.push(`${path} opened`);
      return {
        made: true,
        writeLine: (line) => (told.push(`${path} ${line}`), null),
        close: () => void told.push(`${path} closed`),
      };
    },
    sendMail: ({ subject }) => (told.push(`mail ${subject}`), Promise.resolve("250 OK")),
    poster: ({ url }) => (told.push(`post ${url}`), Promise.resolve(204)),
  });
  notifier.start();
  notifier.on(STARTED);
  const tell = async (...events: NotifyEvent[]) => {
    for (const event of events) notifier.on(event);
    await settle();
    return told.splice(0);
  };
  return { notifier, programs, clock, tell, told };
}

/** The same file, with lines put in above. */
function movedDown(what: Config): Config {
  return JSON.parse(JSON.stringify(what), (key, value) => key === "line" ? value + 3 : value);
}

Deno.test("Notifier leaves FIFOs, scripts and what waits alone when nothing but lines have moved", async () => {
  const what = config({
    instances: { VI_1: notifyDefs({ ...scripts(script("/s"), "notify"), mail: true }) },
    global: { fifos: [fifo("/f", script("/reader"))] },
  });
  const { notifier, programs, clock, tell } = staged(what);
  await tell(moved("VI_1", "init", "backup"), moved("VI_1", "backup", "master"));
  const started = programs.started.length;
  notifier.reconfigure(movedDown(what), NONE);
  await clock.advance(5000);
  assert.deepEqual(await tell(), [], "nothing is announced again, opened or closed");
  assert.equal(programs.started.length, started);
  await programs.end();
  assert.deepEqual(await tell(), ["script /s INSTANCE VI_1 MASTER 100"], "what waited is told");
});

Deno.test("Notifier lets a script end before the one that the reload has put in its place", async () => {
  const with_ = (path: string) =>
    config({ instances: { VI_1: notifyDefs(scripts(script(path), "notify")) } });
  const { notifier, programs, tell } = staged(with_("/old"));
  assert.deepEqual(await tell(moved("VI_1", "init", "backup")), [
    "script /old INSTANCE VI_1 BACKUP 100",
  ]);
  notifier.reconfigure(with_("/new"), NONE);
  assert.deepEqual(await tell(moved("VI_1", "backup", "master")), []);
  await programs.end();
  assert.deepEqual(await tell(), ["script /new INSTANCE VI_1 MASTER 100"]);
});

Deno.test("Notifier goes on under another name", async () => {
  const named = (name: string) =>
    config({
      instances: { [name]: notifyDefs(scripts(script("/s"), "notify")) },
      global: { fifos: [fifo("/f")] },
    });
  const { notifier, programs, tell } = staged(named("VI_1"));
  await tell(moved("VI_1", "init", "master"));
  notifier.reconfigure(named("NEW"), new Map([["VI_1", "NEW"]]));
  assert.deepEqual(await tell(moved("NEW", "master", "backup")), ['/f INSTANCE "NEW" BACKUP 100']);
  await programs.end();
  assert.deepEqual(await tell(), ["script /s INSTANCE NEW BACKUP 100"]);
});

Deno.test("Notifier tells of a removed instance by the defs that it had, then forgets it", async () => {
  const two = (deleted: boolean) =>
    config({
      instances: {
        VI_1: notifyDefs(),
        VI_2: notifyDefs({ ...scripts(script("/s"), "notify"), deleted }),
      },
      global: { fifos: [fifo("/f")] },
    });
  for (const [deleted, word] of [[true, "DELETED"], [false, "FAULT"]] as const) {
    const { notifier, tell } = staged(two(deleted));
    await tell(moved("VI_2", "init", "master", 120));
    notifier.deleted("VI_2");
    const after = config({
      instances: { VI_1: notifyDefs() },
      global: { fifos: [fifo("/f")] },
    });
    notifier.reconfigure(after, NONE);
    assert.deepEqual(await tell(), [`/f INSTANCE "VI_2" ${word} 120`]);
    const stopped = notifier.stop(10);
    await tell();
    await Promise.race([stopped, settle()]);
  }
});

Deno.test("Notifier opens, closes and exchanges FIFOs; one path is never open twice", async () => {
  const of = (...fifos: ReturnType<typeof fifo>[]) =>
    config({ instances: { VI_1: notifyDefs() }, global: { fifos } });
  const { notifier, clock, programs, tell } = staged(of(fifo("/f", script("/reader"))));
  await tell();
  notifier.reconfigure(of(fifo("/f", script("/other")), fifo("/g")), NONE);
  assert.deepEqual(await tell(moved("VI_1", "init", "backup")), [
    "/g opened",
    '/g INSTANCE "VI_1" BACKUP 100',
  ]);
  programs.started[0]!.end({ kind: "exited", status: 0 });
  await clock.advance(2000);
  assert.deepEqual(await tell(), [
    "/f closed",
    "/f opened",
    "script /other /f",
    '/f INSTANCE "VI_1" BACKUP 100',
  ]);
  notifier.reconfigure(of(fifo("/f", script("/other"))), NONE);
  await clock.advance(2000);
  assert.deepEqual(await tell(moved("VI_1", "backup", "master")), [
    "/g closed",
    '/f INSTANCE "VI_1" MASTER 100',
  ]);
});

Deno.test("Notifier writes all states to the FIFO when asked for, those of what has gone left out", async () => {
  const of = (...names: string[]) =>
    config({
      instances: Object.fromEntries(names.map((name) => [name, notifyDefs()])),
      groups: { G: [["VI_1"], notifyDefs()] },
      global: { fifos: [fifo("/f")] },
    });
  const { notifier, tell } = staged(of("VI_1", "VI_2"));
  await tell(moved("VI_1", "init", "master"), moved("VI_2", "init", "fault", 7));
  await tell(groupMoved("G", "init", "master"));
  notifier.reconfigure(of("NEW"), new Map([["VI_1", "NEW"]]));
  notifier.writeStates();
  assert.deepEqual(await tell(), ['/f GROUP "G" MASTER 0', '/f INSTANCE "NEW" MASTER 100']);
});

Deno.test("Notifier sends mail and posts by what is configured now", async () => {
  const of = (mail: string[], ...hooks: string[]) =>
    config({
      instances: {
        VI_1: notifyDefs({ mail: true, webhooks: hooks.map((url) => webhook(url)) }),
      },
      global: { mail: mailDefs({ recipients: mail }) },
    });
  const { notifier, tell } = staged(of([], "http://one"));
  assert.deepEqual(await tell(moved("VI_1", "init", "backup")), ["post http://one"]);
  notifier.reconfigure(of(["a@b"], "http://two"), NONE);
  const told = await tell(moved("VI_1", "backup", "master"));
  assert.equal(told.filter((line) => line.startsWith("mail")).length, 1, told.join());
  assert.deepEqual(told.filter((line) => line.startsWith("post")), ["post http://two"]);
  assert.deepEqual(notifier.status().map(({ kind }) => kind), ["mail", "webhook"]);
});
