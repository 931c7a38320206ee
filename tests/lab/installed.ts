/** Whether a program of somebody else's is on this machine. */
export function isInstalled(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
