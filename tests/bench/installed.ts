/** Programs of other people that a measurement needs. */

import { join } from "node:path";

/** Where a program is, as a shell would find it; null if it is nowhere. */
export function installed(program: string): string | null {
  const folders = (Deno.env.get("PATH") ?? "/usr/bin:/bin").split(":");
  return folders.map((folder) => join(folder, program)).find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
