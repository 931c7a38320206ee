import assert from "node:assert/strict";
import { millis, seconds } from "../lib/core/time.ts";
import {
  couldNotRun,
  describeOutcome,
  type Outcome,
  type ProgramRequest,
  runProgram,
  settleAll,
  startProgram,
  stopAll,
} from "../lib/track/program.ts";
import { until } from "./lab/until.ts";
import { type Folder, inFolder, makeFifo, rootTest } from "./tools/scripts.ts";
import { aloneTest } from "./tools/alone.ts";

function run(words: readonly string[], more: Partial<ProgramRequest> = {}): Promise<Outcome> {
  return runProgram({ words, user: null, timeoutUs: seconds(30), ...more });
}

/** Runs a shell script and reads what it wrote to the file that is its first argument. */
async function told(folder: Folder, body: string, more: Partial<ProgramRequest> = {}) {
  const out = folder.file("out", "", 0o666), script = folder.script("script", body);
  assert.deepEqual(await run([script, out], more), { kind: "exited", status: 0 });
  return Deno.readTextFileSync(out);
}

/** A script that starts a child, tells the number of both, and does not end by itself. */
const FAMILY = `sleep 600 & echo "$$ $!" > "$1.new" && mv "$1.new" "$1"\nwait`;
/** The same, deaf to SIGTERM, and so is its child. */
const DEAF_FAMILY = `trap "" TERM\n${FAMILY}\nsleep 600`;

async function pidsIn(path: string): Promise<number[]> {
  const read = () => Deno.readTextFileSync(path).trim();
  await until(() => read() !== "", "the script to tell its processes");
  return read().split(" ").map(Number);
}

/** Zombies of this test's own count as alive: they must be reaped. Orphans are init's to reap. */
function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" || Number(parent) === Deno.pid;
  } catch {
    return false;
  }
}

Deno.test("runProgram() tells the exit status, and which of them mean that nothing ran", async () => {
  const shell = (text: string) => run(["/bin/sh", "-c", text]);
  const expected: [string, Outcome, string, boolean][] = [
    ["exit 0", { kind: "exited", status: 0 }, "exited with status 0", false],
    ["exit 1", { kind: "exited", status: 1 }, "exited with status 1", false],
    ["exit 128", { kind: "exited", status: 128 }, "exited with status 128", false],
    ["exit 126", { kind: "exited", status: 126 }, "exited with status 126: not executable", true],
    [
      "no-such-command",
      { kind: "exited", status: 127 },
      "exited with status 127: command not found",
      true,
    ],
    ["kill -9 $$", { kind: "killed", signal: "SIGKILL" }, "killed by SIGKILL", true],
    ["kill -15 $$", { kind: "killed", signal: "SIGTERM" }, "killed by SIGTERM", true],
  ];
  for (const [text, outcome, words, broken] of expected) {
    const actual = await shell(text);
    assert.deepEqual(actual, outcome, text);
    assert.equal(describeOutcome(actual), words);
    assert.equal(couldNotRun(actual), broken, text);
  }
});

Deno.test("runProgram() says why a program cannot be started, and never asks a shell", async () => {
  await inFolder(async (folder) => {
    const no = async (words: string[], why: string, more: Partial<ProgramRequest> = {}) => {
      const outcome = await run(words, more);
      assert.deepEqual(outcome, { kind: "could not start", why });
      assert.equal(couldNotRun(outcome), true);
      assert.equal(describeOutcome(outcome), `could not start: ${why}`);
    };
    const marker = `${folder.path}/marker`;
    await no([`${folder.path}/none`], "no such file or directory");
    await no([folder.file("data", "x", 0o644)], "neither a #! line nor machine code");
    await no(
      [folder.file("bare", `touch ${marker}\n`, 0o755)],
      "neither a #! line nor machine code",
    );
    await no([folder.file("empty", "", 0o755)], "neither a #! line nor machine code");
    await no([folder.script("not-executable", "exit 0", 0o644)], "permission denied");
    await no([folder.path], "permission denied");
    await no([makeFifo(`${folder.path}/pipe`, 0o755)], "permission denied");
    await no([`${folder.script("file", "exit 0")}/x`], "a part of the path is not a directory");
    await no(
      [folder.file("lost", "#!/nonexistent/sh -e\n", 0o755)],
      'its interpreter "/nonexistent/sh" does not exist',
    );
    await no(
      [folder.file("windows", "#!/bin/sh\r\nexit 0\r\n", 0o755)],
      'its interpreter "/bin/sh\\r" does not exist',
    );
    await no(["true"], `no user "no-such-user" in /etc/passwd`, {
      user: { user: "no-such-user", group: null },
    });
    const missing = await run(["no-such-program-of-vigie"]);
    assert.match(
      describeOutcome(missing),
      /^could not start: no program "no-such-program-of-v.* in /,
    );
    assert.equal(Deno.statSync(folder.path).isDirectory, true);
    assert.throws(() => Deno.statSync(marker), Deno.errors.NotFound);
  });
});

Deno.test("runProgram() passes words as they are and finds relative names in PATH", async () => {
  await inFolder(async (folder) => {
    const script = `out=$1; shift; for each; do echo "[$each]"; done > "$out"`;
    const out = folder.file("out", "", 0o666), path = folder.script("args", script);
    const extraArgs = ["INSTANCE", "VI 1"];
    const words = [path, out, "$HOME", "a b", "*", "", ";exit 3"];
    assert.deepEqual(await run(words, { extraArgs }), { kind: "exited", status: 0 });
    assert.equal(
      Deno.readTextFileSync(out),
      "[$HOME]\n[a b]\n[*]\n[]\n[;exit 3]\n[INSTANCE]\n[VI 1]\n",
    );
    assert.deepEqual(await run(["true"]), { kind: "exited", status: 0 });
    assert.deepEqual(await run(["false"]), { kind: "exited", status: 1 });
  });
});

aloneTest(
  import.meta.url,
  "runProgram() gives /dev/null, the root folder and a clean environment",
  async () => {
    await inFolder(async (folder) => {
      const given = { IFS: "x", LD_VIGIE_TEST: "/x", DENO_VIGIE_TEST: "1", NOTIFY_SOCKET: "@x" };
      for (const [name, value] of Object.entries(given)) Deno.env.set(name, value);
      Deno.env.set("VIGIE_TEST_KEPT", "kept");
      try {
        const text = await told(
          folder,
          `echo written || exit 5; echo too >&2 || exit 6; read x && exit 7
         links=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)
         { echo "$links"; pwd; env; } > "$1"`,
          { env: { VIGIE_TEST_ADDED: "added" } },
        );
        const [stdin, stdout, stderr, folderOfRun, ...env] = text.trim().split("\n");
        const nulls = ["/dev/null", "/dev/null", "/dev/null"];
        assert.deepEqual([stdin, stdout, stderr], nulls);
        assert.equal(folderOfRun, "/");
        assert.ok(env.includes("VIGIE_TEST_KEPT=kept") && env.includes("VIGIE_TEST_ADDED=added"));
        assert.ok(env.some((line) => line.startsWith("PATH=/")));
        const names = env.map((line) => line.split("=")[0]!);
        assert.deepEqual(names.filter((name) => name in given), []);
      } finally {
        for (const name of [...Object.keys(given), "VIGIE_TEST_KEPT"]) Deno.env.delete(name);
      }
    });
  },
);

Deno.test("runProgram() gives a session of its own, without a terminal", async () => {
  await inFolder(async (folder) => {
    const text = await told(folder, `cat /proc/$$/stat > "$1"; echo $$ >> "$1"`);
    const [stat, pid] = text.trim().split("\n");
    const [, , group, session, terminal] = stat!.slice(stat!.lastIndexOf(")") + 2).split(" ");
    assert.deepEqual([group, session, terminal], [pid, pid, "0"]);
  });
});

rootTest("runProgram() runs as the user, without any other group, and with its home", async () => {
  await inFolder(async (folder) => {
    const body = `{ id -u; id -g; id -G; echo "$HOME $USER"; } > "$1"`;
    const numeric = await told(folder, body, { user: { user: "54321", group: "54322" } });
    assert.equal(numeric.split("\n").slice(0, 3).join(" "), "54321 54322 54322");
    const named = await told(folder, body, { user: { user: "nobody", group: null } });
    assert.equal(named, "65534\n65534\n65534\n/nonexistent nobody\n");
  });
});

rootTest("a user's supplementary groups are not the daemon's", async () => {
  const tool = new URL("tools/program_groups.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("setpriv", {
    args: ["--groups", "1,2,3", Deno.execPath(), "run", "-A", "--no-lock", tool],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stdout), "own 1 2 3, user none\n", text.decode(stderr));
});

Deno.test("runProgram() is done when the program is, whatever it left in the background", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const script = folder.script("forks", `sleep 600 & echo "$!" > "$1"; exit 0`);
    const outcome = await run([script, out], { timeoutUs: seconds(3) });
    assert.deepEqual(outcome, { kind: "exited", status: 0 });
    await settleAll();
    const [daemon] = await pidsIn(out);
    // A second program outlives the timeout of the first, which must not come any more.
    await run(["sleep", "4"]);
    assert.equal(isAlive(daemon!), true, "it was meant to stay");
    Deno.kill(daemon!, "SIGKILL");
  });
});

Deno.test("a timeout is told at once and ends the whole process group", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const words = [folder.script("hangs", FAMILY), out];
    const outcome = run(words, { timeoutUs: seconds(3) });
    const pids = await pidsIn(out);
    assert.deepEqual(await outcome, { kind: "timed out" });
    assert.equal(describeOutcome(await outcome), "timed out");
    assert.equal(couldNotRun(await outcome), false);
    await settleAll();
    await until(() => !pids.some(isAlive), "script and child to end");
  });
});

Deno.test("what is deaf to SIGTERM is killed, and the timeout does not wait for that", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const words = [folder.script("deaf", DEAF_FAMILY), out];
    const program = startProgram({ words, user: null, timeoutUs: seconds(3) });
    const pids = await pidsIn(out);
    const alive = program.outcome.then(() => pids.map(isAlive));
    assert.deepEqual(await program.outcome, { kind: "timed out" });
    assert.deepEqual(await alive, [true, true], "both still run when the timeout is told");
    await program.gone;
    await until(() => !pids.some(isAlive), "script and child to be killed");
  });
});

Deno.test("a child that outlives its ended script is killed too", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const body =
      `(trap "" TERM; exec sleep 600) & echo "$$ $!" > "$1.new" && mv "$1.new" "$1"\nwait`;
    const words = [folder.script("heir", body), out];
    const program = startProgram({ words, user: null, timeoutUs: null });
    const [parent, heir] = await pidsIn(out);
    await until(() => Deno.readTextFileSync(`/proc/${heir}/comm`) === "sleep\n", "the heir");
    const stopped = performance.now();
    program.stop();
    assert.deepEqual(await program.outcome, { kind: "aborted" });
    await until(() => !isAlive(parent!), "the script to end by SIGTERM");
    await settleAll();
    assert.ok(performance.now() - stopped > 1500, "a child that is deaf has 2 s, too");
    await until(() => !isAlive(heir!), "its child to be killed");
  });
});

Deno.test("an abort ends a program, and one before the start lets none begin", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", ""), script = folder.script("hangs", FAMILY);
    const control = new AbortController();
    const outcome = run([script, out], { timeoutUs: null, signal: control.signal });
    const pids = await pidsIn(out);
    control.abort();
    assert.deepEqual(await outcome, { kind: "aborted" });
    await settleAll();
    await until(() => !pids.some(isAlive), "script and child to end");
    const touched = `${folder.path}/touched`;
    const late = await run(["touch", touched], { signal: AbortSignal.abort() });
    assert.deepEqual(late, { kind: "aborted" });
    assert.throws(() => Deno.statSync(touched), Deno.errors.NotFound);
  });
});

Deno.test("a timeout beyond what timers count is no timeout", async () => {
  assert.deepEqual(await run(["sleep", "0.2"], { timeoutUs: seconds(86_400 * 365) }), {
    kind: "exited",
    status: 0,
  });
});

Deno.test("stopAll() ends all that runs and leaves no zombie", async () => {
  await inFolder(async (folder) => {
    const script = folder.script("hangs", FAMILY);
    const outs = ["a", "b", "c"].map((name) => folder.file(name, ""));
    const outcomes = outs.map((out) => run([script, out], { timeoutUs: null }));
    const pids = (await Promise.all(outs.map(pidsIn))).flat();
    await stopAll();
    assert.deepEqual(await Promise.all(outcomes), outs.map(() => ({ kind: "aborted" })));
    await until(() => !pids.some(isAlive), "all to end");
    assert.deepEqual(await run(["true"]), { kind: "exited", status: 0 }, "others may start later");
  });
});

aloneTest(
  import.meta.url,
  "two hundred programs at once leave no process and no descriptor",
  async () => {
    const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
    await run(["true"]);
    const before = open();
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => run(["true"])));
    assert.ok(outcomes.every((outcome) => outcome.kind === "exited" && outcome.status === 0));
    await settleAll();
    const children = [...Deno.readDirSync("/proc/self/task")].flatMap(({ name }) =>
      Deno.readTextFileSync(`/proc/self/task/${name}/children`).split(" ").filter(Boolean)
    );
    assert.deepEqual(children, []);
    await until(() => open() <= before + 2, `no more than ${before} descriptors to be open`);
  },
);

Deno.test("a timeout of a few milliseconds is kept", async () => {
  assert.deepEqual(await run(["sleep", "600"], { timeoutUs: millis(30) }), { kind: "timed out" });
  await settleAll();
});
