/** Who holds the addresses after something has failed, how, and how long it takes. */

import type { VrrpInstance } from "../../../config/mod.ts";
import { compareIp } from "../../core/address.ts";
import { after, formatMicros, type Micros, micros } from "../../core/time.ts";
import type { Standing } from "../../vrrp/priority.ts";
import { masterDownInterval, skewTime } from "../../vrrp/timers.ts";
import { OWNER_PRIORITY } from "../../vrrp/types.ts";
import type { Member } from "./routers.ts";

/** A member and what it is worth now. */
export interface Candidate {
  readonly member: Member;
  readonly standing: Standing;
  /** Its priority for each virtual router of its sync group; of this one alone without a group. */
  readonly bids: ReadonlyMap<string, number>;
  /** Not there at all: stopped, or cut off. */
  readonly isGone?: boolean;
}

/** How a holder loses what it holds. */
export type Loss = "resigns" | "is outbid" | "falls silent";

/** Who holds the addresses afterwards. */
export interface Outcome {
  /** Null: nobody can. */
  readonly holder: Member | null;
  /** From the event to the new holder's advert, at least and at most; null if nobody changes. */
  readonly tookUs: readonly [Micros, Micros] | null;
  /** How the time comes about: "skew (256 - 90)/256 x 1 s". */
  readonly formula: string;
  /** Why this one, in words. */
  readonly why: string;
}

/** Who is master when everything is well and has been for long: the highest priority. */
export function usualHolder(candidates: readonly Candidate[]): Member | null {
  return highest(candidates.filter(isFit))?.member ?? null;
}

/** What happens when `holder` is master and the candidates become these. */
export function elect(holder: Member | null, candidates: readonly Candidate[]): Outcome {
  const fit = candidates.filter(isFit);
  const incumbent = candidates.find(({ member }) => member === holder);
  if (incumbent === undefined || !isFit(incumbent)) {
    const next = highest(fit);
    const loss: Loss = incumbent?.isGone === true ? "falls silent" : "resigns";
    if (next === null) return { holder: null, tookUs: null, formula: "", why: "nobody is fit" };
    if (incumbent === undefined) return stays(next.member, "it is the only one that is fit");
    return takeover(next, incumbent, loss);
  }
  const rivals = fit.filter(({ member, standing }) =>
    member !== holder && standing.priority > incumbent.standing.priority
  );
  const willing = rivals.filter((rival) => preempts(rival));
  const challenger = highest(willing.filter((rival) => outbids(rival, incumbent)));
  if (challenger !== null) return takeover(challenger, incumbent, "is outbid");
  if (rivals.length > 0) {
    const names = rivals.map(({ member }) => member.label).join(", ");
    const but = willing.length > 0
      ? "is higher here, but not for the whole sync group, which moves together"
      : "would be higher, but nopreempt waits for a silence";
    return stays(incumbent.member, `${names} ${but}`);
  }
  return stays(incumbent.member, "nobody is higher");
}

function isFit({ standing, isGone }: Candidate): boolean {
  return isGone !== true && standing.faults.length === 0;
}

/** A member of a sync group takes over when all members can. */
function outbids({ bids }: Candidate, incumbent: Candidate): boolean {
  return [...bids].every(([key, priority]) => priority > (incumbent.bids.get(key) ?? 0));
}

/** The member of its sync group that waits longest decides when all of them move. */
function lowestBid({ bids, standing }: Candidate): number {
  return Math.min(standing.priority, ...bids.values());
}

function preempts({ member, standing }: Candidate): boolean {
  return member.instance.preempt || standing.priority === OWNER_PRIORITY;
}

function stays(holder: Member, why: string): Outcome {
  return { holder, tookUs: null, formula: "", why };
}

/** The highest priority; between equal ones the higher source address, where both are known. */
function highest(candidates: readonly Candidate[]): Candidate | null {
  return [...candidates].sort((a, b) => lowestBid(b) - lowestBid(a) || byAddress(b, a))[0] ?? null;
}

function byAddress(a: Candidate, b: Candidate): number {
  const [one, other] = [a, b].map(({ member }) => member.instance.sourceAddress);
  return one && other ? compareIp(one, other) : 0;
}

function takeover(next: Candidate, before: Candidate, loss: Loss): Outcome {
  const { instance } = next.member, priority = lowestBid(next);
  const intervalUs = masterInterval(instance, before.member.instance);
  const skewUs = skewTime(instance.version, priority, intervalUs);
  const unit = instance.version === 3 ? formatMicros(intervalUs) : "1 s";
  const skew = `(256 - ${priority})/256 x ${unit}`;
  const who = before.member.label;
  if (loss === "resigns") {
    return {
      holder: next.member,
      tookUs: [skewUs, skewUs],
      formula: `skew ${skew}`,
      why: `${who} resigns (priority 0), ${next.member.label} is the highest that is fit`,
    };
  }
  const adverts = instance.protocol.downTimerAdverts;
  const mostUs = masterDownInterval(instance.version, priority, intervalUs, adverts);
  const leastUs = micros(mostUs - intervalUs);
  const formula = `${adverts} x ${formatMicros(intervalUs)} + ${skew}`;
  if (loss === "falls silent") {
    const why = `${who} is silent, ${next.member.label} is the highest that is fit`;
    return { holder: next.member, tookUs: [leastUs, mostUs], formula, why };
  }
  const { preemptDelayUs } = instance;
  const delay = preemptDelayUs > 0 ? `preempt_delay ${formatMicros(preemptDelayUs)} + ` : "";
  return {
    holder: next.member,
    tookUs: [after(leastUs, preemptDelayUs), after(mostUs, preemptDelayUs)],
    formula: `${delay}${formula}`,
    why:
      `${next.member.label} has ${next.standing.priority}, ${who} only ${before.standing.priority}`,
  };
}

/** Version 3 learns the master's interval, version 2 has its own. */
function masterInterval(backup: VrrpInstance, master: VrrpInstance): Micros {
  return backup.version === 3 ? master.advertIntervalUs : backup.advertIntervalUs;
}
