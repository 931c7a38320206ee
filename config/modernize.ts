/** A configuration with its scripts replaced by built-in checks; comments and layout stay. */

import { type BuiltIn, builtInFor } from "./idioms.ts";
import { commandWords, scriptWords, type Statement, type Token, tokenize } from "./lexer.ts";
import { parseConfig } from "./mod.ts";
import { splitLines } from "./source.ts";
import {
  applied,
  deletion,
  type Edit,
  indentAt,
  isAloneOn,
  lineEnd,
  lineStarts,
  offsetOf,
  rangeOf,
  wordEdit,
} from "./text_edits.ts";

/** What became of one vrrp_script. */
export interface ScriptChange {
  readonly name: string;
  /** Of the block in the file that was read, from 1. */
  readonly line: number;
  /** The command, as it was written. */
  readonly command: string;
  /** What replaces it; null if nothing does. */
  readonly builtIn: BuiltIn | null;
  /** For people: what it asks now, and how that differs; or why it was left alone. */
  readonly notes: readonly string[];
}

/** The new text, and what was done. */
export interface Modernized {
  readonly text: string;
  readonly changes: readonly ScriptChange[];
}

/** A block of the file: its head, and what is in it. */
interface Block {
  readonly head: Statement;
  readonly inner: readonly Token[];
  /** Of the closing brace; the last token if there is none. */
  readonly close: Token;
}

/** keepalived's (keepalived-behaviour 4.3). */
const DEFAULT_INTERVAL_SECONDS = 1;

/** What a block is indented by where its file does not show it. */
const UNIT = "    ";

/** Settings of a script that a built-in check has not. */
const ONLY_OF_SCRIPTS = new Set(["user", "init_fail"]);

/** Longest delay of a process, seconds (keepalived's TIMER_MAX for it, 1 hour). */
const PROCESS_DELAY_MAX = 3600;

/** Settings that mean nothing for a process, which is watched; delays stand for the patience in them. */
const ONLY_OF_POLLED = new Set(["interval", "timeout", "rise", "fall"]);

/**
 * Replaces what it understands, and leaves the rest as it is. Only what stands in the file itself is
 * changed: a script whose command is made of definitions stays.
 *
 * @param read The text of a script file; null if it cannot be read.
 */
export function modernize(
  text: string,
  read: (path: string) => string | null = () => null,
): Modernized {
  const bare = text.replace(/^\ufeff/, "");
  if (bare !== text) return modernize(bare, read);
  const made = rewritten(text, read);
  if (made.text === text || !hasNewErrors(text, made.text)) return made;
  // Definitions can hold what uses a script, which is not seen here but by who reads them.
  const why = "what uses it is made of definitions";
  const changes = made.changes.map((one): ScriptChange =>
    one.builtIn === null ? one : { ...one, builtIn: null, notes: [why] }
  );
  return { text, changes };
}

/** Whether the parser refuses in a new text what it did not in the old one. */
function hasNewErrors(before: string, after: string): boolean {
  const errors = (text: string) =>
    parseConfig(text, "").problems.filter(({ severity }) => severity !== "warning")
      .map(({ message }) => message.replaceAll("_check", "_script"));
  const known = new Set(errors(before));
  return errors(after).some((message) => !known.has(message));
}

function rewritten(text: string, read: (path: string) => string | null): Modernized {
  const tokens = tokenize(splitLines(text, ""), () => {}), starts = lineStarts(text);
  const blocks = blocksOf(tokens);
  const taken = new Set(
    blocks.filter(({ head }) => keyword(head) === "vrrp_check").map(({ head }) => nameOf(head)),
  );
  const converted = new Set<string>(), edits: Edit[] = [], conditional = conditionalWords(tokens);
  const changes = blocks.filter(({ head }) => keyword(head) === "vrrp_script").map((block) => {
    const change = changeOf(block, { taken, conditional }, read);
    if (change.builtIn !== null) {
      converted.add(change.name);
      edits.push(...blockEdits(block, change.builtIn, text, starts));
    }
    return change;
  });
  for (const owner of blocks) {
    if (!["vrrp_instance", "vrrp_sync_group"].includes(keyword(owner.head))) continue;
    for (const use of blocksOf(owner.inner)) {
      if (keyword(use.head) === "track_script") {
        edits.push(...useEdits(use, converted, text, starts));
      }
    }
  }
  return { text: applied(text, edits), changes };
}

/** The words of lines that only some configurations have, and of the blocks that those open. */
function conditionalWords(tokens: readonly Token[]): ReadonlySet<string> {
  const found = new Set<string>();
  /** How deep in such a block; 0 outside. */
  let depth = 0, isConditional = false;
  for (const token of tokens) {
    if (token.kind === "statement") {
      isConditional = keyword(token).startsWith("@");
      if (isConditional || depth > 0) token.words.forEach(({ text }) => found.add(text));
    } else if (depth > 0 || (isConditional && token.kind === "open")) {
      depth += token.kind === "open" ? 1 : -1;
    }
  }
  return found;
}

function keyword({ words: [first] }: Statement): string {
  return first.text;
}

function nameOf({ words: [, name] }: Statement): string {
  return name?.text ?? "";
}

/** The blocks among tokens, none of those within them. */
function blocksOf(tokens: readonly Token[]): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const head = tokens[at]!;
    if (head.kind !== "statement" || tokens[at + 1]?.kind !== "open") continue;
    let depth = 1, end = at + 2;
    for (; end < tokens.length && depth > 0; end++) {
      if (tokens[end]!.kind === "open") depth++;
      else if (tokens[end]!.kind === "close") depth--;
    }
    if (depth > 0) break;
    blocks.push({ head, inner: tokens.slice(at + 2, end - 1), close: tokens[end - 1]! });
    at = end - 1;
  }
  return blocks;
}

function settings({ inner }: Block): readonly Statement[] {
  return inner.filter((token) => token.kind === "statement");
}

function changeOf(
  block: Block,
  { taken, conditional }: Record<"taken" | "conditional", ReadonlySet<string>>,
  read: (path: string) => string | null,
): ScriptChange {
  const name = nameOf(block.head), { line } = block.head.words[0].position;
  const script = settings(block).findLast((one) => keyword(one) === "script");
  const [argument] = script === undefined ? [] : scriptWords(script, () => {}) ?? [];
  const words = argument && commandWords(argument, () => {});
  const left = (why: string): ScriptChange => ({
    name,
    line,
    command: argument?.text ?? "",
    builtIn: null,
    notes: [why],
  });
  if (argument === undefined || !words || words.length === 0) return left("it has no command");
  const isConditional = settings(block).some((one) => keyword(one).startsWith("@"));
  if (isConditional || conditional.has(name)) return left("a line with @ concerns it");
  if (taken.has(name)) return left(`there is a vrrp_check "${name}" already`);
  if (argument.text.includes("$")) return left("its command is made of definitions or variables");
  const found = builtInFor(words, read);
  if ("why" in found) return left(found.why);
  // What is no definition in a script's file would be one in this.
  if (found.lines.some((line) => line.includes("$"))) return left('what it asks for has a "$"');
  const builtIn = found.kind === "process" ? withDelays(found, settings(block)) : found;
  return { name, line, command: argument.text, builtIn, notes: builtIn.notes };
}

/** What `fall` and `rise` of a script that was run at intervals are for a process that is watched. */
function withDelays(builtIn: BuiltIn, all: readonly Statement[]): BuiltIn {
  const interval = numberOf(all, "interval") || DEFAULT_INTERVAL_SECONDS;
  const delays = ([["fall", "terminate_delay"], ["rise", "fork_delay"]] as const).flatMap(
    ([word, delay]) => {
      const times = numberOf(all, word) ?? 1;
      const seconds = Math.min((times - 1) * interval, PROCESS_DELAY_MAX);
      const note =
        `"${word} ${times}" at an interval of ${interval} s is "${delay} ${seconds}" now`;
      return seconds > 0 ? [{ line: `${delay} ${seconds}`, note }] : [];
    },
  );
  return {
    ...builtIn,
    lines: [...builtIn.lines, ...delays.map(({ line }) => line)],
    notes: [...builtIn.notes, ...delays.map(({ note }) => note)],
  };
}

/** The last number behind a keyword; null if there is none. */
function numberOf(all: readonly Statement[], word: string): number | null {
  const given = all.findLast((one) => keyword(one) === word)?.words[1]?.text;
  return given !== undefined && /^\d+(\.\d+)?$/.test(given) ? Number(given) : null;
}

/** `vrrp_script` becomes `vrrp_check`, and its script a block. */
function blockEdits(
  block: Block,
  builtIn: BuiltIn,
  text: string,
  starts: readonly number[],
): readonly Edit[] {
  const all = settings(block), script = all.findLast((one) => keyword(one) === "script")!;
  const isProcess = builtIn.kind === "process";
  const edits: Edit[] = [wordEdit(block.head, "vrrp_check", starts)];
  for (const one of all) {
    const word = keyword(one);
    // A vrrp_script takes 0 for its default, a vrrp_check refuses it.
    const isDefault = word === "interval" && numberOf([one], word) === 0;
    const isUseless = ONLY_OF_SCRIPTS.has(word) || (isProcess && ONLY_OF_POLLED.has(word)) ||
      isDefault ||
      (word === "script" && one !== script) || (word === "timeout" && !isProcess);
    if (isUseless) edits.push(deletion(one, text, starts));
  }
  const [from, to] = rangeOf(script, starts);
  const isAlone = text.slice(starts[script.line.number - 1]!, from).trim() === "";
  const outer = indentAt(text, offsetOf(block.head, starts));
  const indent = isAlone ? indentAt(text, from) : `${outer}${UNIT}`;
  const unit = indent === "" ? UNIT : indent.slice(outer.length) || UNIT;
  const timeout = isProcess ? null : timeoutOf(all, builtIn);
  const inner = builtIn.lines.map((line) => `${indent}${unit}${line}\n`).join("");
  const more = timeout === null ? "" : `\n${indent}timeout ${timeout}`;
  const first = isAlone ? "" : `\n${indent}`;
  edits.push({ from, to, text: `${first}${builtIn.kind} {\n${inner}${indent}}${more}` });
  return edits;
}

/** The shorter one of what the block says and what the command waited; null for the interval. */
function timeoutOf(all: readonly Statement[], { timeoutSeconds }: BuiltIn): string | null {
  const interval = numberOf(all, "interval") || DEFAULT_INTERVAL_SECONDS;
  const shortest = Math.min(numberOf(all, "timeout") || interval, timeoutSeconds ?? interval);
  return shortest < interval ? String(shortest) : null;
}

/** Converted names move from track_script to track_check. */
function useEdits(
  block: Block,
  converted: ReadonlySet<string>,
  text: string,
  starts: readonly number[],
): readonly Edit[] {
  const entries = settings(block);
  const moving = entries.filter((entry) => converted.has(keyword(entry)));
  if (moving.length === 0) return [];
  if (moving.length === entries.length) return [wordEdit(block.head, "track_check", starts)];
  const [from] = rangeOf(block.head, starts), indent = indentAt(text, from);
  const first = indentAt(text, offsetOf(moving[0]!, starts));
  const inner = first.length > indent.length ? first : `${indent}${UNIT}`;
  const lines = moving.map((entry) => {
    const [start, end] = rangeOf(entry, starts);
    return `${inner}${
      text.slice(start, isAloneOn(entry, text, starts) ? lineEnd(entry, text, starts) : end)
    }\n`;
  });
  const at = offsetOf(block.close.kind === "statement" ? block.head : block.close, starts) + 1;
  return [
    ...moving.map((entry) => deletion(entry, text, starts, "goes")),
    { from: at, to: at, text: `\n${indent}track_check {\n${lines.join("")}${indent}}` },
  ];
}
