/** Names of routing tables, protocols and the like: iproute2's own, and those of the machine. */

/** What can have a name instead of a number. */
export type NameKind = "table" | "protocol" | "scope" | "realm" | "dsfield" | "group";

/** Where the machine's names are. */
export interface NameFolders {
  /** `iproute_usr_dir`; null for the usual ones. */
  readonly usr: string | null;
  /** `iproute_etc_dir`, which overrides it. */
  readonly etc: string | null;
}

/** Looks a name up in the files of iproute2; null if it is not there. */
export type NameLookup = (kind: NameKind, name: string, folders: NameFolders) => number | null;

/** The numbers that are allowed, and the file that names them. */
const KINDS: Readonly<
  Record<NameKind, { readonly high: number; readonly file: string; readonly what: string }>
> = {
  table: { high: 0xffff_ffff, file: "rt_tables", what: "a routing table" },
  protocol: { high: 255, file: "rt_protos", what: "a routing protocol" },
  scope: { high: 255, file: "rt_scopes", what: "a scope" },
  realm: { high: 0xffff, file: "rt_realms", what: "a realm" },
  dsfield: { high: 255, file: "rt_dsfield", what: "a type of service" },
  group: { high: 0x7fff_ffff, file: "group", what: "an interface group" },
};

/** RT_TABLE_*, RTPROT_* and RT_SCOPE_* of linux/rtnetlink.h by iproute2's names. */
const BUILT_IN: Readonly<Record<NameKind, Readonly<Record<string, number>>>> = {
  table: { default: 253, main: 254, local: 255 },
  protocol: {
    redirect: 1,
    kernel: 2,
    boot: 3,
    static: 4,
    gated: 8,
    ra: 9,
    mrt: 10,
    zebra: 11,
    bird: 12,
    dnrouted: 13,
    xorp: 14,
    ntk: 15,
    dhcp: 16,
    keepalived: 18,
    babel: 42,
    bgp: 186,
    isis: 187,
    ospf: 188,
    rip: 189,
    eigrp: 192,
  },
  scope: { global: 0, site: 200, link: 253, host: 254, nowhere: 255 },
  realm: {},
  dsfield: {},
  group: { default: 0 },
};

/** The file of iproute2 that names things of a kind, such as "rt_tables". */
export function nameFile(kind: NameKind): string {
  return KINDS[kind].file;
}

/** Numbers and names of one configuration. */
export class Names {
  readonly #lookUp: NameLookup | null;
  readonly #folders: NameFolders;

  /** @param lookUp Null: only built-in names are known. */
  constructor(lookUp: NameLookup | null, folders: NameFolders) {
    this.#lookUp = lookUp;
    this.#folders = folders;
  }

  /** What is allowed, for messages. */
  what(kind: NameKind): string {
    const { high, file, what } = KINDS[kind];
    return `${what}: a number from 0 to ${high} or a name of ${file}`;
  }

  /** The number; null if there is none of that name. */
  resolve(kind: NameKind, text: string): number | null {
    const { high } = KINDS[kind];
    if (/^(\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text)) {
      return Number(text) <= high ? Number(text) : null;
    }
    if (!/^[\w.+-]{1,64}$/.test(text)) return null;
    if (Object.hasOwn(BUILT_IN[kind], text)) return BUILT_IN[kind][text]!;
    const found = this.#lookUp?.(kind, text, this.#folders) ?? null;
    return found !== null && found <= high ? found : null;
  }
}
