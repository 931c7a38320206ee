/** What may happen to the routers of a virtual router: every combination that makes a difference. */

import type { Config } from "../../../config/mod.ts";
import { type Micros, micros } from "../../core/time.ts";
import { type Candidate, elect, type Outcome, usualHolder } from "./election.ts";
import type { Member, VirtualRouter } from "./routers.ts";
import { bidsOf, standingWith, trackersOf } from "./standing.ts";

/** Up to so many trackers of one router are combined in every way; of more, one by one and all. */
const COMBINED_MAX = 4;

/** One line of the table. */
export interface Scenario {
  /** What has happened, in words. */
  readonly event: string;
  /** What has failed, by router. */
  readonly failed: ReadonlyMap<Member, ReadonlySet<string>>;
  readonly candidates: readonly Candidate[];
  readonly outcome: Outcome;
  /** What happens when all is well again. */
  readonly mended: Outcome;
  /** How long it may take until the failure is known; null where there is nothing to find out. */
  readonly noticedUs: Micros | null;
  /** A router with a failure holds the addresses although one without any is there. */
  readonly isWrong: boolean;
}

/** What is said of a virtual router. */
export interface Story {
  readonly router: VirtualRouter;
  /** Who is master while all is well. */
  readonly usual: Member | null;
  readonly scenarios: readonly Scenario[];
}

/** Everything that may happen to a virtual router, from when all is well. */
export function storyOf(router: VirtualRouter): Story {
  const well = candidatesOf(router, NOTHING);
  const usual = usualHolder(well);
  const scenarios = [
    ...router.members.flatMap((member, at) => failures(router, member, at === 0, usual)),
    ...common(router, usual),
    ...absences(router, usual),
  ];
  const first: Scenario = {
    event: "all is well",
    failed: NOTHING,
    candidates: well,
    outcome: {
      holder: usual,
      tookUs: null,
      formula: "",
      why: usual === null ? "nobody is fit" : "the highest priority",
    },
    noticedUs: null,
    isWrong: false,
    mended: elect(usual, well),
  };
  return { router, usual, scenarios: [first, ...scenarios] };
}

type Failed = Scenario["failed"];

const NOTHING: Failed = new Map();

function candidatesOf({ members }: VirtualRouter, failed: Failed): readonly Candidate[] {
  return members.map((member) => {
    const set = failed.get(member) ?? new Set<string>();
    return { member, standing: standingWith(member, set), bids: bidsOf(member, set) };
  });
}

/** Failures of one router: in every combination for the first, one by one for the others. */
function failures(
  router: VirtualRouter,
  member: Member,
  isFirst: boolean,
  usual: Member | null,
): readonly Scenario[] {
  const trackers = trackersOf(member);
  const sets = isFirst ? combinations(trackers) : trackers.map((tracker) => [tracker]);
  return sets.filter((set) => set.length === 1 || addsSomething(member, set)).map((set) =>
    scenario(router, new Map([[member, new Set(set)]]), usual)
  );
}

function combinations(trackers: readonly string[]): readonly string[][] {
  const singles = trackers.map((tracker) => [tracker]);
  if (trackers.length < 2) return singles;
  if (trackers.length > COMBINED_MAX) return [...singles, [...trackers]];
  const all: string[][] = [];
  for (let bits = 1; bits < 1 << trackers.length; bits++) {
    all.push(trackers.filter((_, at) => (bits >> at) & 1));
  }
  return all.sort((a, b) => a.length - b.length);
}

/** Whether several failures together mean more than one of them alone does already. */
function addsSomething(member: Member, set: readonly string[]): boolean {
  return !set.some((tracker) => standingWith(member, new Set([tracker])).faults.length > 0);
}

/** What every router tracks fails on all of them, as a database that they share does. */
function common(router: VirtualRouter, usual: Member | null): readonly Scenario[] {
  const [first, ...others] = router.members;
  if (others.length === 0) return [];
  return trackersOf(first)
    .filter((tracker) => others.every((member) => trackersOf(member).includes(tracker)))
    .map((tracker) =>
      scenario(
        router,
        new Map(router.members.map((member) => [member, new Set([tracker])])),
        usual,
      )
    );
}

/** The usual master is stopped, or is not there any more. */
function absences(router: VirtualRouter, usual: Member | null): readonly Scenario[] {
  if (usual === null || router.members.length < 2) return [];
  const well = candidatesOf(router, NOTHING);
  const stopped = well.map((one) =>
    one.member === usual
      ? {
        ...one,
        standing: {
          ...one.standing,
          faults: [{ reason: "interface_down", detail: "stopped" } as const],
        },
      }
      : one
  );
  const gone = well.map((one) => one.member === usual ? { ...one, isGone: true } : one);
  const event = (what: string) => `${usual.label} ${what}`;
  return [
    {
      event: event("is stopped"),
      failed: NOTHING,
      candidates: stopped.map((one) => one.member === usual ? { ...one, isGone: true } : one),
      outcome: elect(usual, stopped),
      mended: comeback(elect(usual, stopped), well),
      noticedUs: null,
      isWrong: false,
    },
    {
      event: event("crashes or is cut off"),
      failed: NOTHING,
      candidates: gone,
      outcome: elect(usual, gone),
      mended: comeback(elect(usual, gone), well),
      noticedUs: null,
      isWrong: false,
    },
  ];
}

function scenario(router: VirtualRouter, failed: Failed, usual: Member | null): Scenario {
  const candidates = candidatesOf(router, failed);
  const outcome = elect(usual, candidates);
  const isWhole = ({ member, standing }: Candidate) =>
    (failed.get(member)?.size ?? 0) === 0 && standing.faults.length === 0;
  const { holder } = outcome;
  const isHeldBadly = holder !== null && (failed.get(holder)?.size ?? 0) > 0;
  return {
    event: eventText(router, failed),
    failed,
    candidates,
    outcome,
    noticedUs: noticed(failed),
    isWrong: isHeldBadly && candidates.some(isWhole),
    mended: comeback(outcome, candidatesOf(router, NOTHING)),
  };
}

/** All is well again, and whoever holds the addresses meanwhile is there. */
function comeback({ holder }: Outcome, well: readonly Candidate[]): Outcome {
  if (holder !== null) return elect(holder, well);
  const next = usualHolder(well);
  return { holder: next, tookUs: null, formula: "", why: "nobody holds them meanwhile" };
}

function eventText(router: VirtualRouter, failed: Failed): string {
  const isAlone = router.members.length === 1;
  const [first] = failed;
  if (failed.size > 1) return `${[...first![1]].join(", ")} on all routers`;
  return [...failed].map(([member, trackers]) =>
    isAlone ? [...trackers].join(", ") : `${member.label}: ${[...trackers].join(", ")}`
  ).join("; ");
}

/** The longest that it takes to find out about any of the failures. */
function noticed(failed: Failed): Micros {
  const times = [...failed].flatMap(([{ config }, trackers]) =>
    [...trackers].map((tracker) => detectionUs(config, tracker))
  );
  return micros(Math.max(0, ...times));
}

/** vigie looks at tracked files so often. */
const FILE_POLL_US = 200_000;

/** A check fails at its next turns, the last of which may take its whole timeout. */
function detectionUs(config: Config, tracker: string): number {
  const check = config.checks.find(({ spec }) => spec.tracker === tracker);
  if (check !== undefined) {
    const { intervalUs, timeoutUs, fall, probe } = check.spec;
    if (probe.kind === "process") return probe.terminateDelayUs;
    return intervalUs * fall + timeoutUs;
  }
  const process = config.trackProcesses.find(({ name }) => `process ${name}` === tracker);
  if (process !== undefined) return process.probe.terminateDelayUs;
  const delay = config.linkDelays.find((link) => `interface ${link.interface}` === tracker);
  if (delay !== undefined) return delay.downUs;
  return tracker.startsWith("file ") ? FILE_POLL_US : 0;
}
