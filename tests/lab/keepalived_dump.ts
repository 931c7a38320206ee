/** What keepalived 2.2.7 writes about itself on SIGUSR1 (keepalived.data), as records. */

/** One thing of a section: an instance, a group, a script. */
export interface DumpRecord {
  readonly name: string;
  /** "Key = value" and "Key : value". */
  readonly fields: ReadonlyMap<string, string>;
  /** "Key :" and the lines below it. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Every line but the first, without the blanks around it. */
  readonly lines: readonly string[];
}

/** The records of a dump, by the title of their section; a section without names is one record, "". */
export type Dump = ReadonlyMap<string, readonly DumpRecord[]>;

/** Reads a dump; unknown lines are kept as lines. */
export function parseDump(text: string): Dump {
  const sections = text.split(/^------< (.*) >------$/m).slice(1);
  const dump = new Map<string, DumpRecord[]>();
  for (let at = 0; at < sections.length; at += 2) {
    const title = sections[at]!, records = recordsOf(sections[at + 1]!);
    dump.set(title, [...dump.get(title) ?? [], ...records]);
  }
  return dump;
}

/** A record begins with one blank and names itself: " VRRP Instance = VI_1". */
const HEAD = /^ \S.*? = (.*)$/;

function recordsOf(body: string): DumpRecord[] {
  const groups: { name: string; lines: string[] }[] = [];
  for (const line of body.split("\n").filter((line) => line.trim() !== "")) {
    const head = HEAD.exec(line);
    if (head !== null) groups.push({ name: head[1]!, lines: [] });
    else if (groups.length > 0) groups.at(-1)!.lines.push(line);
    else groups.push({ name: "", lines: [line] });
  }
  return groups.map(({ name, lines }) => recordOf(name, lines));
}

function recordOf(name: string, lines: readonly string[]): DumpRecord {
  const fields = new Map<string, string>(), lists = new Map<string, string[]>();
  let list: string[] = [];
  for (const line of lines) {
    if (/^ {5}/.test(line)) {
      list.push(line.trim());
      continue;
    }
    const [, key, value] = /^\s*(.*?)(?: = |\s*:(?: |$))(.*)$/.exec(line) ?? ["", line.trim(), ""];
    fields.set(key!, value!);
    // "Virtual IP (3):" has the number of its lines in its name.
    lists.set(key!.replace(/ \(\d+\)$/, ""), list = []);
  }
  return { name, fields, lists, lines: lines.map((line) => line.trim()) };
}

/** The words behind a word of a line: `valueIn("1.2.3.4 dev eth0", "dev")` is "eth0". */
export function valueIn(line: string, word: string): string | null {
  return new RegExp(`(?:^| )${word} (\\S+)`).exec(line)?.[1] ?? null;
}
