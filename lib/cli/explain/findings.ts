/** What a router's configuration cannot do with these peers, as problems of its file. */

import type { Finding, Position } from "../../../config/mod.ts";
import { type Member, type RouterFile, virtualRouters } from "./routers.ts";
import { type Scenario, storyOf } from "./scenarios.ts";
import { trackerOf } from "./standing.ts";

/**
 * One finding for each failure of the first router that leaves the addresses with it although a peer
 * has no failure: where the tracker is used, with what happens then.
 */
export function peerFindings(files: readonly [RouterFile, ...RouterFile[]]): readonly Finding[] {
  return virtualRouters(files).flatMap((router) => {
    const { members: [own] } = router;
    const places = new Map(own.instance.tracks.map((track) => [trackerOf(track), track.position]));
    return storyOf(router).scenarios.flatMap((scenario) => {
      const [tracker, ...others] = scenario.failed.get(own) ?? [];
      const isOurs = scenario.isWrong && scenario.outcome.holder === own;
      if (!isOurs || tracker === undefined || others.length > 0) return [];
      return [finding(tracker, own, scenario, places.get(tracker) ?? own.instance.position)];
    });
  });
}

function finding(tracker: string, own: Member, scenario: Scenario, position: Position): Finding {
  const { candidates, outcome } = scenario;
  const worth = candidates.map(({ member, standing }) =>
    `${member === own ? "its priority is" : `${member.label} has`} ${standing.priority}`
  );
  return {
    severity: "warning",
    position,
    message: `(${own.instance.name}) The failure of ${tracker} leaves the addresses with this ` +
      `router: ${worth.join(", ")}; ${outcome.why}`,
    remedy: /nopreempt/.test(outcome.why)
      ? "Delete nopreempt on the peer, or write weight 0: a failure is FAULT then"
      : "Write a weight that is greater than the gap to the peer, or weight 0: a failure is FAULT",
  };
}
