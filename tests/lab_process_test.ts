/** Process tracking with the engine's own loop, in a network namespace: from a kill to a report. */

import assert from "node:assert/strict";
import { after, formatMicros, type Micros, micros, seconds } from "../lib/core/time.ts";
import { Loop, now } from "../lib/engine/loop.ts";
import type { EngineEvent } from "../lib/engine/messages.ts";
import { ProcessDesk } from "../lib/engine/process_desk.ts";
import { type ProcessState, ProcessTracker } from "../lib/track/process.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";

/** A name that no other process has: comm is the name of the link. */
const NAME = `vigie-t${Deno.pid}`.slice(0, 15);

/** Deaths to measure. */
const ROUNDS = 10;

/** A tracker of `NAME` and the desk that serves it, on one loop that runs only when asked to. */
class Tracked implements Disposable {
  readonly states: ProcessState[] = [];
  readonly logs: string[] = [];
  readonly #loop: Loop;
  readonly #desk: ProcessDesk;
  readonly #tracker: ProcessTracker;
  #giveUpAt: Micros | null = null;

  constructor() {
    this.#loop = new Loop({
      next: () => this.#giveUpAt,
      fire: () => this.#loop.stop(),
      rest: () => {},
      strained: () => {},
    });
    this.#desk = new ProcessDesk({
      watch: (fd, handler) => this.#loop.watch(fd, handler),
      unwatch: (fd) => this.#loop.unwatch(fd),
      emit: (event) => this.#take(event),
    });
    const rest = {
      quorum: 1,
      quorumMax: null,
      forkDelayUs: micros(0),
      terminateDelayUs: micros(0),
    };
    this.#tracker = new ProcessTracker({
      objects: [{
        tracker: "process test",
        probe: { kind: "process", match: { words: [NAME], by: "comm" }, ...rest },
      }],
      kernel: this.#desk,
      report: (_tracker, state) => this.states.push(state),
      log: ({ text }) => this.logs.push(text),
    });
    this.#tracker.start();
  }

  get isGood(): boolean {
    return this.states.at(-1)?.kind === "good";
  }

  /** Lets the loop block until the object is bad, or for a minute. */
  runUntilBad(): void {
    this.#giveUpAt = after(now(), seconds(60));
    this.#loop.run();
  }

  #take(event: EngineEvent): void {
    if (event.kind === "births") this.#tracker.births(event);
    else if (event.kind === "processesBegun") this.#tracker.begun(event.pids);
    else if (event.kind === "processesEnded") {
      this.#tracker.ended(event.pids);
      if (!this.isGood) this.#loop.stop();
    }
  }

  [Symbol.dispose](): void {
    this.#tracker.stop();
    this.#desk.close();
    this.#loop.close();
  }
}

/** `sleep` under a name of our own. */
async function ownProgram(lab: Lab): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "vigie-process-" });
  lab.use({ [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) });
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "command -v sleep"] }).output();
  await Deno.copyFile(new TextDecoder().decode(stdout).trim(), `${folder}/${NAME}`);
  await Deno.chmod(`${folder}/${NAME}`, 0o755);
  return `${folder}/${NAME}`;
}

labTest("a process that is killed is reported at once, and found again by a scan", async (lab) => {
  const host = lab.host("a"), program = await ownProgram(lab);
  const spawn = () =>
    host.namespace.run(() => new Deno.Command(program, { args: ["1000"] }).spawn());
  let child = spawn();
  const tracked = lab.use(host.namespace.run(() => new Tracked()));
  const latencies: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await until(() => tracked.isGood, `${NAME} to be found`);
      const killedAt = now();
      child.kill("SIGKILL");
      tracked.runUntilBad();
      latencies.push(now() - killedAt);
      const why = `0 of 1 processes ${NAME}`;
      assert.deepEqual(tracked.states.at(-1), { kind: "bad", why });
      await child.status;
      child = spawn();
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  latencies.sort((a, b) => a - b);
  const words = [latencies[ROUNDS >> 1]!, latencies.at(-1)!].map((us) => formatMicros(micros(us)));
  console.log(`from SIGKILL to the report: ${words[0]} at the median, ${words[1]} at worst`);
  assert.ok(latencies[ROUNDS >> 1]! < seconds(5), `${latencies}`);
  const refused = "the kernel tells of processes only in the initial network namespace";
  assert.ok(tracked.logs.includes(`Processes are looked for every second: ${refused}`));
});
