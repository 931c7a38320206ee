/**
 * The drained restart, for an image that does not understand the state: this one resigns and ends as
 * for a signal, the next begins anew in the same process. It is guarded too: if it does not come up,
 * the image before begins anew.
 */

import { dismissGuard, orderGuard } from "../engine/handover_channel.ts";
import { goBack } from "../engine/handover_back.ts";
import { becomeImage, writeState } from "../engine/handover_exec.ts";
import type { EngineState } from "../engine/handover_state.ts";
import { type DaemonState, type Destination, Ends, writeDown } from "./handover_account.ts";
import { startGuard } from "./handover_guard.ts";
import type { Logger } from "./logger.ts";
import { asForNextImage } from "./process_options.ts";

/** From the exec until the new image must be healthy; a startup_script runs in that time too. */
export const DRAIN_PATIENCE_MS = 30_000;

/** What a drained restart asks of the daemon. */
export interface DrainHost {
  readonly version: string;
  readonly log: Logger;
  /** Stops as for a signal, then does this instead of ending. */
  stopAnd(then: () => never): void;
}

/** Prepares it, then stops the daemon. Never resolves. @throws {Error} If nothing has happened yet. */
export async function drain(
  host: DrainHost,
  to: Destination,
  engine: EngineState,
  why: string,
): Promise<never> {
  const { version, log } = host, { connection, image } = to;
  using cleanUp = new DisposableStack();
  const ends = cleanUp.use(new Ends());
  const account = { version, to, ends, engine, checks: [], notices: [] };
  writeState(ends.state, { ...writeDown({ ...account, guard: null }), anew: true });
  const { state, veto } = ends;
  const guard = await startGuard(version, [connection.fd], null, {
    state,
    veto,
    realtime: false,
    patienceMs: DRAIN_PATIENCE_MS,
  });
  cleanUp.defer(() => dismissGuard(guard.channel));
  const whole: DaemonState = { ...writeDown({ ...account, guard }), anew: true };
  writeState(ends.state, whole);
  const text = `The state cannot be handed over to ${image.path} (${why}): this router resigns, ` +
    "and the new image begins anew";
  log({ level: "warning", text });
  connection.send({ progress: text });
  host.stopAnd(() => becomeAnew(whole, to, log));
  // The connection and the descriptors are needed to the end of this image.
  return await new Promise<never>(() => {});
}

function becomeAnew(state: DaemonState, { image }: Destination, log: Logger): never {
  const { guard } = state.descriptors;
  if (guard !== null) orderGuard(guard, { do: "go" });
  try {
    return asForNextImage(() => becomeImage(image, state));
  } catch (error) {
    const why = error instanceof Error ? error.message : `${error}`;
    const complain = (text: string) => log({ level: "error", text });
    complain(`Back to the image before: ${why}`);
    return goBack(state, { why, anew: true, complain, asForNextImage });
  }
}
