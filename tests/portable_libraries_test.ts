/** Where the libraries of the portable form are from. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { BuildError } from "../lib/build/bundle.ts";
import { deb } from "../lib/build/deb.ts";
import { carriedFor, PLATFORMS } from "../lib/build/portable_libraries.ts";
import { ROOT, run, Scratch } from "./build_shared.ts";
import { isInstalled } from "./lab/installed.ts";

Deno.test("deb() wants exactly one package of a name, for the machine", () => {
  using scratch = new Scratch();
  const find = (name: string) => deb(scratch.path, name, "arm64");
  scratch.file("libc6_2.36-9_amd64.deb", "");
  scratch.file("libc6-dev_2.36-9_arm64.deb", "");
  assert.throws(() => find("libc6"), BuildError);
  scratch.file("libc6_2.36-9_arm64.deb", "");
  find("libc6");
  scratch.file("libc6_2.37-1_arm64.deb", "");
  assert.throws(() => find("libc6"), BuildError);
});

Deno.test("carriedFor() refuses a package that is none", async () => {
  using scratch = new Scratch();
  for (const name of ["libc6", "libgcc-s1", "gcc-12-base", "base-files"]) {
    scratch.file(`${name}_1_amd64.deb`, "not a package");
  }
  await assert.rejects(carriedFor("x86_64", scratch.path), BuildError);
});

const DPKG = "/usr/bin/dpkg-query";

Deno.test({
  name: "carriedFor() takes what is installed where nothing can be fetched, for this machine alone",
  ignore: !isInstalled(DPKG),
  async fn() {
    using scratch = new Scratch();
    Deno.symlinkSync(DPKG, join(scratch.folder("bin"), "dpkg-query"));
    const script = scratch.file(
      "ask.ts",
      `import { carriedFor } from ${JSON.stringify(join(ROOT, "lib/build/portable_libraries.ts"))};
      const { files, origin } = await carriedFor(Deno.args[0]);
      for (const { path, content } of files) {
        if (path === Deno.args[1]) Deno.writeFileSync(Deno.args[2], content);
      }
      console.log(origin, files.map(({ path }) => path).join(" "));`,
    );
    const env = { PATH: join(scratch.path, "bin"), HOME: Deno.env.get("HOME")! };
    const ask = (machine: string, loader: string) => {
      const args = [machine, loader, join(scratch.path, "loader")];
      return run([Deno.execPath(), "run", "-A", "--no-check", script, ...args], { env });
    };
    const [other] = Deno.build.arch === "x86_64" ? ["aarch64" as const] : ["x86_64" as const];
    const { loader } = PLATFORMS[Deno.build.arch];
    const { code, stdout, stderr } = await ask(Deno.build.arch, loader);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /as installed here/);
    const names = [loader, "libc.so.6", "libgcc_s.so.1", "licences/libc6", "licences/SOURCES"];
    for (const name of names) assert.ok(stdout.includes(name), name);
    const bytes = Deno.readFileSync(join(scratch.path, "loader"));
    assert.deepEqual([...bytes.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46]);
    const refused = await ask(other, PLATFORMS[other].loader);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /cannot run apt-get/);
  },
});
