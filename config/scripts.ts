/** Commands as they are run: by whom, and whether this machine would run them at all. */

import type { UserName } from "../lib/core/probe_spec.ts";
import type { Settings } from "./keyword.ts";
import type { Complaint, Inspector, Position, ScriptCommand } from "./model.ts";
import type { Report } from "./problem.ts";
import type { GivenScript, GivenUser } from "./readers_script.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";

/** Words that only a shell understands: pipes, lists, redirections. */
const SHELL_OPERATOR = /^(\|\|?|&&?|;|\d*>>?(&\d+|[^&>].*)?|<[^<>]*)$/;

/** Makes commands of what lines say, by the rules of keepalived-behaviour 10.3. */
export class Scripts {
  /** `script_user`, if there is such an account. */
  readonly scriptUser: UserName | null;
  readonly #inspect: Inspector | null;
  readonly #report: Report;
  readonly #security: boolean;
  /** `script_user` is no account: scripts without a user of their own are not run. */
  readonly #nobody: boolean;
  readonly #insecure: { readonly position: Position; readonly complaint: Complaint }[] = [];

  constructor(
    globals: Settings<typeof GLOBAL_DEFS>,
    inspect: Inspector | null,
    report: Report,
  ) {
    this.#inspect = inspect;
    this.#report = report;
    this.#security = globals.enable_script_security?.value ?? false;
    const given = globals.script_user?.value;
    const until = "scripts that name no user of their own are not run";
    this.#nobody = given !== undefined && !this.account(given, until);
    this.scriptUser = given?.name ?? null;
  }

  /**
   * The command, with its own user, else `user`, else `script_user`; null, after a report, if it
   * is never to be run. `consequence` completes that report.
   */
  command(
    given: GivenScript,
    consequence: string,
    user: GivenUser | null = null,
  ): ScriptCommand | null {
    const own = given.user ?? user;
    if (own === null ? this.#nobody : !this.account(own, consequence)) return null;
    const command = {
      words: given.words,
      user: own?.name ?? this.scriptUser,
      position: given.position,
    };
    this.#warnOfShell(command);
    return this.#mayRun(command, consequence) ? command : null;
  }

  /** Whether an account exists; if not, it is reported. */
  account({ name, position }: GivenUser, consequence: string): boolean {
    const reason = this.#inspect?.account(name) ?? null;
    if (reason === null) return true;
    this.#report({
      severity: "error",
      position,
      message: `Cannot use "${name.user}${name.group === null ? "" : ` ${name.group}`}" as user ` +
        `and group: ${reason}: ${consequence}`,
      remedy: "Name a user and a group of this machine, or create them",
    });
    return false;
  }

  /** One warning for a whole file, as keepalived: what it runs could be changed by others than root. */
  reportInsecure(): void {
    const [first, ...others] = this.#insecure;
    if (first === undefined) return;
    const { message, remedy } = first.complaint;
    const more = others.length === 0
      ? ""
      : ` (and ${others.length} more script${others.length === 1 ? "" : "s"})`;
    this.#report({
      severity: "warning",
      position: first.position,
      message: `SECURITY VIOLATION: scripts are run though enable_script_security is off: ` +
        `${message}${more}`,
      remedy: `${remedy}; then write "enable_script_security" into global_defs`,
    });
  }

  /** Nobody means an argument by it. */
  #warnOfShell({ words: [program, ...others], position }: ScriptCommand): void {
    const operator = others.find((word) => SHELL_OPERATOR.test(word));
    if (operator === undefined) return;
    this.#report({
      severity: "warning",
      position,
      message: `"${operator}" is handed to ${program} as an argument: no shell reads this command`,
      remedy: "Write /bin/sh -c '...' around it if a shell is meant",
    });
  }

  #mayRun(command: ScriptCommand, consequence: string): boolean {
    const { words, user, position } = command;
    const complaints = this.#inspect?.script(words, user, this.#security) ?? [];
    for (const complaint of complaints) {
      const { message, remedy, refuses, fails = false, insecure = false } = complaint;
      if (refuses) {
        this.#report({
          severity: "error",
          position,
          message: `${message}: ${consequence}`,
          remedy,
        });
      } else if (insecure && !this.#security) this.#insecure.push({ position, complaint });
      else {
        this.#report({ severity: fails ? "error" : "warning", position, message, remedy });
      }
    }
    return !complaints.some(({ refuses }) => refuses);
  }
}
