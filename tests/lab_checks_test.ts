/** Built-in checks that move the address, in namespaces: a web server in every mood it can be in. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Host } from "../lib/net/topology.ts";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { sleep, until } from "./lab/until.ts";

const WEB = fileURLToPath(new URL("./tools/web.ts", import.meta.url));

/** A web server on a host's loopback. */
class Web {
  readonly #file = Deno.makeTempFileSync({ prefix: "vigie-lab-web-" });
  readonly #lab: Lab;
  readonly #host: Host;
  process: Process | null = null;

  constructor(lab: Lab, host: Host) {
    this.#lab = lab;
    this.#host = host;
    this.mood = "200 all is well";
    lab.use({ [Symbol.dispose]: () => Deno.removeSync(this.#file) });
  }

  /** "200 text", "503", "slow", "flaps". */
  set mood(text: string) {
    Deno.writeTextFileSync(`${this.#file}.new`, text);
    Deno.renameSync(`${this.#file}.new`, this.#file);
  }

  async start(): Promise<void> {
    const process = this.#lab.keep(
      new Process({
        name: "web server",
        namespace: this.#host.namespace,
        command: Deno.execPath(),
        args: ["run", "-A", WEB, "8080", this.#file],
      }),
    );
    this.process = process;
    await process.saw(/Listening on/);
  }
}

function check(...lines: string[]): string {
  return block("vrrp_check web", [
    block("http", ["url http://127.0.0.1:8080/health", 'body contains "well"']),
    "interval 0.1",
    // Longer than a machine that is busy holds an answer up.
    "timeout 2",
    ...lines,
  ]);
}

const TRACK = block("track_check", ["web"]);

async function stage(lab: Lab, ...lines: string[]) {
  const [a, b] = lab.pair();
  const web = new Web(lab, a);
  await web.start();
  const vigie = await lab.vigie(a, file([], check(...lines), router({ lines: [TRACK] })));
  return { a, b, hosts: [a, b], web, vigie };
}

peerTest(
  KEEPALIVED,
  "a failing http check lowers the priority, and keepalived takes over",
  async (lab) => {
    const { a, b, hosts, web, vigie } = await stage(lab, "weight -30", "fall 2", "rise 2");
    lab.keep(await startKeepalived(b, file([], router({ priority: 90 }))));
    await heldBy(a, hosts, VIP);
    const moods = [
      ["503", /from 100 to 70: check web: HTTP 503/],
      ["200 sick", /from 100 to 70: check web: body does not contain "well"/],
      ["slow", /from 100 to 70: check web: no answer in 2 s/],
    ] as const;
    for (const [mood, line] of moods) {
      web.mood = mood;
      await vigie.saw(line);
      await heldBy(b, hosts, VIP);
      web.mood = "200 well again";
      await vigie.saw(/from 70 to 100: check web: good/);
      await heldBy(a, hosts, VIP);
    }
  },
);

labTest(
  "a failing check of weight 0 is a fault with its reason, and its end is the end of it",
  async (lab) => {
    const { a, web, vigie } = await stage(lab, "fall 2");
    await heldBy(a, [a], VIP);
    await web.process!.crash();
    await vigie.saw(/Entering FAULT STATE: check web: connection refused/);
    await until(() => !holds(a, VIP), "the address to be given up");
    await web.start();
    await vigie.saw(/Entering BACKUP STATE: recovered from: check web: connection refused/);
    await heldBy(a, [a], VIP);
  },
);

labTest(
  "an instance does not start before the first result of a check that could be its fault",
  async (lab) => {
    const [a] = lab.pair();
    const web = new Web(lab, a);
    web.mood = "slow";
    await web.start();
    const vigie = await lab.vigie(a, file([], check(), router({ lines: [TRACK] })));
    await vigie.saw(/Waiting for the first result of check web/);
    await vigie.saw(/Entering FAULT STATE \(init\): check web: no answer in 2 s/);
    assert.equal(vigie.said(/Entering/).length, 1, "it had no state before");
  },
);

labTest("fall and rise keep a flapping service from moving anything", async (lab) => {
  const { a, web, vigie } = await stage(lab, "weight -30", "fall 5", "rise 1");
  await heldBy(a, [a], VIP);
  const runs = async () => {
    vigie.signal("SIGUSR1");
    return Number(/(\d+) runs/.exec(await vigie.saw(/check web: .*\d+ runs/))![1]);
  };
  web.mood = "flaps";
  const enough = await runs() + 20;
  for (let look = 0; await runs() < enough; look++) {
    assert.ok(look < 600, "the check goes on");
    await sleep(100);
  }
  assert.deepEqual(vigie.said(/Changing effective priority/), []);
});

labTest("SIGUSR1 tells how every check is and what was wrong last", async (lab) => {
  const { web, vigie } = await stage(lab, "weight -30");
  web.mood = "503";
  await vigie.saw(/check web: HTTP 503/);
  vigie.signal("SIGUSR1");
  await vigie.saw(/check web: bad since .*, took .*, last error: HTTP 503 at .*\d+ runs/);
});
