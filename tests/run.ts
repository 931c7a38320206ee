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
  /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored)?/m;

/** Reads the summary; null if there is none, because the runner itself failed. */
function summaryOf(output: string): Summary | null {
  const found = LAST_LINE.exec(output);
  if (found === null) return null;
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

const files = Deno.args.some((arg) => arg.startsWith("tests/")) ? [] : ["tests/"];
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "--allow-all", "--parallel", ...Deno.args, ...files],
  env: { NO_COLOR: "1", DENO_JOBS: Deno.env.get("DENO_JOBS") ?? jobs },
  stdout: "piped",
}).spawn();
const output = await tee(child.stdout);
const { code } = await child.status;
const summary = summaryOf(output) ?? { passed: 0, failed: 1, skipped: 0 };
const failed = code !== 0 && summary.failed === 0 ? 1 : summary.failed;
console.log(`${summary.passed} passed, ${failed} failed, ${summary.skipped} skipped`);
Deno.exit(failed === 0 ? 0 : 1);
