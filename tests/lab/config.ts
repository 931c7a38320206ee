/** keepalived.conf texts for the lab, which vigie and keepalived both read. */

/** A virtual router. What is left out is what most tests want. */
export interface RouterText {
  /** "VI_1" if not given. */
  readonly name?: string;
  /** "eth0" if not given; null for no such line. */
  readonly interface?: string | null;
  /** 51 if not given. */
  readonly vrid?: number;
  readonly priority?: number;
  /** 3 if not given: it can advertise faster than once a second. */
  readonly version?: 2 | 3;
  /** Seconds; a tenth if not given, 1 in version 2. */
  readonly advertInt?: number;
  /** Lines of virtual_ipaddress; "192.0.2.100/24" if not given. */
  readonly addresses?: readonly string[];
  /** More lines of the block. */
  readonly lines?: readonly string[];
}

/** The address that tests fight over, unless they name others. */
export const VIP = "192.0.2.100";

/** Its IPv6 counterpart: the link-local address comes first, as RFC 9568 5.2.9 wants. */
export const VIP6 = { linkLocal: "fe80::100", global: "2001:db8::100" } as const;

/** Lines of virtual_ipaddress for an IPv6 router. */
export const VIPS6: readonly string[] = [`${VIP6.linkLocal}/64`, `${VIP6.global}/64`];

/** A `vrrp_instance` block. */
export function router(text: RouterText = {}): string {
  const { name = "VI_1", vrid = 51, priority = 100, version = 3, addresses, lines = [] } = text;
  const device = text.interface === undefined ? "eth0" : text.interface;
  const advertInt = text.advertInt ?? (version === 2 ? 1 : 0.1);
  return block(`vrrp_instance ${name}`, [
    `version ${version}`,
    ...device === null ? [] : [`interface ${device}`],
    `virtual_router_id ${vrid}`,
    `priority ${priority}`,
    `advert_int ${advertInt}`,
    "garp_master_delay 1",
    ...lines,
    block("virtual_ipaddress", addresses ?? [`${VIP}/24`]),
  ]);
}

/** A block with one line for each entry. */
export function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map((line) => `  ${line}\n`).join("")}}`;
}

/** A whole file: what holds globally, then the blocks. */
export function file(globals: readonly string[], ...blocks: readonly string[]): string {
  return [block("global_defs", globals), ...blocks, ""].join("\n");
}
