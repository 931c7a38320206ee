/** OpenWrt's package, unpacked as opkg does, with a few bytes in the place of vigie. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ipk, ipkName } from "../lib/build/ipk.ts";
import { PLATFORMS } from "../lib/build/portable_libraries.ts";
import { SLOT_SIZE } from "../lib/build/portable_elf.ts";
import { shippedFiles } from "../lib/daemon/install/files.ts";
import { run, Scratch } from "./build_shared.ts";
import { isInstalled } from "./lab/installed.ts";

/** A program and its arguments. */
type Words = readonly [string, ...string[]];

const PROGRAM = "program", { loader } = PLATFORMS.aarch64;
const bytes = (text: string) => new TextEncoder().encode(text);

const PARTS = {
  machine: "aarch64",
  architecture: "aarch64_cortex-a53",
  version: "1.2.3",
  program: bytes(PROGRAM),
  carried: [
    { path: loader, mode: 0o755, content: bytes("loader") },
    { path: "libc.so.6", mode: 0o644, content: bytes("libc") },
    { path: "licences/GPL-2", mode: 0o644, content: bytes("licence") },
  ],
} as const;

/** busybox where it is, for its own reading of archives and scripts. */
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find(isInstalled);

/** The package, and what is in it, unpacked. */
class Unpacked implements Disposable {
  readonly #scratch = new Scratch();
  readonly data = this.#scratch.folder("data");
  readonly control = this.#scratch.folder("control");

  async unpack(): Promise<this> {
    const outer = this.#scratch.folder("outer");
    await this.#tar(this.#scratch.file("vigie.ipk", ipk(PARTS)), outer);
    assert.equal(Deno.readTextFileSync(join(outer, "debian-binary")), "2.0\n");
    await this.#tar(join(outer, "data.tar.gz"), this.data);
    await this.#tar(join(outer, "control.tar.gz"), this.control);
    return this;
  }

  async #tar(archive: string, folder: string): Promise<void> {
    const tar: Words = BUSYBOX === undefined ? ["tar"] : [BUSYBOX, "tar"];
    const { code, stderr } = await run(
      [...tar, "-xzf", archive, "-C", folder],
    );
    assert.equal(code, 0, stderr);
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}

function* walk(folder: string, below = ""): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* walk(join(folder, name), `${below}/${name}`);
    else yield `${below}/${name}`;
  }
}

Deno.test("the package holds vigie, its libraries, and what an installation has", async () => {
  using package_ = await new Unpacked().unpack();
  const { data } = package_, shipped = shippedFiles("procd", "/usr/sbin/vigie");
  const own = [loader, "libc.so.6", "licences/GPL-2", "vigie"].map((path) =>
    `/usr/lib/vigie/${path}`
  );
  const expected = [...shipped.map(({ path }) => path), ...own, "/usr/sbin/vigie"];
  assert.deepEqual([...walk(data)].sort(), expected.sort());
  for (const { path, text, mode } of shipped) {
    assert.equal(Deno.readTextFileSync(join(data, path)), text);
    assert.equal(Deno.statSync(join(data, path)).mode! & 0o777, mode, path);
  }
  const link = Deno.readLinkSync(join(data, "usr/sbin/vigie"));
  assert.equal(link, "../lib/vigie/vigie");
  const program = Deno.readTextFileSync(join(data, "usr/lib/vigie/vigie"));
  assert.equal(program.length, PROGRAM.length + 2 * SLOT_SIZE);
  const paths = [`/usr/lib/vigie/${loader}`, "/usr/lib/vigie", ""];
  assert.deepEqual(program.split(/\0+/), [`${PROGRAM}${paths[0]}`, ...paths.slice(1)]);
  assert.equal(Deno.statSync(join(data, "usr/lib/vigie/vigie")).mode! & 0o777, 0o755);
});

Deno.test("the package says what opkg must know", async () => {
  using package_ = await new Unpacked().unpack();
  const { control, data } = package_,
    read = (name: string) => Deno.readTextFileSync(join(control, name));
  const fields = Object.fromEntries(
    read("control").trimEnd().split("\n").map((line) => line.split(": ")),
  );
  assert.equal(fields.Package, "vigie");
  assert.equal(fields.Version, "1.2.3-1");
  assert.equal(fields.Architecture, "aarch64_cortex-a53");
  assert.equal(fields.Conflicts, "keepalived");
  const files = [...walk(data)].map((path) => Deno.lstatSync(join(data, path)));
  const size = files.filter(({ isFile }) => isFile).reduce((sum, { size }) => sum + size, 0);
  assert.equal(Number(fields["Installed-Size"]), size);
  assert.equal(read("conffiles"), "/etc/config/keepalived\n");
  assert.deepEqual([...walk(control)].sort(), ["/conffiles", "/control", "/postinst", "/prerm"]);
  assert.equal(ipkName(PARTS), "vigie_1.2.3-1_aarch64_cortex-a53.ipk");
});

Deno.test("the package's scripts call OpenWrt's own, where there is an OpenWrt", async () => {
  using package_ = await new Unpacked().unpack();
  const { control, data } = package_, root = join(control, "root");
  const shell: Words = BUSYBOX === undefined ? ["sh"] : [BUSYBOX, "ash"];
  for (const path of ["/etc/init.d/vigie", "/usr/libexec/rpcd/keepalived"]) {
    const { code, stderr } = await run([...shell, "-n", join(data, path)]);
    assert.equal(code, 0, stderr);
  }
  for (const name of ["postinst", "prerm"]) {
    const call = (env: Readonly<Record<string, string>>) =>
      run([...shell, "-eu", join(control, name), "configure"], { env });
    const env = { IPKG_INSTROOT: root };
    assert.deepEqual(await call(env), { code: 0, stdout: "", stderr: "" });
    Deno.mkdirSync(join(root, "lib"), { recursive: true });
    const functions = `default_${name}() { echo "default_${name} \${1##*/} $2"; }\n`;
    Deno.writeTextFileSync(join(root, "lib/functions.sh"), functions);
    assert.equal((await call(env)).stdout, `default_${name} ${name} configure\n`);
    assert.equal((await call({ ...env, IPKG_NO_SCRIPT: "1" })).stdout, "");
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("the package is the same every time, and has no time in it", () => {
  const package_ = ipk(PARTS);
  assert.deepEqual(package_, ipk(PARTS));
  // MTIME of RFC 1952 2.3.1.
  assert.deepEqual([...package_.subarray(4, 8)], [0, 0, 0, 0]);
  assert.equal(gunzipSync(package_).length % 512, 0);
});
