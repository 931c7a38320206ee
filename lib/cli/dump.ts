import { askLong } from "./ask_daemon.ts";

/** What the daemon knows it says at once. */
const DUMP_MS = 10_000;

/**
 * `vigie dump`: the state and the counters of all instances as keepalived's JSON dump, version 1.
 *
 * @returns 0, 1 if there is no daemon that answers.
 */
export async function dumpCommand(): Promise<number> {
  const answer = await askLong({ do: "dump" }, DUMP_MS);
  if (answer === null) return 1;
  (answer.ok ? console.log : console.error)(answer.text);
  return answer.ok ? 0 : 1;
}
