/**
 * The hand-over of a running daemon to another image, by exec in place. What can fail is done while
 * the old image runs as ever: the rehearsal in a child, the end of checks and notifications, the
 * start of the guard. Then the engine stands still, and a few milliseconds later the exec is done.
 */

import { basename } from "node:path";
import { dismissGuard, orderGuard } from "../engine/handover_channel.ts";
import { becomeImage, currentImage, programFile, writeState } from "../engine/handover_exec.ts";
import { type EngineState, type Image, STATE_FORMAT } from "../engine/handover_state.ts";
import { now } from "../engine/loop.ts";
import type { Command } from "../engine/messages.ts";
import type { ControlConnection } from "../net/control_socket.ts";
import { namespaceClaim } from "../net/host.ts";
import type { Memory } from "../track/tracking.ts";
import { type Destination, Ends, writeDown } from "./handover_account.ts";
import { drain } from "./handover_drain.ts";
import { PATIENCE_MS, startGuard } from "./handover_guard.ts";
import { holdRehearsal } from "./handover_rehearsal.ts";
import type { AboutDaemon, HandoverAnswer, HandoverRequest } from "./handover_words.ts";
import type { Logger } from "./logger.ts";
import type { NotifyEvent } from "./notify/announcement.ts";
import { asForNextImage } from "./process_options.ts";
import type { ConfigChoice } from "./uci.ts";

/** What the engine says when it is asked comes within milliseconds. */
const CAPTURE_MS = 3000;

/** The engine stands still for twice as long (lib/engine/commands.ts): later, it may have gone on. */
const FRESH_US = 1_000_000;

/** Names of instances in one command, which must fit a datagram. */
const RETIRED_AT_ONCE = 256;

/** What a hand-over asks of the daemon. */
export interface HandoverHost {
  readonly version: string;
  readonly source: ConfigChoice;
  readonly allowRealtime: boolean;
  readonly log: Logger;
  send(command: Command): void;
  /** Ends all checks. */
  pauseChecks(): Promise<Memory>;
  resumeChecks(memory: Memory): void;
  /** Lets everybody hear what has happened so far; what happens from now on is kept. */
  pauseNotices(): Promise<void>;
  notices(): readonly NotifyEvent[];
  resumeNotices(): void;
  /** Stops as for a signal, then does this instead of ending. */
  stopAnd(then: () => never): void;
}

/** One daemon's hand-overs, one at a time. */
export class HandoverDesk {
  readonly #host: HandoverHost;
  #isBusy = false;
  readonly #waiting: (() => void)[] = [];
  #captured: ((state: EngineState) => void) | null = null;

  constructor(host: HandoverHost) {
    this.#host = host;
  }

  /** The engine's answer. */
  captured(state: EngineState): void {
    this.#captured?.(state);
  }

  /** Whether one is under way. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Resolves when none is under way; never if one succeeds. */
  async idle(): Promise<void> {
    while (this.#isBusy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Who this is, for who prepares an upgrade. */
  about(): AboutDaemon {
    const { version, source } = this.#host;
    const { prefix } = currentImage(version);
    return {
      ok: true,
      pid: Deno.pid,
      version,
      executable: programFile(),
      isPacked: prefix.length <= 1,
      source,
    };
  }

  /** Hands over. Returns only if that was not to be; why is told to who asked. */
  async handOver(request: HandoverRequest, connection: ControlConnection): Promise<void> {
    const answer = (text: string) =>
      connection.send(
        { ok: false, text, pid: Deno.pid, version: this.#host.version } satisfies HandoverAnswer,
      );
    if (this.#isBusy) return void answer("Another hand-over is under way");
    this.#isBusy = true;
    try {
      await this.#prepare(request, connection);
    } catch (error) {
      const text = error instanceof Error ? error.message : `${error}`;
      this.#host.log({ level: "error", text: `No hand-over, going on as before: ${text}` });
      answer(text);
    } finally {
      this.#isBusy = false;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  async #prepare(request: HandoverRequest, connection: ControlConnection): Promise<void> {
    const { version, source, allowRealtime, log } = this.#host;
    const { image, before } = imageFor(request, version);
    const engine = await this.#capture(false);
    const script = { format: STATE_FORMAT, source, allowRealtime, engine };
    const rehearsal = await holdRehearsal(image.path, before, script);
    const { version: to } = rehearsal;
    if (rehearsal.isForeign) {
      const destination = { request, connection, image, to };
      return await drain(this.#host, destination, engine, rehearsal.text);
    }
    if (!rehearsal.ok) throw new Error(`${image.path} could not go on: ${rehearsal.text}`);
    log({ level: "notice", text: `Handing over to ${image.path} (vigie v${to})` });
    await this.#go({ request, connection, image, to }, rehearsal.leaving);
  }

  /** From here on all must be undone that was done. */
  async #go(to: Destination, leaving: readonly string[]): Promise<void> {
    const host = this.#host;
    if (leaving.length > 0) {
      host.log({
        level: "notice",
        text: `Not going on, by the configuration: ${leaving.join(", ")}`,
      });
      for (let from = 0; from < leaving.length; from += RETIRED_AT_ONCE) {
        host.send({ kind: "retire", instances: leaving.slice(from, from + RETIRED_AT_ONCE) });
      }
      await this.#capture(false);
    }
    using undo = new DisposableStack();
    if (leaving.length > 0) undo.defer(() => host.send({ kind: "comeBack" }));
    const ends = undo.use(new Ends()), { state, veto } = ends, { version } = host;
    const engine = await this.#capture(false);
    const account = { version, to, ends, engine, checks: [], notices: [] };
    writeState(state, writeDown({ ...account, guard: null }));
    const inherited = [namespaceClaim(), to.connection.fd];
    const setup = { state, veto, realtime: host.allowRealtime, patienceMs: PATIENCE_MS };
    const guard = await startGuard(version, inherited, engine, setup);
    undo.defer(() => dismissGuard(guard.channel));
    const memory = await host.pauseChecks();
    undo.defer(() => host.resumeChecks(memory));
    undo.defer(() => host.resumeNotices());
    await host.pauseNotices();
    undo.defer(() => host.send({ kind: "goOn" }));
    const final = await this.#capture(true), checks = [...memory], notices = host.notices();
    const whole = writeDown({ ...account, guard, engine: final, checks, notices });
    writeState(state, whole);
    orderGuard(guard.channel, { do: "go" });
    if (now() - final.atUs > FRESH_US) throw new Error("this host is too busy now");
    asForNextImage(() => becomeImage(to.image, whole));
  }

  async #capture(final: boolean): Promise<EngineState> {
    const { promise, resolve, reject } = Promise.withResolvers<EngineState>();
    const late = setTimeout(() => reject(new Error("the engine does not answer")), CAPTURE_MS);
    this.#captured = resolve;
    this.#host.send({ kind: "capture", final });
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#captured = null;
    }
  }
}

/** What to exec, and the arguments of the executable before vigie's own. */
function imageFor(
  { executable }: HandoverRequest,
  version: string,
): { readonly image: Image; readonly before: readonly string[] } {
  const running = currentImage(version);
  if (executable === null) return { image: running, before: running.prefix.slice(1) };
  // Called by keepalived's name, it must go on so: the new file has another name.
  const isKeepalived = (path: string) => basename(path) === "keepalived";
  const byName = isKeepalived(running.argv[0] ?? "") && !isKeepalived(executable)
    ? ["keepalived"]
    : [];
  const argv = [executable, ...byName, ...Deno.args];
  return { image: { path: executable, argv, version: "" }, before: [] };
}
