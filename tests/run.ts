/**
 * The whole test suite, and one true line at the end: `N passed, N failed, N skipped`.
 * Arguments are passed on to `deno test`, for example `--filter demo` or a file. A signal ends it and
 * all that the tests have started.
 */

import { killFamily } from "./tools/family.ts";

interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Test files run in parallel, each in a thread of its own; labs mostly wait, so two more than cores. */
const jobs = String(navigator.hardwareConcurrency + 2);

/** What `deno test` says last: "ok | 12 passed (3 steps) | 0 failed | 1 ignored (4s)". */
const LAST_LINE =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored)?/gm;

/**
 * Tests that build the program or boot machines: they need all processors for a minute or more, which
 * would make those late that measure what the kernel does.
 */
const HEAVY = /^(build|machine|portable|systemd|install_booted|lab_upgrade)_(.*_)?test\.ts$/;

/** Reads the summary, the last one: tests that run tests print theirs before. Null if there is none. */
function summaryOf(output: string): Summary | null {
  const found = [...output.matchAll(LAST_LINE)].at(-1);
  if (found === undefined) return null;
  const [passed, failed, skipped] = found.slice(1).map((count) => Number(count ?? 0));
  return { passed: passed!, failed: failed!, skipped: skipped! };
}

/** Copies a stream to another as it comes, and hands on its text. */
async function tee(
  from: ReadableStream<Uint8Array>,
  to: typeof Deno.stdout | typeof Deno.stderr,
  heard: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of from) {
    heard(decoder.decode(chunk, { stream: true }));
    for (let at = 0; at < chunk.length;) at += to.writeSync(chunk.subarray(at));
  }
}

/** So many lines are shown of what a runner has printed that failed for no reason that it gives. */
const LAST_LINES = 40;

/** Runs `deno test`; a runner that fails without saying how many did counts as one failure. */
async function run(...args: string[]): Promise<Summary> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", ...args],
    env: { NO_COLOR: "1", DENO_JOBS: Deno.env.get("DENO_JOBS") ?? jobs },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // In a process group of its own: who signals ours leaves it to us to find all that it started.
    detached: true,
  }).spawn();
  const unhook = endWithUs(child.pid);
  let output = "", both = "";
  await Promise.all([
    tee(child.stdout, Deno.stdout, (text) => (output += text, both += text)),
    tee(child.stderr, Deno.stderr, (text) => both += text),
  ]);
  const { code, signal } = await child.status;
  unhook();
  const summary = summaryOf(output);
  const { passed, failed, skipped } = summary ?? { passed: 0, failed: 0, skipped: 0 };
  const isUnexplained = summary === null || code !== 0 && failed === 0;
  if (isUnexplained) {
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    const what = summary === null ? "no summary" : "no failed test";
    const last = both.trimEnd().split("\n").slice(-LAST_LINES);
    console.log(`deno test ${args.join(" ")}\nended ${how} and ${what}; what it printed last:`);
    console.log(last.map((line) => `| ${line}`).join("\n"));
  }
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

/** Signals that end this process end a child and its descendants first. @returns Takes that back. */
function endWithUs(pid: number): () => void {
  const handlers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
    const handler = () => {
      killFamily(pid);
      console.log(`Ended by ${name}, and what the tests have started with it`);
      Deno.exit(1);
    };
    Deno.addSignalListener(name, handler);
    return [name, handler] as const;
  });
  return () => handlers.forEach(([name, handler]) => Deno.removeSignalListener(name, handler));
}

/** All tests: first those that may run side by side, then the heavy ones, one file at a time. */
async function runAll(args: readonly string[]): Promise<Summary[]> {
  const names = [...Deno.readDirSync("tests")].map(({ name }) => name).toSorted();
  const heavy = names.filter((name) => HEAVY.test(name)).map((name) => `tests/${name}`);
  return [
    await run("--parallel", ...args, `--ignore=${heavy.join(",")}`, "tests/"),
    await run(...args, ...heavy),
  ];
}

const named = Deno.args.some((arg) => isTest(arg) || arg.startsWith("--filter"));
const summaries = named
  ? [await run("--parallel", ...Deno.args, ...Deno.args.some(isTest) ? [] : ["tests/"])]
  : await runAll(Deno.args);
const sum = (key: keyof Summary) => summaries.reduce((total, summary) => total + summary[key], 0);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
Deno.exit(sum("failed") === 0 ? 0 : 1);

function isTest(arg: string): boolean {
  return arg.startsWith("tests/");
}
