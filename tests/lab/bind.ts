/** BIND's named in a host of the lab: authoritative for one zone, with nothing of the system's. */

import type { Host } from "../../lib/net/topology.ts";
import { isInstalled } from "./installed.ts";
import { Process } from "./process.ts";

const NAMED = "/usr/sbin/named";

/** The peer, for `peerTest`. */
export const BIND = { name: "BIND", installed: isInstalled(NAMED) } as const;

/** The zone it serves. Beside it, broken.example cannot be loaded, and nothing else is its business. */
const ZONE = [
  "$TTL 60",
  "@ IN SOA ns1 hostmaster 2024010101 3600 600 86400 60",
  "  IN NS ns1",
  "  IN MX 10 mail",
  "ns1 IN A 192.0.2.1",
  "www IN A 192.0.2.80",
  "www IN A 192.0.2.81",
  "www IN AAAA 2001:DB8:0::80",
  "alias IN CNAME www",
  "mail IN A 192.0.2.25",
  "_ldap._tcp IN SRV 5 10 389 mail",
  `text IN TXT "v=spf1 " "-all; Quoted"`,
  ...Array.from({ length: 60 }, (_, at) => `many IN A 198.51.100.${at + 1}`),
  "reverse IN PTR www",
  "",
].join("\n");

/** named of one host. */
export class Bind extends Process {
  readonly #folder: string;

  constructor(host: Host, folder: string) {
    super({
      name: `named on ${host.name}`,
      namespace: host.namespace,
      command: NAMED,
      // In the foreground, logging to standard error; one thread is enough.
      args: ["-g", "-n", "1", "-c", `${folder}/named.conf`],
    });
    this.#folder = folder;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // A stopped process would not hear the polite signal.
    this.signal("SIGCONT");
    await super[Symbol.asyncDispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Starts named on port 53 of every address of a host; `saw(/ running$/)` tells that it answers. */
export function startBind(host: Host): Bind {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-bind-" });
  Deno.writeTextFileSync(`${folder}/zone`, ZONE);
  Deno.writeTextFileSync(`${folder}/broken`, "@ IN SOA nonsense\n");
  Deno.writeTextFileSync(`${folder}/named.conf`, configOf(folder));
  return new Bind(host, folder);
}

function configOf(folder: string): string {
  return `
    controls { };
    options {
      directory "${folder}";
      pid-file none;
      session-keyfile none;
      recursion no;
      dnssec-validation no;
      notify no;
      listen-on { any; };
      listen-on-v6 { any; };
    };
    zone "example.org" { type primary; file "${folder}/zone"; };
    zone "broken.example" { type primary; file "${folder}/broken"; };
  `;
}
