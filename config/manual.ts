/** The manual page of every keyword, made of the tables that the parser reads by. */

import { ADDRESS_OPTIONS } from "./address_entry.ts";
import type { Keyword, Status, Table } from "./keyword.ts";
import { knownBlocks, knownKeywords, without } from "./known.ts";
import { PEER_OPTIONS } from "./peer_entry.ts";
import { ROUTE_OPTIONS } from "./route_entry.ts";
import { RULE_OPTIONS } from "./rule_entry.ts";
import { ROOT } from "./tables.ts";
import { TRACK_OPTIONS } from "./track_entry.ts";

/** Words of a line rather than keywords, by the names that keepalived's reference gives the blocks. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  // The last one is of static addresses.
  "address entry": ["ADDR[/LEN]", ...ADDRESS_OPTIONS, "track_group"],
  "route entry": ROUTE_OPTIONS,
  "rule entry": RULE_OPTIONS,
  "track entry": TRACK_OPTIONS,
  "unicast_peer entry": PEER_OPTIONS,
  "interface_up_down_delays entry": ["DOWN [UP]"],
};

/** The same of parts that vigie does not have yet. */
const LATER_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  "virtual_server_group entry": ["ADDR[/LEN] [PORT]", "ADDR-LAST [PORT]", "fwmark N"],
};

/** What is done with lines before they are read. */
const PREPROCESSOR: readonly (readonly [form: string, doc: string])[] = [
  ["# comment", "To the end of the line, outside double quotes."],
  ["! comment", "The same."],
  ["{", "Opens a block."],
  ["}", "Closes it."],
  ['"..."', "Keeps blanks and comment characters together."],
  ["'...' and backslash escapes", "In commands only."],
  ["include", "Reads files that match a pattern; a missing one is reported."],
  ["includer", "As include; a file that cannot be read is fatal."],
  ["includem", "As includer; a name that does not exist is fatal."],
  ["includew", "As includem; a pattern that matches nothing is fatal."],
  ["includeb", "As includem; a brace alternative without a file is fatal."],
  ["includea", "All of these."],
  ["@id LINE", "A line for one configuration id only."],
  ["@^id LINE", "A line for all others."],
  ["$NAME=VALUE", "Defines a name."],
  ["$NAME=VALUE \\", "Defines a name as several lines."],
  ["${NAME}", "Puts in what a name means, anywhere."],
  ["$NAME", "The same, before a blank, a comma, a closing parenthesis or the end of the line."],
  ["~SEQ(VAR[, START[, STEP]], END) LINE", "Repeats a line for numbers."],
  ["~SEQx(VAR[, START[, STEP]], END) LINE", "The same in hexadecimal."],
  ["~LST(VAR, V1, V2 ...) LINE", "Repeats a line for values."],
  ["~LST({V1,V2}, {a,b}, {c,d}) LINE", "Repeats a line for tuples."],
  ["${_PWD}", "The folder of the file."],
  ["${_INSTANCE}", "What instance says."],
  ["${_RANDOM [MIN [MAX]]}", "A number, another one at each use."],
  ["${_ENV NAME}", "A variable of the environment."],
  ["${_HASH}", "A #."],
  ["${_BANG}", "A !."],
];

const STATE: Readonly<Record<Status, string>> = {
  works: "works",
  "no effect": "accepted without effect",
  "not yet": "not yet",
};

/** One keyword on the page. */
interface Line {
  readonly keyword: string;
  readonly usage: string;
  readonly default: string;
  readonly status: Status;
  readonly doc: string;
}

/** Every block with its keywords, in the order of the page. */
export function keywordTable(): ReadonlyMap<string, readonly Line[]> {
  const blocks = new Map<string, Line[]>();
  collect("root", ROOT, blocks);
  for (const block of knownBlocks()) {
    if (Object.hasOwn(LATER_ENTRIES, block)) continue;
    const words = ENTRIES[block];
    const lines = blocks.get(block) ?? (words ?? []).map((keyword) => entryLine(keyword));
    const have = new Set(lines.map(({ keyword }) => keyword));
    for (const known of knownKeywords(block)) {
      if (have.has(known.keyword)) continue;
      lines.push({
        keyword: known.keyword,
        usage: known.opensBlock ? "{ ... }" : "",
        default: "",
        status: "not yet",
        doc: `keepalived's; ${without(known)}.`,
      });
    }
    blocks.set(block, lines);
  }
  for (const [block, words] of Object.entries(ENTRIES)) {
    if (!blocks.has(block)) blocks.set(block, words.map((keyword) => entryLine(keyword)));
  }
  for (const [block, words] of Object.entries(LATER_ENTRIES)) {
    blocks.set(block, words.map((keyword) => entryLine(keyword, "not yet")));
  }
  blocks.set(
    "preprocessor",
    PREPROCESSOR.map(([keyword, doc]) => ({ ...entryLine(keyword), doc })),
  );
  return blocks;
}

function entryLine(keyword: string, status: Status = "works"): Line {
  return { keyword, usage: "", default: "", status, doc: "" };
}

function collect(block: string, table: Table, into: Map<string, Line[]>): void {
  const lines: Line[] = [];
  into.set(block, lines);
  for (const [keyword, row] of Object.entries<Keyword>(table)) {
    const { usage, default: builtIn = "", status, doc } = row;
    lines.push({ keyword, usage, default: builtIn, status, doc });
    if (row.kind !== "section") continue;
    collect(block === "root" ? keyword : `${block}.${keyword}`, row.table, into);
  }
}

/** The page, as Markdown. */
export function keywordsPage(): string {
  const blocks = keywordTable(), all = [...blocks.values()].flat();
  const count = (status: Status) => all.filter((line) => line.status === status).length;
  return [
    "# Every keyword",
    "",
    "Made by `deno task docs` of the tables that vigie reads a configuration by; do not edit it.",
    "",
    `Of ${all.length} keywords, entries and forms ${count("works")} work, ${
      count("no effect")
    } are accepted without effect, because vigie does the same without them, and ${
      count("not yet")
    } are known and not active yet: \`vigie check\` names each of these that a file uses.`,
    ...[...blocks].flatMap(([block, lines]) => ["", `## ${titleOf(block)}`, "", ...page(lines)]),
    "",
  ].join("\n");
}

function titleOf(block: string): string {
  if (block === "root") return "Top level";
  if (block === "preprocessor") return "Before lines are read";
  return block.includes(" ") ? `Words of a line: ${block}` : `\`${block}\``;
}

function page(lines: readonly Line[]): string[] {
  const row = ({ keyword, usage, default: builtIn, status, doc }: Line) =>
    [code(keyword), code(usage), builtIn, STATE[status], doc].map(cell).join("|");
  return [
    "| Keyword | Arguments | Default | State | What it does |",
    "| --- | --- | --- | --- | --- |",
    ...lines.map((line) => `|${row(line)}|`),
  ];
}

function code(text: string): string {
  return text === "" ? "" : text.includes("`") ? text : `\`${text}\``;
}

function cell(text: string): string {
  return text === "" ? " " : ` ${text.replaceAll("|", "\\|")} `;
}
