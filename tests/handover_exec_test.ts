/** What goes through an exec, and what does not. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { closeFd } from "../ffi/fd.ts";
import { makeMemoryFile } from "../ffi/exec.ts";
import { makeStateFile, passOn, programFile, putBack } from "../lib/engine/handover_exec.ts";
import { executablePath, readState } from "../lib/engine/handover_exec.ts";
import { inodeOf } from "../lib/net/descriptors.ts";

const TOOL = fileURLToPath(new URL("tools/handover_held.ts", import.meta.url));

Deno.test("becomeImage() keeps pid, arguments and state, and a signal waits for the next image", async () => {
  const { stdout, stderr, signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", TOOL, "one", "two words"],
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert.notEqual(said, "", new TextDecoder().decode(stderr));
  assert.deepEqual(JSON.parse(said), {
    samePid: true,
    otherOpen: false,
    variable: null,
    args: ["one", "two words"],
  });
  assert.equal(signal, "SIGTERM");
});

Deno.test("a file in memory is read from its beginning, whoever has read it before", () => {
  const fd = makeStateFile();
  Deno.writeTextFileSync(`/proc/self/fd/${fd}`, "a long text");
  Deno.writeTextFileSync(`/proc/self/fd/${fd}`, "short");
  assert.equal(readState(fd), "short");
  assert.equal(readState(fd), "short");
  assert.notEqual(inodeOf(fd), null);
  closeFd(fd);
  assert.equal(inodeOf(fd), null);
});

Deno.test("passOn() decides what a child inherits, and leaves out what is closed", async () => {
  const fd = makeMemoryFile("test"), closed = 1_000_000;
  const inherits = async () => {
    const { success } = await new Deno.Command("test", { args: ["-e", `/proc/self/fd/${fd}`] })
      .output();
    return success;
  };
  assert.equal(await inherits(), false);
  passOn([fd, closed, null], true);
  assert.equal(await inherits(), true);
  passOn([fd, closed, null], false);
  assert.equal(await inherits(), false);
  closeFd(fd);
});

Deno.test("putBack() gives an executable its name back; somebody else may have done so", () => {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-handover-" });
  const replaced = { file: `${folder}/vigie`, kept: `${folder}/vigie.old` };
  Deno.writeTextFileSync(replaced.file, "new");
  Deno.writeTextFileSync(replaced.kept, "old");
  assert.equal(putBack(replaced), null);
  assert.equal(Deno.readTextFileSync(replaced.file), "old");
  assert.equal(putBack(replaced), null);
  assert.equal(putBack(null), null);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("programFile() is the file that has unpacked this program, if one has", () => {
  const own = executablePath(), home = own.slice(0, own.lastIndexOf("/"));
  const file = (entries: Record<string, string>) => programFile(new Map(Object.entries(entries)));
  assert.equal(file({}), own);
  assert.equal(file({ VIGIE_HOME: home, VIGIE_EXE: "/opt/vigie.run" }), "/opt/vigie.run");
  assert.equal(file({ VIGIE_HOME: "/elsewhere", VIGIE_EXE: "/opt/vigie.run" }), own);
  assert.equal(file({ VIGIE_HOME: home }), own);
});
