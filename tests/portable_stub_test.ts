/** The script of the portable form, with a few lines of shell in the place of vigie. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Machine } from "../lib/build/elf.ts";
import { SLOT_SIZE } from "../lib/build/portable_elf.ts";
import { type CarriedFile, PLATFORMS } from "../lib/build/portable_libraries.ts";
import { portableRun } from "../lib/build/portable_run.ts";
import { exists, run, Scratch } from "./build_shared.ts";
import { isInstalled } from "./lab/installed.ts";
import { BareRoot, bareTest, ROOT } from "./portable_root.ts";

const MACHINE = Deno.build.arch as Machine, { loader } = PLATFORMS[MACHINE];
const FILE = "/opt/vigie.run";

/** Says how it was called; stays if it is told to. */
const PROGRAM = `#!/bin/sh
echo "$0 [$*] exe=$VIGIE_EXE home=$VIGIE_HOME"
[ "\${1-}" != stay ] || read -r line
exit 0
`;

function standIn({ version = "1.0", machine = MACHINE, program = PROGRAM } = {}): Uint8Array {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const carried: CarriedFile[] = [
    { path: PLATFORMS[machine].loader, mode: 0o755, content: bytes("#!/bin/sh\n") },
    { path: "licences/GPL-2", mode: 0o644, content: bytes("text\n") },
  ];
  const stub = Deno.readTextFileSync(join(ROOT, "lib/build/portable_stub.sh"));
  return portableRun({ machine, version, program: bytes(program), carried, stub }, "vigie.run");
}

/** A root with a stand-in at {@link FILE}. */
function rootWith(bytes = standIn(), without: readonly string[] = []): BareRoot {
  const root = new BareRoot(without);
  root.file(FILE, bytes, 0o755);
  return root;
}

function damagedFiles(): { damaged: Uint8Array; short: Uint8Array } {
  const whole = standIn(), damaged = whole.slice();
  damaged[whole.length - 20]! ^= 1;
  return { damaged, short: whole.subarray(0, whole.length - 60) };
}

/** The one directory that was unpacked. */
function only(root: BareRoot, home: string): string {
  const [name, ...others] = root.list(home);
  assert.notEqual(name, undefined, `nothing in ${home}`);
  assert.deepEqual(others, []);
  return `${home}/${name}`;
}

bareTest(
  "the script unpacks beside itself, once, and starts the program in its own place",
  async () => {
    using root = rootWith();
    const first = await root.run([FILE, "check", "a b", "*", ""]);
    const folder = only(root, `${FILE}.lib`);
    assert.deepEqual(first, {
      code: 0,
      stdout: `${folder}/vigie [check a b * ] exe=${FILE} home=${FILE}.lib\n`,
      stderr: "",
    });
    assert.deepEqual(
      root.list(folder),
      ["keepalived", loader, "licences", "place", "vigie"].sort(),
    );
    assert.match(folder, /\/1\.0-[0-9a-f]{12}$/);
    const inode = Deno.statSync(root.outside(`${folder}/vigie`)).ino;
    assert.deepEqual(await root.run([FILE, "check", "a b", "*", ""]), first);
    assert.equal(Deno.statSync(root.outside(`${folder}/vigie`)).ino, inode);
    const mode = Deno.statSync(root.outside(folder)).mode! & 0o777;
    assert.equal(mode, 0o755);
  },
);

bareTest("the script tells the program its place, behind what was packed", async () => {
  using root = rootWith();
  await root.run([FILE]);
  const folder = only(root, `${FILE}.lib`);
  const text = Deno.readFileSync(root.outside(`${folder}/vigie`)).subarray(PROGRAM.length);
  assert.equal(text.length, 2 * SLOT_SIZE);
  const slots = new TextDecoder().decode(text).split(/\0+/);
  assert.deepEqual(slots, [`${folder}/${loader}`, folder, ""]);
});

bareTest("the script finds itself however it is called", async () => {
  using root = rootWith();
  const expected = (await root.run([FILE])).stdout;
  for (const words of [`cd /opt; ./vigie.run`, `cd /opt; sh vigie.run`, `cd /; opt/vigie.run`]) {
    assert.equal((await root.run(["sh", "-c", words])).stdout, expected, words);
  }
  const inPath = await root.run(["vigie.run"], { env: { PATH: "/bin:/opt" } });
  assert.equal(inPath.stdout, expected);
  Deno.symlinkSync("../opt/vigie.run", root.outside("/etc/keepalived"));
  const called = await root.run(["/etc/keepalived", "-v"]);
  const folder = only(root, `${FILE}.lib`);
  assert.equal(called.stderr, "");
  const places = `exe=/etc/keepalived home=${FILE}.lib`;
  assert.equal(called.stdout, `${folder}/keepalived [-v] ${places}\n`);
});

bareTest("programs in a bin directory have their files in /usr/lib/vigie", async () => {
  using root = rootWith();
  root.file("/usr/sbin/vigie", standIn(), 0o755);
  const { stdout } = await root.run(["/usr/sbin/vigie", "x"]);
  const folder = only(root, "/usr/lib/vigie");
  assert.equal(stdout, `${folder}/vigie [x] exe=/usr/sbin/vigie home=/usr/lib/vigie\n`);
  assert.deepEqual(root.list("/usr/sbin"), ["vigie"]);
});

bareTest(
  "VIGIE_HOME and --unpack name the directory, which other names do not replace",
  async () => {
    using root = rootWith();
    const said = await root.run([FILE, "--unpack", "/etc/x y"]);
    const folder = only(root, "/etc/x y");
    assert.deepEqual(said, { code: 0, stdout: `${folder}\n`, stderr: "" });
    const env = { VIGIE_HOME: "/etc/x y" };
    assert.equal(
      (await root.run([FILE], { env })).stdout,
      `${folder}/vigie [] exe=${FILE} home=/etc/x y\n`,
    );
    assert.deepEqual(root.list("/opt"), ["vigie.run"]);
    for (const home of ["relative", "/etc/a:b", "/etc/$ORIGIN", `/${"x".repeat(950)}`]) {
      const refused = await root.run([FILE], { env: { VIGIE_HOME: home } });
      assert.equal(refused.code, 1, home);
      assert.match(refused.stderr, /^vigie\.run: cannot unpack vigie:\n/, home);
    }
    assert.deepEqual(root.list("/etc"), ["x y"]);
  },
);

bareTest("a root can be prepared from outside, also for another machine", async () => {
  using root = new BareRoot();
  const other = MACHINE === "x86_64" ? "aarch64" : "x86_64";
  root.file(FILE, standIn({ machine: other }), 0o755);
  const refused = await root.run([FILE]);
  assert.equal(refused.code, 1);
  assert.ok(refused.stderr.includes(`for ${other}, this machine is ${MACHINE}`), refused.stderr);
  assert.ok(!refused.stderr.includes("--unpack"), refused.stderr);
  const env = { DESTDIR: "/etc/image" };
  const said = await root.run([FILE, "--unpack", "/usr/lib/vigie"], { env });
  const folder = only(root, "/etc/image/usr/lib/vigie");
  assert.equal(said.stdout, `${folder.replace("/etc/image", "")}\n`);
  assert.ok(root.read(`${folder}/vigie`).includes(`\0${folder.replace("/etc/image", "")}\0`));
  // Where a program runs, that variable means nothing to vigie.
  using here = rootWith();
  await here.run([FILE], { env });
  only(here, `${FILE}.lib`);
});

bareTest("starts at the same time do not disturb each other", async () => {
  using root = rootWith();
  const starts = await Promise.all(Array.from({ length: 12 }, () => root.run([FILE, "x"])));
  const folder = only(root, `${FILE}.lib`);
  for (const { code, stdout, stderr } of starts) {
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`${folder}/vigie [x]`), stdout);
  }
  assert.deepEqual(root.list(folder), ["keepalived", loader, "licences", "place", "vigie"].sort());
});

/** A root that is read-only as a whole. */
const READ_ONLY =
  `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc"`;

bareTest(
  "on a read-only root the script takes a prepared directory, or says what to do",
  async () => {
    using root = rootWith();
    const refused = await root.run([FILE], { before: READ_ONLY });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /cannot unpack vigie:\n {2}\/opt\/vigie\.run\.lib: .*Read-only/);
    assert.match(refused.stderr, /\n {2}\/usr\/lib\/vigie: .*Read-only/);
    assert.match(
      refused.stderr,
      /name a directory that can be written to and run from: .*--unpack/,
    );
    await root.run([FILE, "--unpack", "/usr/lib/vigie"]);
    const found = await root.run([FILE, "x"], { before: READ_ONLY });
    assert.equal(found.stderr, "");
    assert.ok(found.stdout.includes("home=/usr/lib/vigie"), found.stdout);
  },
);

bareTest("where programs may not be started, the script unpacks elsewhere", async () => {
  using root = rootWith();
  root.file("/data/x", "");
  const noexec = `mount --bind "$1/data" "$1/data" && mount -o remount,bind,noexec "$1/data"`;
  const refused = await root.run([FILE], { env: { VIGIE_HOME: "/data/v" }, before: noexec });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /\/data\/v: .*Permission denied/);
  assert.deepEqual(root.list("/data"), ["x"]);
  root.file("/data/vigie.run", standIn(), 0o755);
  const moved = await root.run(["sh", "/data/vigie.run"], { before: noexec });
  assert.ok(moved.stdout.includes("home=/usr/lib/vigie"), moved.stdout + moved.stderr);
  assert.deepEqual(root.list("/data"), ["vigie.run", "x"]);
});

bareTest("without room nothing is left behind, and the reason is told", async () => {
  using root = new BareRoot();
  const noise = Array.from({ length: 400_000 }, (_, at) => (at * 2654435761 >>> 7).toString(36));
  root.file(FILE, standIn({ program: PROGRAM + noise.join("\n") }), 0o755);
  Deno.mkdirSync(root.outside("/small"));
  const before = `mount -t tmpfs -o size=1m none "$1/small"`;
  const script = `VIGIE_HOME=/small/v ${FILE}; echo "code $?"; ls -A /small`;
  const { stdout, stderr } = await root.run(["sh", "-c", script], { before });
  assert.equal(stdout, "code 1\n");
  assert.match(stderr, /\/small\/v: .*No space left/);
});

bareTest("a damaged or shortened file is refused", async () => {
  for (const [what, bytes] of Object.entries(damagedFiles())) {
    using root = rootWith(bytes);
    const { code, stdout, stderr } = await root.run([FILE]);
    assert.equal(code, 1, what);
    assert.equal(stdout, "", what);
    assert.match(stderr, /\/opt\/vigie\.run: damaged: its SHA-256/, what);
    assert.deepEqual(root.list("/opt"), ["vigie.run"], what);
  }
});

/** What the script calls at the least; busybox's own shell finds all of its programs itself. */
const TOOLS = "dd gunzip gzip ln ls mkdir mv rm rmdir sh tar uname wc".split(" ");

Deno.test("without sha256sum, sync and readlink damage is found, and the rest works", async () => {
  using scratch = new Scratch();
  const path = scratch.folder("bin"), home = join(scratch.path, "home");
  for (const name of TOOLS) {
    const real = ["/bin", "/usr/bin"].map((folder) => join(folder, name)).find(isInstalled);
    Deno.symlinkSync(real!, join(path, name));
  }
  const env = { PATH: path, VIGIE_HOME: home };
  for (const [what, bytes] of Object.entries(damagedFiles())) {
    const { code, stdout, stderr } = await run([scratch.file(what, bytes)], { env });
    assert.equal(code, 1, what);
    assert.equal(stdout, "", what);
    assert.match(stderr, /gzip: /, what);
    assert.equal(exists(home), false, what);
  }
  const { code, stderr } = await run([scratch.file("whole", standIn())], { env });
  assert.equal(stderr, "");
  assert.equal(code, 0);
});

bareTest("what was moved since is unpacked anew", async () => {
  using root = rootWith();
  await root.run([FILE]);
  Deno.renameSync(root.outside("/opt"), root.outside("/moved"));
  const { stdout, stderr } = await root.run(["/moved/vigie.run", "x"]);
  assert.equal(stderr, "");
  const folder = only(root, "/moved/vigie.run.lib");
  assert.ok(stdout.startsWith(`${folder}/vigie [x]`), stdout);
  assert.ok(root.read(`${folder}/vigie`).includes(`\0${folder}\0`));
});

bareTest("what a killed start has left is taken away, and versions that do not run", async () => {
  using root = rootWith();
  await root.run([FILE]);
  const old = only(root, `${FILE}.lib`), home = `${FILE}.lib`;
  const next = standIn({ version: "2.0" });
  const id = /^id=(.*)$/m.exec(new TextDecoder("latin1").decode(next.subarray(0, 8192)))![1];
  const nobody = 2 ** 30;
  root.file(`${home}/.${id}.${nobody}/vigie`, "half");
  root.file(`${home}/.${id}.1/vigie`, "of a process that lives");
  root.file(`${home}/notes`, "somebody's");
  root.file(FILE, next, 0o755);
  assert.ok((await root.run([FILE])).stdout.includes("/2.0-"));
  assert.deepEqual(root.list(home), [`.${id}.1`, id, "notes"].sort());
  assert.throws(() => Deno.statSync(root.outside(old)), Deno.errors.NotFound);
});

bareTest("a version that runs is kept when the next one is unpacked", async () => {
  using root = rootWith();
  // The kernel says of a script which shell runs it: here the program is busybox itself.
  await root.run([FILE]);
  const home = `${FILE}.lib`, old = only(root, home);
  Deno.removeSync(root.outside(`${old}/vigie`));
  Deno.copyFileSync(root.outside("/bin/busybox"), root.outside(`${old}/vigie`));
  Deno.symlinkSync(`${old}/vigie`, root.outside("/etc/sleep"));
  root.file(FILE, standIn({ version: "2.0" }), 0o755);
  // The shell wants it for what runs in the background.
  root.file("/dev/null", "");
  const script = `/etc/sleep 60 & pid=$! count=0
until [ "$(readlink /proc/$pid/exe)" = ${old}/vigie ]; do
  [ $((count += 1)) -lt 5000 ] || break
done
${FILE}; kill $pid`;
  assert.match((await root.run(["sh", "-c", script])).stdout, /\/2\.0-/);
  assert.equal(root.list(home).length, 2);
  root.file(FILE, standIn({ version: "3.0" }), 0o755);
  await root.run([FILE]);
  assert.equal(root.list(home).length, 1);
});

Deno.test("the script is plain enough for other shells", async () => {
  const path = join(ROOT, "lib/build/portable_stub.sh");
  for (const shell of [["sh"], ["bash", "--posix"]] as const) {
    const { code, stderr } = await run([...shell, "-n", path]);
    assert.equal(code, 0, stderr);
  }
  using scratch = new Scratch();
  const file = scratch.file("vigie.run", standIn());
  for (const shell of ["sh", "bash"]) {
    const home = join(scratch.path, `${shell} ü`);
    const { stdout, stderr } = await run([shell, file, "x"], {
      env: { PATH: Deno.env.get("PATH")!, VIGIE_HOME: home, LC_ALL: "C.UTF-8" },
    });
    assert.equal(stderr, "");
    assert.ok(stdout.endsWith(`/vigie [x] exe=${file} home=${home}\n`), stdout);
  }
});
