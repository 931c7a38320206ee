/**
 * The whole test suite, and one true line at the end: `N passed, N failed, N skipped`.
 * Arguments are passed on to `deno test`, for example `--filter demo` or a file.
 */

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

/** Copies a stream to standard output as it comes, and keeps its text. */
async function tee(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
  }
  return text;
}

/** Runs `deno test`; a runner that fails without saying how many did counts as one failure. */
async function run(...args: string[]): Promise<Summary> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", ...args],
    env: { NO_COLOR: "1", DENO_JOBS: Deno.env.get("DENO_JOBS") ?? jobs },
    stdout: "piped",
  }).spawn();
  const output = await tee(child.stdout);
  const { code } = await child.status;
  const summary = summaryOf(output);
  if (summary === null) console.log(`deno test ended with status ${code} and no summary`);
  const { passed, failed, skipped } = summary ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
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
