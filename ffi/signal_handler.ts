/**
 * A signal handler that runs no JavaScript: a few machine instructions that tail-call libc's
 * `eventfd_write(fd, 1)`, which is async-signal-safe. Deno can have no other: its callbacks need the
 * isolate, and the kernel calls a handler on whatever thread it likes.
 */

import { MAP, PROT } from "./constants.ts";
import { must } from "./errno.ts";
import { type Bytes, HOST_ORDER, viewOf } from "./layout.ts";
import { libc, symbolAddress } from "./libc.ts";

/** One page of the smallest size that either architecture has; mmap rounds up. */
const PAGE_BYTES = 4096;

/** Descriptors fit the 16-bit immediate of aarch64's MOVZ. */
const MAX_FD = 0xffff;

/** What a handler is made of, by Deno.build.arch. */
const ASSEMBLE: Readonly<Record<string, (fd: number, target: bigint) => Bytes>> = {
  x86_64: assembleX64,
  aarch64: assembleAarch64,
};

/**
 * Makes a handler that raises an eventfd. It stays in memory for ever: a signal may be under way.
 *
 * @returns Its address, for `sigaction`.
 * @throws {SysError} If the memory cannot be had or not made executable.
 * @throws {TypeError} On another architecture.
 */
export function makeSignalHandler(fd: number): bigint {
  const assemble = ASSEMBLE[Deno.build.arch];
  if (assemble === undefined || fd > MAX_FD) {
    throw new TypeError(`Cannot make a signal handler for ${Deno.build.arch}, descriptor ${fd}`);
  }
  const code = assemble(fd, symbolAddress("eventfd_write"));
  const doing = "make a signal handler";
  const page = libc.mmap(
    null,
    BigInt(PAGE_BYTES),
    PROT.READ | PROT.WRITE,
    MAP.PRIVATE | MAP.ANONYMOUS,
    -1,
    0n,
  );
  // MAP_FAILED is (void *) -1, mmap(2).
  const address = Deno.UnsafePointer.value(page);
  must("mmap", page === null || BigInt.asIntN(64, address) === -1n ? -1 : 0, doing);
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(page!, code.length)).set(code);
  // Writable first, executable then, never both. The kernel syncs instruction caches on the way.
  must("mprotect", libc.mprotect(page, BigInt(PAGE_BYTES), PROT.READ | PROT.EXEC), doing);
  return address;
}

/**
 * System V ABI, Intel SDM volume 2:
 * `mov edi, fd` (BF imm32); `mov esi, 1` (BE imm32); `movabs rax, target` (48 B8 imm64);
 * `jmp rax` (FF E0).
 */
export function assembleX64(fd: number, target: bigint): Bytes {
  const code = Uint8Array.of(
    ...[0xbf, 0, 0, 0, 0],
    ...[0xbe, 1, 0, 0, 0],
    ...[0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[0xff, 0xe0],
  );
  viewOf(code).setUint32(1, fd, HOST_ORDER);
  viewOf(code).setBigUint64(12, target, HOST_ORDER);
  return code;
}

/**
 * AAPCS64, Arm ARM C6.2: `movz w0, #fd` (imm16 in bits 5 to 20); `movz x1, #1`; `ldr x16, .+8`;
 * `br x16`; then the target's address, which the load reads.
 */
export function assembleAarch64(fd: number, target: bigint): Bytes {
  const code = new Uint8Array(24), view = viewOf(code);
  const words = [0x52800000 | fd << 5, 0xd2800021, 0x58000050, 0xd61f0200];
  for (const [at, word] of words.entries()) view.setUint32(at * 4, word, HOST_ORDER);
  view.setBigUint64(16, target, HOST_ORDER);
  return code;
}
