/** The executable for the other machine, run by qemu. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readElf } from "../lib/build/elf.ts";
import { build, exists, hasProgram, ROOT, run, Scratch } from "./build_shared.ts";

const QEMU = "qemu-aarch64-static";

/** Debian's glibc for aarch64, as the packages libc6-arm64-cross and libgcc-s1-arm64-cross hold it. */
const LIBRARIES = "usr/aarch64-linux-gnu",
  PACKAGES = ["libc6-arm64-cross", "libgcc-s1-arm64-cross"];

/** The libraries, installed or unpacked into a scratch folder. @returns Null if they cannot be had. */
async function sysroot(scratch: Scratch): Promise<string | null> {
  if (exists(`/${LIBRARIES}/lib/ld-linux-aarch64.so.1`)) return `/${LIBRARIES}`;
  const folder = scratch.folder("debs");
  if (!hasProgram("apt-get") || !hasProgram("dpkg")) return null;
  if ((await run(["apt-get", "download", "-q", ...PACKAGES], { cwd: folder })).code !== 0) {
    return null;
  }
  for (const { name } of Deno.readDirSync(folder)) {
    await run(["dpkg", "-x", join(folder, name), scratch.path]);
  }
  return join(scratch.path, LIBRARIES);
}

/**
 * Deno for aarch64 from the registry: the version that runs this, else the newest of its minor version,
 * for a registry may have the twin later.
 */
async function runtime(scratch: Scratch): Promise<string | null> {
  const [major, minor] = Deno.version.deno.split(".");
  for (const version of [Deno.version.deno, `~${major}.${minor}.0`]) {
    const name = `@deno/linux-arm64-glibc@${version}`;
    const packed = await run(["npm", "pack", name, "--json", "--pack-destination", scratch.path]);
    if (packed.code !== 0) continue;
    const [{ filename }] = JSON.parse(packed.stdout);
    await run(["tar", "-xzf", join(scratch.path, filename), "-C", scratch.path, "package/deno"]);
    return join(scratch.path, "package/deno");
  }
  return null;
}

const scratch = new Scratch();
globalThis.addEventListener("unload", () => scratch[Symbol.dispose]());
const deno = hasProgram("npm") ? await runtime(scratch) : null;
const libraries = await sysroot(scratch);

Deno.test({
  name: "the executable for aarch64 has aarch64's headers, and qemu runs it",
  ignore: deno === null || libraries === null || !hasProgram(QEMU),
  fn: async () => {
    const output = join(scratch.path, "vigie");
    await build(ROOT, "--target", "aarch64", "--runtime", deno!, "--output", output);
    const elf = readElf(Deno.readFileSync(output));
    assert.equal(elf.machine, "aarch64");
    // Kernels for aarch64 have pages of up to 64 KiB.
    assert.equal(elf.segments.find(({ address }) => address === elf.entry)!.alignment, 0x10000);
    const config = scratch.file("a b.conf", "vrrp_instance A {\n  interface none0\n}\n");
    const qemu = [QEMU, "-L", libraries!, output] as const, env = { HOME: scratch.path };
    const { code, stdout, stderr } = await run([...qemu, "version"], { env });
    assert.match(stdout, /^vigie [\d.]+ \(Deno [\d.]+, aarch64-unknown-linux-gnu\)\n$/, stderr);
    assert.equal(code, 0);
    const checked = await run([...qemu, "check", "-f", config], { env });
    assert.match(checked.stdout + checked.stderr, /a b\.conf:2:\d+: /);
    assert.equal(checked.code, 1);
  },
});

Deno.test("a runtime for another machine than the target is refused", async () => {
  const output = join(scratch.path, "refused");
  const other = Deno.build.arch === "x86_64" ? "aarch64" : "x86_64";
  await assert.rejects(
    build(ROOT, "--target", other, "--runtime", Deno.execPath(), "--output", output),
    /is not for/,
  );
  assert.ok(!exists(output));
});
