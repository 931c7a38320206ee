/** The words between the parts of a hand-over: hidden commands, and what they tell each other. */

import type { EngineState, Replaced } from "../engine/handover_state.ts";
import type { ConfigChoice } from "./uci.ts";

/** The hidden command by which a new image tries, as a child, whether it could go on. */
export const REHEARSE_COMMAND = "handover-rehearse";

/** The hidden command by which the old image guards the exec. */
export const GUARD_COMMAND = "handover-guard";

/** What a guard says when it is ready. */
export const GUARD_READY = "ready\n";

/** What a rehearsal reads from its standard input. */
export interface RehearsalScript {
  readonly format: number;
  readonly source: ConfigChoice;
  readonly allowRealtime: boolean;
  readonly engine: EngineState;
}

/** What a rehearsal writes to its standard output: one line. */
export interface RehearsalReport {
  readonly ok: boolean;
  /** It runs, but does not understand the state: it can only begin anew. */
  readonly isForeign: boolean;
  readonly text: string;
  readonly version: string;
  /** Instances that will not go on. */
  readonly leaving: readonly string[];
}

/** `{"do": "handover"}`: what `vigie restart` and `vigie upgrade` ask. */
export interface HandoverRequest {
  readonly do: "handover";
  /** What to become; null for the image that runs. */
  readonly executable: string | null;
  /** What `executable` has replaced. */
  readonly replaced: Replaced | null;
}

/** `{"do": "about"}`: the answer. */
export interface AboutDaemon {
  readonly ok: true;
  readonly pid: number;
  readonly version: string;
  readonly executable: string;
  /** Whether that file is vigie itself, rather than what runs its source. */
  readonly isPacked: boolean;
  readonly source: ConfigChoice;
}

/** How a hand-over went; `progress` lines may come before it. */
export type HandoverAnswer =
  | { readonly progress: string }
  | { readonly ok: boolean; readonly text: string; readonly pid: number; readonly version: string };
