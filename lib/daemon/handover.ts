/**
 * The hand-over of a running daemon to another image, by exec in place. What can fail is done while
 * the old image runs as ever: the rehearsal in a child, the end of checks and notifications, the
 * start of the guard. Then the engine stands still, and a few milliseconds later the exec is done.
 */

import { basename } from "node:path";
import { currentImage, openExecutable, programFile, startAnew } from "../engine/handover_exec.ts";
import { becomeImage, closeFd, makeStateFile, writeState } from "../engine/handover_exec.ts";
import { dismissGuard, orderGuard } from "../engine/handover_guard.ts";
import {
  type EngineState,
  type HandoverState,
  type Image,
  STATE_FORMAT,
} from "../engine/handover_state.ts";
import { now } from "../engine/loop.ts";
import type { Command } from "../engine/messages.ts";
import type { ControlConnection } from "../net/control_socket.ts";
import { namespaceClaim } from "../net/host.ts";
import { asForPrograms } from "../track/program.ts";
import type { Memory } from "../track/tracking.ts";
import { type StartedGuard, startGuard } from "./handover_guard.ts";
import { holdRehearsal } from "./handover_rehearsal.ts";
import type { AboutDaemon, HandoverAnswer, HandoverRequest } from "./handover_words.ts";
import type { Logger } from "./logger.ts";
import type { NotifyEvent } from "./notify/announcement.ts";
import type { ConfigChoice } from "./uci.ts";

/** What the engine says when it is asked comes within milliseconds. */
const CAPTURE_MS = 3000;

/** The engine stands still for twice as long (lib/engine/commands.ts): later, it may have gone on. */
const FRESH_US = 1_000_000;

/** Names of instances in one command, which must fit a datagram. */
const RETIRED_AT_ONCE = 256;

/** What checks know, as JSON keeps it. */
export type ChecksMemory = readonly (readonly [string, unknown])[];

/** The state with what the main thread adds to it. */
export type DaemonState = HandoverState<ChecksMemory, readonly NotifyEvent[]>;

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
  #captured: ((state: EngineState) => void) | null = null;

  constructor(host: HandoverHost) {
    this.#host = host;
  }

  /** The engine's answer. */
  captured(state: EngineState): void {
    this.#captured?.(state);
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
    }
  }

  async #prepare(request: HandoverRequest, connection: ControlConnection): Promise<void> {
    const { version, source, allowRealtime, log } = this.#host;
    const { image, before } = imageFor(request, version);
    const engine = await this.#capture(false);
    const script = { format: STATE_FORMAT, source, allowRealtime, engine };
    const rehearsal = await holdRehearsal(image.path, before, script);
    if (rehearsal.isForeign) return this.#drain(image, rehearsal.text, connection);
    if (!rehearsal.ok) throw new Error(`${image.path} could not go on: ${rehearsal.text}`);
    log({ level: "notice", text: `Handing over to ${image.path} (vigie v${rehearsal.version})` });
    await this.#go({ request, connection, image, to: rehearsal.version }, rehearsal.leaving);
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
    const opened: number[] = [];
    let guard: StartedGuard | null = null, memory: Memory | null = null, still = false;
    try {
      const state = keep(opened, makeStateFile()), previous = keep(opened, openExecutable());
      const engine = await this.#capture(false);
      const inherited = [namespaceClaim(), to.connection.fd];
      const realtime = host.allowRealtime;
      const nobody = { pid: 0, channel: -1 }, ends = { state, previous };
      writeState(state, this.#stateOf(to, engine, nobody, new Map(), ends));
      guard = await startGuard(host.version, inherited, engine, { state, realtime });
      memory = await host.pauseChecks();
      await host.pauseNotices();
      still = true;
      const final = await this.#capture(true);
      const whole = this.#stateOf(to, final, guard, memory, ends);
      writeState(state, whole);
      orderGuard(guard.channel, { do: "go" });
      if (now() - final.atUs > FRESH_US) throw new Error("this host is too busy now");
      // Limits and the like stay through an exec: the next image must not take them for the system's.
      asForPrograms(() => becomeImage(to.image, whole));
    } catch (error) {
      if (guard !== null) dismissGuard(guard.channel);
      if (still) host.send({ kind: "goOn" });
      if (leaving.length > 0) host.send({ kind: "comeBack" });
      if (memory !== null) {
        host.resumeNotices();
        host.resumeChecks(memory);
      }
      for (const fd of opened) closeFd(fd);
      throw error;
    }
  }

  #stateOf(
    { request, connection, to }: Destination,
    engine: EngineState,
    guard: StartedGuard,
    memory: Memory,
    { state, previous }: { readonly state: number; readonly previous: number },
  ): DaemonState {
    const { argv } = currentImage(this.#host.version), { version } = this.#host;
    return {
      format: STATE_FORMAT,
      pid: Deno.pid,
      previous: { path: `/proc/self/fd/${previous}`, argv, version },
      to,
      replaced: request.replaced,
      rolledBack: null,
      descriptors: {
        state,
        claim: namespaceClaim(),
        guard: guard.channel,
        asker: connection.fd,
        previous,
      },
      guardPid: guard.pid,
      engine,
      checks: [...memory],
      notices: this.#host.notices(),
    };
  }

  /** There is no other way: this image resigns, and the next one begins anew. */
  #drain(image: Image, why: string, connection: ControlConnection): void {
    const text =
      `The state cannot be handed over to ${image.path} (${why}): this router resigns, ` +
      "and the new image begins anew";
    this.#host.log({ level: "warning", text });
    connection.send({ progress: text });
    connection.send({ ok: true, text: "drained restart", pid: Deno.pid, version: "another" });
    this.#host.stopAnd(() => asForPrograms(() => startAnew(image)));
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

/** Where a hand-over goes, and who wants it. */
interface Destination {
  readonly request: HandoverRequest;
  readonly connection: ControlConnection;
  readonly image: Image;
  /** Its version. */
  readonly to: string;
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

function keep(opened: number[], fd: number): number {
  opened.push(fd);
  return fd;
}
