import { basename } from "node:path";
import {
  type Config,
  exitCode,
  formatProblem,
  type Position,
  type Problem,
} from "../../config/mod.ts";
import { loadConfig, readConfig } from "../daemon/load.ts";
import { chooseConfig, type ConfigArguments, loadChosen } from "../daemon/uci.ts";
import type { RouterFile } from "./explain/routers.ts";

/** How `vigie check` answers. */
export interface CheckOptions {
  /** Problems as a JSON array instead of text. */
  readonly json: boolean;
  /** Warnings count as errors. */
  readonly strict: boolean;
  /** Configurations of the other routers, to find weights that do not reach them. */
  readonly peer: readonly string[];
}

/**
 * `vigie check`: prints what is wrong with a configuration. Changes nothing, needs no privilege.
 *
 * @returns 0 if there are at most warnings, 1 if there are errors.
 */
export async function checkCommand(
  named: ConfigArguments,
  { json, strict, peer }: CheckOptions,
): Promise<number> {
  const { config, file, enabled, ...loaded } = await loadChosen(chooseConfig(named), "root");
  const problems = [...loaded.problems, ...await peerProblems(config, peer)];
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

async function peerProblems(own: Config, peers: readonly string[]): Promise<readonly Problem[]> {
  if (peers.length === 0) return [];
  const { peerFindings } = await import("./explain/findings.ts");
  const files: [RouterFile, ...RouterFile[]] = [{ label: "this router", config: own }];
  for (const file of peers) {
    const { config, problems } = await loadConfig(file, "root", { anywhere: true });
    if (config.instances.length === 0) return problems;
    files.push({ label: config.global.routerId ?? basename(file), config });
  }
  return peerFindings(files).map((finding) => ({ ...finding, line: lineAt(finding.position) }));
}

/** The line of a file that can be read, which it was a moment ago; empty otherwise. */
function lineAt({ file, line }: Position): string {
  const text = readConfig(file);
  if (text instanceof Error) return "";
  return new TextDecoder().decode(text).split("\n")[line - 1] ?? "";
}
