/** use_symlink_paths: a script is run by the path that is written, whatever links are on the way. */

import assert from "node:assert/strict";
import { seconds } from "../lib/core/time.ts";
import { parseConfig } from "../config/mod.ts";
import { runProgram } from "../lib/track/program.ts";

Deno.test("runProgram() runs a link by its own path, not by what it leads to", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-symlink-" });
  try {
    const real = `${folder}/real`, link = `${folder}/link`, out = `${folder}/out`;
    Deno.writeTextFileSync(real, `#!/bin/sh\necho "$0" > ${out}\n`, { mode: 0o755 });
    Deno.chmodSync(real, 0o755);
    Deno.chmodSync(folder, 0o777);
    Deno.symlinkSync(real, link);
    const outcome = await runProgram({ words: [link], user: null, timeoutUs: seconds(20) });
    assert.deepEqual(outcome, { kind: "exited", status: 0 });
    assert.equal(Deno.readTextFileSync(out), `${link}\n`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("use_symlink_paths is accepted, set_supplementary_groups reported", () => {
  const said = (line: string) =>
    parseConfig(`global_defs {\n${line}\n}`, "test.conf").problems
      .filter(({ position }) => position.line === 2).map(({ severity }) => severity);
  assert.deepEqual(said("use_symlink_paths"), []);
  assert.deepEqual(said("use_symlink_paths off"), []);
  assert.deepEqual(said("set_supplementary_groups"), ["warning"]);
});
