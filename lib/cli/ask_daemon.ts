/** Asking the running daemon of this network namespace, as `restart` and `upgrade` do. */

import type { ControlFailure } from "../daemon/control.ts";
import type { AboutDaemon, HandoverAnswer, HandoverRequest } from "../daemon/handover_words.ts";
import { receiveLong, type ReloadAnswer } from "../daemon/reload_words.ts";
import { readControlKey } from "../net/control_key.ts";
import {
  type ControlConnection,
  isAdministrator,
  isTrustedPeer,
  reachDaemon,
} from "../net/control_socket.ts";

/** About itself a daemon says at once. */
const ABOUT_MS = 5000;

/** It takes connections as they come; a crowd of them has its turn in this time. */
const REACH_MS = 5000;

/** Checks, notifications, rehearsal and the guard's patience, each at its longest. */
const HANDOVER_MS = 60_000;

/** The daemon that runs here; null if none does, with what to do about it said. */
export async function aboutDaemon(): Promise<AboutDaemon | null> {
  const asked = await ask({ do: "about" }, ABOUT_MS);
  if (asked === null) return null;
  asked.connection.close();
  const answer = asked.answer as AboutDaemon | ControlFailure | null;
  if (answer?.ok) return answer;
  console.error(`The daemon does not answer${answer?.text ? `: ${answer.text}` : ""}`);
  return null;
}

/** How a hand-over ended. */
export type HandoverEnd =
  | Extract<HandoverAnswer, { readonly ok: boolean }>
  | ControlFailure;

/** Asks for a hand-over and waits for its end; null if it was never told. */
export async function askHandover(
  request: Omit<HandoverRequest, "do">,
): Promise<HandoverEnd | null> {
  const asked = await ask({ do: "handover", ...request }, HANDOVER_MS);
  if (asked === null) return null;
  const { connection } = asked;
  let answer = asked.answer as HandoverAnswer | ControlFailure | null;
  try {
    while (answer !== null && "progress" in answer) {
      console.log(answer.progress);
      answer = await connection.receive(HANDOVER_MS) as HandoverAnswer | null;
    }
  } finally {
    connection.close();
  }
  if (answer === null) console.error("The daemon has ended without a word");
  return answer;
}

/** Asks for an answer of any length; null after saying why there is none. */
export async function askLong(request: object, patienceMs: number): Promise<ReloadAnswer | null> {
  const asked = await ask(request, patienceMs);
  if (asked === null) return null;
  try {
    const answer = await receiveLong(asked.connection, asked.answer, patienceMs);
    if (answer === null) console.error("The daemon has ended without a word");
    return answer;
  } finally {
    asked.connection.close();
  }
}

/**
 * Connects, proves who asks, and asks.
 * @returns The connection and the first answer, null for none; null if there is nobody to ask.
 */
async function ask(
  request: object,
  patienceMs: number,
): Promise<{ readonly connection: ControlConnection; readonly answer: unknown } | null> {
  for (;;) {
    const connection = await connect();
    if (connection === null) return null;
    const { pid } = connection.peer, key = readControlKey(pid);
    connection.send({ ...request, key });
    const answer = await connection.receive(patienceMs);
    const isHeard = answer !== null && (answer as ControlFailure).isRefused !== true;
    // Each image of a daemon has a key of its own. If it has just become another, the one before may
    // have taken the request with it; not one that it has begun to serve, which is handed over.
    if (isHeard || readControlKey(pid) === key) return { connection, answer };
    connection.close();
  }
}

/** Somebody who only pretends to be the daemon is not asked: any user can take its name. */
async function connect(): Promise<ControlConnection | null> {
  const reached = await reachDaemon(REACH_MS);
  if (!reached.ok) {
    console.error(reached.error);
    return null;
  }
  const connection = reached.value;
  const { uid, pid } = connection.peer;
  if (isTrustedPeer(connection.peer)) return connection;
  const why = isAdministrator(connection.peer)
    ? "sees other files than this shell, or has capabilities that it lacks"
    : "pretends to be vigie";
  console.error(`Process ${pid} of user ${uid} ${why}: it is not asked`);
  connection.close();
  return null;
}
