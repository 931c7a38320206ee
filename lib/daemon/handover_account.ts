/** What one image writes down for the next, and for the guard: where from, where to, by which descriptors. */

import { makeVetoFile } from "../engine/handover_channel.ts";
import { closeFd, currentImage, makeStateFile, openExecutable } from "../engine/handover_exec.ts";
import {
  type EngineState,
  type HandoverState,
  type Image,
  STATE_FORMAT,
} from "../engine/handover_state.ts";
import type { ControlConnection } from "../net/control_socket.ts";
import { namespaceClaim } from "../net/host.ts";
import type { StartedGuard } from "./handover_guard.ts";
import type { HandoverRequest } from "./handover_words.ts";
import type { NotifyEvent } from "./notify/announcement.ts";

/** What checks know, as JSON keeps it. */
export type ChecksMemory = readonly (readonly [string, unknown])[];

/** The state with what the main thread adds to it. */
export type DaemonState = HandoverState<ChecksMemory, readonly NotifyEvent[]>;

/** Where a hand-over goes, and who wants it. */
export interface Destination {
  readonly request: HandoverRequest;
  readonly connection: ControlConnection;
  readonly image: Image;
  /** Its version. */
  readonly to: string;
}

/** Descriptors that a hand-over opens; disposing closes them. */
export class Ends implements Disposable {
  readonly state = makeStateFile();
  readonly veto = makeVetoFile();
  /** Of the file that runs, whatever becomes of its name. */
  readonly previous = openExecutable();

  [Symbol.dispose](): void {
    for (const fd of [this.state, this.veto, this.previous]) closeFd(fd);
  }
}

/** What is known when all of it is written down. */
export interface Account {
  readonly version: string;
  readonly to: Destination;
  readonly ends: Ends;
  /** Null before there is one. */
  readonly guard: StartedGuard | null;
  readonly engine: EngineState;
  readonly checks: ChecksMemory;
  readonly notices: readonly NotifyEvent[];
}

/** The state to hand over. */
export function writeDown(
  { version, to: { request, connection, to }, ends, guard, engine, checks, notices }: Account,
): DaemonState {
  const { argv } = currentImage(version);
  const { state, veto, previous } = ends;
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
      guard: guard?.channel ?? null,
      asker: connection.fd,
      previous,
      veto,
    },
    guardPid: guard?.pid ?? null,
    engine,
    checks,
    notices,
  };
}
