/** What a hand-over keeps of the process, and how the engine stands still for it. */

import assert from "node:assert/strict";
import { closeFd } from "../ffi/fd.ts";
import { sendTo, socketPair } from "../ffi/socket.ts";
import { Commands } from "../lib/engine/commands.ts";
import type { Engine } from "../lib/engine/engine.ts";
import { makeVetoFile, readVeto, writeVeto } from "../lib/engine/handover_channel.ts";
import type { Command } from "../lib/engine/messages.ts";
import { OwnLimits } from "../lib/net/process_options.ts";

Deno.test("asFound() gives the next image the score for memory shortages that was set before", () => {
  const file = Deno.makeTempFileSync({ prefix: "vigie-handover-" });
  const score = () => Deno.readTextFileSync(file);
  try {
    Deno.writeTextFileSync(file, "-1000\n");
    const limits = new OwnLimits();
    assert.equal(limits.adjustOomScore(-900, file), null);
    assert.equal(score(), "-900");
    assert.equal(limits.without(score), "0", "what it starts is not protected");
    assert.equal(limits.asFound(score), "-1000");
    assert.equal(score(), "-900");
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a veto is read once it is written, and taken back", () => {
  const fd = makeVetoFile(), veto = { why: 'it said "no"', hasResigned: true };
  assert.equal(readVeto(fd), null);
  writeVeto(fd, veto);
  assert.deepEqual(readVeto(fd), veto);
  writeVeto(fd, null);
  assert.equal(readVeto(fd), null);
  closeFd(fd);
});

/** Commands that an engine would get; `hear` reads them as the loop does. */
class Desk implements Disposable {
  readonly done: string[] = [];
  isStopped = false;
  hear = () => {};
  readonly #pair = socketPair();
  readonly #commands: Commands;

  constructor() {
    const { done } = this, isStopped = () => this.isStopped;
    const engine = {
      loop: { watch: (_fd: number, handler: () => void) => void (this.hear = handler) },
      get isStopped() {
        return isStopped();
      },
      tellState: () => void done.push("state"),
      tellStatus: (id: number) => void done.push(`status ${id}`),
      judge: () => {},
    };
    this.#commands = new Commands(engine as unknown as Engine, this.#pair[1], () => {});
  }

  send(...commands: readonly Command[]): void {
    for (const command of commands) {
      sendTo(this.#pair[0], new TextEncoder().encode(JSON.stringify(command)), null);
    }
  }

  [Symbol.dispose](): void {
    this.#commands.close();
    for (const fd of this.#pair) closeFd(fd);
  }
}

const CAPTURE: Command = { kind: "capture", final: true };
const STATUS: Command = { kind: "status", id: 1 };

/** Half of the time for which an engine stands still without a word. */
const HALF_MS = 1000;

Deno.test("an engine that stands still does nothing but go on when it is told to", () => {
  using desk = new Desk();
  desk.send(CAPTURE, STATUS, { kind: "goOn" }, { kind: "status", id: 2 });
  const began = performance.now();
  desk.hear();
  assert.ok(performance.now() - began < HALF_MS, "it was told");
  assert.deepEqual(desk.done, ["state", "status 1", "status 2"]);
});

Deno.test("a question does not end the engine's standstill", () => {
  using desk = new Desk();
  desk.send(CAPTURE, STATUS);
  const began = performance.now();
  desk.hear();
  assert.ok(performance.now() - began > HALF_MS, "only time has ended it");
  assert.deepEqual(desk.done, ["state", "status 1"]);
});

Deno.test("an engine that a signal has stopped in the same turn hands nothing over", () => {
  using desk = new Desk();
  desk.isStopped = true;
  desk.send(CAPTURE, STATUS);
  const began = performance.now();
  desk.hear();
  assert.ok(performance.now() - began < HALF_MS, "it does not stand still");
  assert.deepEqual(desk.done, ["status 1"]);
});
