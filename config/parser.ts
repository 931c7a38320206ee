/**
 * Walks tokens by the keyword tables. Recovers from errors as keepalived does
 * (keepalived-behaviour 2.2), so that what is left of a broken file means the same to both.
 */

import {
  Arguments,
  type Found,
  type Keyword,
  type List,
  type Section,
  type Setting,
  type Settings,
  type Table,
} from "./keyword.ts";
import { knownKeyword, knownKeywords } from "./known.ts";
import type { Statement, Token } from "./lexer.ts";
import type { Position } from "./model.ts";
import type { Report } from "./problem.ts";
import {
  badName,
  extraClose,
  extraWords,
  givenTwice,
  keywordInList,
  missingOpen,
  unclosed,
  unexpectedOpen,
  wordsBeforeBlock,
} from "./recovery.ts";
import { booleanOf } from "./readers.ts";
import { ROOT } from "./tables.ts";
import { describeUnknown, describeUnsupported, type Surroundings } from "./unknown.ts";

/** What was found in all blocks of a file. */
export type Tree = Settings<typeof ROOT>;

/** Reads tokens into what the tables say; everything that is wrong is reported. */
export function parse(tokens: readonly Token[], report: Report): Tree {
  const parser = new Parser(tokens, report);
  return parser.root() as Tree;
}

/** The block that is being read. */
interface Frame extends Surroundings {
  /** Its keyword and name. */
  readonly block: string;
  readonly table: Table;
  /** What was found, by keyword; shaped by `Settings`. */
  readonly found: Record<string, unknown>;
  readonly refused: Set<string>;
  /** Already reported as not supported, so that its content need not be. */
  readonly unsupported: boolean;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #report: Report;
  /** Of the named blocks in each list of them. */
  readonly #names = new WeakMap<object, Set<string>>();
  #at = 0;
  #order = 0;
  #suggestions = 100;

  constructor(tokens: readonly Token[], report: Report) {
    this.#tokens = tokens;
    this.#report = report;
  }

  root(): Record<string, unknown> {
    const frame: Frame = {
      path: "root",
      title: "at the top level",
      block: "",
      opened: null,
      table: ROOT,
      found: {},
      refused: new Set(),
      unsupported: false,
    };
    this.#body(frame);
    return frame.found;
  }

  /** Reads up to the brace that closes the frame; at the top level, up to the end. */
  #body(frame: Frame): void {
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === "statement") this.#statement(frame, token);
      else if (token.kind === "open") this.#report(unexpectedOpen(frame.title, token.position));
      else if (frame.opened !== null) return;
      else this.#report(extraClose(token.position));
    }
    if (frame.opened !== null) this.#report(unclosed(frame.block, frame.opened));
  }

  #statement(frame: Frame, statement: Statement): void {
    this.#order++;
    const keyword = statement.words[0].text;
    const row: Keyword | undefined = Object.hasOwn(frame.table, keyword)
      ? frame.table[keyword]
      : undefined;
    if (row === undefined) return this.#unknown(frame, statement);
    if (row.status === "not yet" && !frame.unsupported) {
      this.#report(describeUnsupported(statement, frame, row.severity ?? "error"));
    }
    if (row.kind === "setting") this.#setting(frame, statement, row);
    else if (row.kind === "list") this.#list(frame, statement, row);
    else this.#section(frame, statement, row);
  }

  #setting(frame: Frame, statement: Statement, row: Setting<unknown>): void {
    const head = statement.words[0];
    const args = new Arguments(statement, 1, this.#report);
    const value = row.read(args);
    if (value === undefined) {
      frame.refused.add(head.text);
      return;
    }
    this.#reportRest(args, frame);
    const found: Found<unknown> = {
      value,
      position: statement.words[1]?.position ?? head.position,
      order: this.#order,
    };
    if (row.repeat === "all") {
      ((frame.found[head.text] ??= []) as unknown[]).push(found);
      return;
    }
    const earlier = frame.found[head.text] as Found<unknown> | undefined;
    if (row.repeat === "first" && earlier !== undefined) {
      if (earlier.value === value) return;
      this.#report(givenTwice(head, frame));
      return;
    }
    frame.found[head.text] = found;
  }

  #list(frame: Frame, statement: Statement, row: List<unknown>): void {
    const head = statement.words[0];
    const values = (frame.found[head.text] ??= []) as unknown[];
    this.#open(statement);
    this.#reportWords(statement, 1);
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === "close") return;
      if (token.kind !== "statement") {
        this.#report(unexpectedOpen(`in "${head.text}"`, token.position));
        continue;
      }
      this.#order++;
      const keyword = row.named ? null : keywordInList(head, token.words[0], frame);
      if (keyword !== null) {
        this.#report(keyword);
        continue;
      }
      const args = new Arguments(token, 0, this.#report);
      const value = row.entry(args);
      if (value === undefined) continue;
      this.#reportRest(args, frame);
      values.push({ value, position: token.words[0].position, order: this.#order });
    }
    this.#report(unclosed(head.text, head.position));
  }

  #section(frame: Frame, statement: Statement, row: Section): void {
    const [head, name] = statement.words;
    const order = this.#order;
    const settings = {}, refused = new Set<string>();
    const several = row.named || row.repeat === "all";
    const found = (frame.found[head.text] ??= several ? [] : {});
    if (!row.named) {
      if (several) (found as object[]).push({ position: head.position, order, settings, refused });
      this.#open(statement);
      this.#reportWords(statement, 1);
      const into = several ? settings : found;
      this.#body(this.#inner(frame, head.text, head.position, row, into, refused));
      return;
    }
    const list = found as { readonly name: string }[];
    const names = this.#names.get(found as object) ?? new Set();
    this.#names.set(found as object, names);
    if (name === undefined || names.has(name.text)) {
      this.#report(badName(head.text, name, (name ?? head).position));
      this.#skip(statement);
      return;
    }
    names.add(name.text);
    list.push({ name: name.text, position: name.position, order, settings, refused } as never);
    this.#open(statement);
    this.#reportWords(statement, 2);
    const block = `${head.text} ${name.text}`;
    this.#body(this.#inner(frame, block, head.position, row, settings, refused));
  }

  #inner(
    frame: Frame,
    block: string,
    opened: Position,
    row: Section,
    found: unknown,
    refused: Set<string>,
  ): Frame {
    const keyword = block.split(" ", 1)[0]!;
    return {
      path: frame.path === "root" ? keyword : `${frame.path}.${keyword}`,
      title: `in "${block}"`,
      block,
      opened,
      table: row.table,
      found: found as Record<string, unknown>,
      refused,
      unsupported: row.status === "not yet",
    };
  }

  /** A keyword that the tables do not have: perhaps keepalived has it. */
  #unknown(frame: Frame, statement: Statement): void {
    const [head, argument] = statement.words;
    const known = knownKeyword(frame.path, head.text);
    const opensBlock = this.#tokens[this.#at]?.kind === "open";
    if (known !== null) {
      const harmless = frame.unsupported || (argument && booleanOf(argument.text) === false);
      if (!harmless) this.#report(describeUnsupported(statement, frame, known.severity));
      if (known.opensBlock || opensBlock) this.#known(frame, statement);
      return;
    }
    const suggest = this.#suggestions-- > 0;
    this.#report(describeUnknown(statement, frame, { opensBlock, suggest }));
    if (!opensBlock) return;
    // Nothing of an unknown block could mean anything at the top level. Inside another block
    // keepalived goes on as if the brace were not there.
    if (frame.opened === null) this.#skip(statement);
    else this.#at++;
  }

  /** Consumes a block of a part that vigie does not have: a misspelled word in it is still one. */
  #known(frame: Frame, statement: Statement): void {
    const { text, position } = statement.words[0];
    const path = frame.path === "root" ? text : `${frame.path}.${text}`;
    // Its lines are values.
    if (knownKeywords(path).length === 0) return this.#skip(statement);
    this.#open(statement);
    const block = statement.words.map((word) => word.text).join(" ");
    this.#body({
      path,
      title: `in "${block}"`,
      block,
      opened: position,
      table: {},
      found: {},
      refused: new Set(),
      unsupported: true,
    });
  }

  /** Consumes a whole block, whatever is in it. */
  #skip(statement: Statement): void {
    this.#open(statement);
    let depth = 1;
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === "open") depth++;
      else if (token.kind === "close" && --depth === 0) return;
    }
    const head = statement.words[0];
    this.#report(unclosed(head.text, head.position));
  }

  /** Takes the brace behind a statement; without one, reading goes on as if it were there. */
  #open(statement: Statement): void {
    if (this.#tokens[this.#at]?.kind === "open") {
      this.#at++;
      return;
    }
    this.#report(missingOpen(statement));
  }

  #take(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  /** Warns of what a reader left over. */
  #reportRest(args: Arguments, frame: Frame): void {
    const extra = args.rest()[0];
    if (extra !== undefined) this.#report(extraWords(args.text, extra, frame));
  }

  /** Warns of words from an index on, before a block. */
  #reportWords(statement: Statement, from: number): void {
    const extra = statement.words[from];
    if (extra !== undefined) this.#report(wordsBeforeBlock(statement.words[0].text, extra));
  }
}
