/** Archives: read back by tar(1), the same whenever and wherever they are made. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TarEntry, TarError, tarOf } from "../lib/build/tar.ts";
import { run, Scratch } from "./build_shared.ts";

/** A program and its arguments. */
type Words = readonly [string, ...string[]];

const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => at % 251);

const ENTRIES: readonly TarEntry[] = [
  { path: "folder", folder: true },
  ...[0, 1, 511, 512, 513, 70_000].map((length): TarEntry => {
    return {
      path: `folder/${length}`,
      mode: length === 512 ? 0o755 : 0o640,
      content: bytes(length),
    };
  }),
  { path: "x".repeat(100), mode: 0o600, content: bytes(3) },
  { path: "ümlaut", mode: 0o644, content: bytes(3) },
  { path: "link", link: "folder/512" },
];

Deno.test("tarOf() makes what tar and busybox read", async () => {
  using scratch = new Scratch();
  const archive = scratch.file("a.tar", tarOf(ENTRIES, 86_400));
  const readers: Record<string, Words> = { tar: ["tar"], busybox: ["busybox", "tar"] };
  for (const [name, tar] of Object.entries(readers)) {
    const folder = scratch.folder(name);
    const { code, stderr } = await run(
      [...tar, "-xf", archive, "-C", folder],
    );
    if (code === 127) continue;
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    for (const entry of ENTRIES) {
      const path = join(folder, entry.path), stat = Deno.lstatSync(path);
      if ("link" in entry) assert.equal(Deno.readLinkSync(path), entry.link);
      else if ("folder" in entry) assert.equal(stat.isDirectory, true);
      else {
        assert.deepEqual(new Uint8Array(Deno.readFileSync(path)), entry.content, entry.path);
        assert.equal(stat.mode! & 0o777, entry.mode, entry.path);
        assert.equal(stat.mtime!.getTime(), 86_400_000);
      }
    }
  }
  const { stdout } = await run(["tar", "-tvf", archive]);
  assert.equal(stdout.match(/root\/root/g)?.length, ENTRIES.length);
});

Deno.test("tarOf() depends on nothing but its arguments", () => {
  assert.deepEqual(tarOf(ENTRIES), tarOf(ENTRIES));
  assert.equal(tarOf([]).length, 1024);
  assert.notDeepEqual(tarOf(ENTRIES), tarOf(ENTRIES, 1));
});

Deno.test("tarOf() refuses names that the format has no room for", () => {
  for (const path of ["x".repeat(101), "ü".repeat(51)]) {
    assert.throws(() => tarOf([{ path, mode: 0o644, content: bytes(0) }]), TarError);
    assert.throws(() => tarOf([{ path: "link", link: path }]), TarError);
  }
  // With its "/" at the end.
  assert.throws(() => tarOf([{ path: "x".repeat(100), folder: true }]), TarError);
});
