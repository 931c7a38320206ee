import type { AboutDaemon } from "../daemon/handover_words.ts";
import { noteReplacement } from "../daemon/install/install.ts";
import { aboutDaemon, askHandover } from "./ask_daemon.ts";
import type { Replaced } from "../engine/handover_state.ts";
import {
  BadUpgrade,
  DEFAULT_KEY_FILE,
  fetchBytes,
  isSigned,
  lockUpgrade,
  parseKey,
  parseSignature,
  parseSum,
  removeIfThere,
  replace,
  sha256,
  stage,
  takeBack,
} from "./upgrade_file.ts";

/** How `vigie upgrade` is called. */
export interface UpgradeOptions {
  readonly sha256?: string | undefined;
  readonly key?: string | undefined;
  readonly executable?: string | undefined;
}

/** How long the new file may take to say its version, and to check a configuration. */
const TRIAL_MS = 30_000;

/**
 * `vigie upgrade FILE`: verifies a new executable, puts it in the place of the one that the daemon
 * runs and has the daemon hand over to it. Whatever goes wrong, the old one runs and has its name.
 *
 * @returns 0 if the new one runs, 1 if the old one does.
 */
export async function upgradeCommand(source: string, options: UpgradeOptions): Promise<number> {
  try {
    return await upgrade(source, options);
  } catch (error) {
    if (!(error instanceof BadUpgrade) && !(error instanceof Error)) throw error;
    console.error(error.message);
    return 1;
  }
}

async function upgrade(source: string, options: UpgradeOptions): Promise<number> {
  const about = await aboutDaemon();
  if (about === null) return 1;
  const executable = executableOf(about, options);
  using lock = lockUpgrade(executable);
  const bytes = await fetchBytes(source);
  if (bytes === null) throw new BadUpgrade(`There is no ${source}`);
  await verifySum(bytes, source, options.sha256);
  await verifySignature(bytes, source, options.key);
  const staged = stage(bytes, executable);
  let replaced: Replaced;
  try {
    lock.extendTo(staged);
    await tryOut(staged, about);
    replaced = replace(staged, executable);
  } catch (error) {
    removeIfThere(staged);
    throw error;
  }
  console.log(`${executable} is replaced; what it was is ${replaced.kept}`);
  return await handOver(executable, replaced);
}

/** The file has its new content; it keeps it only if the daemon goes on with it. */
async function handOver(executable: string, replaced: Replaced): Promise<number> {
  let end: Awaited<ReturnType<typeof askHandover>> = null, why = "the hand-over failed";
  try {
    end = await askHandover({ executable, replaced });
  } catch (error) {
    why = `the hand-over failed: ${(error as Error).message}`;
  }
  if (!end?.ok) {
    takeBack(replaced);
    throw new BadUpgrade(`${executable} is what it was: ${end?.text ?? why}`);
  }
  console.log(`${end.text} (process ${end.pid})`);
  try {
    await noteReplacement("", executable);
  } catch (error) {
    const text = (error as Error).message;
    console.error(`The upgrade is done, but could not be noted for "vigie uninstall": ${text}`);
  }
  return 0;
}

function executableOf(about: AboutDaemon, { executable }: UpgradeOptions): string {
  if (executable !== undefined) return Deno.realPathSync(executable);
  if (about.isPacked) return about.executable;
  const text = `The daemon runs from its source by ${about.executable}: change the source and ` +
    `use "vigie restart", or name the file to replace by --executable`;
  throw new BadUpgrade(text);
}

async function verifySum(
  bytes: Uint8Array,
  source: string,
  wanted: string | undefined,
): Promise<void> {
  const found = sha256(bytes);
  if (wanted !== undefined) {
    if (found === wanted.toLowerCase()) return;
    throw new BadUpgrade(`The SHA-256 of ${source} is ${found}, not ${wanted}`);
  }
  const file = await fetchBytes(`${source}.sha256`);
  if (file === null) return;
  const sum = parseSum(new TextDecoder().decode(file));
  if (sum === null) throw new BadUpgrade(`${source}.sha256 holds no SHA-256`);
  if (sum !== found) {
    throw new BadUpgrade(
      `The SHA-256 of ${source} is ${found}, not ${sum} as ${source}.sha256 says`,
    );
  }
}

/** With a key, an upgrade without a good signature is none. */
async function verifySignature(
  bytes: Uint8Array<ArrayBuffer>,
  source: string,
  named: string | undefined,
): Promise<void> {
  const text = await keyText(named);
  if (text === null) return;
  const key = parseKey(text);
  const file = await fetchBytes(`${source}.sig`);
  if (file === null) {
    throw new BadUpgrade(`There is no signature ${source}.sig, which the key asks for`);
  }
  if (await isSigned(bytes, parseSignature(file), key)) return;
  throw new BadUpgrade(`The signature ${source}.sig is not of this file, or of another key`);
}

async function keyText(named: string | undefined): Promise<string | null> {
  const file = await fetchBytes(named ?? DEFAULT_KEY_FILE);
  if (file !== null) return new TextDecoder("latin1").decode(file);
  return named ?? null;
}

/** The file runs here, and has nothing against the configuration. */
async function tryOut(staged: string, { source: { file, uci } }: AboutDaemon): Promise<void> {
  const version = await run(staged, ["version"]);
  const said = version.text.trim().split("\n")[0] ?? "";
  if (version.code !== 0 || !/^vigie \d/.test(said)) {
    throw new BadUpgrade(`The new file does not run here as vigie: ${version.text.trim()}`);
  }
  console.log(`The new file is ${said}`);
  const checked = await run(staged, ["check", ...uci ? ["--uci"] : [], "-f", file, "--json"]);
  const fatal = fatalProblems(checked.text);
  if (fatal === null) throw new BadUpgrade(`It cannot check ${file}: ${checked.text.trim()}`);
  if (fatal.length > 0) throw new BadUpgrade(`It cannot run ${file}: ${fatal.join("; ")}`);
}

/** Errors alone do not keep a daemon from running; null if the answer is none. */
function fatalProblems(json: string): string[] | null {
  try {
    const problems = JSON.parse(json) as { severity: string; message: string }[];
    return problems.filter(({ severity }) => severity === "fatal").map(({ message }) => message);
  } catch {
    return null;
  }
}

async function run(command: string, args: readonly string[]) {
  try {
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(TRIAL_MS),
    }).output();
    const out = new TextDecoder().decode(stdout);
    return { code, text: out === "" ? new TextDecoder().decode(stderr) : out };
  } catch (error) {
    return { code: -1, text: (error as Error).message };
  }
}
