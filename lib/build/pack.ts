/**
 * Packing: an executable gets one more loaded segment, which holds the new entry point, its strings and
 * whatever else the program carries. Nothing that was there moves; the header of a note (the build's
 * id, which nothing needs at run time) is used for the new segment.
 */

import { type Bytes, concatBytes } from "../core/bytes.ts";
import {
  checkSegments,
  type Elf,
  ElfError,
  endOfMemory,
  loaded,
  PF,
  PHDR_SIZE,
  PT,
  readElf,
  type Segment,
  viewOf,
  writeSegment,
} from "./elf.ts";
import { slotOfVariable } from "./elf_dynamic.ts";
import { type Additions, entryCode, entryHeader } from "./entry.ts";

/** Offset of `e_entry` in the ELF header. */
const ENTRY_AT = 24;

/** Where the new segment starts, relative to where the program is loaded. */
export interface Packed {
  readonly file: Bytes;
  readonly segment: Segment;
}

/**
 * Packs an executable.
 *
 * @param cargo Follows the strings of the entry point, at a multiple of 8 bytes.
 * @throws {ElfError} If the executable cannot be packed.
 */
export function pack(executable: Uint8Array, additions: Additions, cargo: Uint8Array): Packed {
  const elf = readElf(executable);
  const alignment = Math.max(...loaded(elf.segments).map((segment) => segment.alignment));
  const offset = roundUp(executable.length, alignment);
  const address = roundUp(endOfMemory(elf.segments), alignment);
  const code = entryCode(elf.machine);
  const header = entryHeader(additions, {
    header: address + code.length,
    oldEntry: elf.entry,
    environSlot: slotOfVariable(executable, elf, "environ"),
  });
  const gap = new Uint8Array(roundUp(header.length, 8) - header.length);
  const content = concatBytes(code, header, gap, cargo);
  const segment: Segment = {
    type: PT.load,
    flags: PF.read | PF.execute,
    offset,
    address,
    fileSize: content.length,
    memorySize: content.length,
    alignment,
  };
  const file = concatBytes(executable, new Uint8Array(offset - executable.length), content);
  writeHeaders(file, elf, segment);
  return { file, segment };
}

/** The note's header goes, the new segment follows the last one that is loaded: they must ascend. */
function writeHeaders(file: Bytes, { segments, headersAt }: Elf, added: Segment): void {
  const note = segments.findLastIndex(({ type }) => type === PT.note);
  if (note < 0) throw new ElfError("it has no note whose header could be used");
  const kept = segments.filter((_, index) => index !== note);
  const last = kept.findLastIndex(({ type }) => type === PT.load);
  const all = kept.toSpliced(last + 1, 0, added);
  checkSegments(all, file.length);
  const view = viewOf(file);
  for (const [index, segment] of all.entries()) {
    writeSegment(view, headersAt + index * PHDR_SIZE, segment);
  }
  view.setBigUint64(ENTRY_AT, BigInt(added.address), true);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
