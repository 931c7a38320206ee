import assert from "node:assert/strict";
import { reapChild } from "../ffi/process.ts";

Deno.test("look() reaps an inherited zombie at the second look, and no child of our own", async () => {
  const tool = new URL("tools/orphans.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", tool],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stderr), "");
  assert.deepEqual(JSON.parse(text.decode(stdout)), {
    looks: [[], [true], []],
    after: "gone",
    own: "SIGKILL",
  });
});

Deno.test("reapChild() leaves a child that runs, and fails for who is none", async () => {
  const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
  assert.equal(reapChild(child.pid), false);
  child.kill("SIGKILL");
  assert.equal((await child.status).signal, "SIGKILL");
  assert.throws(() => reapChild(1), { code: "ECHILD", call: "waitpid" });
});
