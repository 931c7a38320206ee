/** Asking the running daemon of this network namespace, as `restart` and `upgrade` do. */

import type { AboutDaemon, HandoverAnswer, HandoverRequest } from "../daemon/handover_words.ts";
import { connectToDaemon, type ControlConnection, isTrustedPeer } from "../net/control_socket.ts";

/** About itself a daemon says at once. */
const ABOUT_MS = 5000;

/** Checks, notifications, rehearsal and the guard's patience, each at its longest. */
const HANDOVER_MS = 60_000;

/** The daemon that runs here; null if none does, with what to do about it said. */
export async function aboutDaemon(): Promise<AboutDaemon | null> {
  const connection = connect();
  if (connection === null) return null;
  try {
    connection.send({ do: "about" });
    const answer = await connection.receive(ABOUT_MS) as AboutDaemon | { ok: false; text?: string };
    if (answer?.ok) return answer;
    console.error(`The daemon does not answer${answer?.text ? `: ${answer.text}` : ""}`);
    return null;
  } finally {
    connection.close();
  }
}

/** How a hand-over ended. */
export type HandoverEnd = Extract<HandoverAnswer, { readonly ok: boolean }>;

/** Asks for a hand-over and waits for its end; null if it was never told. */
export async function askHandover(
  request: Omit<HandoverRequest, "do">,
): Promise<HandoverEnd | null> {
  const connection = connect();
  if (connection === null) return null;
  try {
    connection.send({ do: "handover", ...request });
    for (;;) {
      const answer = await connection.receive(HANDOVER_MS) as HandoverAnswer | null;
      if (answer === null) {
        console.error("The daemon has ended without a word");
        return null;
      }
      if (!("progress" in answer)) return answer;
      console.log(answer.progress);
    }
  } finally {
    connection.close();
  }
}

/** Somebody who only pretends to be the daemon is not asked: any user can take its name. */
function connect(): ControlConnection | null {
  const connection = connectToDaemon();
  if (connection === null) {
    console.error("No vigie runs in this network namespace");
    return null;
  }
  const { uid, pid } = connection.peer;
  if (isTrustedPeer(connection.peer)) return connection;
  console.error(`Process ${pid} of user ${uid} pretends to be vigie: it is not asked`);
  connection.close();
  return null;
}
