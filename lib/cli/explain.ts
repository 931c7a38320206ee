/** `vigie explain`: who holds the addresses when what fails, in how long, and why. */

import { type Config, formatProblem } from "../../config/mod.ts";
import { basename } from "node:path";
import { chooseConfig, type ConfigArguments, loadChosen } from "../daemon/uci.ts";
import { loadConfig } from "../daemon/load.ts";
import { reachOf } from "./explain/advice.ts";
import { type RouterFile, virtualRouters } from "./explain/routers.ts";
import { type Story, storyOf } from "./explain/scenarios.ts";
import { storyLines } from "./explain/text.ts";

/** How `vigie explain` answers. */
export interface ExplainOptions {
  /** Configurations of the other routers. */
  readonly peer: readonly string[];
  readonly json: boolean;
}

/**
 * Prints what will happen. Changes nothing, needs no privilege and no daemon.
 *
 * @returns 0, 1 if a router would hold the addresses although it should not, 2 if a file cannot run.
 */
export async function explainCommand(
  named: ConfigArguments,
  { peer, json }: ExplainOptions,
): Promise<number> {
  const choice = chooseConfig(named);
  // Each of them may be another host's: what is missing here need not be missing there.
  const own = await loadChosen(
    { ...choice, reading: { ...choice.reading, anywhere: true } },
    "root",
  );
  const files = [own];
  for (const file of peer) {
    files.push({ ...own, ...await loadConfig(file, "root", { anywhere: true }), file });
  }
  const useless = files.find(({ config }) => config.instances.length === 0);
  if (useless !== undefined) {
    for (const problem of useless.problems) console.error(`${formatProblem(problem)}\n`);
    return 2;
  }
  const labels = labelsOf(files);
  const [first, ...others] = files.map(({ config }, at): RouterFile => ({
    label: labels[at]!,
    config,
  }));
  const stories = virtualRouters([first!, ...others]).map(storyOf);
  if (json) console.log(JSON.stringify(stories.map(plain), null, 2));
  else {
    for (const story of stories) {
      console.log(storyLines(story, reachOf(story.router.members[0])).join("\n"));
      console.log("");
    }
  }
  const isWrong = stories.some(({ scenarios }) => scenarios.some((one) => one.isWrong));
  return isWrong ? 1 : 0;
}

/** The router_id of each, if that tells them apart, else the file's name, else its path. */
function labelsOf(files: readonly { readonly file: string; readonly config: Config }[]) {
  const kinds = [
    files.map(({ config }) => config.global.routerId),
    files.map(({ file }) => basename(file)),
    files.map(({ file }) => file),
  ];
  const usable = kinds.find((names) =>
    !names.includes(null) && new Set(names).size === names.length
  );
  return (usable ?? files.map((_, at) => `router ${at + 1}`)) as readonly string[];
}

/** A story as data. */
function plain({ router, usual, scenarios }: Story) {
  return {
    instance: router.members[0].instance.name,
    vrid: router.vrid,
    family: router.family,
    usualHolder: usual?.label ?? null,
    peerPriorities: router.members.length === 1 ? reachOf(router.members[0]) : undefined,
    scenarios: scenarios.map(({ event, candidates, outcome, noticedUs, isWrong, mended }) => ({
      event,
      routers: candidates.map(({ member, standing, isGone }) => ({
        router: member.label,
        priority: isGone ? null : standing.priority,
        faults: isGone ? ["gone"] : standing.faults.map(({ detail }) => detail),
      })),
      holder: outcome.holder?.label ?? null,
      noticedUs,
      tookUs: outcome.tookUs,
      formula: outcome.formula,
      why: outcome.why,
      isWrong,
      afterwards: { holder: mended.holder?.label ?? null, tookUs: mended.tookUs, why: mended.why },
    })),
  };
}
