/** Everybody who is told, by a daemon in a namespace beside a keepalived: scripts, FIFO, stop. */

import assert from "node:assert/strict";
import { block, file, router } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { sleep, TIMEOUT_MS, until } from "./lab/until.ts";
import { startVigie } from "./lab/vigie.ts";

/** A folder with a script that notes how it was called, one line each. */
class Notes {
  readonly folder: string;

  constructor(lab: Lab) {
    this.folder = Deno.makeTempDirSync({ prefix: "vigie-lab-notes-" });
    lab.use({ [Symbol.dispose]: () => Deno.removeSync(this.folder, { recursive: true }) });
  }

  /** A script that appends its name and arguments to the notes. @param before What it does first. */
  script(name: string, before = ":"): string {
    const path = `${this.folder}/${name}`;
    const text = `#!/bin/sh\n${before}\necho ${name} "$@" >>${this.folder}/notes\n`;
    Deno.writeTextFileSync(path, text, { mode: 0o755 });
    return path;
  }

  get lines(): string[] {
    try {
      return Deno.readTextFileSync(`${this.folder}/notes`).split("\n").filter((one) => one !== "");
    } catch {
      // Nothing was noted yet.
      return [];
    }
  }
}

function hooks(notes: Notes): string[] {
  return [
    `notify ${notes.script("any")}`,
    `notify_master ${notes.script("master")}`,
    `notify_backup ${notes.script("backup")}`,
    `notify_fault ${notes.script("fault")}`,
    `notify_stop ${notes.script("stop")}`,
  ];
}

labTest(
  "scripts of an instance and of its group run in keepalived's order, to the stop",
  async (lab) => {
    const [a] = lab.pair(), notes = new Notes(lab);
    const members = [1, 2].map((n) =>
      router({
        name: `VI_${n}`,
        vrid: n,
        addresses: [`192.0.2.10${n}/24`],
        lines: n === 1 ? hooks(notes) : [],
      })
    );
    const group = block("vrrp_sync_group G", [
      block("group", ["VI_1", "VI_2"]),
      `notify "${notes.script("of_group")} extra"`,
    ]);
    const vigie = await lab.vigie(a, file([], group, ...members));
    const of = (name: string) => notes.lines.filter((line) => line.startsWith(name));
    await until(
      () => of("of_group").length === 2 && of("any").length >= 1,
      "the start and the election",
    );
    assert.equal(await vigie.stop(), 0);
    const own = notes.lines.filter((line) => !line.startsWith("of_group"));
    // The start of a member whose group has said the same is not said again.
    assert.deepEqual(own, [
      "master",
      "any INSTANCE VI_1 MASTER 100",
      "stop",
      "any INSTANCE VI_1 STOP 100",
    ]);
    assert.deepEqual(of("of_group"), [
      "of_group extra GROUP G BACKUP 0",
      "of_group extra GROUP G MASTER 0",
      "of_group extra GROUP G STOP 0",
    ]);
  },
);

labTest("200 flaps in 2 s end with the last notification equal to the final state", async (lab) => {
  const [a] = lab.pair(), notes = new Notes(lab);
  const flag = `${notes.folder}/flag`;
  const up = () => Deno.writeTextFileSync(flag, "");
  up();
  const check = block("vrrp_check flag", [block("file", [`path ${flag}`]), "interval 0.01"]);
  // Slower than the flaps by so much that it falls behind, however busy the machine is.
  const slow = notes.script("any", "sleep 0.5");
  const lines = [`notify ${slow}`, block("track_check", ["flag"])];
  const vigie = await lab.vigie(a, file([], check, router({ lines })));
  await vigie.saw(/Entering MASTER STATE/);
  const states = () => vigie.said(/Entering \w+ STATE/);
  const began = performance.now();
  // A busy machine does not look at every flap: they go on until enough of them were seen.
  for (let flap = 0; flap < 200 || flap % 2 === 1 || states().length <= 40; flap++) {
    assert.ok(performance.now() - began < TIMEOUT_MS, `${states().length} changes of state`);
    if (flap % 2 === 0) Deno.removeSync(flag);
    else up();
    await sleep(10);
  }
  Deno.removeSync(flag);
  await until(() => /FAULT.*check flag/.test(states().at(-1)!), "the last state");
  // The last word: what is still queued would come within this time.
  const quietMs = 3000;
  let told = 0, toldAt = 0;
  await until(() => {
    const { lines } = notes, now = performance.now();
    if (lines.length !== told) [told, toldAt] = [lines.length, now];
    return now - toldAt > quietMs && lines.at(-1) === "any INSTANCE VI_1 FAULT 100";
  }, "the last notification to be the final state");
  assert.ok(notes.lines.length < states().length, "what nobody needs to know was left out");
  await vigie.saw(/left out/);
});

peerTest(KEEPALIVED, "vigie and keepalived write the same lines into their FIFOs", async (lab) => {
  const [a, b] = lab.pair(), notes = new Notes(lab);
  const globals = (name: string) => [
    `notify_fifo ${notes.folder}/${name}`,
    "vrrp_notify_priority_changes true",
    "vrrp_garp_master_delay 1",
  ];
  const extra = block("vrrp_script up", ["script /bin/true", "interval 1", "weight 5"]);
  const text = (name: string, priority: number) =>
    file(globals(name), extra, router({ priority, lines: [block("track_script", ["up"])] }));
  const read = (name: string) => {
    const lines: string[] = [];
    const command = new Deno.Command("cat", { args: [`${notes.folder}/${name}`], stdout: "piped" });
    const child = command.spawn();
    const done = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        lines.push(...text.split("\n").filter((line) => line !== ""));
      }
    })();
    lab.use({
      [Symbol.asyncDispose]: async () => {
        Deno.removeSync(`${notes.folder}/${name}`);
        await child.status;
        await done;
      },
    });
    return lines;
  };
  const said: string[][] = [];
  for (
    const [name, start] of [
      ["vigie", (text: string) => lab.vigie(a, text)],
      ["keepalived", async (text: string) => lab.keep(await startKeepalived(b, text))],
    ] as const
  ) {
    await new Deno.Command("mkfifo", { args: [`${notes.folder}/${name}`] }).output();
    const lines = read(name);
    const node = await start(text(name, 100));
    await until(
      () => lines.some((line) => line.includes("MASTER 105")),
      `${name} to become master`,
    );
    await node.stop();
    await until(() => lines.some((line) => line.includes("STOP")), `${name} to stop`);
    said.push(lines);
  }
  assert.deepEqual(said[0], said[1]);
});

labTest("a FIFO that nobody reads and a script that hangs hold nothing up", async (lab) => {
  const [a] = lab.pair(), notes = new Notes(lab);
  const hang = notes.script("hang", "sleep 100");
  const globals = [`notify_fifo ${notes.folder}/nobody`];
  const vigie = await lab.vigie(a, file(globals, router({ lines: [`notify "${hang}"`] })));
  await vigie.saw(/Entering MASTER STATE/);
  const before = performance.now();
  assert.equal(await vigie.stop(), 0);
  assert.ok(performance.now() - before < 50_000, "nobody waits for the script's end");
});

labTest(
  "startup and shutdown scripts run before the first and after the last of everything",
  async (lab) => {
    const [a] = lab.pair(), notes = new Notes(lab);
    const globals = [
      `startup_script "${notes.script("startup")} now"`,
      `shutdown_script ${notes.script("shutdown")}`,
    ];
    const vigie = await lab.vigie(
      a,
      file(globals, router({ lines: [`notify ${notes.script("any")}`] })),
    );
    await vigie.saw(/Entering MASTER STATE/);
    await until(() => notes.lines.some((line) => line.includes("MASTER")), "the notification");
    await vigie.stop();
    assert.equal(notes.lines[0], "startup now");
    assert.equal(notes.lines.at(-1), "shutdown");
  },
);

labTest("a signal during the startup script ends it and the daemon", async (lab) => {
  const [a] = lab.pair(), notes = new Notes(lab);
  const globals = [
    `startup_script "${notes.script("startup", `echo began >>${notes.folder}/notes; sleep 60`)}"`,
  ];
  const vigie = lab.keep(startVigie(a, file(globals, router())));
  await until(() => notes.lines.includes("began"), "the script to begin");
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(notes.lines, ["began"]);
});

labTest("other signals during the startup script are noted, and the daemon starts", async (lab) => {
  const [a] = lab.pair(), notes = new Notes(lab);
  const go = `${notes.folder}/go`;
  const hold = `echo began >>${notes.folder}/notes; until [ -e ${go} ]; do sleep 0.1; done`;
  const globals = [`startup_script ${notes.script("startup", hold)}`];
  const vigie = lab.keep(startVigie(a, file(globals, router())));
  await until(() => notes.lines.includes("began"), "the script to begin");
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
    vigie.signal(signal);
    await vigie.saw(new RegExp(`${signal} has come before the start is complete`));
  }
  Deno.writeTextFileSync(go, "");
  await vigie.saw(/Entering MASTER STATE/);
  assert.equal(await vigie.stop(), 0);
});

labTest(
  "SIGTERM at any moment of the start ends the daemon in order, its FIFO with it",
  async (lab) => {
    const [a] = lab.pair(), notes = new Notes(lab);
    const fifo = `${notes.folder}/fifo`;
    const globals = [`startup_script ${notes.script("startup")}`, `notify_fifo ${fifo}`];
    for (const [at, delayMs] of [0, 10, 20, 40, 60, 100].entries()) {
      const vigie = lab.keep(startVigie(a, file(globals, router())));
      await until(() => notes.lines.length > at, "the startup script");
      await sleep(delayMs);
      assert.equal(await vigie.stop(), 0, `${delayMs} ms after the script`);
      assert.throws(() => Deno.statSync(fifo), `${delayMs} ms after the script`);
    }
  },
);
