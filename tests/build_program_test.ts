/** A packed program that tells what it was given: its arguments, variables, names, worker and child. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { bundle } from "../lib/build/bundle.ts";
import { packProgram } from "../lib/build/program.ts";
import { run, Scratch } from "./build_shared.ts";

const TELLER = `
if ("WorkerGlobalScope" in globalThis) {
  postMessage({ args: Deno.args, env: Deno.env.toObject() });
} else {
  const worker = new Worker(import.meta.url, { type: "module" });
  const { promise, resolve } = Promise.withResolvers();
  worker.onmessage = ({ data }) => resolve(data);
  const child = new Deno.Command("/usr/bin/env", { args: ["-0"] }).outputSync();
  console.log(JSON.stringify({
    args: Deno.args,
    env: Deno.env.toObject(),
    home: Deno.env.get("HOME") ?? null,
    program: Deno.execPath(),
    self: Deno.readLinkSync("/proc/self/exe"),
    commandLine: Deno.readTextFileSync("/proc/self/cmdline").split("\\0"),
    child: new TextDecoder().decode(child.stdout).split("\\0").slice(0, -1),
    worker: await promise,
  }));
  worker.terminate();
}
`;

/** What the program tells, as an object of unknown things. */
interface Told {
  readonly [name: string]: unknown;
}

const scratch = new Scratch();
globalThis.addEventListener("unload", () => scratch[Symbol.dispose]());
scratch.file("deno.json", "{}");
scratch.file("teller.ts", TELLER);
const modules = await bundle(scratch.path, "teller.ts");
const teller = scratch.file(
  "teller",
  packProgram(Deno.readFileSync(Deno.execPath()), modules).file,
);

async function told(
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<Told> {
  const { code, stdout, stderr } = await run(command, { env, cwd: scratch.path });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test("a packed program and its worker have the caller's arguments", async () => {
  const args = ["--help", "-A", "", "two words", "--", "-f", "-", "%41#?", "d\u00e9j\u00e0"];
  const { args: own, worker, commandLine } = await told([teller, ...args], {});
  assert.deepEqual(own, args);
  assert.deepEqual((worker as Told)["args"], args);
  assert.deepEqual(commandLine, [teller, ...args, ""]);
});

Deno.test("a packed program, its worker and its children have the caller's variables", async () => {
  const env = { HOME: "/some/where", PATH: "/usr/bin", EMPTY: "", A: "1=2" };
  const seen = await told([teller], { ...env, DENO_DIR: "/x", NODE_ENV: "y" });
  assert.deepEqual(seen["env"], env);
  assert.equal(seen["home"], env.HOME);
  assert.deepEqual((seen["worker"] as Told)["env"], env);
  const child = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual((seen["child"] as string[]).toSorted(), child.toSorted());
});

Deno.test("in an empty environment nothing is left of what Deno was given", async () => {
  const { env, home, child } = await told([teller], {});
  assert.deepEqual({ env, home, child }, { env: {}, home: null, child: [] });
});

Deno.test("through a link a packed program is called by the link's name, and is still the file", async () => {
  const link = join(scratch.path, "another name");
  Deno.symlinkSync(teller, link);
  const { commandLine, self, program } = await told([link, "x"], {});
  assert.deepEqual(commandLine, [link, "x", ""]);
  assert.equal(self, teller);
  assert.equal(program, teller);
});
