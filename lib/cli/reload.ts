import { receiveLong } from "../daemon/reload_words.ts";
import { ask } from "./ask_daemon.ts";

/** Reading a file may ask name services and libraries; a reload before this one may run. */
const RELOAD_MS = 60_000;

/**
 * `vigie reload`: the running daemon reads its configuration again. Says what is wrong with it.
 *
 * @returns 0 if it holds now, 1 if all goes on as before.
 */
export async function reloadCommand(): Promise<number> {
  const asked = await ask({ do: "reload" }, RELOAD_MS);
  if (asked === null) return 1;
  try {
    const answer = await receiveLong(asked.connection, asked.answer, RELOAD_MS);
    if (answer === null) {
      console.error("The daemon has ended without a word");
      return 1;
    }
    for (const problem of answer.problems) console.error(`${problem}\n`);
    (answer.ok ? console.log : console.error)(answer.text);
    return answer.ok ? 0 : 1;
  } finally {
    asked.connection.close();
  }
}
