/** Host names, and what they were when the name server last answered. */

import { type Ip, ip, parseIp } from "../core/address.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { patience, Shared } from "./shared.ts";
import { codeOf } from "./words.ts";

/** Of Deno's 32 threads for calls that block; others look at files. */
const MOST_AT_ONCE = 8;
/** More names do not wait: nobody configures so many, but redirections may lead anywhere. */
const MOST_WAITING = 1000;
/** More are not remembered. */
const MOST_KNOWN = 1000;
/** Whoever has addresses of before waits so long for new ones: ten times what a near server takes. */
const PATIENCE_MS = 100;
/** What the resolver says of a name that does not exist, or has no address: getaddrinfo(3). */
const NEGATIVE = ["ENOTFOUND", "ENODATA"];

/** Asks for all addresses of a name, in the order in which they are to be tried. */
export type Resolve = (name: string) => Promise<readonly Ip[]>;

/**
 * The addresses of names. A name that was resolved keeps its addresses, however old, until a new
 * answer comes or the answer that there is none: a name server that is silent says nothing about the
 * services that are checked, and those that have moved are found by their checks.
 */
export class Names {
  readonly #resolve: Resolve;
  readonly #clock: Clock;
  readonly #asked: Shared<readonly Ip[]>;
  readonly #known = new Map<string, readonly Ip[]>();

  constructor(resolve: Resolve = resolveByHost, clock: Clock = SYSTEM_CLOCK) {
    this.#resolve = resolve;
    this.#clock = clock;
    this.#asked = new Shared(MOST_AT_ONCE, clock);
  }

  /**
   * The addresses of a name, in the order of the resolver; none if it has none.
   * @throws {Error} What the resolver says, or "aborted".
   */
  async addressesOf(name: string, signal: AbortSignal): Promise<readonly Ip[]> {
    if (isLocalhost(name)) return localhost();
    const known = this.#known.get(name);
    const asked = this.#ask(name);
    if (asked === null) {
      if (known !== undefined) return known;
      throw new Error("too many host names wait for the name server");
    }
    const lateMs = this.#clock.monotonicMs() - asked.beganMs;
    if (known !== undefined && lateMs >= PATIENCE_MS) return known;
    const waits = known === undefined ? null : patience(PATIENCE_MS, this.#clock, signal);
    const outcome = await asked.wait(waits?.signal ?? signal);
    waits?.end();
    if (signal.aborted) throw new Error("aborted");
    if (outcome?.status === "fulfilled") return outcome.value;
    // A silent server, and anything else but "no such name", leaves things as they are.
    const kept = this.#known.get(name);
    if (kept !== undefined) return kept;
    throw outcome?.reason ?? new Error("aborted");
  }

  #ask(name: string) {
    const pending = this.#asked.peek(name);
    if (pending !== undefined) return pending;
    if (this.#asked.size >= MOST_WAITING) return null;
    return this.#asked.ask(name, () => this.#learn(name));
  }

  async #learn(name: string): Promise<readonly Ip[]> {
    try {
      const addresses = await this.#resolve(name);
      this.#known.delete(name);
      if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
      if (addresses.length > 0) this.#known.set(name, addresses);
      return addresses;
    } catch (error) {
      if (NEGATIVE.includes(codeOf(error) ?? "")) this.#known.delete(name);
      throw error;
    }
  }
}

/** Whether a name is this host's own: the resolver is not asked. */
export function isLocalhost(name: string): boolean {
  return /^localhost\.?$/i.test(name);
}

/** The names of this process. */
export const names = new Names();

/**
 * In getaddrinfo's order (RFC 6724 section 2.1: ::1 is preferred); an address that this host has not,
 * as where IPv6 is switched off, is none to try.
 */
function localhost(): readonly Ip[] {
  const hasV6 = Deno.networkInterfaces().some(({ address }) => address === "::1");
  return hasV6 ? [ip("::1"), ip("127.0.0.1")] : [ip("127.0.0.1")];
}

/**
 * getaddrinfo(3), which reads /etc/hosts as every other program here does; Deno.resolveDns asks the
 * name server alone. It cannot be aborted and holds a thread until the resolver gives up.
 */
async function resolveByHost(name: string): Promise<readonly Ip[]> {
  const dns = await import("node:dns/promises");
  const answers = await dns.lookup(name, { all: true, verbatim: true });
  const addresses = answers.map(({ address }) => parseIp(address)).filter((one) => one !== null);
  return [...new Set(addresses)];
}
