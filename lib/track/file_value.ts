/** The number in a tracked file, as keepalived reads it. */

/** The C library's `isspace` in the POSIX locale, a sign, and the digits of a base. */
const NUMBER = /^[ \t\n\v\f\r]*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|([1-9][0-9]*))/i;

const INT32_MAX = 2 ** 31 - 1;

/**
 * strtol(3) with base 0: white space, a sign, then hexadecimal after 0x, octal after 0, else decimal,
 * as far as it goes; 0 for anything else. Clamped to 32 bits, which is far beyond any priority.
 */
export function fileValue(text: string): number {
  const [, sign, hexadecimal, octal, decimal] = NUMBER.exec(text) ?? [];
  const magnitude = hexadecimal !== undefined
    ? parseInt(hexadecimal, 16)
    : octal !== undefined
    ? parseInt(`0${octal}`, 8)
    : parseInt(decimal ?? "0", 10);
  const value = sign === "-" ? -magnitude : magnitude;
  return Math.max(-INT32_MAX - 1, Math.min(INT32_MAX, value)) || 0;
}
