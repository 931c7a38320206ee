/** The portable form itself, where there is nothing but busybox and the loader of musl. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { build } from "./portable_build.ts";
import { labTest } from "./lab/lab.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { holds } from "./lab/addresses.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { run } from "./build_shared.ts";
import { BareRoot, bareTest } from "./portable_root.ts";

const FILE = "/opt/vigie-portable.run", HOME = `${FILE}.lib`;

/** Far more than a start without unpacking takes, which is half a second where nothing else runs. */
const LATER_START_MS = 15_000;

/** A root with the portable form and what a program may expect of any host. */
async function rootWithVigie(): Promise<BareRoot> {
  const root = new BareRoot();
  Deno.copyFileSync((await build()).run, root.outside(FILE));
  Deno.chmodSync(root.outside(FILE), 0o755);
  root.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  Deno.mkdirSync(root.outside("/dev"));
  await run(["mknod", "-m", "666", root.outside("/dev/null"), "c", "1", "3"]);
  return root;
}

bareTest(
  "without glibc vigie starts, at once after the first time, and writes nothing else",
  async () => {
    using root = await rootWithVigie();
    const env = { HOME: "/root" };
    const first = await root.run([FILE, "version"], { env });
    assert.equal(first.stderr, "");
    assert.match(first.stdout, /^vigie \d+\.\d+\.\d+ /);
    const folders = root.list("/");
    const before = performance.now();
    assert.deepEqual(await root.run([FILE, "version"], { env }), first);
    const tookMs = performance.now() - before;
    assert.ok(tookMs < LATER_START_MS, `${tookMs} ms`);
    assert.deepEqual(root.list("/"), folders);
    assert.deepEqual(root.list("/opt"), ["vigie-portable.run", "vigie-portable.run.lib"]);
    for (const name of ["libc6", "libgcc-s1", "LGPL-2.1", "GPL-3", "vigie", "SOURCES"]) {
      const path = join(HOME, root.list(HOME)[0]!, "licences", name);
      assert.ok(Deno.statSync(root.outside(path)).size > 300, name);
    }
  },
);

bareTest("without glibc vigie checks a configuration", async () => {
  using root = await rootWithVigie();
  const text = router({ lines: ["surprise on"] });
  root.file("/etc/vigie/vigie.conf", text);
  const checked = await root.run([FILE, "check", "-f", "/etc/vigie/vigie.conf"]);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout + checked.stderr, /surprise/);
});

bareTest("libraries for another C library in LD_LIBRARY_PATH do not matter", async () => {
  using root = await rootWithVigie();
  for (const name of ["libc.so.6", "libm.so.6"]) root.file(`/other/${name}`, "no library", 0o755);
  const { code, stderr } = await root.run([FILE, "version"], {
    env: { LD_LIBRARY_PATH: "/other" },
  });
  assert.equal(code, 0, stderr);
});

/** Tells what of its process comes from elsewhere, and what it was given. */
const TELLTALE = `#!/bin/sh
{ echo "$3"; cat /proc/self/maps; env; } >>/told.new
[ "$3" != MASTER ] || mv /told.new /told
`;

/** It is master only while this name is resolved and answers. */
const CHECK = `vrrp_check web {
  http {
    url http://here.example:8080/hosts
  }
  interval 0.5
}`;

labTest(
  "without glibc vigie is master, and its scripts get nothing of its libraries",
  async (lab) => {
    using root = await rootWithVigie();
    const [, host] = lab.pair();
    const start = (name: string, ...words: string[]) => {
      const [command, ...args] = root.command(words);
      return lab.keep(new Process({ name, namespace: host.namespace, command, args }));
    };
    root.file("/etc/hosts", "192.0.2.2 here.example\n");
    root.file("/bin/telltale", TELLTALE, 0o755);
    const lines = ["notify /bin/telltale", block("track_check", ["web"])];
    root.file("/etc/vigie/vigie.conf", file([], CHECK, router({ lines })));
    start("web server", "/bin/httpd", "-f", "-p", "8080", "-h", "/etc");
    const daemon = start("vigie", FILE, "run", "-f", "/etc/vigie/vigie.conf");
    await until(() => holds(host, VIP), "the address");
    await until(() => root.list("/").includes("told"), "the script to run");
    const told = root.read("/told");
    assert.match(told, /busybox/);
    assert.doesNotMatch(told, /libc\.so|ld-linux|^LD_|\/opt\/.*\.so/m);
    const maps = Deno.readTextFileSync(`/proc/${daemon.pid}/maps`);
    const libraries = [...new Set(maps.match(/\/\S*\.so\S*/g))];
    assert.ok(libraries.some((path) => path.includes(`${HOME}/`)), maps);
    assert.deepEqual(libraries.filter((path) => !path.includes(`${HOME}/`)), []);
    assert.equal(Deno.readTextFileSync(`/proc/${daemon.pid}/comm`), "vigie\n");
    // As a new image of the same process, with the same libraries.
    const restarted = await host.namespace.run(() => ({ ended: root.run([FILE, "restart"]) }))
      .ended;
    assert.equal(restarted.code, 0, restarted.stdout + restarted.stderr);
    assert.ok(daemon.running && holds(host, VIP));
    assert.equal(await daemon.stop(), 0);
  },
);

bareTest("the package's files start vigie where they belong", async () => {
  using root = await rootWithVigie();
  const outer = root.outside("/etc/ipk");
  Deno.mkdirSync(outer);
  await run(["tar", "-xzf", (await build()).ipk, "-C", outer]);
  await run(["tar", "-xzf", join(outer, "data.tar.gz"), "-C", root.path]);
  const { code, stdout, stderr } = await root.run(["/usr/sbin/vigie", "version"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, /^vigie \d/);
});
