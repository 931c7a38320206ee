/** Reloads one at a time: what is read, what is refused, and who is told what. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import type { Config } from "../config/model.ts";
import { ReloadDesk } from "../lib/daemon/reload.ts";
import { receiveLong, type ReloadAnswer, sendLong } from "../lib/daemon/reload_words.ts";
import type { ChosenConfig } from "../lib/daemon/uci.ts";
import type { State } from "../lib/vrrp/types.ts";
import { file, router } from "./lab/config.ts";
import { settle } from "./tools/notify.ts";

/** A daemon that has nothing but reloads. */
function staged(running: string) {
  const parsed = (text: string): ChosenConfig => ({
    ...parseConfig(text, "/no/such/vigie.conf"),
    file: "/no/such/vigie.conf",
    enabled: true,
    readable: true,
  });
  const did: string[] = [], log: string[] = [];
  const stage = {
    did,
    log,
    text: running,
    more: {} as Partial<ChosenConfig>,
    /** Called for each look at the file. */
    reads: () => {},
    config: parsed(running).config,
    isBusy: false,
    state: "master" as State,
    /** Held back until it is called. */
    turn: null as (() => void) | null,
    fails: false,
    desk: undefined as unknown as ReloadDesk,
  };
  stage.desk = new ReloadDesk({
    source: { file: "/no/such/vigie.conf", uci: false },
    log: ({ level, text }) => log.push(`${level}: ${text}`),
    config: () => stage.config,
    apply: async (config: Config) => {
      if (stage.fails) throw new Error("the daemon stops");
      await new Promise<void>((resolve) => stage.turn = resolve);
      did.push(`applied ${config.instances.map(({ name, priority }) => `${name} ${priority}`)}`);
      stage.config = config;
    },
    states: () => Promise.resolve(new Map([["VI_1", stage.state]])),
    service: { reloading: () => did.push("reloading"), ready: () => did.push("ready") },
    handover: {
      get isBusy() {
        return stage.isBusy;
      },
      idle: async () => {
        while (stage.isBusy) await settle();
      },
    },
    load: () => {
      did.push("read");
      stage.reads();
      return Promise.resolve({ ...parsed(stage.text), ...stage.more });
    },
  });
  return stage;
}

const priority = (value: number) => file([], router({ priority: value }));

/** Lets reloads happen until none is under way. */
async function finish(stage: ReturnType<typeof staged>): Promise<void> {
  let isOver = false;
  stage.desk.idle().then(() => isOver = true);
  while (!isOver) {
    await settle();
    stage.turn?.();
    stage.turn = null;
  }
}

Deno.test("ReloadDesk reads, applies, and tells the service manager of both ends", async () => {
  const stage = staged(priority(100));
  stage.text = priority(90);
  const answer = stage.desk.reload();
  await finish(stage);
  assert.deepEqual(await answer, {
    ok: true,
    text: "Reload complete: 1 instance changed",
    problems: [],
  });
  assert.deepEqual(stage.did, ["reloading", "read", "applied VI_1 90", "ready"]);
});

Deno.test("ReloadDesk does not apply what cannot be run or read, is off or has become empty", async () => {
  for (
    const [text, more, why] of [
      ["vrrp_instance VI_1 {\n interface eth0\n", {}, /all goes on as before/],
      [priority(90), { readable: false }, /cannot be read/],
      [priority(90), { enabled: false }, /says "enabled 0"/],
      ["", { file: "/dev/null" }, /is empty/],
    ] as const
  ) {
    const stage = staged(priority(100));
    Object.assign(stage, { text, more });
    const answer = await stage.desk.reload();
    assert.equal(answer.ok, false);
    assert.match(answer.text, why);
    assert.deepEqual(stage.did, ["reloading", "read", "ready"]);
    assert.ok(stage.log.some((line) => line.startsWith("error") && why.test(line)), "logged");
  }
});

Deno.test("ReloadDesk reads again when an included file was being written meanwhile", async () => {
  const stage = staged(priority(100)), path = Deno.makeTempFileSync({ prefix: "vigie-reload-" });
  stage.more = { included: [path] };
  stage.reads = () => {
    const isFirst = stage.did.filter((what) => what === "read").length === 1;
    stage.text = isFirst ? file([]) : priority(90);
    // Emptied first, as whoever rewrites a file does.
    Deno.writeTextFileSync(path, isFirst ? "" : "whole");
    if (!isFirst) Deno.utimeSync(path, 1, 1);
  };
  const answer = stage.desk.reload();
  await finish(stage);
  assert.ok((await answer).ok);
  assert.deepEqual(stage.did, ["reloading", "read", "read", "applied VI_1 90", "ready"]);
  Deno.removeSync(path);
});

Deno.test("ReloadDesk does not take the key from a router that takes part", async () => {
  const text = (value: number) =>
    file(
      [],
      router({ priority: value, lines: ["auth_hmac { key 1 file:/no/such/key", "active_key 1 }"] }),
    );
  const stage = staged(priority(100));
  stage.text = text(90);
  const answer = await stage.desk.reload();
  assert.equal(answer.ok, false);
  assert.match(answer.text, /all goes on as before: \(VI_1\) auth_hmac has no key.*no\/such\/key/);
  assert.deepEqual(stage.did, ["reloading", "read", "ready"]);
  const sent: unknown[] = [];
  const connection = { send: (packet: unknown) => sent.push(packet) > 0 } as unknown as Parameters<
    typeof sendLong
  >[0];
  await stage.desk.servePlan({ do: "plan", choice: null }, connection);
  assert.match(JSON.stringify(sent), /auth_hmac has no key/, "the plan says it before");
  stage.state = "fault";
  const later = stage.desk.reload();
  await finish(stage);
  assert.ok((await later).ok, "who is in fault has nothing to lose");
});

Deno.test("ReloadDesk says what of a file is ignored, as at a start", async () => {
  const stage = staged(priority(100));
  stage.text = file([], router({ lines: ["no_such_keyword 3"] }));
  const answer = stage.desk.reload();
  await finish(stage);
  const { ok, problems } = await answer;
  assert.ok(ok);
  assert.match(problems.join(), /no_such_keyword/);
  assert.match(stage.log.join(), /no_such_keyword/);
});

Deno.test("ReloadDesk serves all who ask while one runs by one more, which reads anew", async () => {
  const stage = staged(priority(100));
  stage.text = priority(90);
  const answers = [stage.desk.reload()];
  while (stage.turn === null) await settle();
  stage.text = priority(80);
  answers.push(stage.desk.reload(), stage.desk.reload(), stage.desk.reload());
  await finish(stage);
  const applied = stage.did.filter((what) => what.startsWith("applied"));
  assert.deepEqual(applied, ["applied VI_1 90", "applied VI_1 80"]);
  assert.ok((await Promise.all(answers)).every(({ ok }) => ok));
});

Deno.test("ReloadDesk refuses while a hand-over is under way, and a signal waits for its end", async () => {
  const stage = staged(priority(100));
  stage.isBusy = true;
  assert.match((await stage.desk.reload()).text, /hand-over is under way/);
  const signalled = stage.desk.signalled();
  await settle();
  assert.deepEqual(stage.did, []);
  stage.isBusy = false;
  while (stage.turn === null) await settle();
  await finish(stage);
  await signalled;
  assert.equal(stage.did.at(-1), "ready");
});

Deno.test("ReloadDesk keeps a marker file while it reloads", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-reload-" }), marker = `${folder}/reloading`;
  const stage = staged(file([`reload_file ${marker}`], router()));
  stage.text = priority(90);
  const answer = stage.desk.reload();
  while (stage.turn === null) await settle();
  assert.ok(Deno.statSync(marker).isFile);
  await finish(stage);
  assert.ok((await answer).ok);
  assert.throws(() => Deno.statSync(marker), Deno.errors.NotFound);
  Deno.removeSync(folder);
});

Deno.test("ReloadDesk goes on after a reload that the end of the engine has cut short", async () => {
  const stage = staged(priority(100));
  stage.fails = true;
  const answer = await stage.desk.reload();
  assert.deepEqual([answer.ok, answer.text], [false, "Not reloaded: the daemon stops"]);
  stage.fails = false;
  const again = stage.desk.reload();
  await finish(stage);
  assert.ok((await again).ok);
});

Deno.test("ReloadDesk keeps the umask, and says so", async () => {
  const stage = staged(file(["umask 0177"], router()));
  const umask = stage.config.global.process.umask;
  stage.text = file(["umask 022"], router({ priority: 90 }));
  const answer = stage.desk.reload();
  await finish(stage);
  assert.ok((await answer).ok);
  assert.equal(stage.config.global.process.umask, umask);
  assert.match(stage.log.join(), /umask stays .* only a restart/);
});

Deno.test("sendLong() and receiveLong() carry an answer of any length, and notice a broken one", async () => {
  const answer: ReloadAnswer = {
    ok: true,
    text: "done",
    problems: Array.from({ length: 4000 }, (_, at) => `problem ${at} "ä€😀"`),
  };
  const packets: unknown[] = [];
  let refusals = 2;
  const send = (packet: unknown) => refusals-- > 0 ? false : (packets.push(packet), true);
  await sendLong({ send } as unknown as Parameters<typeof sendLong>[0], answer);
  assert.ok(packets.length > 2);
  for (const packet of packets) assert.ok(JSON.stringify(packet).length < 200_000);
  const rest = packets.slice(1);
  const receive = () => Promise.resolve(rest.shift() ?? null);
  assert.deepEqual(await receiveLong({ receive }, packets[0], 1), answer);
  assert.equal(await receiveLong({ receive }, packets[0], 1), null, "it has ended too early");
  const failed = await receiveLong({ receive }, { ok: false, text: "Unknown request" }, 1);
  assert.deepEqual(failed, { ok: false, text: "Unknown request", problems: [] });
});

Deno.test("ReloadDesk.idle() waits for the reload that was asked for while it waited, too", async () => {
  const stage = staged(priority(100));
  stage.text = priority(90);
  const first = stage.desk.reload();
  await settle();
  let isIdle = false;
  stage.desk.idle().then(() => isIdle = true);
  const second = stage.desk.reload();
  stage.turn!();
  await first;
  await settle();
  assert.deepEqual(stage.did.slice(-2), ["reloading", "read"], "the second is under way");
  assert.equal(isIdle, false, "a hand-over would meet it");
  await finish(stage);
  await second;
  assert.equal(isIdle, true);
});
