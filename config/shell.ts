/**
 * As much of the shell's language as health checks are written in: commands, pipes, `&&`, `||`, `;`,
 * `if CMD; then exit 0; else exit 1; fi`, redirections, quotes. What has variables, substitutions,
 * loops or functions is not understood, rather than misunderstood.
 */

/** The words of one command; its redirections are left out. */
export type ShellCommand = readonly [string, ...string[]];

/** Commands of which each reads what the one before writes. */
export type Pipeline = readonly [ShellCommand, ...ShellCommand[]];

/** What decides about the exit code: whether a pipeline succeeds, or (`negated`) fails. */
export interface ShellTest {
  readonly pipeline: Pipeline;
  readonly negated: boolean;
}

type Token = { readonly word: string } | { readonly operator: string };

const OPERATORS = ["&&", "||", ";;", "|", ";", "\n", "(", ")", "&"] as const;
const REDIRECTION = /^(?:\d*(?:>>|>\||>&|<&|>|<)|&>>?)/;

/** Splits a command line into words and operators; null if it needs a shell to know what it says. */
function tokenize(text: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const blank = /^(?:[ \t\r]|\\\n)+/.exec(rest)?.[0];
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    if (rest[0] === "#") {
      at += rest.indexOf("\n") < 0 ? rest.length : rest.indexOf("\n");
      continue;
    }
    const redirection = REDIRECTION.exec(rest)?.[0];
    if (redirection !== undefined) {
      at += redirection.length;
      at += /^[ \t]*/.exec(text.slice(at))![0].length;
      const target = readWord(text, at);
      // Input from a here-document, or from a process, is more than a redirection.
      if (target === null || target.end === at) return null;
      at = target.end;
      continue;
    }
    const operator = OPERATORS.find((sign) => rest.startsWith(sign));
    if (operator !== undefined) {
      tokens.push({ operator });
      at += operator.length;
      continue;
    }
    const word = readWord(text, at);
    if (word === null || word.end === at) return null;
    tokens.push({ word: word.text });
    at = word.end;
  }
  return tokens;
}

/** One word, its quotes taken away. */
function readWord(text: string, from: number): { text: string; end: number } | null {
  let word = "", at = from;
  while (at < text.length && !/[\s;|&()<>]/.test(text[at]!)) {
    const sign = text[at]!;
    if (sign === "$" || sign === "`") return null;
    if (sign === "\\") {
      word += text[at + 1] ?? "";
      at += 2;
    } else if (sign === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return null;
      word += text.slice(at + 1, end);
      at = end + 1;
    } else if (sign === '"') {
      const quoted = readDoubleQuoted(text, at + 1);
      if (quoted === null) return null;
      word += quoted.text;
      at = quoted.end;
    } else {
      // Which files a pattern stands for is the shell's to find out; in a URL it stands for itself.
      if (/[*?]/.test(sign) && !word.includes("://")) return null;
      word += sign;
      at++;
    }
  }
  return { text: word, end: at };
}

function readDoubleQuoted(text: string, from: number): { text: string; end: number } | null {
  let word = "";
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') return { text: word, end: at + 1 };
    if (sign === "$" || sign === "`") return null;
    if (sign === "\\" && /["\\$`]/.test(text[at + 1] ?? "")) word += text[++at];
    else word += sign;
  }
  return null;
}

/** Words that begin something that is more than a test. */
const KEYWORDS = new Set(["while", "for", "until", "case", "function", "{", "}", "[["]);

/** Commands before a test that mean nothing to its result. */
const SETTINGS = new Set(["set", "export", "umask", "cd", "LANG=C", "LC_ALL=C", ":"]);

/** Behind a setting, the test comes whatever became of it, or only if it worked, as it does. */
const AFTER_SETTINGS = ["&&", ";", "\n", "end"];

interface Statement {
  readonly pipeline: Pipeline;
  readonly negated: boolean;
  /** What stands between it and the next one. */
  readonly then: string;
}

function statements(tokens: readonly Token[]): Statement[] | null {
  const found: Statement[] = [];
  let commands: string[][] = [[]], negated = false;
  const finish = (then: string): boolean => {
    const full = commands.filter((words) => words.length > 0);
    if (full.length !== commands.length) {
      if (commands.length === 1 && !negated) return true; // an empty line
      return false;
    }
    found.push({ pipeline: full as unknown as Pipeline, negated, then });
    return true;
  };
  for (const token of [...tokens, { operator: "end" }]) {
    if ("word" in token) {
      const current = commands.at(-1)!;
      if (current.length === 0 && commands.length === 1 && token.word === "!" && !negated) {
        negated = true;
      } else if (current.length === 0 && KEYWORDS.has(token.word)) return null;
      else current.push(token.word);
    } else if (token.operator === "|") commands.push([]);
    else if (["&&", "||", ";", "\n", "end"].includes(token.operator)) {
      if (!finish(token.operator)) return null;
      [commands, negated] = [[[]], false];
    } else return null;
  }
  return found;
}

/** A command that only decides about the exit code: at once, or unless something follows. */
interface Decision {
  readonly code: number;
  readonly ends: boolean;
}

function decisionOf({ pipeline, negated }: Statement): Decision | null {
  const [[name, code, ...more], ...others] = pipeline;
  if (others.length > 0 || more.length > 0 || negated) return null;
  if (name === "true" || name === ":" || name === "false") {
    return { code: name === "false" ? 1 : 0, ends: false };
  }
  if (name !== "exit" && name !== "return") return null;
  if (code === undefined) return null;
  // A process has eight bits for it (exit(3)).
  return /^\d{1,3}$/.test(code) ? { code: Number(code) & 0xff, ends: true } : null;
}

/** The one test that a command line or a script consists of; null if it is anything else. */
export function shellTest(text: string): ShellTest | null {
  const tokens = tokenize(text.replace(/^#![^\n]*/, ""));
  const list = tokens && statements(unwrapIf(tokens));
  if (list === null) return null;
  const start = list.findIndex(({ pipeline: [[name]], negated, then }) =>
    !SETTINGS.has(name) || negated || !AFTER_SETTINGS.includes(then)
  );
  return start < 0 ? null : decide(list.slice(start));
}

/** `if A; then B; else C; fi` as `A && B || C`, which is the same where B cannot fail but by exiting. */
function unwrapIf(tokens: readonly Token[]): readonly Token[] {
  const isWord = (token: Token | undefined, word: string) =>
    token !== undefined && "word" in token && token.word === word;
  const skip = (token: Token) => "operator" in token && [";", "\n"].includes(token.operator);
  const start = tokens.findIndex((token) => isWord(token, "if"));
  if (start < 0) return tokens;
  const out: Token[] = [...tokens.slice(0, start)];
  for (const [at, token] of tokens.slice(start).entries()) {
    const next = tokens.slice(start + at + 1).find((one) => !skip(one));
    const swallowed = skip(token) &&
      ["then", "else", "fi"].some((word) => isWord(next, word));
    if (swallowed || isWord(token, "if")) continue;
    const last = out.at(-1);
    if (skip(token) && last !== undefined && "operator" in last) continue;
    if (isWord(token, "then")) out.push({ operator: "&&" });
    else if (isWord(token, "else")) out.push({ operator: "||" });
    // What an "if" that takes no branch ends with.
    else if (isWord(token, "fi")) out.push({ operator: ";" }, { word: "true" });
    else out.push(token);
  }
  return out;
}

/** `A`, `A && exit 0 || exit 1`, `A || exit 1; exit 0` and their kin; null for anything else. */
function decide([test, ...rest]: readonly Statement[]): ShellTest | null {
  if (test === undefined || decisionOf(test) !== null) return null;
  const decisions = rest.map((one) => decisionOf(one));
  if (decisions.includes(null)) return null;
  /** The exit code when the statement, "!" and all, succeeds or fails. */
  const outcome = (succeeds: boolean): number => {
    let status = succeeds ? 0 : 1;
    for (const [at, decision] of decisions.entries()) {
      const before = at === 0 ? test.then : rest[at - 1]!.then;
      const isReached = before === "&&" ? status === 0 : before === "||" ? status !== 0 : true;
      if (!isReached) continue;
      status = decision!.code;
      if (decision!.ends) break;
    }
    return status;
  };
  const good = outcome(!test.negated), bad = outcome(test.negated);
  return (good === 0) === (bad === 0) ? null : { pipeline: test.pipeline, negated: good !== 0 };
}
