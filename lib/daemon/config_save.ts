/** `config_save_dir`: a copy of each configuration that was loaded. Passwords are in it. */

import { inWords } from "../track/words.ts";
import type { Logger } from "./logger.ts";

/** Only the daemon's user may look, whatever the umask. */
const FOLDER_MODE = 0o700, FILE_MODE = 0o600;

/** A file system that takes longer does not hold up a reload. */
const PATIENCE_MS = 1000;

/** Saves configurations, one at a time; nothing here is ever removed. */
export class ConfigKeeper {
  readonly #log: Logger;
  #isSaving = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Saves a text as a new file of a folder, which is made if it is missing. Never rejects: what goes
   * wrong is logged. Resolves when it is there, or goes on without anybody waiting.
   *
   * @param folder Null: nothing is to be saved.
   */
  async save(folder: string | null, text: string | null): Promise<void> {
    if (folder === null || text === null) return;
    if (this.#isSaving) {
      return this.#warn(folder, "the file system has not answered since the last");
    }
    this.#isSaving = true;
    const saved = write(folder, text)
      .catch((error) => this.#warn(folder, inWords(error)))
      .finally(() => this.#isSaving = false);
    const { promise: waited, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    await Promise.race([saved, waited]);
    clearTimeout(timer);
  }

  #warn(folder: string, why: string): void {
    const text = `config_save_dir ${folder}: the configuration is not saved there: ${why}`;
    this.#log({ level: "warning", text });
  }
}

async function write(folder: string, text: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { mode: FOLDER_MODE });
    await Deno.chmod(folder, FOLDER_MODE);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  // A new file: a link that waits there is not followed.
  const path = `${folder}/${copyName(new Date(), Deno.pid)}`;
  await Deno.writeTextFile(path, text, { mode: FILE_MODE, createNew: true });
}

/** "vigie.conf.20261120T210039.123Z.4711": in the order of time, and another one for each daemon. */
export function copyName(at: Date, pid: number): string {
  return `vigie.conf.${at.toISOString().replaceAll(/[-:]/g, "")}.${pid}`;
}
