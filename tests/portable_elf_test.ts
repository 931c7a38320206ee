/** Where a portable program finds its loader and its libraries. */

import assert from "node:assert/strict";
import { concatBytes } from "../lib/core/bytes.ts";
import { ElfError, loaded, offsetOf, PHDR_SIZE, PT, readElf, viewOf } from "../lib/build/elf.ts";
import { makePortable, pathsOf, SLOT_SIZE } from "../lib/build/portable_elf.ts";
import { builtVigie } from "./build_shared.ts";

const FOLDER = "/usr/lib/vigie/1.0", LOADER = "ld.so";

/** `d_tag`s of elf(5). */
const DT = { needed: 1, strings: 5, rpath: 15, debug: 21 } as const;

function tagsOf(file: Uint8Array): [tag: number, value: number, at: number][] {
  const view = viewOf(file);
  const { offset, fileSize } = readElf(file).segments.find(({ type }) => type === PT.dynamic)!;
  return Array.from({ length: fileSize / 16 }, (_, index) => {
    const at = offset + index * 16;
    return [Number(view.getBigUint64(at, true)), Number(view.getBigUint64(at + 8, true)), at];
  });
}

function textAt(file: Uint8Array, at: number): string {
  return new TextDecoder().decode(file.subarray(at, file.indexOf(0, at)));
}

Deno.test("makePortable() names the loader and the libraries at the end of the file", async () => {
  const packed = await Deno.readFile(await builtVigie());
  const program = makePortable(packed);
  assert.equal(program.length, packed.length);
  const whole = concatBytes(program, pathsOf(FOLDER, LOADER));
  const { segments, entry } = readElf(whole);
  assert.equal(entry, readElf(packed).entry);
  const interpreter = segments.find(({ type }) => type === PT.interp)!;
  assert.equal(textAt(whole, interpreter.offset), `${FOLDER}/${LOADER}`);
  // The kernel wants a zero as its last byte.
  assert.equal(whole[interpreter.offset + interpreter.fileSize - 1], 0);
  // The loader reads it from memory, where it has to be as well.
  assert.equal(offsetOf(segments, interpreter.address), interpreter.offset);
  const tags = tagsOf(whole), valueOf = (tag: number) => tags.find(([each]) => each === tag)?.[1];
  assert.equal(
    textAt(whole, offsetOf(segments, valueOf(DT.strings)! + valueOf(DT.rpath)!)),
    FOLDER,
  );
  assert.equal(valueOf(DT.debug), undefined);
  const needed = (file: Uint8Array) => tagsOf(file).filter(([tag]) => tag === DT.needed);
  assert.deepEqual(needed(whole), needed(packed));
  const last = loaded(segments).at(-1)!;
  assert.equal(last.offset + last.fileSize, whole.length);
});

Deno.test("makePortable() refuses what it would break", async () => {
  const packed = await Deno.readFile(await builtVigie());
  const { segments, headersAt } = readElf(packed);
  const refuses = (reason: RegExp, change: (file: Uint8Array, view: DataView) => Uint8Array) => {
    const copy = packed.slice();
    assert.throws(() => makePortable(change(copy, viewOf(copy))), (error: Error) => {
      assert.ok(error instanceof ElfError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  };
  refuses(/not the end of the file/, (file) => concatBytes(file, Uint8Array.of(0)));
  refuses(/asks for no loader/, (file, view) => {
    const index = segments.findIndex(({ type }) => type === PT.interp);
    view.setUint32(headersAt + index * PHDR_SIZE, PT.note, true);
    return file;
  });
  const debug = tagsOf(packed).find(([tag]) => tag === DT.debug)![2];
  refuses(/no entry that could name libraries/, (file, view) => {
    view.setBigUint64(debug, 0x6ffffff9n, true);
    return file;
  });
  refuses(/names libraries itself/, (file, view) => {
    view.setBigUint64(debug, BigInt(DT.rpath), true);
    return file;
  });
});

Deno.test("pathsOf() fills both places up, and refuses what the loader would misread", () => {
  const long = `/${"x".repeat(SLOT_SIZE - 2 - LOADER.length - 1)}`;
  for (const folder of ["/", "/usr/lib/vigie", "/ü b", long]) {
    const paths = pathsOf(folder, LOADER);
    assert.equal(paths.length, 2 * SLOT_SIZE);
    assert.equal(textAt(paths, 0), `${folder}/${LOADER}`);
    assert.equal(textAt(paths, SLOT_SIZE), folder);
    assert.equal(paths[SLOT_SIZE - 1], 0);
  }
  for (const folder of ["", "relative", "/a:b", "/$ORIGIN", "/a\0b", `${long}x`]) {
    assert.throws(() => pathsOf(folder, LOADER), ElfError, folder);
  }
});
