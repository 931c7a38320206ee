/**
 * `deno task bench`: takeover, advert spacing, cost, start and checks of vigie and keepalived, side by
 * side in one run, in network namespaces that are made for it. Needs root, and keepalived to compare with.
 */

import { parseArgs } from "node:util";
import { measureChecks } from "./checks.ts";
import { checksText } from "./checks_text.ts";
import { cleanUp, cleanUpOnSignals } from "./cleanup.ts";
import { type Contender, keepalived, vigie } from "./contender.ts";
import { CannotMeasure } from "./daemon.ts";
import { LOAD_PLANS, measureLoad } from "./load.ts";
import {
  costText,
  type LoadRow,
  type Report,
  spacingText,
  startText,
  type TakeoverRow,
  takeoverText,
  verdictText,
} from "./report.ts";
import { measureParsing, parsingText } from "./parsing.ts";
import { inTurn, type SideBySide } from "./side_by_side.ts";
import { measureStart, START_RUNS } from "./start.ts";
import { EVENTS, measureTakeover, TAKEOVER_PLANS, type TakeoverEvent } from "./takeover.ts";
import { verdictsOf } from "./verdict.ts";

const PARTS = ["takeover", "spacing", "cost", "start", "checks", "config"] as const;
type Part = typeof PARTS[number];

const USAGE = `Usage: deno task bench [--quick] [--only ${PARTS.join("|")}]... [--json]
  --quick   few runs: a look, not a measurement
  --only    one part; may be repeated
  --json    every figure as JSON on standard output, and nothing else
Environment: VIGIE=FILE measures a built executable instead of the source.`;

interface Options {
  readonly size: "full" | "quick";
  readonly parts: ReadonlySet<Part>;
  readonly json: boolean;
}

/** @returns Null, after saying why, if the arguments make no sense. */
function readOptions(args: string[]): Options | null {
  try {
    const { values } = parseArgs({
      args,
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        json: { type: "boolean", default: false },
      },
    });
    const chosen = values.only.map((name) => {
      const part = PARTS.find((known) => known === name);
      if (part === undefined) throw new TypeError(`Unknown part "${name}"`);
      return part;
    });
    const parts = new Set(chosen.length === 0 ? PARTS : chosen);
    return { size: values.quick ? "quick" : "full", parts, json: values.json };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return null;
  }
}

type Say = (text: string) => void;

async function measureTakeovers(
  contenders: SideBySide<Contender>,
  size: Options["size"],
  progress: Say,
): Promise<TakeoverRow[]> {
  const rows: TakeoverRow[] = [];
  for (const event of Object.keys(EVENTS) as TakeoverEvent[]) {
    for (const plan of TAKEOVER_PLANS[size]) {
      const { intervalMs, runs } = plan;
      progress(`takeover after ${event} at ${intervalMs} ms, ${runs} runs each`);
      rows.push({
        event,
        intervalMs,
        takeover: await measureTakeover(contenders, event, plan),
      });
    }
  }
  return rows;
}

async function measureLoads(
  contenders: SideBySide<Contender>,
  size: Options["size"],
  progress: Say,
): Promise<LoadRow[]> {
  const rows: LoadRow[] = [];
  for (const { instances, seconds } of LOAD_PLANS[size]) {
    progress(`spacing and cost, instances: ${instances}, ${seconds} s each`);
    const load = await inTurn(contenders, (one) => measureLoad(one, instances, seconds));
    rows.push({ instances, load });
  }
  return rows;
}

/** Runs the parts in order, saying each result as soon as it is there. */
async function bench({ size, parts, json }: Options): Promise<void> {
  const contenders = { vigie: vigie(), keepalived: await keepalived() };
  const say: Say = json ? () => {} : (text) => console.log(text);
  const progress: Say = (text) => console.error(`... ${text}`);
  say(`vigie: ${contenders.vigie.description}`);
  say(
    contenders.keepalived === null
      ? "keepalived: not installed, so vigie is measured alone\n"
      : `keepalived: ${contenders.keepalived.description}\n`,
  );
  let takeover: Report["takeover"] = null, load: Report["load"] = null;
  let start: Report["start"] = null, checks: Report["checks"] = null;
  if (parts.has("takeover")) {
    takeover = await measureTakeovers(contenders, size, progress);
    say(takeoverText(takeover));
  }
  if (parts.has("spacing") || parts.has("cost")) {
    load = await measureLoads(contenders, size, progress);
    if (parts.has("spacing")) say(spacingText(load));
    if (parts.has("cost")) say(costText(load));
  }
  if (parts.has("start")) {
    progress(`start, ${START_RUNS[size]} runs each`);
    start = await measureStart(contenders, START_RUNS[size]);
    say(startText(start));
  }
  if (parts.has("checks")) {
    checks = await measureChecks(contenders, size, progress);
    say(checksText(checks));
  }
  let config: Report["config"] = null;
  if (parts.has("config")) {
    config = await measureParsing();
    say(parsingText(config));
  }
  const report: Report = { takeover, load, start, checks, config }, verdicts = verdictsOf(report);
  say(verdictText(verdicts));
  if (json) console.log(JSON.stringify({ contenders, ...report, verdicts }, null, 2));
}

/** @returns The exit code: 0 whatever the verdicts, 1 if something could not be measured. */
async function main(): Promise<number> {
  const options = readOptions(Deno.args);
  if (options === null) return 2;
  cleanUpOnSignals();
  try {
    await bench(options);
    return 0;
  } catch (error) {
    if (!(error instanceof CannotMeasure)) throw error;
    console.error(`Cannot measure: ${error.message}`);
    return 1;
  } finally {
    cleanUp();
  }
}

Deno.exit(await main());
