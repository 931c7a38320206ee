/** Bytes that vigie may change: backed by memory of its own, not shared. */
export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The Internet checksum (RFC 1071): one's complement of the one's complement sum of 16-bit
 * big-endian words over all chunks, each padded with a zero byte when odd.
 * Over data that holds a right checksum the answer is 0.
 */
export function internetChecksum(...chunks: readonly Uint8Array[]): number {
  let sum = 0;
  for (const chunk of chunks) {
    const even = chunk.length & ~1;
    for (let at = 0; at < even; at += 2) sum += (chunk[at]! << 8) | chunk[at + 1]!;
    if (even < chunk.length) sum += chunk[even]! << 8;
  }
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** Joins chunks into one array. */
export function concatBytes(...chunks: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Lower-case hexadecimal text of bytes, without separators. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Bytes of hexadecimal text.
 * @throws {SyntaxError} If the text is not pairs of hexadecimal digits.
 */
export function fromHex(text: string): Bytes {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) {
    throw new SyntaxError(`Cannot read hexadecimal "${text}": must be pairs of digits 0-9, a-f`);
  }
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
