/** Effects of the state machine, performed on this host: each is a call of lib/net, and a log line. */

import { SysError } from "../../ffi/errno.ts";
import type { Micros } from "../core/time.ts";
import type { AddressFailure, AddressOwner } from "../net/addresses.ts";
import type { Announcer } from "../net/announce.ts";
import type { PacketFilter } from "../net/firewall.ts";
import type { HostTable } from "../net/links.ts";
import { acquirePromoteSecondaries, releasePromoteSecondaries } from "../net/sysctl.ts";
import { type Effect, RESIGN_PRIORITY, type State } from "../vrrp/types.ts";
import { refusePackets, takePackets } from "./accept.ts";
import { beginExtraGarp } from "./extra_garp.ts";
import type { Instance } from "./instance.ts";
import { removeRouting, type Routing, settleRouting } from "./routes.ts";
import { type Emitter, say, sayOnce } from "./say.ts";
import { lowerVmacs, raiseVmacs } from "./vmac.ts";

/** What effects are performed with. */
export interface Tools extends Emitter {
  readonly table: HostTable;
  readonly addresses: AddressOwner;
  readonly announcer: Announcer;
  readonly routing: Routing;
  readonly firewall: PacketFilter;
  /** Something could not be done and must be tried again. */
  retrySoon(): void;
}

type Perform<D extends Effect["do"]> = (
  tools: Tools,
  instance: Instance,
  effect: Extract<Effect, { do: D }>,
  now: Micros,
) => void;

const PERFORM: { readonly [D in Effect["do"]]: Perform<D> } = {
  sendAdvert,
  addAddresses,
  removeAddresses,
  announce: ({ table, announcer }, instance, { rounds }, now) =>
    announcer.announce(instance.announcements(table), rounds, now),
  cancelAnnounce: ({ announcer }, instance) => announcer.cancel(instance.name),
  notify,
  // The group decides, which the engine asks.
  ready: () => {},
  notifyPriority: (tools, { name, router: { state } }, { priority }) =>
    tools.emit({ kind: "priority", instance: name, state, priority }),
  notifyLower: (tools, { name }, { priority }) =>
    tools.emit({ kind: "heardLower", instance: name, priority }),
  log: (tools, instance, { level, text, repeats }, now) =>
    repeats
      ? sayOnce(tools, instance, { of: "packets", key: text, level, text }, now)
      : say(tools, instance, level, text),
};

/** Performs one effect. What the kernel refuses is logged and counted; it never stops the machine. */
export function perform(tools: Tools, instance: Instance, effect: Effect, now: Micros): void {
  const how = PERFORM[effect.do] as Perform<Effect["do"]>;
  try {
    how(tools, instance, effect, now);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    sayFailure(tools, instance, error, now);
  }
}

function sayFailure(tools: Tools, instance: Instance, error: SysError, now: Micros): void {
  const text = error.message;
  sayOnce(tools, instance, { of: "host", key: text, level: "warning", text }, now);
}

/** One advert, in as many copies as there are peers; counted if one of them left. */
function sendAdvert(
  tools: Tools,
  instance: Instance,
  { priority }: Extract<Effect, { do: "sendAdvert" }>,
  now: Micros,
): void {
  const { router: { primaryAddress }, sender: socket, counters } = instance;
  if (primaryAddress === null || socket === null) return;
  if (priority !== RESIGN_PRIORITY) raise(tools, instance);
  let left = false;
  for (const { destination, packet, hopLimit } of instance.outgoing(priority, primaryAddress)) {
    try {
      socket.send(packet, primaryAddress, destination, hopLimit);
      left = true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      counters.sendErrors++;
      sayFailure(tools, instance, error, now);
    }
  }
  if (!left) return;
  counters.sentAdvertisements++;
  if (priority !== RESIGN_PRIORITY) return;
  counters.sentPriZeroPackets++;
  say(tools, instance, "info", "sent 0 priority");
}

/** @throws {SysError} If a link cannot be upped: the next look makes a fault of it. */
function raise(tools: Tools, instance: Instance): void {
  try {
    raiseVmacs(instance);
  } catch (error) {
    tools.retrySoon();
    throw error;
  }
}

function addAddresses(tools: Tools, instance: Instance, _effect: Effect, now: Micros): void {
  const { table, addresses } = tools;
  const { spec, name } = instance;
  const placed = instance.placed(table);
  if (placed.length > 0) say(tools, instance, "info", "setting VIPs.");
  raise(tools, instance);
  beginExtraGarp(instance, now);
  refusePackets(tools, instance);
  if (spec.promoteSecondaries && spec.interface !== null) {
    sayWarning(tools, instance, acquirePromoteSecondaries(spec.interface, name));
  }
  sayFailures(tools, instance, addresses.add(name, placed).failures);
  settleRouting(tools, instance, spec, now);
}

function removeAddresses(tools: Tools, instance: Instance): void {
  const { addresses } = tools;
  const { spec, name } = instance;
  if (!removeRouting(tools, instance)) tools.retrySoon();
  if (addresses.count(name) > 0) say(tools, instance, "info", "removing VIPs.");
  const failures = addresses.remove(name);
  sayFailures(tools, instance, failures);
  if (failures.length > 0) tools.retrySoon();
  takePackets(tools, instance);
  lowerVmacs(instance);
  instance.extraGarpAt = null;
  if (spec.promoteSecondaries && spec.interface !== null) {
    sayWarning(tools, instance, releasePromoteSecondaries(spec.interface, name));
  }
}

/** What the kernel refused, with the names of the interfaces, of which it knows but the numbers. */
function sayFailures(tools: Tools, instance: Instance, failures: readonly AddressFailure[]): void {
  for (const { placed: { ifindex }, error } of failures) {
    const link = tools.table.byIndex(ifindex)?.name ?? "which is gone";
    say(tools, instance, "error", `${error.message} (interface ${ifindex}: ${link})`);
  }
}

function sayWarning(tools: Tools, instance: Instance, failure: string | null): void {
  if (failure !== null) say(tools, instance, "warning", failure);
}

/** keepalived's words, which log rules match, then the cause. What was old news may be news again. */
function notify(
  tools: Tools,
  instance: Instance,
  { from, to, priority, cause }: Extract<Effect, { do: "notify" }>,
  now: Micros,
): void {
  instance.changedAt = now;
  if (to === "master") instance.counters.masterTransitions++;
  for (const limiter of Object.values(instance.limiters)) limiter.forget();
  const text = enteringText(from, to);
  say(tools, instance, "notice", cause === "" ? text : `${text}: ${cause}`);
  // Of a removed one the reload tells, in its own words.
  if (instance.isRemoved) return;
  tools.emit({ kind: "transition", instance: instance.name, from, to, priority, cause });
}

function enteringText(from: State, to: State): string {
  if (to === "init") return "Entering STOP STATE";
  const start = from === "init" && to !== "master" ? " (init)" : "";
  return `Entering ${to.toUpperCase()} STATE${start}`;
}
