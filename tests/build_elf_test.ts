/** ELF headers made by hand: good ones, and each kind of bad one. */

import assert from "node:assert/strict";
import {
  checkSegments,
  EHDR_SIZE,
  ElfError,
  MACHINES,
  offsetOf,
  PF,
  PHDR_SIZE,
  PT,
  readElf,
  type Segment,
  viewOf,
  writeSegment,
} from "../lib/build/elf.ts";
import { slotOfVariable } from "../lib/build/elf_dynamic.ts";
import { entryCode, entryHeader } from "../lib/build/entry.ts";
import { pack } from "../lib/build/pack.ts";

const PAGE = 0x1000, FILE_SIZE = 0x2000;
const DYNAMIC_AT = 0x1000, RELA_AT = 0x1100, SYMBOLS_AT = 0x1200, STRINGS_AT = 0x1300;
/** Loaded one page higher than it lies in the file. */
const DATA_ADDRESS = 0x2000, SLOT = 0x2480;

function segment(fields: Partial<Segment>): Segment {
  const size = fields.fileSize ?? 0;
  const base = { type: PT.load, flags: PF.read, offset: 0, address: 0, alignment: PAGE };
  return { ...base, fileSize: size, memorySize: size, ...fields };
}

const CODE = segment({ flags: PF.read | PF.execute, fileSize: PAGE });
const DATA = segment({
  flags: PF.read | PF.write,
  offset: PAGE,
  address: DATA_ADDRESS,
  fileSize: PAGE,
  memorySize: PAGE + 0x10,
});
const DYNAMIC = segment({
  type: PT.dynamic,
  offset: DYNAMIC_AT,
  address: DATA_ADDRESS,
  fileSize: 0x60,
  alignment: 8,
});
const NOTE = segment({
  type: PT.note,
  offset: 0x200,
  address: 0x200,
  fileSize: 0x20,
  alignment: 4,
});

/** A small executable that uses libc's `environ`. */
function executable(segments: readonly Segment[] = [NOTE, CODE, DATA, DYNAMIC]): Uint8Array {
  const file = new Uint8Array(FILE_SIZE), view = viewOf(file);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint16(18, MACHINES.x86_64, true);
  const words = (at: number, ...values: number[]) =>
    values.forEach((value, index) => view.setBigUint64(at + index * 8, BigInt(value), true));
  words(24, 0x800, EHDR_SIZE);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, segments.length, true);
  segments.forEach((one, index) => writeSegment(view, EHDR_SIZE + index * PHDR_SIZE, one));
  const up = DATA_ADDRESS - PAGE;
  words(DYNAMIC_AT, 5, STRINGS_AT + up, 6, SYMBOLS_AT + up, 7, RELA_AT + up, 8, 48, 0, 0);
  // A relocation of another kind first, then R_X86_64_GLOB_DAT of symbol 1.
  words(RELA_AT, 0x2400, 8, 0, SLOT, 0x1_0000_0006, 0);
  view.setUint32(SYMBOLS_AT + 24, 1, true);
  file.set(new TextEncoder().encode("\0environ\0"), STRINGS_AT);
  return file;
}

function damaged(change: (view: DataView) => void): Uint8Array {
  const file = executable();
  change(viewOf(file));
  return file;
}

Deno.test("readElf() reads what writeSegment() wrote", () => {
  const elf = readElf(executable());
  assert.equal(elf.machine, "x86_64");
  assert.equal(elf.entry, 0x800);
  assert.deepEqual(elf.segments, [NOTE, CODE, DATA, DYNAMIC]);
});

const BAD: readonly [what: string, file: () => Uint8Array, said: RegExp][] = [
  ["a short file", () => executable().subarray(0, 63), /too short/],
  ["another magic", () => damaged((view) => view.setUint8(1, 0)), /not an ELF file/],
  ["32 bits", () => damaged((view) => view.setUint8(4, 1)), /not a 64-bit/],
  ["big-endian", () => damaged((view) => view.setUint8(5, 2)), /not little-endian/],
  ["another version", () => damaged((view) => view.setUint8(6, 9)), /unknown version/],
  ["a fixed address", () => damaged((view) => view.setUint16(16, 2, true)), /fixed address/],
  ["an object file", () => damaged((view) => view.setUint16(16, 1, true)), /not an executable/],
  ["another machine", () => damaged((view) => view.setUint16(18, 243, true)), /machine 243/],
  ["other headers", () => damaged((view) => view.setUint16(54, 32, true)), /another size/],
  [
    "headers without end",
    () => damaged((view) => view.setUint16(56, 999, true)),
    /behind the file/,
  ],
  [
    "an entry in data",
    () => damaged((view) => view.setBigUint64(24, 0x2100n, true)),
    /not in code/,
  ],
  ["a number too large", () => damaged((view) => view.setBigUint64(24, -1n, true)), /impossible/],
];

for (const [what, file, said] of BAD) {
  Deno.test(`readElf() refuses ${what}`, () => {
    assert.throws(() => readElf(file()), (error) => {
      assert.ok(error instanceof ElfError);
      assert.match(error.message, said);
      return true;
    });
  });
}

const BAD_SEGMENTS: readonly [what: string, segments: readonly Segment[], said: RegExp][] = [
  ["nothing to load", [NOTE], /nothing to load/],
  ["a base above 0", [{ ...CODE, address: PAGE }], /base/],
  [
    "a segment behind the file",
    [{ ...CODE, fileSize: FILE_SIZE + 1, memorySize: 0x9000 }],
    /behind/,
  ],
  ["more file than memory", [{ ...CODE, memorySize: 1 }], /larger than its memory/],
  ["an odd alignment", [{ ...CODE, alignment: 24 }], /no power of two/],
  ["no alignment", [{ ...CODE, alignment: 0 }], /no power of two/],
  ["a segment off its alignment", [CODE, { ...DATA, address: 0x2010 }], /not aligned/],
  ["segments that overlap", [{ ...CODE, memorySize: 0x2001 }, DATA], /overlap/],
  ["descending segments", [{ ...CODE }, { ...DATA, address: 0x4000 }, DATA], /ascending/],
];

for (const [what, segments, said] of BAD_SEGMENTS) {
  Deno.test(`checkSegments() refuses ${what}`, () => {
    assert.throws(() => checkSegments(segments, FILE_SIZE), said);
  });
}

Deno.test("offsetOf() finds an address in its segment and refuses one that the file does not hold", () => {
  assert.equal(offsetOf([CODE, DATA], 0x2010), 0x1010);
  assert.throws(() => offsetOf([CODE, DATA], DATA_ADDRESS + PAGE), ElfError);
});

Deno.test("slotOfVariable() finds the word by the symbol's name", () => {
  const file = executable();
  assert.equal(slotOfVariable(file, readElf(file), "environ"), SLOT);
  assert.throws(() => slotOfVariable(file, readElf(file), "stdin"), /does not use .* stdin/);
});

Deno.test("slotOfVariable() refuses a static program", () => {
  const file = executable([NOTE, CODE, DATA]);
  assert.throws(() => slotOfVariable(file, readElf(file), "environ"), /not dynamically/);
});

const ADDED = { args: ["x"], env: ["A=1"], droppedPrefixes: ["B_"] };

Deno.test("pack() keeps every byte but the headers, and its segment comes last and aligned", () => {
  const before = executable(), cargo = Uint8Array.of(1, 2, 3);
  const { file, segment } = pack(before, ADDED, cargo);
  const after = readElf(file);
  assert.equal(after.entry, segment.address);
  assert.deepEqual(after.segments, [CODE, DATA, segment, DYNAMIC]);
  assert.equal(segment.offset % PAGE, 0);
  assert.equal(segment.address, 0x4000);
  const headers = EHDR_SIZE + 4 * PHDR_SIZE;
  assert.deepEqual(file.subarray(headers, before.length), before.subarray(headers));
  assert.deepEqual(file.subarray(-3), cargo);
  assert.deepEqual(executable(), before);
});

Deno.test("pack() needs a note whose header it can use", () => {
  assert.throws(() => pack(executable([CODE, DATA, DYNAMIC]), ADDED, new Uint8Array()), /no note/);
});

Deno.test("entryHeader() places everything relative to itself", () => {
  const places = { header: 0x5000, oldEntry: 0x800, environSlot: 0x6000 };
  const header = entryHeader(ADDED, places), view = viewOf(header);
  const words = Array.from({ length: 8 }, (_, index) => view.getBigInt64(index * 8, true));
  assert.deepEqual(words, [-0x4800n, 0x1000n, 1n, 1n, 1n, 64n, 66n, 70n]);
  assert.equal(new TextDecoder().decode(header.subarray(64)), "x\0A=1\0B_\0");
});

Deno.test("entryHeader() refuses an empty list and a zero in a string", () => {
  const places = { header: 0, oldEntry: 0, environSlot: 0 };
  for (const list of ["args", "env", "droppedPrefixes"]) {
    assert.throws(() => entryHeader({ ...ADDED, [list]: [] }, places), RangeError);
    assert.throws(() => entryHeader({ ...ADDED, [list]: ["a\0b"] }, places), RangeError);
  }
});

Deno.test("entryCode() ends where a header of words may begin", () => {
  assert.equal(entryCode("x86_64").length % 8, 0);
  assert.equal(entryCode("aarch64").length % 8, 0);
});
