/** `config_save_dir`: what is saved, and who may read it. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import { ConfigKeeper, copyName } from "../lib/daemon/config_save.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Every position dropped: a copy has its own. */
function withoutPositions(value: unknown): unknown {
  const text = JSON.stringify(value, (key, item) => key === "position" ? undefined : item);
  return JSON.parse(text);
}

Deno.test("parseConfig() makes one text of all that a configuration is made of", () => {
  const included: Record<string, string> = {
    "/etc/v/one.conf": "vrrp_instance VI_${N} {\n  interface $IF # the inside\n" +
      "  virtual_router_id 5${N}\n  authentication {\n    auth_type PASS\n    auth_pass se\\#cret\n  }\n" +
      "  virtual_ipaddress {\n    ~SEQ(A, 1, 3) 192.0.${N}.${A}/24\n  }\n}\n",
  };
  const text = "$IF=eth0\n$N=1\nglobal_defs {\n  config_save_dir /var/saved\n" +
    "@other router_id no\n}\ninclude /etc/v/one.conf\n# next\n$N=2\ninclude /etc/v/one.conf\n# end\n";
  const options = {
    id: "lb1",
    read: (path: string) =>
      path in included ? encode(included[path]!) : { absent: true, reason: "No such file" },
  };
  const { config, flat, problems } = parseConfig(text, "/etc/v/main.conf", options);
  assert.deepEqual(problems, []);
  assert.ok(flat !== null);
  assert.equal(config.instances.length, 2);
  assert.match(flat, /^# \/etc\/v\/main.conf\n/);
  assert.equal(flat.match(/^# \/etc\/v\/one\.conf$/gm)?.length, 2);
  assert.doesNotMatch(flat, /^\s*(include|@|~|\$)/m);
  const again = parseConfig(flat, "copy");
  assert.deepEqual(again.problems, []);
  assert.deepEqual(withoutPositions(again.config), withoutPositions(config));
  assert.equal(again.flat!.replace(/^# copy\n/, ""), flat);
});

Deno.test("parseConfig() reads the keywords about the time of a reload and about copies", () => {
  const text = "global_defs {\n reload_time_file /run/at\n reload_repeat\n config_save_dir /s\n}\n";
  const { timeFile, repeat, saveFolder } = parseConfig(text, "f").config.global.reload;
  assert.deepEqual([timeFile, repeat, saveFolder], ["/run/at", true, "/s"]);
  const off = parseConfig(text.replace("repeat", "repeat off"), "f").config.global.reload;
  assert.equal(off.repeat, false);
});

Deno.test("parseConfig() makes no text that nobody is to save, and takes absolute paths only", () => {
  assert.equal(parseConfig("global_defs {\n router_id a\n}\n", "f").flat, null);
  for (const keyword of ["config_save_dir", "reload_time_file"]) {
    const { config, problems, flat } = parseConfig(`global_defs {\n ${keyword} here\n}\n`, "f");
    assert.match(problems[0]!.message, /an absolute path/);
    assert.deepEqual([config.global.reload.saveFolder, config.global.reload.timeFile, flat], [
      null,
      null,
      null,
    ]);
  }
});

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "vigie-save-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const permissions = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

Deno.test("ConfigKeeper.save() makes the folder and a file that only its owner can read", () =>
  inFolder(async (parent) => {
    const log: string[] = [], keeper = new ConfigKeeper(({ text }) => void log.push(text));
    const folder = `${parent}/saved`, other = `${parent}/other`, before = Deno.umask(0);
    try {
      await keeper.save(folder, "one\n");
      // It would take away the right to go into the folder.
      Deno.umask(0o177);
      await keeper.save(other, "other\n");
    } finally {
      Deno.umask(before);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    await keeper.save(folder, "two\n");
    assert.deepEqual([folder, other].map(permissions), [0o700, 0o700]);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names.map((name) => Deno.readTextFileSync(`${folder}/${name}`)), [
      "one\n",
      "two\n",
    ]);
    for (const name of names) {
      assert.match(name, new RegExp(`^vigie\\.conf\\.\\d{8}T\\d{6}\\.\\d{3}Z\\.${Deno.pid}$`));
      assert.equal(permissions(`${folder}/${name}`), 0o600);
    }
    assert.deepEqual(log, []);
  }));

Deno.test("ConfigKeeper.save() leaves the permissions of a folder that is there", () =>
  inFolder(async (folder) => {
    Deno.chmodSync(folder, 0o750);
    await new ConfigKeeper(() => assert.fail("nothing is wrong")).save(folder, "text");
    assert.equal(permissions(folder), 0o750);
  }));

Deno.test("ConfigKeeper.save() warns of what it cannot do, and does nothing unasked", () =>
  inFolder(async (parent) => {
    const log: string[] = [];
    const keeper = new ConfigKeeper(({ level, text }) => void log.push(`${level}: ${text}`));
    await keeper.save(null, "text");
    await keeper.save(parent, null);
    assert.deepEqual([...Deno.readDirSync(parent)], []);
    await keeper.save(`${parent}/no/such`, "text");
    Deno.writeTextFileSync(`${parent}/file`, "");
    await keeper.save(`${parent}/file`, "text");
    assert.deepEqual(log.map((line) => line.replaceAll(parent, "")), [
      "warning: config_save_dir /no/such: the configuration is not saved there: " +
      "no such file or directory",
      "warning: config_save_dir /file: the configuration is not saved there: " +
      "a part of the path is not a directory",
    ]);
  }));

Deno.test("copyName() names copies in the order of time", () => {
  const name = copyName(new Date("2026-11-20T21:00:39.123Z"), 4711);
  assert.equal(name, "vigie.conf.20261120T210039.123Z.4711");
  assert.ok(copyName(new Date("2026-12-01T00:00:00Z"), 1) > name);
});
