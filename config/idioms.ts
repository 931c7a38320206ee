/**
 * What scripts of health checks are mostly about (is a process there, does a port answer, is a page
 * good), and the built-in check that asks the same.
 */

import { HTTP_IDIOMS } from "./idioms_http.ts";
import { NET_IDIOMS } from "./idioms_net.ts";
import { PROCESS_IDIOMS } from "./idioms_process.ts";
import type { ShellCommand } from "./shell.ts";
import { type ShellTest, shellTest } from "./shell.ts";

/** A built-in check in place of a script. */
export interface BuiltIn {
  /** The block in `vrrp_check`: "http", "tcp", … */
  readonly kind: "http" | "https" | "tcp" | "dns" | "ping" | "process" | "file";
  /** The lines of that block. */
  readonly lines: readonly string[];
  /** How long the command would have waited; null if it did not say. */
  readonly timeoutSeconds: number | null;
  /** Where the check asks for more or less than the command did. */
  readonly notes: readonly string[];
}

/** Why there is no built-in check for a command. */
export interface Unknown {
  readonly why: string;
}

/** What an idiom is given: a command's arguments, and what reads its output. */
export interface Invocation {
  readonly name: string;
  readonly args: readonly string[];
  /** The commands behind its pipe. */
  readonly readers: readonly ShellCommand[];
  /** The check is good when the command fails. */
  readonly negated: boolean;
}

/** Recognises one program's command lines. */
export type Idiom = (invocation: Invocation) => BuiltIn | Unknown;

const IDIOMS: Readonly<Record<string, Idiom>> = {
  ...PROCESS_IDIOMS,
  ...NET_IDIOMS,
  ...HTTP_IDIOMS,
};

/** Shells, whose `-c` has a command line behind it and whose first argument is a script otherwise. */
const SHELLS = new Set(["sh", "bash", "dash", "ash", "ksh", "busybox"]);

/**
 * The built-in check that a script's command stands for.
 *
 * @param words The command as keepalived runs it.
 * @param read The text of a script file, for what the command line does not say; null if it cannot
 *   be read, or is no text.
 */
export function builtInFor(
  words: readonly string[],
  read: (path: string) => string | null = () => null,
): BuiltIn | Unknown {
  // keepalived's own way to ask whether a file is there.
  if (words[0]?.startsWith("</")) {
    const lines = [`path ${words[0].slice(1)}`];
    return { kind: "file", lines, timeoutSeconds: null, notes: [] };
  }
  const text = commandLine(words, read);
  if (typeof text !== "string") return text;
  const test = shellTest(text);
  if (test === null) return { why: "it does more than one test, or has variables or loops" };
  return ofTest(test);
}

/** The command line that decides; of a script file, its text. */
function commandLine(
  words: readonly string[],
  read: (path: string) => string | null,
): string | Unknown {
  const [program = "", ...args] = words, name = baseName(program);
  if (SHELLS.has(name)) {
    const [first = "", second] = name === "busybox" ? args.slice(1) : args;
    if (/^-[a-z]*c$/.test(first) && second !== undefined) return second;
    if (first === "" || first.startsWith("-")) return { why: "its shell is given no command" };
    return scriptText(first, read);
  }
  if (isKnown(name)) return words.map(quoted).join(" ");
  return program.startsWith("/") ? scriptText(program, read) : { why: `"${name}" is not known` };
}

function scriptText(path: string, read: (path: string) => string | null): string | Unknown {
  const text = read(path);
  if (text === null) return { why: `what "${path}" does is not known here` };
  const shebang = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text);
  const shell = shebang && baseName(shebang[1] === "/usr/bin/env" ? shebang[2] ?? "" : shebang[1]!);
  if (shell === null || !SHELLS.has(shell)) return { why: `"${path}" is no shell script` };
  return text;
}

function isKnown(name: string): boolean {
  return Object.hasOwn(IDIOMS, name) || name === "timeout";
}

function ofTest({ pipeline, negated }: ShellTest): BuiltIn | Unknown {
  const [[program, ...args], ...readers] = pipeline, name = baseName(program);
  if (name === "timeout") return withTimeout(args, { pipeline, negated });
  if (!Object.hasOwn(IDIOMS, name)) return { why: `"${name}" is not known` };
  return IDIOMS[name]!({ name, args, readers, negated });
}

/** `timeout [-k N] [-s SIGNAL] N COMMAND`. */
function withTimeout(args: readonly string[], { pipeline, negated }: ShellTest): BuiltIn | Unknown {
  let at = 0;
  while (args[at]?.startsWith("-")) at += /^-[ks]$/.test(args[at]!) ? 2 : 1;
  const limit = /^(\d+(?:\.\d+)?)s?$/.exec(args[at] ?? ""), command = args.slice(at + 1);
  const [program, ...rest] = command;
  if (limit === null || program === undefined) return { why: "its timeout is not understood" };
  const inner = ofTest({ pipeline: [[program, ...rest], ...pipeline.slice(1)], negated });
  if ("why" in inner) return inner;
  // 0 is no limit (timeout(1)).
  const seconds = Math.min(Number(limit[1]) || Infinity, inner.timeoutSeconds ?? Infinity);
  return { ...inner, timeoutSeconds: Number.isFinite(seconds) ? seconds : null };
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
