/** What `vigie reload` and `vigie plan` ask, what they are answered, and how a long answer travels. */

import type { ControlConnection } from "../net/control_socket.ts";
import type { Plan } from "./plan.ts";
import type { ConfigChoice } from "./uci.ts";

/** `{"do": "reload"}` has no more words; `{"do": "plan"}` says for which file. */
export interface PlanRequest {
  readonly do: "plan";
  /** With an absolute path; null for the file that the daemon has been started with. */
  readonly choice: ConfigChoice | null;
}

/** How a reload or a plan ended. */
export interface ReloadAnswer {
  readonly ok: boolean;
  /** In one line. */
  readonly text: string;
  /** What is wrong with the file, for people: a problem each. */
  readonly problems: readonly string[];
  /** What would change; only for a plan that could be made. */
  readonly plan?: Plan;
}

/** A part of an answer. */
interface Piece {
  readonly piece: string;
  readonly isLast: boolean;
}

/** Characters in one piece: quoted once more, and in UTF-8, they fit a packet. */
const PIECE_LENGTH = 32_768;

/** A client that reads so slowly that nothing more fits is tried again so often, and given up then. */
const AGAIN_MS = 20, PATIENCE_MS = 5000;

/** Sends an answer of any length. */
export async function sendLong(connection: ControlConnection, answer: ReloadAnswer): Promise<void> {
  const text = JSON.stringify(answer);
  let triedMs = 0;
  for (let from = 0; from < text.length;) {
    const to = from + PIECE_LENGTH;
    const piece: Piece = { piece: text.slice(from, to), isLast: to >= text.length };
    if (connection.send(piece)) {
      from = to;
      triedMs = 0;
    } else if (triedMs >= PATIENCE_MS) return;
    else {
      triedMs += AGAIN_MS;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** Puts an answer together. @param first Its first packet. @returns Null if it ends too early. */
export async function receiveLong(
  connection: Pick<ControlConnection, "receive">,
  first: unknown,
  patienceMs: number,
): Promise<ReloadAnswer | null> {
  let text = "";
  for (let packet = first; packet !== null; packet = await connection.receive(patienceMs)) {
    const { piece, isLast, ...other } = packet as Partial<Piece> & Partial<ReloadAnswer>;
    // Not in pieces: a daemon that does not know the question.
    if (piece === undefined) {
      return { ok: false, text: other.text ?? "no answer", problems: [] };
    }
    text += piece;
    if (isLast) return JSON.parse(text) as ReloadAnswer;
  }
  return null;
}
