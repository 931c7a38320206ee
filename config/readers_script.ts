/** Readers of commands, and of who runs them. */

import type { UserName } from "../lib/core/probe_spec.ts";
import type { Arguments, Reader } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { Position } from "./model.ts";
import type { Severity } from "./problem.ts";

/** Somebody, and where the file says so. */
export interface GivenUser {
  readonly name: UserName;
  readonly position: Position;
}

/** A command as a line says it; `Scripts` makes a `ScriptCommand` of it. */
export interface GivenScript {
  readonly words: readonly string[];
  readonly user: GivenUser | null;
  readonly position: Position;
}

/** `USER [[:]GROUP]`; `severity` is of its absence. */
export function userAndGroup(severity: Severity): Reader<GivenUser> {
  return (args) => {
    const user = args.must("a user name", severity);
    return user && givenUser(user, args.take());
  };
}

/** Who is named behind a path or a command. */
export function givenUser(user: Word, group: Word | undefined): GivenUser {
  const name = { user: user.text, group: group?.text.replace(/^:/, "") || null };
  return { name, position: user.position };
}

/**
 * `COMMAND [USER [GROUP]]`, the command with its parameters in one quotation; `severity` is of its
 * absence.
 */
export function script(severity: Severity): Reader<GivenScript> {
  return required(severity, optionalScript("the line is ignored"));
}

/** `COMMAND`, as `script`, of a vrrp_script: keepalived passes over all that stands behind it. */
export function scriptAlone(severity: Severity): Reader<GivenScript> {
  const behind: Behind = (args, argument, [first]) => {
    if (first !== undefined) {
      const message = `"${first.text}" is ignored: keepalived runs ${argument.text} without it`;
      const whole = `Quote the command together with its parameters: "${argument.text} ..."`;
      args.report("warning", first, message, `${whole}; a user stands in a line of its own: user`);
    }
    return null;
  };
  return required(severity, commandLine("the line is ignored", behind));
}

function required(
  severity: Severity,
  read: Reader<GivenScript | null>,
): Reader<GivenScript> {
  return (args) => {
    const given = read(args);
    if (given !== null) return given;
    const message = `Cannot read "${args.text}": a command is missing`;
    args.report(severity, args.head, message, `Write a command behind "${args.head.text}"`);
    return undefined;
  };
}

/** As `script`, or null for no command at all; `until` says what holds without a usable one. */
export function optionalScript(until: string): Reader<GivenScript | null> {
  return commandLine(until, (args, argument, [user, group, ...extra]) => {
    if (extra.length > 0) reportExtraWords(args, argument, extra);
    return user === undefined ? null : givenUser(user, group);
  });
}

/** What becomes of the words behind a command: whom they name. */
type Behind = (args: Arguments, argument: Word, words: readonly Word[]) => GivenUser | null;

function commandLine(until: string, behind: Behind): Reader<GivenScript | null> {
  return (args) => {
    const given = args.takeScript();
    if (given === undefined) return undefined;
    const [argument, ...rest] = given;
    if (argument === undefined) return null;
    const words = args.command(argument);
    if (words === undefined) return undefined;
    if (words.length === 0) return args.refuse(argument, "a command", until);
    return { words, user: behind(args, argument, rest), position: argument.position };
  };
}

function reportExtraWords(
  args: Arguments,
  argument: Word,
  extra: readonly Word[],
): void {
  args.report(
    "warning",
    extra[0]!,
    `"${extra[0]!.text}" is ignored: behind the command stand its user and its group only`,
    `Quote the command together with its parameters: "${argument.text} ..."`,
  );
}
