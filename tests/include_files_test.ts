/** Configuration files as they are on a disk: what is read, what is skipped, and nothing that waits. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { hostSurroundings } from "../lib/daemon/include_files.ts";
import { loadConfig } from "../lib/daemon/load.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-include-" });
  try {
    await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("loadConfig() includes files of a folder, and skips what is none", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/d/e.conf`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/d/a.conf`, "global_defs {\n router_id here\n}\n");
    Deno.writeTextFileSync(`${folder}/d/x.conf`, "x\n", { mode: 0o755 });
    equal(new Deno.Command("mkfifo", { args: [`${folder}/d/f.conf`] }).outputSync().code, 0);
    Deno.symlinkSync("/dev/zero", `${folder}/d/z.conf`);
    Deno.writeTextFileSync(`${folder}/k.conf`, "include d/*.conf\n");
    const { config, problems } = await loadConfig(`${folder}/k.conf`, "root");
    equal(config.global.routerId, "here");
    const skipped = problems.filter(({ message }) => /it is skipped/.test(message));
    deepEqual(skipped.map(({ message }) => message.replaceAll(folder, "")).toSorted(), [
      'Cannot include "/d/e.conf": Is a directory: it is skipped',
      'Cannot include "/d/f.conf": It is not a regular file: it is skipped',
      'Cannot include "/d/x.conf": It is executable: it is skipped',
      'Cannot include "/d/z.conf": It is not a regular file: it is skipped',
    ]);
  });
});

Deno.test("loadConfig() does not wait for a FIFO in the place of the file", async () => {
  await inFolder(async (folder) => {
    equal(new Deno.Command("mkfifo", { args: [`${folder}/k.conf`] }).outputSync().code, 0);
    const { readable, problems } = await loadConfig(`${folder}/k.conf`, "root");
    equal(readable, false);
    match(problems[0]!.message, /It is not a regular file$/);
  });
});

Deno.test("loadConfig() keeps the lines of its id, by default the host's", async () => {
  await inFolder(async (folder) => {
    const own = Deno.hostname().split(".")[0];
    const text = `global_defs {\n@^lb1 router_id other\n@lb1 router_id one\n}\n@${own} nope\n`;
    Deno.writeTextFileSync(`${folder}/k.conf`, text);
    const named = await loadConfig(`${folder}/k.conf`, "root", { id: "lb1" });
    equal(named.config.global.routerId, "one");
    const unnamed = await loadConfig(`${folder}/k.conf`, "root");
    equal(unnamed.config.global.routerId, "other");
    ok(unnamed.problems.some(({ message }) => /Unknown keyword "nope"/.test(message)));
  });
});

Deno.test("loadConfig() says that there is no such network namespace", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/k.conf`, "net_namespace vigie-none\n");
    const { problems } = await loadConfig(`${folder}/k.conf`, "root");
    deepEqual([problems[0]?.severity, problems[0]?.line], ["fatal", "net_namespace vigie-none"]);
    const stays = await loadConfig(`${folder}/k.conf`, "root", { stays: true });
    ok(stays.problems.every(({ severity }) => severity !== "fatal"));
  });
});

Deno.test("hostSurroundings() draws the same numbers at each reading of a file, others for others", () => {
  const draw = (file: string, id: string) => {
    const { random } = hostSurroundings(file, { id }, []);
    return Array.from({ length: 50 }, () => random!(3, 900));
  };
  deepEqual(draw("/a", "x"), draw("/a", "x"));
  ok(draw("/a", "x").join() !== draw("/a", "y").join());
  ok(draw("/a", "x").every((number) => number >= 3 && number <= 900));
  ok(new Set(draw("/a", "x")).size > 10);
});
