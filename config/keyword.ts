/** What a row of a keyword table is, and what its reader is given. */

import type { Position } from "./model.ts";
import { commandWords, scriptWords, type Statement, type Word } from "./lexer.ts";
import type { Report, Severity } from "./problem.ts";

/**
 * What vigie makes of a keyword. `works`: what keepalived does. `no effect`: accepted, and
 * keepalived does nothing with it either, or nothing that vigie needs. `not yet`: read, checked
 * and kept in the configuration, but nothing acts on it; its use is reported.
 */
export type Status = "works" | "no effect" | "not yet";

/** What every row says about its keyword; the manual page is made of it. */
interface Described {
  readonly status: Status;
  readonly doc: string;
  /** How the arguments are written, as keepalived's manual has them; empty for none. */
  readonly usage: string;
  /** What holds without the keyword, in the units of the file. */
  readonly default?: string;
  /** For `not yet`: how bad it is to go without. */
  readonly severity?: Exclude<Severity, "fatal">;
}

/** A keyword with arguments on its line. Given twice, the last one counts unless `repeat` says so. */
export interface Setting<T> extends Described {
  readonly kind: "setting";
  readonly read: Reader<T>;
  /**
   * `first`: the first one counts, and a second one is reported if it says something else.
   * `all`: it adds, as a list does.
   */
  readonly repeat?: "first" | "all";
}

/** A block with one value a line. Given twice, it adds. */
export interface List<T> extends Described {
  readonly kind: "list";
  readonly entry: Reader<T>;
  /** Entries are names that the user chose: one that looks like a keyword is none. */
  readonly named?: true;
}

/** A block of keywords. A named one makes a new thing each time, another merges unless `repeat` says so. */
export interface Section<T extends Table = Table> extends Described {
  readonly kind: "section";
  readonly named: boolean;
  /** `all`: it makes a new thing each time, though it has no name. */
  readonly repeat?: "all";
  readonly table: T;
}

/** A row of a table. */
export type Keyword = Setting<unknown> | List<unknown> | Section;

/** The keywords of one block. */
export interface Table {
  readonly [keyword: string]: Keyword;
}

/** A value and where it was given; `order` counts statements over all files. */
export interface Found<T> {
  readonly value: T;
  readonly position: Position;
  readonly order: number;
}

/** One block of several. */
export interface Block<T extends Table> {
  /** Of its name, else of its keyword. */
  readonly position: Position;
  readonly order: number;
  readonly settings: Settings<T>;
  /** Settings that were given with values that cannot be used: already reported. */
  readonly refused: ReadonlySet<string>;
}

/** One named block. */
export interface Named<T extends Table> extends Block<T> {
  readonly name: string;
}

/** What was found in a block, typed after its table, so that no keyword is read and then forgotten. */
export type Settings<T extends Table> = { readonly [K in keyof T]?: FoundBy<T[K]> };

/** What one row leaves in its block. */
export type FoundBy<K> = K extends Setting<infer V>
  ? (K extends { readonly repeat: "all" } ? readonly Found<V>[] : Found<V>)
  : K extends List<infer V> ? readonly Found<V>[]
  : K extends Section<infer U> ? FoundBlock<K, U>
  : never;

type FoundBlock<K, U extends Table> = K extends { readonly named: true } ? readonly Named<U>[]
  : K extends { readonly repeat: "all" } ? readonly Block<U>[]
  : Settings<U>;

/** Reads the arguments of a statement; undefined, after a report, if they cannot be used. */
export type Reader<T> = (args: Arguments) => T | undefined;

/** The arguments of one statement, taken one by one; what a reader leaves over is reported. */
export class Arguments {
  readonly #statement: Statement;
  readonly #report: Report;
  #next: number;

  /** `first` is the index of the first argument: 0 in a list, whose lines have no keyword. */
  constructor(statement: Statement, first: 0 | 1, report: Report) {
    this.#statement = statement;
    this.#next = first;
    this.#report = report;
  }

  /** The first word of the statement: its keyword, or the value of a list entry. */
  get head(): Word {
    return this.#statement.words[0];
  }

  /** The statement as the user wrote it, for messages. */
  get text(): string {
    const { line, from, to } = this.#statement;
    return line.text.slice(from, to).trim();
  }

  /** Takes the next argument; undefined at the end. */
  take(): Word | undefined {
    return this.#statement.words[this.#next++];
  }

  /**
   * Takes an argument that must be there; keepalived refuses to start without most of them.
   * `until`: what holds as long as it is missing.
   */
  must(what: string, severity: Severity = "fatal", until?: string): Word | undefined {
    const word = this.take();
    if (word !== undefined) return word;
    const { words } = this.#statement;
    this.report(
      severity,
      words.at(-1)!,
      `Cannot read "${this.text}": ${what} is missing`,
      `Write ${what} behind "${words.at(-1)!.text}"` +
        (until === undefined ? "" : `; until then ${until}`),
    );
    return undefined;
  }

  /** Takes all that is left, read again as script keywords are; undefined if quotes do not close. */
  takeScript(): readonly Word[] | undefined {
    this.#next = Infinity;
    return scriptWords(this.#statement, this.#report) ?? undefined;
  }

  /** The words of the command in the first argument of a script keyword. */
  command(argument: Word): readonly string[] | undefined {
    return commandWords(argument, this.#report) ?? undefined;
  }

  /** What was not taken. */
  rest(): readonly Word[] {
    return this.#statement.words.slice(this.#next);
  }

  /** Reports a problem at a word. */
  report(severity: Severity, at: Word, message: string, remedy: string): void {
    this.#report({ severity, position: at.position, message, remedy });
  }

  /** Reports that a word of this statement cannot be used, and what is allowed. */
  refuse(at: Word, allowed: string, consequence: string): undefined {
    this.report(
      "error",
      at,
      `Cannot read "${at.text}"${at.text === this.text ? "" : ` in "${this.text}"`}: ` +
        `must be ${allowed}`,
      `Write ${allowed}; until then ${consequence}`,
    );
    return undefined;
  }
}
