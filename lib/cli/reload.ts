import { askLong } from "./ask_daemon.ts";

/** Reading a file may ask name services and libraries; a reload before this one may run. */
const RELOAD_MS = 60_000;

/**
 * `vigie reload`: the running daemon reads its configuration again. Says what is wrong with it.
 *
 * @returns 0 if it holds now, 1 if all goes on as before.
 */
export async function reloadCommand(): Promise<number> {
  const answer = await askLong({ do: "reload" }, RELOAD_MS);
  if (answer === null) return 1;
  for (const problem of answer.problems) console.error(`${problem}\n`);
  (answer.ok ? console.log : console.error)(answer.text);
  return answer.ok ? 0 : 1;
}
