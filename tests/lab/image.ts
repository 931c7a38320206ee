/** Executables that are vigie from its source, or pretend to be: shell scripts in a folder of theirs. */

import { VIGIE } from "./vigie.ts";

/** vigie itself. */
export const GENUINE = `exec ${[VIGIE.command, ...VIGIE.args].join(" ")} "$@"`;

/** An image that does something else for one of its commands. */
export function except(command: string, instead: string): string {
  return `if [ "$1" = ${command} ]; then ${instead}; fi\n${GENUINE}`;
}

/** A folder of executables, removed at the end. */
export class Images implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "vigie-lab-images-" });

  /** Writes an executable. @param script Of sh. */
  write(name: string, script: string): string {
    const path = this.path(name);
    Deno.writeTextFileSync(path, `#!/bin/sh\n${script}\n`);
    Deno.chmodSync(path, 0o755);
    return path;
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Whether there is such a file. */
  has(name: string): boolean {
    return this.names().includes(name);
  }

  /** The names of all files, sorted; those that begin with a dot too. */
  names(): string[] {
    return [...Deno.readDirSync(this.#folder)].map(({ name }) => name).sort();
  }

  text(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
