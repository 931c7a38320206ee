import { exitCode, formatProblem } from "../../config/mod.ts";
import { chooseConfig, type ConfigArguments, loadChosen } from "../daemon/uci.ts";

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
  named: ConfigArguments,
  { json, strict }: CheckOptions,
): Promise<number> {
  const { problems, config, file, enabled } = await loadChosen(chooseConfig(named), "root");
  if (json) {
    console.log(JSON.stringify(problems, null, 2));
  } else {
    for (const problem of problems) console.log(`${formatProblem(problem)}\n`);
    const count = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`;
    const instances = count(config.instances.length, "instance");
    const off = enabled ? "" : ", not enabled";
    console.log(`${file}: ${instances}, ${count(problems.length, "problem")}${off}`);
  }
  return exitCode(problems, { strict });
}
