/** Effects of the state machine, performed on this host: each is a call of lib/net, and a log line. */

import { SysError } from "../../ffi/errno.ts";
import type { LogEvent } from "../core/log.ts";
import type { Micros } from "../core/time.ts";
import type { AddressFailure, AddressOwner } from "../net/addresses.ts";
import type { Announcer } from "../net/announce.ts";
import type { LinkTable } from "../net/links.ts";
import { acquirePromoteSecondaries, releasePromoteSecondaries } from "../net/sysctl.ts";
import { type Effect, RESIGN_PRIORITY, type State } from "../vrrp/types.ts";
import type { Instance } from "./instance.ts";
import type { EngineEvent } from "./messages.ts";

/** What effects are performed with. */
export interface Tools {
  readonly table: LinkTable;
  readonly addresses: AddressOwner;
  readonly announcer: Announcer;
  emit(event: EngineEvent): void;
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
  log: (tools, instance, { level, text }, now) => logOnce(tools, instance, level, text, text, now),
};

/** Performs one effect. What the kernel refuses is logged and counted; it never stops the machine. */
export function perform(tools: Tools, instance: Instance, effect: Effect, now: Micros): void {
  const how = PERFORM[effect.do] as Perform<Effect["do"]>;
  how(tools, instance, effect, now);
}

/** Logs a line about an instance. */
export function log(
  tools: Pick<Tools, "emit">,
  instance: Instance,
  level: LogEvent["level"],
  text: string,
): void {
  tools.emit({ kind: "log", log: { level, text, instance: instance.name } });
}

/** Logs what may repeat with every packet: once, then summed up. */
export function logOnce(
  tools: Pick<Tools, "emit">,
  instance: Instance,
  level: LogEvent["level"],
  key: string,
  text: string,
  now: Micros,
): void {
  const line = instance.limiter.say(key, text, now);
  if (line !== null) log(tools, instance, level, line);
}

function sendAdvert(
  tools: Tools,
  instance: Instance,
  { priority }: Extract<Effect, { do: "sendAdvert" }>,
  now: Micros,
): void {
  const { router: { primaryAddress }, socket, counters } = instance;
  if (primaryAddress === null || socket === null) return;
  let left = false;
  for (const { destination, packet } of instance.outgoing(priority, primaryAddress)) {
    try {
      socket.send(packet, primaryAddress, destination);
      left = true;
      counters.sentAdvertisements++;
      if (priority === RESIGN_PRIORITY) counters.sentPriZeroPackets++;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      counters.sendErrors++;
      const key = `send ${destination} ${error.code}`;
      logOnce(tools, instance, "warning", key, error.message, now);
    }
  }
  if (left && priority === RESIGN_PRIORITY) log(tools, instance, "info", "sent 0 priority");
}

function addAddresses(tools: Tools, instance: Instance): void {
  const { table, addresses } = tools;
  const placed = instance.placed(table);
  if (placed.length > 0) log(tools, instance, "info", "setting VIPs.");
  if (instance.spec.promoteSecondaries && instance.spec.interface !== null) {
    reportSysctl(tools, instance, acquirePromoteSecondaries(instance.spec.interface));
  }
  reportFailures(tools, instance, "add", addresses.add(instance.name, placed));
}

function removeAddresses(tools: Tools, instance: Instance): void {
  const { addresses } = tools;
  if (addresses.count(instance.name) > 0) log(tools, instance, "info", "removing VIPs.");
  reportFailures(tools, instance, "remove", addresses.remove(instance.name));
  if (instance.spec.promoteSecondaries && instance.spec.interface !== null) {
    reportSysctl(tools, instance, releasePromoteSecondaries(instance.spec.interface));
  }
}

function reportFailures(
  tools: Tools,
  instance: Instance,
  verb: string,
  failures: readonly AddressFailure[],
): void {
  for (const { placed: { ifindex, entry }, error } of failures) {
    const link = tools.table.byIndex(ifindex)?.name ?? `interface ${ifindex}`;
    const what = `${entry.address}/${entry.prefixLength}`;
    log(tools, instance, "error", `Cannot ${verb} ${what} on ${link}: ${error.message}`);
  }
}

function reportSysctl(tools: Tools, instance: Instance, failure: string | null): void {
  if (failure !== null) log(tools, instance, "warning", failure);
}

/** keepalived's words, which log rules match, then the cause. */
function notify(
  tools: Tools,
  instance: Instance,
  { from, to, priority, cause }: Extract<Effect, { do: "notify" }>,
): void {
  if (to === "master") instance.counters.masterTransitions++;
  const text = enteringText(from, to);
  if (text !== null) log(tools, instance, "notice", cause === "" ? text : `${text}: ${cause}`);
  tools.emit({ kind: "transition", instance: instance.name, from, to, priority, cause });
}

function enteringText(from: State, to: State): string | null {
  if (to === "init") return null;
  const start = from === "init" && to !== "master" ? " (init)" : "";
  return `Entering ${to.toUpperCase()} STATE${start}`;
}
