/** Under which name this program was started. */

/** The name by which it behaves as keepalived does; as a process it bears it too. */
export const KEEPALIVED = "keepalived";

/**
 * Whether this program was started under the name of keepalived, also by way of a link.
 *
 * @param words The words of the command line, the program's own name first.
 */
export function isCalledKeepalived([name = ""]: readonly string[]): boolean {
  return name.split("/").at(-1) === KEEPALIVED;
}

/** The words that this process was started with; none where there is no /proc. */
export function commandWords(): readonly string[] {
  try {
    return Deno.readTextFileSync("/proc/self/cmdline").split("\0");
  } catch {
    return [];
  }
}
