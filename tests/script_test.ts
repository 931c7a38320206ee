import assert from "node:assert/strict";
import { millis, seconds } from "../lib/core/time.ts";
import type { ScriptProbe } from "../lib/core/probe_spec.ts";
import type { ProbeContext } from "../lib/track/checker.ts";
import { settleAll } from "../lib/track/program.ts";
import { checkScript } from "../lib/track/script.ts";
import { Tracking } from "../lib/track/tracking.ts";
import { until } from "./lab/until.ts";
import { inFolder } from "./tools/scripts.ts";
import { aloneTest } from "./tools/alone.ts";

/** Scripts need nothing of their host. */
const HOST: ProbeContext["host"] = {
  addressOf: () => null,
  ping: () => Promise.reject(new Error("a script does not ping")),
};

function context(signal = AbortSignal.timeout(30_000), timeoutUs = seconds(30)): ProbeContext {
  return { signal, timeoutUs, host: HOST };
}

function probe(...words: string[]): ScriptProbe {
  return { kind: "script", words, user: null };
}

Deno.test("checkScript() is good for status 0 and says what else happened", async () => {
  const broken = (why: string) => ({ good: false, kind: "could not run", why });
  const expected: [string, unknown][] = [
    ["exit 0", { good: true }],
    ["exit 1", { good: false, kind: "failed", why: "exited with status 1" }],
    ["exit 255", { good: false, kind: "failed", why: "exited with status 255" }],
    ["exit 126", broken("exited with status 126: not executable")],
    ["exit 127", broken("exited with status 127: command not found")],
    ["kill -SEGV $$", broken("killed by SIGSEGV")],
  ];
  for (const [text, verdict] of expected) {
    assert.deepEqual(await checkScript(probe("/bin/sh", "-c", text), context()), verdict, text);
  }
  assert.deepEqual(
    await checkScript(probe("/nonexistent/check.sh"), context()),
    broken("could not start: no such file or directory"),
  );
});

Deno.test("checkScript() fails when the time is up, in the words of the timeout", async () => {
  const verdict = await checkScript(
    probe("sleep", "600"),
    context(AbortSignal.timeout(50), millis(50)),
  );
  assert.deepEqual(verdict, { good: false, kind: "failed", why: "no result in 50 ms" });
  await settleAll();
});

/**
 * A script whose first run is deaf to SIGTERM, so that it lives for 2 s more; others end at once. It
 * ends by itself, should the test be killed.
 */
const DEAF = `[ -s "$1" ] && exit 0
  trap "" TERM; echo $$ > "$1"; n=0; while [ $((n += 1)) -lt 600 ]; do sleep 0.1; done`;

Deno.test("checkScript() settles when the script that it gave up is gone", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const slow = probe(folder.script("deaf", DEAF), out);
    const first = new AbortController();
    const verdict = checkScript(slow, context(first.signal));
    await until(() => Deno.readTextFileSync(out).endsWith("\n"), "the script to run");
    const pid = Number(Deno.readTextFileSync(out));
    // Looked at in the moment of the verdict, which is 2 s after the abort for a deaf script.
    const wasThere = verdict.then(() => exists(pid));
    first.abort();
    assert.equal((await verdict).good, false);
    assert.equal(await wasThere, false);
    assert.deepEqual(await checkScript(slow, context()), { good: true });
  });
});

Deno.test("a script that hangs once has failed once, at its timeout, and is not run beside itself", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    const began = performance.now();
    const reports: { kind: string; atMs: number }[] = [];
    const script = folder.script("deaf", DEAF);
    const tracking = new Tracking({
      checks: [{
        tracker: "script deaf",
        probe: probe(script, out),
        intervalUs: millis(500),
        // Longer than a busy machine takes to start a script, which must be deaf by then.
        timeoutUs: seconds(3),
        rise: 1,
        fall: 1,
        initial: "up",
      }],
      files: [],
      host: HOST,
      report: (_tracker, { kind }) => reports.push({ kind, atMs: performance.now() - began }),
      log: () => {},
    });
    tracking.start();
    try {
      await until(() => reports.length === 3, "failure and recovery");
      assert.deepEqual(reports.map(({ kind }) => kind), ["good", "bad", "good"]);
      const [, bad, good] = reports;
      assert.ok(good!.atMs - bad!.atMs > 1500, "the failure is told before the script is killed");
      assert.equal(tracking.status()[0]!.failures, 1);
      assert.ok(tracking.status()[0]!.skipped >= 2);
    } finally {
      await tracking.stop();
    }
  });
});

aloneTest(
  import.meta.url,
  "checkScript() keeps nothing of 300 runs that fail in every way",
  async () => {
    const probes = ["exit 0", "exit 3", "kill -9 $$"].map((text) => probe("/bin/sh", "-c", text));
    const before = new Set(children());
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 30 }, (_, at) => checkScript(probes[at % 3]!, context())),
      );
    }
    assert.deepEqual(children().filter((pid) => !before.has(pid)), []);
  },
);

function exists(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

function children(): string[] {
  return [...Deno.readDirSync("/proc/self/task")].flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/self/task/${name}/children`).split(" ").filter(Boolean)
  );
}
