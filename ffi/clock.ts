import { must } from "./errno.ts";
import { HOST_ORDER, TIMESPEC } from "./layout.ts";
import { libc } from "./libc.ts";

/** linux/time.h. It keeps still while the machine is suspended, as every timer of the kernel does. */
const CLOCK_MONOTONIC = 1;

const spec = new Uint8Array(new ArrayBuffer(TIMESPEC.size));
const view = new DataView(spec.buffer);

/**
 * Whole microseconds of CLOCK_MONOTONIC, rounded down. The kernel has one such clock: readings of
 * threads, workers and processes compare. Allocates nothing.
 */
export function monotonicUs(): number {
  must("clock_gettime", libc.clock_gettime(CLOCK_MONOTONIC, spec), "read the clock");
  // Two 32-bit halves instead of one 64-bit integer, which would be a BigInt on the heap.
  const high = view.getInt32(TIMESPEC.at.tv_sec + 4, HOST_ORDER);
  const low = view.getUint32(TIMESPEC.at.tv_sec, HOST_ORDER);
  const ns = view.getUint32(TIMESPEC.at.tv_nsec, HOST_ORDER);
  return (high * 0x1_0000_0000 + low) * 1_000_000 + Math.floor(ns / 1000);
}
