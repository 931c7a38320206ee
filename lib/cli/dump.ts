import { receiveLong } from "../daemon/reload_words.ts";
import { ask } from "./ask_daemon.ts";

/** What the daemon knows it says at once. */
const DUMP_MS = 10_000;

/**
 * `vigie dump`: the state and the counters of all instances as keepalived's JSON dump, version 1.
 *
 * @returns 0, 1 if there is no daemon that answers.
 */
export async function dumpCommand(): Promise<number> {
  const asked = await ask({ do: "dump" }, DUMP_MS);
  if (asked === null) return 1;
  try {
    const answer = await receiveLong(asked.connection, asked.answer, DUMP_MS);
    if (answer === null || !answer.ok) {
      console.error(answer?.text ?? "The daemon has ended without a word");
      return 1;
    }
    console.log(answer.text);
    return 0;
  } finally {
    asked.connection.close();
  }
}
