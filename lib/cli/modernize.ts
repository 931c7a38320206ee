/** `vigie modernize`: the same configuration with its scripts replaced by built-in checks. */

import { formatProblem, type Problem } from "../../config/mod.ts";
import { modernize, type ScriptChange } from "../../config/modernize.ts";
import { chooseConfig, type ConfigArguments } from "../daemon/uci.ts";
import { loadConfig, readConfig } from "../daemon/load.ts";

/** How `vigie modernize` answers. */
export interface ModernizeOptions {
  /** Replaces the file and keeps the old one beside it, instead of printing. */
  readonly write: boolean;
}

/** A script file that is longer does more than one test. */
const SCRIPT_BYTES_MAX = 65_536;

/**
 * Prints the new file to standard output, and what was done and why to standard error.
 *
 * @returns 0, 1 if the file cannot be read or written.
 */
export async function modernizeCommand(
  named: ConfigArguments,
  { write }: ModernizeOptions,
): Promise<number> {
  const { file, uci } = chooseConfig(named);
  if (uci) {
    console.error("vigie modernize changes files of keepalived's language, not UCI's");
    return 1;
  }
  const bytes = readConfig(file);
  if (bytes instanceof Error) {
    console.error(`Cannot read "${file}": ${bytes.message}`);
    return 1;
  }
  const before = decoded(bytes);
  if (before === null) {
    console.error(
      `"${file}" is not UTF-8, so that its comments would not be kept: convert it first, with iconv`,
    );
    return 1;
  }
  const { text, changes } = modernize(before, readScript);
  for (const change of changes) console.error(explained(file, change).join("\n"));
  if (changes.length === 0) console.error(`${file}: there is no vrrp_script`);
  if (/^\s*include[rmwba]?\s/m.test(text) && text !== before) {
    console.error(`${file}: what it includes was not looked at: uses in there of what has become`);
    console.error("  a vrrp_check must be moved from track_script to track_check by hand");
  }
  if (!write) {
    await Deno.stdout.write(new TextEncoder().encode(text));
    return 0;
  }
  return text === before ? 0 : await replace(file, text);
}

/** Bytes as text that gives the same bytes, null if there is none. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** What became of a script: a line, and one for each note. */
function explained(file: string, { name, line, command, builtIn, notes }: ScriptChange): string[] {
  const head = `${file}:${line}: vrrp_script ${name}`;
  if (builtIn === null) return [`${head} stays: ${notes.join("; ")}`];
  return [
    `${head} is now a vrrp_check: ${builtIn.kind} { ${builtIn.lines.join("; ")} }`,
    `  it asks what this command asked, without starting a program: ${command}`,
    ...notes.map((note) => `  note: ${note}`),
  ];
}

/** The text of a script; null if it is none, or too long to be one test. */
function readScript(path: string): string | null {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile || size > SCRIPT_BYTES_MAX) return null;
    const text = Deno.readTextFileSync(path);
    return text.startsWith("#!") ? text : null;
  } catch {
    // Whatever it is, it is not known here: the script stays, and the reason is told.
    return null;
  }
}

/** Puts the new text in place of the old, which stays as FILE.before-modernize. */
async function replace(named: string, text: string): Promise<number> {
  // A link stays a link.
  const file = Deno.realPathSync(named);
  const staged = `${file}.modernized`, kept = freeName(`${file}.before-modernize`);
  try {
    Deno.writeTextFileSync(staged, text, { mode: Deno.statSync(file).mode ?? 0o600 });
    const problems = await newProblems(file, staged);
    if (problems.length > 0) {
      Deno.removeSync(staged);
      console.error(`"${file}" is left as it is: the new one would be wrong`);
      for (const problem of problems) console.error(formatProblem(problem));
      return 1;
    }
    Deno.copyFileSync(file, kept);
    Deno.renameSync(staged, file);
  } catch (error) {
    console.error(`Cannot replace "${file}": ${error instanceof Error ? error.message : error}`);
    return 1;
  }
  console.error(`${file}: written; the file before is ${kept}`);
  return 0;
}

/** Errors of the new file that the old one had not. */
async function newProblems(file: string, staged: string): Promise<readonly Problem[]> {
  const words = ({ message }: Problem) =>
    message.replaceAll("_check", "_script").replaceAll(staged, file);
  const { problems: before } = await loadConfig(file, "root");
  const known = new Set(before.filter(({ severity }) => severity !== "warning").map(words));
  const { problems } = await loadConfig(staged, "root");
  return problems.filter((one) => one.severity !== "warning" && !known.has(words(one)));
}

function freeName(name: string): string {
  for (let number = 0;; number++) {
    const candidate = number === 0 ? name : `${name}.${number}`;
    try {
      Deno.lstatSync(candidate);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return candidate;
      throw error;
    }
  }
}
