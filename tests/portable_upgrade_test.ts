/** `vigie upgrade` of a daemon that runs from the portable file, where there is no glibc. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { builtVigie, run, Scratch } from "./build_shared.ts";
import { holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { build } from "./portable_build.ts";
import { BareRoot, ROOT } from "./portable_root.ts";

const FILE = "/opt/vigie-portable.run", HOME = `${FILE}.lib`, NEXT = "/opt/next.run";

const CONFIG = "/etc/vigie/vigie.conf";

/** What `vigie help` begins with. */
const DESCRIPTION = "Keeps a virtual IP address alive";

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (part.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

/** The same program, and not the same file. @returns Its path. */
async function another(scratch: Scratch): Promise<string> {
  const program = await Deno.readFile(await builtVigie());
  const at = indexOf(program, new TextEncoder().encode(DESCRIPTION));
  assert.ok(at >= 0);
  program.set(new TextEncoder().encode(DESCRIPTION.toUpperCase()), at);
  const output = join(scratch.path, "next.run"), main = join(ROOT, "lib/build/portable.ts");
  const args = ["--program", scratch.file("vigie", program), "--output", output];
  const { code, stderr } = await run([Deno.execPath(), "run", "-A", main, ...args]);
  assert.equal(code, 0, stderr);
  return output;
}

/** A root with the portable file, and another one beside it. */
async function rootWithBoth(lab: Lab, scratch: Scratch): Promise<BareRoot> {
  const root = lab.use(new BareRoot()),
    files = [[(await build()).run, FILE], [await another(scratch), NEXT]];
  for (const [from, to] of files) {
    Deno.copyFileSync(from!, root.outside(to!));
    Deno.chmodSync(root.outside(to!), 0o755);
  }
  root.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  root.file(CONFIG, file([], router({ priority: 150 })));
  Deno.mkdirSync(root.outside("/dev"));
  await run(["mknod", "-m", "666", root.outside("/dev/null"), "c", "1", "3"]);
  return root;
}

labTest(
  "the portable file is replaced and runs, under the same process, and goes back",
  async (lab) => {
    using scratch = new Scratch();
    const root = await rootWithBoth(lab, scratch), [host, other] = lab.pair();
    const wire = lab.listen(other);
    const [command, ...args] = root.command([FILE, "run", "-f", CONFIG]);
    const { namespace } = host;
    const daemon = lab.keep(new Process({ name: "vigie", namespace, command, args }));
    await until(() => holds(host, VIP), "the address", 30_000);
    const versions = () => root.list(HOME).length;
    const programOf = () => Deno.readLinkSync(`/proc/${daemon.pid}/exe`);
    const before = programOf(), bytes = (path: string) => Deno.readFileSync(root.outside(path));
    const old = bytes(FILE), next = bytes(NEXT);
    assert.notDeepEqual(old, next);
    const ask = (...words: string[]) =>
      namespace.run(() => ({ ended: root.run([FILE, ...words]) })).ended;

    const upgraded = await ask("upgrade", NEXT);
    assert.equal(upgraded.code, 0, upgraded.stdout + upgraded.stderr);
    assert.match(upgraded.stdout, new RegExp(`${FILE} is replaced`));
    assert.match(upgraded.stdout, /has gone on where/);
    assert.notEqual(programOf(), before, "another program runs");
    assert.deepEqual(bytes(FILE), next);
    assert.deepEqual(bytes(`${FILE}.old`), old);
    assert.equal(daemon.said(/Entering MASTER STATE/).length, 1);
    assert.ok(daemon.running && holds(host, VIP));

    // A file that cannot go on: what runs stays, and so does its file.
    const bad = `#!/bin/sh\n[ "$1" != run ] || set -- run -f /nonexistent\nexec ${FILE}.old "$@"\n`;
    root.file("/opt/bad.run", bad, 0o755);
    const now = programOf(), refused = await ask("upgrade", "/opt/bad.run");
    assert.equal(refused.code, 1, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /rolled back to/);
    assert.deepEqual(bytes(FILE), next);
    assert.equal(programOf(), now);

    const again = await ask("restart");
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.ok(wire.adverts().every(({ advert }) => advert.priority === 150), "nobody resigned");
    assert.equal(daemon.said(/Entering MASTER STATE/).length, 1);
    assert.ok(versions() <= 2, "versions that do not run are taken away");
    assert.equal(await daemon.stop(), 0);
  },
);
