import { exitCode, formatProblem } from "../../config/mod.ts";
import { configFile, loadConfig } from "../daemon/load.ts";

/** How `vigie check` answers. */
export interface CheckOptions {
  /** Problems as a JSON array instead of text. */
  readonly json: boolean;
  /** Warnings count as errors. */
  readonly strict: boolean;
}

/**
 * `vigie check`: prints what is wrong with a configuration. Changes nothing, needs no privilege.
 *
 * @returns 0 if there are at most warnings, 1 if there are errors.
 */
export async function checkCommand(
  file: string | undefined,
  { json, strict }: CheckOptions,
): Promise<number> {
  const path = configFile(file);
  const { problems, config } = await loadConfig(path, "root");
  if (json) {
    console.log(JSON.stringify(problems, null, 2));
  } else {
    for (const problem of problems) console.log(`${formatProblem(problem)}\n`);
    const count = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`;
    const instances = count(config.instances.length, "instance");
    console.log(`${path}: ${instances}, ${count(problems.length, "problem")}`);
  }
  return exitCode(problems, { strict });
}
