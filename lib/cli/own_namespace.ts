/** Where the daemon runs, as far as the configuration says. */

import { beginAnewInNamespace } from "../net/enter_namespace.ts";
import { sameProgram } from "./demo/launch.ts";

/**
 * Goes on as the same process in a network namespace, with a command of its own.
 *
 * @param words The command and its arguments. @param say Takes why it failed.
 * @returns Only if that fails: 1, as keepalived's.
 */
export function goOnInNamespace(
  name: string,
  words: readonly string[],
  module: string,
  say: (text: string) => void,
): number {
  const again = sameProgram(module, words);
  try {
    return beginAnewInNamespace(name, again.command, [again.command, ...again.args]);
  } catch (error) {
    say(`Unable to set the network namespace ${name}: ${(error as Error).message}`);
    return 1;
  }
}
