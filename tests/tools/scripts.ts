/** Folders of scripts for tests, and tests that only root can make. */

/** A temporary folder. Modes are set as given, whatever the umask is. */
export class Folder {
  constructor(readonly path: string) {}

  /** Writes a file. @returns Its path. */
  file(name: string, text: string, mode = 0o644): string {
    const path = `${this.path}/${name}`;
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, mode);
    return path;
  }

  /** Writes a script for /bin/sh. @returns Its path. */
  script(name: string, body: string, mode = 0o755): string {
    return this.file(name, `#!/bin/sh\n${body}\n`, mode);
  }

  /** Makes a folder in this one. */
  folder(name: string, mode = 0o755): Folder {
    const path = `${this.path}/${name}`;
    Deno.mkdirSync(path);
    Deno.chmodSync(path, mode);
    return new Folder(path);
  }
}

/** Calls with a folder that all may enter, without links in its path; it is removed afterwards. */
export async function inFolder(body: (folder: Folder) => Promise<void> | void): Promise<void> {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "vigie-test-" }));
  try {
    Deno.chmodSync(path, 0o755);
    await body(new Folder(path));
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

/** Makes a FIFO. @returns Its path. */
export function makeFifo(path: string, mode = 0o644): string {
  const args = ["-m", mode.toString(8), path];
  const { success } = new Deno.Command("mkfifo", { args }).outputSync();
  if (!success) throw new Error(`Cannot make the FIFO ${path}`);
  return path;
}

/** A test that takes root; for others it is skipped, and its name says so. */
export function rootTest(name: string, body: () => Promise<void> | void): void {
  const ignore = Deno.uid() !== 0;
  Deno.test({ name: ignore ? `${name} (skipped: needs root)` : name, ignore, fn: body });
}
