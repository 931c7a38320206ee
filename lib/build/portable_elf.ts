/**
 * A packed program that finds the loader and the C library in a directory of its own. The kernel reads
 * the loader's path from the file, and the loader the libraries' (DT_RPATH), so the program is started
 * like any other: its name, /proc/self/exe and its environment are its own, and what it starts inherits
 * nothing. Both paths are absolute and known only where it is unpacked: they are the end of the file.
 */

import { type Bytes, concatBytes } from "../core/bytes.ts";
import {
  type Elf,
  ElfError,
  loaded,
  offsetOf,
  PHDR_SIZE,
  PT,
  readElf,
  readWord,
  type Segment,
  viewOf,
  writeSegment,
} from "./elf.ts";

/** Bytes for each of the two paths, zeros included; the kernel takes up to 4096 (PATH_MAX). */
export const SLOT_SIZE = 1024;

/** Tags of the dynamic section (`d_tag`), and the size of an entry. */
const DT = { end: 0, strings: 5, rpath: 15, debug: 21, runpath: 29 } as const, DYNAMIC_SIZE = 16;

/** What a path may not hold: DT_RPATH separates by ":" and replaces "$ORIGIN" (ld.so(8)). */
const NOT_IN_PATH = /[:$\0]/;

/**
 * Prepares a packed program. What comes out runs only with {@link pathsOf} behind it.
 *
 * DT_RPATH, unlike DT_RUNPATH, counts before LD_LIBRARY_PATH, which on such a host names libraries for
 * another C library, and also for what libraries load. Its entry is that of DT_DEBUG, which debuggers
 * alone read: there is room for no other.
 *
 * @throws {ElfError} If the program is not one that was packed.
 */
export function makePortable(packed: Uint8Array): Bytes {
  const elf = readElf(packed);
  const last = loaded(elf.segments).at(-1)!;
  if (last.offset + last.fileSize !== packed.length || last.memorySize !== last.fileSize) {
    throw new ElfError("its last segment is not the end of the file");
  }
  const interpreter = elf.segments.find(({ type }) => type === PT.interp);
  if (interpreter === undefined) throw new ElfError("it asks for no loader");
  const file = concatBytes(packed), view = viewOf(file), size = last.fileSize;
  const longer = { fileSize: size + 2 * SLOT_SIZE, memorySize: size + 2 * SLOT_SIZE };
  const slot = {
    offset: packed.length,
    address: last.address + size,
    fileSize: SLOT_SIZE,
    memorySize: SLOT_SIZE,
  };
  rewrite(view, elf, last, longer);
  rewrite(view, elf, interpreter, slot);
  nameLibraries(view, elf, slot.address + SLOT_SIZE);
  return file;
}

/**
 * The end of a portable program: where its loader is, and its libraries.
 *
 * @param folder An absolute path.
 * @throws {ElfError} If the paths are too long, or hold what the loader reads as something else.
 */
export function pathsOf(folder: string, loader: string): Bytes {
  const paths = new Uint8Array(2 * SLOT_SIZE);
  for (const [index, path] of [`${folder}/${loader}`, folder].entries()) {
    const bytes = new TextEncoder().encode(path);
    if (!path.startsWith("/") || NOT_IN_PATH.test(path)) {
      throw new ElfError(
        `${path} cannot be the place of libraries: it must be absolute, without : and $`,
      );
    }
    if (bytes.length >= SLOT_SIZE) {
      throw new ElfError(`a path of ${bytes.length} bytes is too long`);
    }
    paths.set(bytes, index * SLOT_SIZE);
  }
  return paths;
}

function rewrite(view: DataView, elf: Elf, segment: Segment, change: Partial<Segment>): void {
  const at = elf.headersAt + elf.segments.indexOf(segment) * PHDR_SIZE;
  writeSegment(view, at, { ...segment, ...change });
}

function nameLibraries(view: DataView, { segments }: Elf, address: number): void {
  const section = segments.find(({ type }) => type === PT.dynamic);
  if (section === undefined) throw new ElfError("not dynamically linked");
  const places = new Map<number, number>();
  const end = section.offset + section.fileSize;
  for (let at = section.offset; at < end; at += DYNAMIC_SIZE) {
    const tag = readWord(view, at);
    if (tag === DT.end) break;
    places.set(tag, at);
  }
  const entry = places.get(DT.debug), strings = places.get(DT.strings);
  if (places.has(DT.rpath) || places.has(DT.runpath)) {
    throw new ElfError("it names libraries itself");
  }
  if (entry === undefined || strings === undefined) {
    throw new ElfError("its dynamic section has no entry that could name libraries");
  }
  const table = readWord(view, strings + 8);
  // The table of strings must be there; the new string lies far behind it.
  offsetOf(segments, table);
  view.setBigUint64(entry, BigInt(DT.rpath), true);
  view.setBigUint64(entry + 8, BigInt(address - table), true);
}
