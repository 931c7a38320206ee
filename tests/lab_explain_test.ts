/** What `vigie explain` says, made to happen: real daemons, processes and interfaces in namespaces. */

import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import type { Host } from "../lib/net/topology.ts";
import { heldBy, holders, holds, type Place, setUp } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { never, until } from "./lab/until.ts";
import { runVigie, type Vigie } from "./lab/vigie.ts";
import type { Wire } from "./lab/wire.ts";

/** How long a change may take beyond what was predicted, on a machine that has other work. */
const MARGIN_MS = 20_000;

/** How long it is watched that nobody takes over: several down intervals of 0.4 s. */
const CALM_MS = 2000;

/** What `explain --json` says of one event; times in microseconds. */
interface Scenario {
  readonly event: string;
  readonly holder: string | null;
  readonly noticedUs: number | null;
  readonly tookUs: readonly [number, number] | null;
  readonly routers: readonly { readonly router: string; readonly priority: number | null }[];
  readonly afterwards: { readonly holder: string };
}

interface Story {
  readonly usualHolder: string;
  readonly scenarios: readonly Scenario[];
}

/** A router of the lab: its file, and what can fail. */
interface Node {
  readonly label: string;
  readonly host: Host;
  readonly cable: Place;
  readonly source: Ip;
  readonly text: string;
  readonly sleeper: string;
  /** Of the instance that waits longest: of a group, the second one. */
  readonly vrid: number;
}

/** Trackers and more lines of one router. */
interface NodeText {
  readonly label: "A" | "B";
  readonly priority: number;
  /** Weights of the process "app" and of interface eth1. */
  readonly process: number;
  readonly link: number;
  readonly lines?: readonly string[];
  /** Priority of a second instance, in one sync group with the first. */
  readonly second?: number;
}

async function explained(host: Host, texts: readonly string[]): Promise<Story> {
  const files = texts.map((text) => {
    const name = Deno.makeTempFileSync({ prefix: "vigie-lab-explain-", suffix: ".conf" });
    Deno.writeTextFileSync(name, text);
    return name;
  });
  try {
    const [own, peer] = files;
    const answer = await runVigie(host, ["explain", "-f", own!, "--peer", peer!, "--json"]);
    return (JSON.parse(answer.text) as Story[])[0]!;
  } finally {
    for (const name of files) Deno.removeSync(name);
  }
}

/** A program of its own name, which runs until it is ended. */
function sleeper(node: Node): Process {
  const command = node.sleeper, args = ["1000"], { namespace } = node.host;
  return new Process({ name: `app of ${node.label}`, namespace, command, args });
}

/** VI_2, and the group of both. */
function together(priority: number): readonly string[] {
  return [
    router({ name: "VI_2", vrid: 52, priority, addresses: ["192.0.2.101/24"] }),
    block("vrrp_sync_group G", [block("group", ["VI_1", "VI_2"]), "sync_group_tracking_weight"]),
  ];
}

/** A router with an interface that leads elsewhere and a copy of sleep(1) of its own name. */
function prepare(lab: Lab, host: Host, far: Host, folder: string, what: NodeText): Node {
  const { label, priority, process, link, lines = [], second } = what;
  const n = label === "A" ? 1 : 2, own = `eth${n}`;
  const [cable] = lab.cable(host, far, own, [`198.51.10${n}.1/24`, `198.51.10${n}.2/24`]);
  // Names that the kernel keeps whole: 15 signs.
  const name = `vx${label}${crypto.randomUUID().slice(0, 8)}`, path = `${folder}/${name}`;
  Deno.copyFileSync("/bin/sleep", path);
  const text = file(
    [`router_id ${label}`],
    block("vrrp_track_process app", [`process ${name}`]),
    router({
      priority,
      lines: [
        block("track_process", [`app weight ${process}`]),
        block("track_interface", [`${own} weight ${link}`]),
        ...lines,
      ],
    }),
    ...second === undefined ? [] : together(second),
  );
  return {
    label,
    host,
    cable,
    source: ip(`192.0.2.${n}`),
    text,
    sleeper: path,
    vrid: second === undefined ? 51 : 52,
  };
}

/** One daemon with what it tracks; made anew for each event. */
interface Running {
  readonly node: Node;
  readonly vigie: Vigie;
  readonly app: Process;
}

async function start(lab: Lab, node: Node): Promise<Running> {
  const app = lab.keep(sleeper(node));
  return { node, app, vigie: await lab.vigie(node.host, node.text) };
}

/** Makes an event of the table happen: "A: process app, interface eth1", "B crashes or is cut off". */
async function happen(event: string, running: readonly Running[]): Promise<void> {
  const [, who] = /^(\w+)(?:: | is stopped| crashes)/.exec(event) ?? [];
  const concerned = running.filter(({ node }) => who === undefined || node.label === who);
  if (/ is stopped$/.test(event)) await concerned[0]!.vigie.stop();
  else if (/ crashes/.test(event)) await concerned[0]!.vigie.crash();
  else {
    for (const { node, app } of concerned) {
      if (/process app/.test(event)) app.signal("SIGKILL");
      if (/interface/.test(event)) setUp(node.cable, false);
    }
    // What is mended must be known to have ended.
    if (/process app/.test(event)) await Promise.all(concerned.map(({ app }) => app.ended()));
  }
}

/**
 * On the wire, whatever the load: how long the new holder was silent after what it waited from, the
 * priority 0 of the holder before, else the last advert of it that outbids.
 */
function waitedUs(wire: Wire, before: Node, next: Node, priority: number): [number, boolean] {
  const first = wire.adverts({ source: next.source, vrid: next.vrid })[0]!;
  const heard = wire.adverts({ source: before.source, vrid: next.vrid }).filter(({ at }) =>
    at < first.at
  );
  const resigned = heard.findLast(({ advert }) => advert.priority === 0);
  const last = resigned ?? heard.findLast(({ advert }) => advert.priority >= priority)!;
  return [first.at - last.at, resigned !== undefined];
}

async function observe(lab: Lab, nodes: readonly Node[], usual: string, one: Scenario) {
  const holder = nodes.find(({ label }) => label === usual)!;
  const order = [holder, ...nodes.filter((node) => node !== holder)];
  const hosts = nodes.map(({ host }) => host);
  const running: Running[] = [];
  const wire = lab.listen(holder.host);
  for (const node of order) {
    running.push(await start(lab, node));
    if (node === holder) await heldBy(holder.host, hosts, VIP);
    else await running.at(-1)!.vigie.saw(/Entering BACKUP STATE/);
  }
  await running[1]!.vigie.saw(/Master set to/);
  const from = performance.now();
  await happen(one.event, running);
  const others = nodes.filter((node) => node !== holder);
  if (one.holder === usual) {
    const taken = () => others.some(({ host }) => holds(host, VIP));
    await never(taken, `${one.event}: a takeover`, CALM_MS);
    assert.ok(holds(holder.host, VIP), `${one.event}: ${usual} holds it`);
  } else if (one.holder === null) {
    await until(() => holders(hosts, VIP).length === 0, `${one.event}: nobody to hold it`);
  } else {
    const next = nodes.find(({ label }) => label === one.holder)!;
    const { vigie } = running.find(({ node }) => node === next)!;
    const mostMs = ((one.noticedUs ?? 0) + one.tookUs![1]) / 1000 + MARGIN_MS;
    await vigie.saw(/Entering MASTER STATE/, mostMs - (performance.now() - from));
    const { priority } = one.routers.find(({ router }) => router === next.label)!;
    const [waited, isResigned] = waitedUs(wire, holder, next, priority!);
    // The last advert that was obeyed left up to an interval before the event: hence the longest.
    const least = one.tookUs![isResigned ? 0 : 1];
    assert.ok(waited >= least - 1000, `${one.event}: ${waited} us, predicted ${one.tookUs}`);
    const spoke = wire.adverts({ source: holder.source }).some(({ advert }) =>
      advert.priority === 0
    );
    assert.equal(isResigned, spoke);
  }
  await mend(lab, one, running);
  const { afterwards: { holder: last } } = one;
  await heldBy(nodes.find(({ label }) => label === last)!.host, hosts, VIP);
  await never(
    () => holders(hosts, VIP).join() !== last.toLowerCase(),
    `${one.event}, mended: another holder than ${last}`,
    CALM_MS,
  );
  for (const { vigie, app } of running) {
    await vigie.stop();
    app.signal("SIGKILL");
    await app.ended();
  }
}

/** Everything is as before the event; daemons that are gone are started again. */
async function mend(lab: Lab, { event }: Scenario, running: Running[]): Promise<void> {
  for (const [at, { node, vigie, app }] of running.entries()) {
    setUp(node.cable, true);
    if (!app.running) running[at] = { node, vigie, app: lab.keep(sleeper(node)) };
    if (!vigie.running) running[at] = { node, app, vigie: await lab.vigie(node.host, node.text) };
  }
  assert.ok(running.every(({ app, vigie }) => app.running && vigie.running), event);
}

/** Every event of the table, one after the other, each with daemons that have just started. */
async function prove(lab: Lab, a: NodeText, b: NodeText, expected: readonly string[]) {
  const folder = lab.use(temporary()).path;
  const nodes: Node[] = [], texts = [a, b];
  const hosts = texts.map(({ label }) => lab.host(label.toLowerCase())), far = lab.host("far");
  for (const [at, text] of texts.entries()) {
    nodes.push(prepare(lab, hosts[at]!, far, folder, text));
  }
  // On a host that has none of the interfaces that they track.
  const story = await explained(lab.host("else"), nodes.map(({ text }) => text));
  const told = story.scenarios.map(({ event, holder, afterwards }) =>
    `${event} -> ${holder ?? "nobody"} -> ${afterwards.holder}`
  );
  assert.deepEqual(told, expected);
  for (const one of story.scenarios.slice(1)) await observe(lab, nodes, story.usualHolder, one);
}

function temporary(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "vigie-lab-explain-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

labTest(
  "explain is right about weights: single, together, too small, and who comes back",
  (lab) =>
    prove(lab, { label: "A", priority: 150, process: -30, link: -30 }, {
      label: "B",
      priority: 100,
      process: -20,
      link: -10,
    }, [
      "all is well -> A -> A",
      "A: process app -> A -> A",
      "A: interface eth1 -> A -> A",
      "A: process app, interface eth1 -> B -> A",
      "B: process app -> A -> A",
      "B: interface eth2 -> A -> A",
      "process app on all routers -> A -> A",
      "A is stopped -> B -> A",
      "A crashes or is cut off -> B -> A",
    ]),
);

labTest(
  "explain is right about faults and preempt_delay",
  (lab) =>
    prove(lab, { label: "A", priority: 150, process: 0, link: -60 }, {
      label: "B",
      priority: 100,
      process: 0,
      link: 0,
      lines: ["preempt_delay 1"],
    }, [
      "all is well -> A -> A",
      "A: process app -> B -> A",
      "A: interface eth1 -> B -> A",
      "B: process app -> A -> A",
      "B: interface eth2 -> A -> A",
      "process app on all routers -> nobody -> A",
      "A is stopped -> B -> A",
      "A crashes or is cut off -> B -> A",
    ]),
);

labTest(
  "explain is right about positive weights and nopreempt",
  (lab) =>
    prove(lab, { label: "A", priority: 100, process: 30, link: 0, lines: ["nopreempt"] }, {
      label: "B",
      priority: 110,
      process: 0,
      link: 5,
      lines: ["nopreempt"],
    }, [
      "all is well -> A -> A",
      "A: process app -> A -> A",
      "A: interface eth1 -> B -> B",
      "B: process app -> A -> A",
      "B: interface eth2 -> A -> A",
      "process app on all routers -> A -> A",
      "A is stopped -> B -> B",
      "A crashes or is cut off -> B -> B",
    ]),
);

labTest(
  "explain is right about a sync group",
  (lab) =>
    prove(lab, { label: "A", priority: 150, process: 0, link: -30, second: 150 }, {
      label: "B",
      priority: 140,
      process: 0,
      link: 0,
      second: 100,
    }, [
      "all is well -> A -> A",
      "A: process app -> B -> A",
      "A: interface eth1 -> A -> A",
      "B: process app -> A -> A",
      "B: interface eth2 -> A -> A",
      "process app on all routers -> nobody -> A",
      "A is stopped -> B -> A",
      "A crashes or is cut off -> B -> A",
    ]),
);
