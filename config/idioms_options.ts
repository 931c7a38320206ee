/** Reading the options of command lines. */

/** Options by name, and what is no option. */
export interface ParsedOptions {
  /** The value of each that was given; "" for those that have none. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

/** What options a program has: those with a value and those without, by every spelling. */
export interface OptionTable {
  readonly flags: readonly string[];
  readonly valued: readonly string[];
}

/**
 * Splits arguments by a table; null if an option is in neither list. Short options may be joined
 * ("-sf"), and have their value joined ("-m3"); long ones have it behind "=" or as the next word.
 */
export function parseOptions(
  args: readonly string[],
  { flags, valued }: OptionTable,
): ParsedOptions | null {
  const given = new Map<string, string[]>(), operands: string[] = [];
  const note = (name: string, value: string) => given.set(name, [...given.get(name) ?? [], value]);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const name = arg.startsWith("--") && equals > 0 ? arg.slice(0, equals) : arg;
    if (flags.includes(name)) note(name, "");
    else if (valued.includes(name)) {
      const value = name === arg ? args[++at] : arg.slice(equals + 1);
      if (value === undefined) return null;
      note(name, value);
    } else {
      if (arg.startsWith("--")) return null;
      for (let letter = 1; letter < arg.length; letter++) {
        const short = `-${arg[letter]}`;
        if (flags.includes(short)) note(short, "");
        else if (valued.includes(short)) {
          const value = letter + 1 < arg.length ? arg.slice(letter + 1) : args[++at];
          if (value === undefined) return null;
          note(short, value);
          break;
        } else return null;
      }
    }
  }
  return { given, operands };
}

/** The last value of the first of these options that was given; undefined if none was. */
export function valueOf({ given }: ParsedOptions, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const values = given.get(name);
    if (values !== undefined) return values.at(-1);
  }
  return undefined;
}

/** A number of seconds, as most programs take it; null if it is none, or 0, which is no limit. */
export function secondsOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+(?:\.\d+)?s?$/.test(text) ? parseFloat(text) || null : null;
}

/** What a check does not know: that of a name's addresses only one family's were asked for. */
export function familyNotes({ given }: ParsedOptions, host: string): readonly string[] {
  const option = ["-4", "-6"].find((one) => given.has(one));
  if (option === undefined || /^[\d.]+$|:/.test(host)) return [];
  return [`${option} asked for addresses of one family, the check takes all that the name has`];
}

/** What `grep` behind a pipe looks for; null if it is more than a text, or is turned around. */
export function grepText(command: readonly string[] | undefined): string | null {
  if (command === undefined) return null;
  const [program = "", ...args] = command;
  if (!/(^|\/)[ef]?grep$/.test(program)) return null;
  const parsed = parseOptions(args, {
    flags: ["-q", "-s", "-F", "-E", "-o", "-a", "--quiet", "--silent", "--fixed-strings"],
    valued: ["-e", "-m"],
  });
  if (parsed === null || (parsed.given.get("-e")?.length ?? 0) > 1) return null;
  const [pattern, ...files] = valueOf(parsed, "-e") === undefined
    ? parsed.operands
    : [valueOf(parsed, "-e"), ...parsed.operands];
  if (!pattern || files.length > 0) return null;
  const isFixed = ["-F", "--fixed-strings"].some((one) => parsed.given.has(one));
  if (isFixed || /(^|\/)fgrep$/.test(program)) return pattern;
  const bare = pattern.replaceAll("\\.", "");
  if (/[\\*[\]^$+?(){}|]/.test(bare) || !isPlainDots(bare)) return null;
  return pattern.replaceAll("\\.", ".");
}

/**
 * Whether a pattern's dots are those that people leave bare in names, addresses and versions, and
 * mean as dots. Alone it is whatever is not empty, which the caller must know.
 */
function isPlainDots(pattern: string): boolean {
  return pattern === "." || !/(^|[^\w-])\.|\.([^\w-]|$)/.test(pattern);
}
