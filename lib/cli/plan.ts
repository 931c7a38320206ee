import { resolve } from "node:path";
import { formatProblem, isFatal } from "../../config/mod.ts";
import { planReload } from "../daemon/plan.ts";
import { planLines, planSummary } from "../daemon/plan_text.ts";
import type { ReloadAnswer } from "../daemon/reload_words.ts";
import {
  chooseConfig,
  type ConfigArguments,
  type ConfigChoice,
  loadChosen,
} from "../daemon/uci.ts";
import { askLong } from "./ask_daemon.ts";

/** Reading a file may ask name services and libraries. */
const PLAN_MS = 30_000;

/** How `vigie plan` is called. */
export interface PlanOptions extends ConfigArguments {
  /** Compares with this file instead of what the daemon runs, and asks no daemon. */
  readonly from?: string | undefined;
  readonly json: boolean;
}

/**
 * `vigie plan`: what a reload would change, and whether a virtual address would move. Changes nothing.
 *
 * @returns 0 if it could be said, 1 if not: there is no daemon, or a file that cannot be run.
 */
export async function planCommand(options: PlanOptions): Promise<number> {
  const answer = options.from === undefined
    ? await askDaemon(options)
    : await compare(options.from, options);
  if (answer === null) return 1;
  if (options.json) console.log(JSON.stringify(answer, null, 2));
  else {
    for (const problem of answer.problems) console.error(`${problem}\n`);
    if (answer.plan === undefined) console.error(answer.text);
    else console.log(planLines(answer.plan).join("\n"));
  }
  return answer.ok ? 0 : 1;
}

/** The daemon reads the file, as it would at a reload. */
async function askDaemon({ file, uci }: PlanOptions): Promise<ReloadAnswer | null> {
  const isNamed = file !== undefined || uci === true;
  const choice: ConfigChoice | null = isNamed ? absolute(chooseConfig({ file, uci })) : null;
  return await askLong({ do: "plan", choice }, PLAN_MS);
}

function absolute({ file, uci }: ConfigChoice): ConfigChoice {
  return { file: resolve(file), uci };
}

/** Two files: who is master is not known, so that every instance may be. */
async function compare(from: string, options: PlanOptions): Promise<ReloadAnswer> {
  const before = await loadChosen(chooseConfig({ file: from, uci: options.uci }), "root");
  const after = await loadChosen(chooseConfig(options), "root");
  for (const { problems: found, file } of [before, after]) {
    if (!isFatal(found)) continue;
    const problems = found.map(formatProblem);
    return { ok: false, text: `${file} cannot be run`, problems };
  }
  const plan = planReload(before.config, after.config, null);
  const problems = after.problems.map(formatProblem);
  return { ok: true, text: planSummary(plan), problems, plan };
}
