import assert from "node:assert/strict";
import { millis, seconds } from "../lib/core/time.ts";
import type { ScriptProbe } from "../lib/core/probe_spec.ts";
import type { ProbeContext } from "../lib/track/checker.ts";
import { settleAll } from "../lib/track/program.ts";
import { checkScript } from "../lib/track/script.ts";
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

Deno.test("checkScript() never runs a script beside the one that it has given up", async () => {
  await inFolder(async (folder) => {
    const out = folder.file("out", "");
    // The first run is deaf to SIGTERM, so that it lives for 2 s more; the others end at once.
    const body = `[ -s "$1" ] && exit 0
      trap "" TERM; echo $$ > "$1"; while :; do sleep 0.1; done`;
    const slow = probe(folder.script("deaf", body), out);
    const first = new AbortController();
    const verdict = checkScript(slow, context(first.signal));
    await until(() => Deno.readTextFileSync(out) !== "", "the script to run");
    first.abort();
    assert.equal((await verdict).good, false);
    const pid = Number(Deno.readTextFileSync(out));
    assert.ok(exists(pid));
    const impatient = await checkScript(slow, context(AbortSignal.timeout(50), millis(50)));
    assert.deepEqual(impatient, { good: false, kind: "failed", why: "no result in 50 ms" });
    assert.ok(exists(pid), "the second run did not wait for its end, and did not run");
    assert.deepEqual(await checkScript(slow, context()), { good: true });
    assert.ok(!exists(pid), "the third waited");
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
