/** `vigie healthcheck`: for HEALTHCHECK of a container, an exec probe, a script. */

import { connectToDaemon } from "../net/control_socket.ts";

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
  const connection = connectToDaemon();
  if (connection === null) return "No vigie runs in this network namespace";
  try {
    const { pid, uid } = connection.peer;
    if (uid !== 0 && uid !== Deno.uid()) {
      return `Process ${pid} of user ${uid} pretends to be vigie`;
    }
    connection.send({ do: "about" });
    if (await connection.receive(PATIENCE_MS) !== null) return null;
    return `vigie, process ${pid}, does not answer`;
  } finally {
    connection.close();
  }
}
