/**
 * The parts of an ELF64 little-endian executable that packing needs: its header, its program headers,
 * and where the loader puts the address of a variable. Names and numbers are those of elf(5).
 */

/** Machines that vigie is built for; the values are `e_machine` (EM_X86_64, EM_AARCH64). */
export const MACHINES = { x86_64: 62, aarch64: 183 } as const;

/** A machine, named as `uname -m` does. */
export type Machine = keyof typeof MACHINES;

/** Segment types (`p_type`). */
export const PT = { load: 1, dynamic: 2, interp: 3, note: 4, phdr: 6 } as const;

/** Segment permissions (`p_flags`). */
export const PF = { execute: 1, write: 2, read: 4 } as const;

/** Bytes of an ELF64 header and of one program header. */
export const EHDR_SIZE = 64, PHDR_SIZE = 56;

/** A program header: which bytes of the file appear where in memory. All in bytes. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

/** What is known of an executable. */
export interface Elf {
  readonly machine: Machine;
  /** Where the program starts, as an address relative to where it is loaded. */
  readonly entry: number;
  /** Offset of the program headers in the file. */
  readonly headersAt: number;
  readonly segments: readonly Segment[];
}

/** A file that is not an executable that can be packed. */
export class ElfError extends Error {
  override readonly name = "ElfError";
}

/** ELFCLASS64, ELFDATA2LSB, EV_CURRENT: the bytes behind the magic. */
const IDENT = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];

/** What is wrong if a byte of the identification differs, by its place. */
const IDENT_FAULTS: Readonly<Record<number, string>> = {
  4: "not a 64-bit executable",
  5: "not little-endian",
  6: "an unknown version of ELF",
};

/** `e_type` of an executable that may be loaded anywhere, and of one that may not. */
const ET_DYN = 3, ET_EXEC = 2;

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit number; files and addresses of executables are far below 2^53. */
export function readWord(view: DataView, at: number): number {
  if (at < 0 || at + 8 > view.byteLength) throw new ElfError("a table points behind the end");
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ElfError(`an impossible number at ${at}`);
  return Number(value);
}

/**
 * Reads and checks the headers of a position-independent executable.
 *
 * @throws {ElfError} If it is something else, or damaged.
 */
export function readElf(file: Uint8Array): Elf {
  if (file.length < EHDR_SIZE) throw new ElfError("too short for an ELF header");
  for (const [at, byte] of IDENT.entries()) {
    if (file[at] !== byte) throw new ElfError(IDENT_FAULTS[at] ?? "not an ELF file");
  }
  const view = viewOf(file);
  const type = view.getUint16(16, true);
  if (type === ET_EXEC) throw new ElfError("linked to a fixed address, not position-independent");
  if (type !== ET_DYN) throw new ElfError(`not an executable (type ${type})`);
  const headersAt = readWord(view, 32), count = view.getUint16(56, true);
  if (view.getUint16(54, true) !== PHDR_SIZE) throw new ElfError("program headers of another size");
  if (headersAt + count * PHDR_SIZE > file.length) {
    throw new ElfError("the program headers end behind the file");
  }
  const segments = Array.from(
    { length: count },
    (_, index) => readSegment(view, headersAt + index * PHDR_SIZE),
  );
  checkSegments(segments, file.length);
  const elf = { machine: machineOf(view), entry: readWord(view, 24), headersAt, segments };
  if (!isExecutableAt(segments, elf.entry)) throw new ElfError("the entry point is not in code");
  return elf;
}

function machineOf(view: DataView): Machine {
  const number = view.getUint16(18, true);
  for (const [name, value] of Object.entries(MACHINES)) {
    if (value === number) return name as Machine;
  }
  throw new ElfError(`for machine ${number}, which vigie is not built for`);
}

function readSegment(view: DataView, at: number): Segment {
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: readWord(view, at + 8),
    address: readWord(view, at + 16),
    fileSize: readWord(view, at + 32),
    memorySize: readWord(view, at + 40),
    alignment: readWord(view, at + 48),
  };
}

/** Writes one program header. The physical address, which Linux ignores, is the virtual one. */
export function writeSegment(view: DataView, at: number, segment: Segment): void {
  view.setUint32(at, segment.type, true);
  view.setUint32(at + 4, segment.flags, true);
  const { offset, address, fileSize, memorySize, alignment } = segment;
  const words = [offset, address, address, fileSize, memorySize, alignment];
  for (const [index, word] of words.entries()) {
    view.setBigUint64(at + 8 + index * 8, BigInt(word), true);
  }
}

/** Where the loaded segments end in memory. */
export function endOfMemory(segments: readonly Segment[]): number {
  return Math.max(...loaded(segments).map(({ address, memorySize }) => address + memorySize));
}

/** The segments that are mapped, in the order of the headers. */
export function loaded(segments: readonly Segment[]): Segment[] {
  return segments.filter(({ type }) => type === PT.load);
}

/**
 * The rules of elf(5) and of the kernel's loader: inside the file, aligned, ascending, apart.
 *
 * @throws {ElfError} Naming the first that is broken.
 */
export function checkSegments(segments: readonly Segment[], fileSize: number): void {
  const loads = loaded(segments);
  if (loads.length === 0) throw new ElfError("nothing to load");
  if (loads[0]!.address - loads[0]!.offset !== 0) throw new ElfError("its base is not 0");
  let end = 0;
  for (const segment of loads) {
    const { offset, address, memorySize, alignment } = segment;
    if (offset + segment.fileSize > fileSize) throw new ElfError("a segment ends behind the file");
    if (segment.fileSize > memorySize) throw new ElfError("a segment is larger than its memory");
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      throw new ElfError(`a segment is aligned to ${alignment}, no power of two`);
    }
    if (address % alignment !== offset % alignment) throw new ElfError("a segment is not aligned");
    if (address < end) throw new ElfError("segments overlap or are not in ascending order");
    end = address + memorySize;
  }
}

function isExecutableAt(segments: readonly Segment[], at: number): boolean {
  return loaded(segments).some(({ address, fileSize, flags }) =>
    (flags & PF.execute) !== 0 && at >= address && at < address + fileSize
  );
}

/**
 * Where in the file an address is found.
 *
 * @throws {ElfError} If the file holds nothing for it.
 */
export function offsetOf(segments: readonly Segment[], at: number): number {
  const home = loaded(segments).find(({ address, fileSize }) =>
    at >= address && at < address + fileSize
  );
  if (home === undefined) throw new ElfError(`nothing is loaded at address ${at}`);
  return at - home.address + home.offset;
}
