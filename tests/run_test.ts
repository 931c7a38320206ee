/** What `deno task test` says of a runner that fails without a reason, and what it leaves behind. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { until } from "./lab/until.ts";
import { inFolder } from "./tools/scripts.ts";

const RUN = fileURLToPath(new URL("run.ts", import.meta.url));

/** The whole suite's runner for one test file of a folder. */
function runner(folder: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", RUN, "tests/it_test.ts"],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("a runner that fails without a summary shows how, and what it printed last", async () => {
  const cases: [string, RegExp][] = [
    ["const x: number = 'no'; Deno.test('x', () => void x);", /with status 1[^]*TS2322/],
    ["Deno.test('x', () => { Deno.kill(Deno.pid, 'SIGKILL'); });", /by SIGKILL and no summary/],
  ];
  for (const [text, expected] of cases) {
    await inFolder(async (folder) => {
      folder.folder("tests").file("it_test.ts", text);
      const { code, stdout } = await runner(folder.path).output();
      const said = new TextDecoder().decode(stdout);
      assert.equal(code, 1, said);
      assert.match(said, expected);
      assert.match(said, /\n0 passed, 1 failed, 0 skipped\n$/);
    });
  }
});

Deno.test("a signal ends the runner, and with it what the tests have started", async () => {
  await inFolder(async (folder) => {
    const deaf = `trap "" TERM; echo $$ >${folder.path}/new; mv ${folder.path}/new ` +
      `${folder.path}/pid; sleep 300`;
    const start = `new Deno.Command("setsid", { args: ["sh", "-c", ${JSON.stringify(deaf)}] })`;
    const text = `Deno.test("x", async () => void await ${start}.output());`;
    folder.folder("tests").file("it_test.ts", text);
    const child = runner(folder.path).spawn();
    let pid = "";
    try {
      await until(() => (pid = read(`${folder.path}/pid`).trim()) !== "", "the test to run");
    } finally {
      child.kill("SIGTERM");
    }
    const { code, stdout } = await child.output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stdout), /Ended by SIGTERM/);
    // A zombie waits for its new parent to reap it.
    await until(() => /^$|\) Z /.test(read(`/proc/${pid}/stat`)), "the script to be killed");
  });
});

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
