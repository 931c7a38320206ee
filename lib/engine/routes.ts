/** Routes and rules of a master: made after its addresses, kept, and taken away before them. */

import { SysError } from "../../ffi/errno.ts";
import { RTMSG } from "../../ffi/layout.ts";
import { type NetlinkReceived, NLM_F, RTM } from "../../ffi/netlink.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { KEEPALIVED_PROTOCOL, type RouteEntry, type RuleEntry } from "../core/route_entry.ts";
import type { Micros } from "../core/time.ts";
import type { EntryOutcome, EntryOwner } from "../net/entries.ts";
import type { HostTable } from "../net/links.ts";
import { createRouteOwner, type PlacedRoute, placeRoutes, type RouteOwner } from "../net/routes.ts";
import { createRuleOwner, type RuleOwner } from "../net/rules.ts";
import { type Emitter, say, sayOnce, type Speaker } from "./say.ts";

/** What is in the kernel for one user, for another image of this daemon. */
export interface RoutingState {
  readonly routes: readonly PlacedRoute[];
  readonly rules: readonly RuleEntry[];
}

/** The routes and rules that somebody is to have. */
export interface Wanted {
  readonly routes: readonly RouteEntry[];
  readonly rules: readonly RuleEntry[];
}

/** What entries are made with. */
export interface RoutingTools extends Emitter {
  readonly table: Pick<HostTable, "byName">;
  readonly routing: Routing;
}

/** Duplicates that a predecessor may have appended to one prefix. */
const LEFTOVERS_MAX = 64;

/** RT_SCOPE_NOWHERE of linux/rtnetlink.h: a request to delete that does not care. */
const ANY_SCOPE = 255;

/** All routes and rules that vigie has made, by whom they are for. */
export class Routing {
  readonly routes: RouteOwner;
  readonly rules: RuleOwner;
  readonly #port: number;
  /** The lines of what users lack, which another route may bring within reach. */
  readonly #lacking = new Map<string, ReadonlySet<string>>();

  constructor(requests: NetlinkSocket) {
    this.#port = requests.port;
    this.routes = createRouteOwner(requests);
    this.rules = createRuleOwner(requests);
  }

  /** How many routes and rules a user has. */
  count(user: string): number {
    return this.routes.count(user) + this.rules.count(user);
  }

  /** What a user has, for another image of this daemon. */
  capture(user: string): RoutingState {
    return { routes: this.routes.owned(user), rules: this.rules.owned(user) };
  }

  /** Makes known what another image of this daemon had made for a user. */
  restore(user: string, state: Partial<RoutingState> | undefined): void {
    this.routes.restore(user, state?.routes ?? []);
    this.rules.restore(user, state?.rules ?? []);
  }

  /** Users have other names from now on. */
  rename(names: ReadonlyMap<string, string>): void {
    this.routes.rename(names);
    this.rules.rename(names);
    const lacking = [...this.#lacking];
    this.#lacking.clear();
    for (const [user, lines] of lacking) this.#lacking.set(names.get(user) ?? user, lines);
  }

  /** Notes what a user wants and cannot have. */
  note(user: string, lines: readonly string[]): void {
    if (lines.length > 0) this.#lacking.set(user, new Set(lines));
    else this.#lacking.delete(user);
  }

  /** Whether a user wants an entry, by its line, and cannot have it. */
  lacks(user: string, line: string): boolean {
    return this.#lacking.get(user)?.has(line) === true;
  }

  /** Takes everything away. */
  removeAll(): void {
    this.rules.removeAll();
    this.routes.removeAll();
  }

  /**
   * What an event means for entries that vigie has or wants: `ours`: one may be gone; `others`: the
   * way to one may be open now.
   */
  meaningOf({ type, flags, port, payload }: NetlinkReceived): "ours" | "others" | "nothing" {
    if (port === this.#port) return "nothing";
    if (type === RTM.DELRULE) return "ours";
    if (type !== RTM.NEWROUTE && type !== RTM.DELROUTE) return "nothing";
    const isOurs = payload[RTMSG.at.rtm_protocol] === KEEPALIVED_PROTOCOL;
    const isReplaced = type === RTM.NEWROUTE && (flags & NLM_F.REPLACE) !== 0;
    if (isReplaced || (isOurs && type === RTM.DELROUTE)) return "ours";
    const isFreed = type === RTM.DELROUTE && this.routes.hasForeign;
    return isFreed || this.#lacking.size > 0 ? "others" : "nothing";
  }
}

/**
 * Makes the kernel have what is wanted: removes what is not wanted any more, adds what is missing.
 * Entries with `no_track` that have been there once are nobody's business.
 *
 * @returns Whether something had to be put back that somebody had taken away.
 */
export function settleRouting(
  tools: RoutingTools,
  speaker: Speaker,
  wanted: Wanted,
  at: Micros,
): boolean {
  const { routing: { routes, rules } } = tools;
  const placed = placeRoutes(wanted.routes, tools.table);
  if (
    routes.count(speaker.name) + rules.count(speaker.name) + wanted.routes.length +
        wanted.rules.length === 0
  ) {
    return false;
  }
  retain(tools, speaker, rules, wanted.rules);
  retain(tools, speaker, routes, placed);
  const settled = [
    settle(tools, speaker, { kind: "route", owner: routes, wanted: placed, entryOf: ofRoute }, at),
    settle(
      tools,
      speaker,
      { kind: "rule", owner: rules, wanted: wanted.rules, entryOf: ofRule },
      at,
    ),
  ];
  const isPlaced = new Set(placed.map(({ entry }) => entry));
  tools.routing.note(speaker.name, [
    ...wanted.routes.filter((entry) => !isPlaced.has(entry)).map(({ text }) => text),
    ...settled.flatMap(({ failed }) => failed),
  ]);
  return settled.some(({ isPutBack }) => isPutBack);
}

/** Takes away what somebody has: rules, then routes. @returns Whether everything is gone. */
export function removeRouting(tools: RoutingTools, speaker: Speaker): boolean {
  const { routes, rules } = tools.routing, { name } = speaker;
  const failures = [...rules.remove(name), ...routes.remove(name)];
  tools.routing.note(name, []);
  for (const { error } of failures) say(tools, speaker, "error", error.message);
  return failures.length === 0;
}

/** Who wants what. */
export interface Claim {
  readonly speaker: Speaker;
  readonly wanted: Wanted;
}

/**
 * Removes what a crashed predecessor left: what is wanted, and carries keepalived's protocol. For
 * everybody at once, because the kernel goes through all of its routes each time it is asked.
 */
export function clearRouting(tools: RoutingTools, claims: readonly Claim[]): void {
  const places = claims.map(({ speaker, wanted }): Place => ({
    speaker,
    routes: wanted.routes.map(prefixOf),
    rules: wanted.rules,
    count: 0,
  }));
  try {
    let isMore = true;
    for (let round = 0; isMore && round < LEFTOVERS_MAX; round++) isMore = clearOnce(tools, places);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    tools.emit({ kind: "log", log: { level: "error", text: error.message } });
  }
  for (const { speaker, count } of places) {
    if (count === 0) continue;
    say(tools, speaker, "notice", `removing routes and rules left by a predecessor: ${count}`);
  }
}

/** What may be left of what somebody wants, and how much of it was. */
interface Place extends RoutingState {
  readonly speaker: Speaker;
  count: number;
}

function prefixOf(entry: RouteEntry): PlacedRoute {
  return { entry: { ...entry, nextHops: [], source: null, scope: ANY_SCOPE }, indices: [] };
}

/** @returns Whether there may be more, appended to the same prefixes. */
function clearOnce(tools: RoutingTools, places: readonly Place[]): boolean {
  const { routes, rules } = tools.routing;
  const leftRules = new Set(rules.leftovers(places.flatMap((place) => place.rules)));
  const leftRoutes = new Set(routes.leftovers(places.flatMap((place) => place.routes)));
  let isMore = leftRules.size + leftRoutes.size > 0;
  for (const place of places) {
    const { speaker, speaker: { name } } = place;
    const left = {
      rules: place.rules.filter((rule) => leftRules.has(rule)),
      routes: place.routes.filter((route) => leftRoutes.has(route)),
    };
    if (left.rules.length + left.routes.length === 0) continue;
    place.count += left.rules.length + left.routes.length;
    tools.routing.restore(name, left);
    if (!removeRouting(tools, speaker)) isMore = false;
  }
  return isMore;
}

/** One kind of entry and what is wanted of it. */
interface Settled<T> {
  readonly kind: "route" | "rule";
  readonly owner: EntryOwner<T>;
  readonly wanted: readonly T[];
  readonly entryOf: (placed: T) => { readonly text: string; readonly track: boolean };
}

const ofRoute = ({ entry }: PlacedRoute) => entry;
const ofRule = (rule: RuleEntry) => rule;

function retain<T>(
  tools: RoutingTools,
  speaker: Speaker,
  owner: EntryOwner<T>,
  wanted: readonly T[],
): void {
  for (const { error } of owner.retain(speaker.name, wanted)) {
    say(tools, speaker, "error", error.message);
  }
}

function settle<T>(
  tools: RoutingTools,
  speaker: Speaker,
  { kind, owner, wanted, entryOf }: Settled<T>,
  at: Micros,
): { readonly isPutBack: boolean; readonly failed: readonly string[] } {
  const { name } = speaker;
  const asked = wanted.filter((one) => entryOf(one).track || !owner.has(name, one));
  const had = new Set(asked.filter((one) => owner.owns(name, one)));
  const outcome = owner.add(name, asked);
  const back = outcome.added.filter((one) => had.has(one));
  for (const one of back) {
    const text = `${kind} "${entryOf(one).text}" was taken away, not by vigie: put back`;
    sayOnce(tools, speaker, { of: "host", key: text, level: "warning", text }, at);
  }
  sayProblems(tools, speaker, outcome, (one) => `${kind} "${entryOf(one).text}"`, at);
  const failed = outcome.failures.map(({ placed }) => entryOf(placed).text);
  return { isPutBack: back.length > 0, failed };
}

function sayProblems<T>(
  tools: RoutingTools,
  speaker: Speaker,
  { foreign, failures }: EntryOutcome<T>,
  nameOf: (placed: T) => string,
  at: Micros,
): void {
  for (const one of foreign) {
    const text = `${nameOf(one)} is there already and not by vigie, which will not remove it`;
    sayOnce(tools, speaker, { of: "host", key: text, level: "warning", text }, at);
  }
  for (const { placed, error } of failures) {
    const text = `${nameOf(placed)} cannot be made: ${error.message}`;
    sayOnce(tools, speaker, { of: "host", key: text, level: "error", text }, at);
  }
}
