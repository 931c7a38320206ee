/** `vigie healthcheck`: for HEALTHCHECK of a container, an exec probe, a script. */

import { reachDaemon } from "../net/control_socket.ts";

/** What init systems and container runtimes take for healthy, and for not. */
const HEALTHY = 0, UNHEALTHY = 1;

/** A daemon that lives answers within milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Asks the daemon of this network namespace whether it answers. To be asked by root, or by the user
 * that the daemon runs as: whoever else holds its name is not believed.
 *
 * @returns 0 if it does; 1, after a line on standard error, if not.
 */
export async function healthcheckCommand(): Promise<number> {
  const complaint = await complain();
  if (complaint === null) return HEALTHY;
  console.error(complaint);
  return UNHEALTHY;
}

/** That it answers is enough: one of fewer rights, or in a container, may not tell who asks. */
async function complain(): Promise<string | null> {
  const until = performance.now() + PATIENCE_MS, reached = await reachDaemon(PATIENCE_MS);
  if (!reached.ok) return reached.error;
  const connection = reached.value;
  try {
    const { pid, uid } = connection.peer;
    if (uid !== 0 && uid !== Deno.uid()) {
      return `Process ${pid} of user ${uid} pretends to be vigie`;
    }
    connection.send({ do: "about" });
    if (await connection.receive(Math.max(0, until - performance.now())) !== null) return null;
    return `vigie, process ${pid}, does not answer`;
  } finally {
    connection.close();
  }
}
