/** `reload_time_file` and `config_save_dir` of a daemon that runs. */

import assert from "node:assert/strict";
import { holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { startReloading } from "./lab/reloads.ts";
import { until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

const SECOND = "192.0.2.101";

/** A folder that goes with the lab. */
function folderOf(lab: Lab): string {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-reload-" });
  lab.use({
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  });
  return folder;
}

/** A time so many seconds ahead, as `date -u +"%F %TZ"` writes it. */
function ahead(seconds: number): string {
  const at = new Date(Date.now() + seconds * 1000).toISOString();
  return `${at.slice(0, 10)} ${at.slice(11, 19)}Z\n`;
}

labTest("a reload comes at the time of reload_time_file, which is removed", async (lab) => {
  const [a] = lab.pair(), when = `${folderOf(lab)}/when`;
  const text = (path: string, ...addresses: string[]) =>
    file([`reload_time_file ${path}`], router({ priority: 150, addresses }));
  const node = await startReloading(lab, a, text(when, `${VIP}/24`));
  await until(() => holds(a, VIP), "the master");
  node.write(text(when, `${VIP}/24`, `${SECOND}/24`));
  Deno.writeTextFileSync(when, "tomorrow\n");
  await node.saw(/reload_time_file .*"tomorrow" is no time/);
  assert.ok(!holds(a, SECOND));
  Deno.writeTextFileSync(when, ahead(5));
  await node.saw(/reload_time_file .*: reload at /);
  await until(() => holds(a, SECOND), "what the file says now");
  assert.throws(() => Deno.statSync(when), Deno.errors.NotFound);
  // The engine is first, then the log.
  await node.saw(/Reload complete/);
  assert.equal(node.said(/Entering (BACKUP|FAULT)/).length, 1, "none but that of the start");
  // Another file from a reload on, and that one still counts after a restart.
  const other = `${when}.other`;
  await node.reload(text(other, `${VIP}/24`, `${SECOND}/24`));
  assert.equal((await runVigie(a, ["restart"])).code, 0);
  node.write(text(other, `${VIP}/24`));
  Deno.writeTextFileSync(when, ahead(4));
  Deno.writeTextFileSync(other, ahead(5));
  await until(() => !holds(a, SECOND), "the reload of the other file");
  assert.throws(() => Deno.statSync(other), Deno.errors.NotFound);
  assert.ok(Deno.statSync(when).isFile, "nobody looks at that any more");
});

labTest("config_save_dir has a copy of each configuration that was loaded", async (lab) => {
  const [a] = lab.pair(), folder = folderOf(lab), saved = `${folder}/saved`;
  const copies = () =>
    [...Deno.readDirSync(folder)].length === 0
      ? []
      : [...Deno.readDirSync(saved)].map(({ name }) => `${saved}/${name}`).sort()
        .map((path) => Deno.readTextFileSync(path));
  const text = (priority: number) => file([`config_save_dir ${saved}`], router({ priority }));
  const node = await startReloading(lab, a, text(150));
  await until(() => copies()[0] === `# ${node.file}\n${text(150)}`, "the copy of the start");
  assert.equal((Deno.statSync(saved).mode ?? 0) & 0o777, 0o700);
  await node.reload(text(140));
  assert.equal(copies()[1], `# ${node.file}\n${text(140)}`);
  node.write("vrrp_instance VI_1 {\n");
  assert.equal((await runVigie(a, ["reload"])).code, 1);
  node.write(text(140));
  assert.equal((await runVigie(a, ["restart"])).code, 0);
  assert.equal(copies().length, 2, "neither a refused one nor a restart is saved");
  Deno.removeSync(saved, { recursive: true });
  Deno.writeTextFileSync(saved, "in the way");
  await node.reload(text(130));
  await node.saw(/config_save_dir .* is not saved there/);
  assert.ok(node.running, "never more than a warning");
});
