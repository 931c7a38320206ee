/** What vigie and keepalived make of configurations, each in a host of a corpus. */

import { fileURLToPath } from "node:url";
import type { Host } from "../../lib/net/topology.ts";
import type { Verdict } from "../tools/corpus_verdicts.ts";
import { CONFIG_ID, CorpusFiles } from "./corpus.ts";
import { type Effective, effectiveIn } from "./effective.ts";
import { parseDump } from "./keepalived_dump.ts";
import { KEEPALIVED } from "./keepalived.ts";
import { Process } from "./process.ts";
import { until } from "./until.ts";

const VERDICTS = fileURLToPath(new URL("../tools/corpus_verdicts.ts", import.meta.url));

/** vigie's verdicts, by path, all by one process. */
export async function vigieVerdicts(
  host: Host,
  files: CorpusFiles,
  paths: readonly string[],
): Promise<Readonly<Record<string, Verdict>>> {
  const command = [Deno.execPath(), "run", "--allow-all", VERDICTS, CONFIG_ID, ...paths];
  const { code, text, errors } = await run(host, files.around(command));
  if (code !== 0) throw new Error(`${VERDICTS} ended with ${code}:\n${errors}`);
  return JSON.parse(text);
}

/** How `keepalived -t` ends, and what it says. */
export async function keepalivedVerdict(
  host: Host,
  files: CorpusFiles,
  path: string,
): Promise<{ readonly code: number; readonly text: string }> {
  const command = ["keepalived", "--config-test", "--config-id", CONFIG_ID, "--use-file", path];
  const { code, text, errors } = await run(host, files.around(command));
  return { code, text: text + errors };
}

/** Runs keepalived until it has written down what it does; null if it refuses the file. */
export async function keepalivedValues(
  host: Host,
  files: CorpusFiles,
  path: string,
): Promise<Effective | null> {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-corpus-run-" });
  try {
    await using node = new Process(command(host, files, folder, path));
    const started = () => node.said(/Startup complete/).length > 0;
    await until(() => started() || !node.running, `keepalived to start or to refuse ${path}`);
    if (!started()) return null;
    const data = `${folder}/keepalived.data`;
    Deno.kill(Number(Deno.readTextFileSync(`${folder}/vrrp.pid`)), "SIGUSR1");
    await until(() => sizeOf(data) > 0, `keepalived to describe ${path}`);
    // It obeys one signal after the other: when it has ended, the file is complete.
    await node.stop();
    return effectiveIn(parseDump(Deno.readTextFileSync(data)));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function command(host: Host, files: CorpusFiles, folder: string, path: string) {
  const [program, ...args] = files.around([
    ...["keepalived", "--dont-fork", "--log-console", "--log-detail", "--no-syslog"],
    ...["--vrrp", "--dont-respawn", "--config-id", CONFIG_ID, "--use-file", path],
    ...["--pid", `${folder}/parent.pid`, "--vrrp_pid", `${folder}/vrrp.pid`],
  ]);
  return {
    name: `${KEEPALIVED.name} with ${path}`,
    namespace: host.namespace,
    command: program!,
    args,
    env: { TMPDIR: folder },
  };
}

async function run(host: Host, [program, ...args]: readonly string[]) {
  const { code, stdout, stderr } = await host.namespace.run(() => ({
    output: new Deno.Command(program!, {
      args,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output(),
  })).output;
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    // Not there yet.
    return 0;
  }
}
