/** What the demo prints: a narrative with times, and a table. ASCII, for serial consoles too. */

import type { Micros } from "../../core/time.ts";

/** SGR codes of ECMA-48 that every terminal since the VT100 knows. */
const SGR = { bold: 1, faint: 2, green: 32 } as const;

/** How a text is to stand out. */
export type Emphasis = keyof typeof SGR;

/** The column where text begins, behind the time. */
const MARGIN = " ".repeat(10);

/** Columns of a serial console. */
const COLUMNS = 80;

/** Standard output, with the time since the start in front of what happens. */
export class Terminal {
  readonly #colours = Deno.stdout.isTerminal() && !Deno.noColor;
  readonly #start = performance.now();

  /** A heading, after a blank line. */
  heading(text: string): void {
    this.#line(`\n${this.#paint(text, "bold")}`);
  }

  /** Something that happened now. */
  event(text: string, emphasis?: Emphasis): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(2);
    const time = this.#paint(`${seconds.padStart(6)} s`, "faint");
    this.#line(`${time}  ${emphasis === undefined ? text : this.#paint(text, emphasis)}`);
  }

  /** What somebody else said, as much of it as fits. */
  quote(who: string, text: string): void {
    const line = `${MARGIN}${who}: ${text}`;
    this.#line(
      this.#paint(line.length < COLUMNS ? line : `${line.slice(0, COLUMNS - 4)}...`, "faint"),
    );
  }

  /** Lines as they are, indented. */
  paragraph(...lines: readonly string[]): void {
    for (const line of lines) this.#line(line === "" ? "" : `  ${line}`);
  }

  /** Rows under a heading, the first column and the last to the left, those between to the right. */
  table(heading: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = heading.map((title, column) =>
      Math.max(title.length, ...rows.map((row) => row[column]!.length))
    );
    const format = (row: readonly string[]) =>
      row.map((cell, column) => {
        if (column === row.length - 1) return cell;
        return column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
      }).join("   ");
    this.paragraph(this.#paint(format(heading), "bold"));
    this.paragraph(this.#paint(widths.map((width) => "-".repeat(width)).join("   "), "faint"));
    this.paragraph(...rows.map(format));
  }

  #paint(text: string, emphasis: Emphasis): string {
    return this.#colours ? `\x1b[${SGR[emphasis]}m${text}\x1b[0m` : text;
  }

  #line(text: string): void {
    console.log(text);
  }
}

/** A measured time: whole milliseconds, as more digits would be the scheduler's. */
export function milliseconds(us: Micros): string {
  return `${Math.round(us / 1000)} ms`;
}
