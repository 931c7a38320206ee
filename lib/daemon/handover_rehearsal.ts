/** The rehearsal of a hand-over: a new image shows, in a process of its own, that it could go on. */

import { formatProblem, isFatal } from "../../config/mod.ts";
import { leavingInstances, STATE_FORMAT } from "../engine/handover_state.ts";
import { isInNamespace } from "../net/enter_namespace.ts";
import { missingCapabilities } from "../net/host.ts";
import { type RehearsalReport, type RehearsalScript, REHEARSE_COMMAND } from "./handover_words.ts";
import { engineParts } from "./spec.ts";
import { loadChosen } from "./uci.ts";

/** A rehearsal takes a fraction of a second; an image that takes longer hangs. */
const REHEARSAL_MS = 15_000;

/** How long an engine thread may take to load. */
const WORKER_MS = 10_000;

/** The new image's part: reads the script from standard input, reports on standard output. */
export async function rehearse(module: string, version: string): Promise<number> {
  const text = await new Response(Deno.stdin.readable).text();
  const report = await perform(JSON.parse(text) as RehearsalScript, module, version)
    .catch((error): RehearsalReport => failure(version, `${error}`));
  console.log(JSON.stringify(report));
  return report.ok ? 0 : 1;
}

async function perform(
  script: RehearsalScript,
  module: string,
  version: string,
): Promise<RehearsalReport> {
  if (script.format !== STATE_FORMAT) {
    const text = `version ${script.format} of the state, it understands version ${STATE_FORMAT}`;
    return { ...failure(version, text), isForeign: true };
  }
  const { source } = script, loaded = await loadChosen(source, "this process");
  const { netNamespace } = loaded.config.global.root;
  if (
    netNamespace !== null && !source.reading?.stays && isInNamespace(netNamespace.name) === false
  ) {
    const text = `it stays in its network namespace, and net_namespace is "${netNamespace.name}" ` +
      "now: stop vigie and start it again";
    return failure(version, text);
  }
  const fatal = loaded.problems.filter((problem) => isFatal([problem]));
  if (!loaded.readable || fatal.length > 0) {
    const why = (loaded.readable ? fatal : loaded.problems).map((problem) =>
      formatProblem(problem)
    );
    return failure(version, `it cannot run the configuration:\n${why.join("\n")}`);
  }
  if (!loaded.enabled) return failure(version, `${loaded.file} says that vigie is not to run`);
  const [missing] = missingCapabilities();
  if (missing !== undefined) return failure(version, `it lacks the capability ${missing.name}`);
  await loadEngine(module);
  const { instances } = engineParts(loaded.config, script.allowRealtime);
  const leaving = leavingInstances(script.engine, instances);
  return { ok: true, isForeign: false, text: "it can go on", version, leaving };
}

/** The thread that matters most must load, too. */
async function loadEngine(module: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(module, { type: "module", name: "engine" });
  worker.onmessage = () => resolve();
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  const late = setTimeout(() => reject(new Error("the engine thread does not load")), WORKER_MS);
  try {
    await promise;
  } finally {
    clearTimeout(late);
    worker.terminate();
  }
}

function failure(version: string, text: string): RehearsalReport {
  return { ok: false, isForeign: false, text, version, leaving: [] };
}

/** The old image's part. @param before Arguments of the executable before vigie's own. Never rejects. */
export async function holdRehearsal(
  executable: string,
  before: readonly string[],
  script: RehearsalScript,
): Promise<RehearsalReport> {
  const unknown = "of unknown version";
  try {
    const child = new Deno.Command(executable, {
      args: [...before, REHEARSE_COMMAND],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const late = setTimeout(() => killIfThere(child), REHEARSAL_MS);
    const writer = child.stdin.getWriter();
    // One that ends without reading is heard of by its output.
    const written = writer.write(new TextEncoder().encode(JSON.stringify(script)))
      .then(() => writer.close()).catch(() => {});
    const { stdout, stderr, code, signal } = await child.output();
    clearTimeout(late);
    await written;
    const report = parseReport(new TextDecoder().decode(stdout));
    if (report !== null) return report;
    const said = new TextDecoder().decode(stderr).trim().split("\n").slice(-5).join("\n");
    const how = signal === null ? `it ended with status ${code}` : `it did not end (${signal})`;
    return failure(unknown, said === "" ? how : `${how}:\n${said}`);
  } catch (error) {
    return failure(unknown, error instanceof Error ? error.message : `${error}`);
  }
}

/** The last line: an image may have something to say before. */
function parseReport(text: string): RehearsalReport | null {
  try {
    const report = JSON.parse(text.trim().split("\n").at(-1) ?? "") as RehearsalReport;
    return typeof report.ok === "boolean" && Array.isArray(report.leaving) ? report : null;
  } catch {
    return null;
  }
}

function killIfThere(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has just ended.
  }
}
