/** One story for every pair of implementations: elect, stop, come back, crash. */

import assert from "node:assert/strict";
import { ip } from "../../lib/core/address.ts";
import type { Host } from "../../lib/net/topology.ts";
import { heldBy, holders, holds } from "./addresses.ts";
import { block, file, router, type RouterText, VIP } from "./config.ts";
import { startKeepalived } from "./keepalived.ts";
import type { Lab } from "./lab.ts";
import type { Process } from "./process.ts";
import { never, until } from "./until.ts";

/** Who runs on a host. */
export type Implementation = "vigie" | "keepalived";

/** What both routers have in common. */
export interface Rivalry {
  readonly master: Implementation;
  readonly backup: Implementation;
  readonly text?: RouterText;
  /** Unicast between the two hosts instead of multicast. */
  readonly unicast?: boolean;
  /** The address that is fought over; VIP if not given. */
  readonly vip?: string;
}

/** The two hosts' addresses; adverts over IPv6 come from the link-local ones. */
const OWN = { a: "192.0.2.1", b: "192.0.2.2" } as const;

/**
 * The master is elected by priority and stays alone; a stop hands over by priority 0; the old master
 * preempts when it comes back; a crash is survived.
 */
export async function rivalry(lab: Lab, story: Rivalry): Promise<void> {
  const [a, b] = lab.pair();
  const vip = story.vip ?? VIP;
  const hosts = [a, b];
  const backup = await start(lab, story.backup, b, configOf(story, "b", 100));
  const master = await start(lab, story.master, a, configOf(story, "a", 200));
  await heldBy(a, hosts, vip);
  await never(
    () => holders(hosts, vip).join() !== "a",
    "another master after the election",
    1000,
  );

  const wire = lab.listen(b);
  const from = backup.lines.length;
  assert.equal(await master.stop(), 0);
  await heldBy(b, hosts, vip);
  const resigned = await wire.sawAdvert(({ advert }) => advert.priority === 0, "a resignation");
  const first = await wire.sawAdvert(
    ({ source, at }) => source !== resigned.source && at > resigned.at,
    "the new master's advert",
  );
  await until(
    () => TAKEOVER[story.backup].test(backup.lines.slice(from).join("\n")),
    "the backup to say that it takes over from a master that resigned",
  );
  const intervalUs = first.advert.advertIntervalUs;
  // At a second, the three intervals of a silent master cannot be taken for the skew of a resigned one.
  if (intervalUs >= 1_000_000) assert.ok(first.at - resigned.at < 3 * intervalUs);

  const again = await start(lab, story.master, a, configOf(story, "a", 200));
  await again.saw(/Entering MASTER STATE/);
  await heldBy(a, hosts, vip);
  await never(() => holders(hosts, vip).join() !== "a", "another master after preemption", 500);

  await again.crash();
  await until(() => holds(b, vip), "the backup to take over from the dead");
  await until(() => backup.said(/Entering MASTER STATE/).length >= 2, "the backup to say so");
}

const TAKEOVER: Readonly<Record<Implementation, RegExp>> = {
  vigie: /Backup received priority 0 [^]*Entering MASTER STATE: master \S+ resigned/,
  keepalived: /Backup received priority 0 advertisement[^]*Entering MASTER STATE/,
};

/** Starts either implementation with a configuration that both can read. */
export async function start(
  lab: Lab,
  implementation: Implementation,
  host: Host,
  text: string,
): Promise<Process> {
  if (implementation === "vigie") return await lab.vigie(host, text);
  return lab.keep(await startKeepalived(host, text));
}

function configOf({ text = {}, unicast = false }: Rivalry, own: "a" | "b", priority: number) {
  const peer = own === "a" ? "b" : "a";
  const lines = unicast
    ? [`unicast_src_ip ${ip(OWN[own])}`, block("unicast_peer", [OWN[peer]])]
    : [];
  return file([], router({ ...text, priority, lines: [...text.lines ?? [], ...lines] }));
}
