/** The options of keepalived(8), and how its command line is read: as getopt_long(3) does. */

/** What becomes of an option. */
export interface OptionRow {
  readonly short?: string;
  readonly argument?: "required" | "optional";
  /** What is said once where it is given and does not do what keepalived does with it. */
  readonly remark?: string;
  /** An optional argument may be the next word, too: the manual writes it so. */
  readonly apart?: true;
  /** Nothing runs with it, because vigie would do something else than is asked for. */
  readonly refused?: true;
}

const ONE_PROCESS = "vigie is one process";
const NO_CHECKER = "vigie has no checker of virtual servers";
const NO_SNMP = "SNMP is not offered yet";
const NOT_BUILT = "a tool for developers of keepalived";

/** Every long option of keepalived 2.2.7 and 2.4. */
export const OPTIONS = {
  "use-file": { short: "f", argument: "required" },
  "vrrp": { short: "P" },
  "check": { short: "C", remark: `${NO_CHECKER}: it would have nothing to run`, refused: true },
  "no_bfd": { short: "B" },
  "all": { remark: `${ONE_PROCESS}, which runs all that is configured` },
  "log-console": { short: "l" },
  "log-detail": { short: "D" },
  "log-facility": { short: "S", argument: "required" },
  "log-file": { short: "g", argument: "optional", apart: true },
  "flush-log-file": {},
  "no-syslog": { short: "G" },
  "umask": { short: "u", argument: "required" },
  "release-vips": { short: "X" },
  "dont-release-vrrp": { short: "V", remark: "addresses are removed at the end all the same" },
  "dont-release-ipvs": { short: "I", remark: "there is no IPVS to release" },
  "dont-respawn": { short: "R", remark: `${ONE_PROCESS}: a service manager starts it again` },
  "dont-fork": { short: "n" },
  "dump-conf": { short: "d", remark: "the configuration is not dumped yet: see `vigie check`" },
  "pid": { short: "p", argument: "required" },
  "vrrp_pid": { short: "r", argument: "required" },
  "checkers_pid": { short: "c", argument: "required", remark: `${NO_CHECKER}: no such file` },
  "bfd_pid": { short: "b", argument: "required", remark: "vigie has no BFD process: no such file" },
  "genhash": { short: "T", remark: "vigie has no genhash", refused: true },
  "address-monitoring": { short: "a", remark: "addresses of others are not logged" },
  "snmp": { short: "x", remark: NO_SNMP },
  "snmp-agent-socket": { short: "A", argument: "required", remark: NO_SNMP },
  "namespace": { short: "s", argument: "required" },
  "core-dump": { short: "m", remark: "vigie dumps no core" },
  "core-dump-pattern": {
    short: "M",
    argument: "optional",
    remark: "vigie dumps no core, and leaves the pattern of this host alone",
  },
  "all-config": { short: "e" },
  "config-id": { short: "i", argument: "required" },
  "signum": { argument: "required" },
  "config-test": { short: "t", argument: "optional" },
  "perf": { argument: "optional", remark: NOT_BUILT },
  "debug": { argument: "optional", remark: NOT_BUILT },
  "no-mem-check": { remark: NOT_BUILT },
  "version": { short: "v" },
  "help": { short: "h" },
  /** vigie's own: this is the process that was put into the background. */
  "vigie-in-background": {},
  /** And this is the one that has entered the namespace of -s. */
  "vigie-in-namespace": {},
} as const satisfies Readonly<Record<string, OptionRow>>;

/** The long name of an option. */
export type OptionName = keyof typeof OPTIONS;

/** What a command line says. Of an option that is given twice the last one counts. */
export interface GivenOptions {
  /** Null for an option without an argument. */
  readonly options: ReadonlyMap<OptionName, string | null>;
  /** Words that are no options, which keepalived ignores. */
  readonly words: readonly string[];
  /** What cannot be read, in keepalived's words: it does not start then. */
  readonly errors: readonly string[];
}

/** Reads arguments, the program's own name not among them. */
export function parseOptions(args: readonly string[]): GivenOptions {
  const parser = new Parser(args);
  parser.run();
  return parser;
}

const ROWS: readonly (readonly [OptionName, OptionRow])[] = Object.entries(OPTIONS) as [
  OptionName,
  OptionRow,
][];

class Parser implements GivenOptions {
  readonly options = new Map<OptionName, string | null>();
  readonly words: string[] = [];
  readonly errors: string[] = [];
  readonly #args: readonly string[];
  #next = 0;

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  run(): void {
    while (this.#next < this.#args.length) {
      const arg = this.#args[this.#next++]!;
      if (arg === "--") this.words.push(...this.#args.slice(this.#next), ...this.#end());
      else if (arg.startsWith("--")) this.#long(arg.slice(2), arg);
      else if (arg.startsWith("-") && arg.length > 1) this.#short(arg.slice(1));
      else this.words.push(arg);
    }
  }

  #end(): readonly string[] {
    this.#next = this.#args.length;
    return [];
  }

  /** "name" or "name=value"; a name may be cut as long as one option only begins like it. */
  #long(text: string, arg: string): void {
    const equals = text.indexOf("="), name = equals < 0 ? text : text.slice(0, equals);
    const exact = ROWS.filter(([long]) => long === name);
    const found = exact.length > 0 ? exact : ROWS.filter(([long]) => long.startsWith(name));
    if (found.length !== 1) {
      this.errors.push(`Unknown option ${arg}`);
      return;
    }
    const [long, row] = found[0]!;
    this.#take(long, row, equals < 0 ? null : text.slice(equals + 1), `--${long}`);
  }

  /** "abc", or "afVALUE": the first that takes an argument takes the rest. */
  #short(letters: string): void {
    for (let at = 0; at < letters.length; at++) {
      const letter = letters[at]!, rest = letters.slice(at + 1);
      const found = ROWS.find(([, { short }]) => short === letter);
      if (found === undefined) {
        this.errors.push(`Unknown option -${letter}`);
        continue;
      }
      const [long, row] = found;
      if (row.argument === undefined) {
        this.options.set(long, null);
        continue;
      }
      this.#take(long, row, rest === "" ? null : rest, `-${letter}`);
      return;
    }
  }

  #take(
    long: OptionName,
    { argument, apart }: OptionRow,
    value: string | null,
    spelled: string,
  ): void {
    if (argument === undefined && value !== null) {
      this.errors.push(`Unknown option ${spelled}=${value}`);
      return;
    }
    // The argument of an option that may go without must be attached to it (getopt(3)).
    const next = this.#args[this.#next];
    const takesNext = value === null &&
      (argument === "required" || apart === true && next !== undefined && !next.startsWith("-"));
    if (takesNext) this.#next++;
    const taken = takesNext ? next : value;
    if (argument === "required" && (taken === undefined || taken === "")) {
      this.errors.push(`Missing parameter for option ${spelled}`);
    } else this.options.set(long, taken ?? null);
  }
}
