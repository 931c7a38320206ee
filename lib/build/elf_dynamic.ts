/** What the dynamic loader is asked to do: where it writes the address of a variable of libc. */

import { type Elf, ElfError, type Machine, offsetOf, PT, readWord, viewOf } from "./elf.ts";

/** Tags of the dynamic section (`d_tag`). */
const DT = { end: 0, strings: 5, symbols: 6, relocations: 7, relocationsSize: 8 } as const;

/** The relocation "the address of this symbol" (R_X86_64_GLOB_DAT, R_AARCH64_GLOB_DAT). */
const GLOB_DAT: Readonly<Record<Machine, number>> = { x86_64: 6, aarch64: 1025 };

/** Bytes of a relocation with addend, of a symbol, of an entry of the dynamic section. */
const RELA_SIZE = 24, SYMBOL_SIZE = 24, DYNAMIC_SIZE = 16;

/** Longer names are not looked for. */
const NAME_LIMIT = 64;

/**
 * The address, relative to where the program is loaded, of the word in which the loader leaves the
 * address of a variable before the program starts.
 *
 * @throws {ElfError} If the program does not use that variable in this way.
 */
export function slotOfVariable(file: Uint8Array, elf: Elf, name: string): number {
  const view = viewOf(file), dynamic = readDynamic(view, elf);
  const part = (tag: number): number => {
    const value = dynamic.get(tag);
    if (value === undefined) throw new ElfError(`its dynamic section has no entry ${tag}`);
    return value;
  };
  const symbols = offsetOf(elf.segments, part(DT.symbols));
  const strings = offsetOf(elf.segments, part(DT.strings));
  const first = offsetOf(elf.segments, part(DT.relocations));
  const wanted = GLOB_DAT[elf.machine];
  for (let at = first; at < first + part(DT.relocationsSize); at += RELA_SIZE) {
    // The lower half of r_info is the kind, the upper the number of the symbol.
    const slot = readWord(view, at), kind = view.getUint32(at + 8, true);
    if (kind !== wanted) continue;
    const symbol = symbols + view.getUint32(at + 12, true) * SYMBOL_SIZE;
    if (nameAt(file, strings + view.getUint32(symbol, true)) === name) return slot;
  }
  throw new ElfError(`it does not use the variable ${name} of libc`);
}

function readDynamic(view: DataView, { segments }: Elf): Map<number, number> {
  const section = segments.find(({ type }) => type === PT.dynamic);
  if (section === undefined) throw new ElfError("not dynamically linked");
  const entries = new Map<number, number>();
  const end = section.offset + section.fileSize;
  for (let at = section.offset; at < end; at += DYNAMIC_SIZE) {
    const tag = readWord(view, at);
    if (tag === DT.end) break;
    entries.set(tag, readWord(view, at + 8));
  }
  return entries;
}

function nameAt(file: Uint8Array, at: number): string {
  const end = file.subarray(at, at + NAME_LIMIT).indexOf(0);
  return end < 0 ? "" : String.fromCharCode(...file.subarray(at, at + end));
}
