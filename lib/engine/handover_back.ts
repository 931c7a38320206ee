/** Back to the image before, by exec, while this process still can. */

import { orderGuard, writeVeto } from "./handover_channel.ts";
import { becomeImage, putBack, writeState } from "./handover_exec.ts";
import type { HandoverState } from "./handover_state.ts";

/** What going back needs besides the state. */
export interface GoingBack {
  readonly why: string;
  /** Whether the image before begins anew: what it was has been given away. */
  readonly anew: boolean;
  /** Hears, in words, what went wrong on the way. */
  readonly complain: (text: string) => void;
  /** Does the exec, with what this image has made of the process put aside. */
  readonly asForNextImage: (start: () => never) => never;
}

/**
 * Becomes the image before, under the same guard.
 * @returns Only by throwing. @throws {SysError} If that cannot be run either.
 */
export function goBack(state: HandoverState, going: GoingBack): never {
  const { previous, descriptors } = state;
  const failure = putBack(state.replaced);
  if (failure !== null) going.complain(failure);
  const back = { ...state, rolledBack: going.why, to: previous.version, anew: going.anew };
  writeState(descriptors.state, back);
  if (descriptors.veto != null) writeVeto(descriptors.veto, null);
  if (descriptors.guard !== null) orderGuard(descriptors.guard, { do: "go" });
  return going.asForNextImage(() => becomeImage(previous, back));
}
