/** What the builders of probes share: how to speak about a check, and what to ask the machine. */

import { familyOf, type Ip, parseIp } from "../lib/core/address.ts";
import type { BodyTest, ProbeSource } from "../lib/core/probe_spec.ts";
import type { CheckInput } from "./build_check.ts";
import type { Block, Settings, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { Position, ScriptCommand } from "./model.ts";
import { droppedFromUsers } from "./objects.ts";
import { otherInterface } from "./other_interface.ts";
import type { GivenTest } from "./probe_readers.ts";
import type { Finding, Report } from "./problem.ts";
import type { GivenScript, GivenUser } from "./readers_script.ts";
import type { SOURCE } from "./table_probe_http.ts";

/** One probe block of one check. */
export class ProbeContext {
  readonly report: Report;
  readonly #name: string;
  readonly #keyword: string;
  readonly #block: Block<Table>;
  readonly #input: CheckInput;

  constructor(name: string, keyword: string, block: Block<Table>, input: CheckInput) {
    this.#name = name;
    this.#keyword = keyword;
    this.#block = block;
    this.#input = input;
    this.report = input.report;
  }

  /** Reports about this check. */
  tell(severity: Finding["severity"], position: Position, message: string, remedy: string): void {
    this.report({ severity, position, message, remedy });
  }

  /** Reports that the check cannot be used. */
  refuse(position: Position, message: string, remedy: string): null {
    this.tell("error", position, `${message}: ${this.#consequence}`, remedy);
    return null;
  }

  /** Reports that a keyword is missing without which there is nothing to look at. */
  missing(keyword: string): null {
    return this.refuse(
      this.#block.position,
      `The ${this.#keyword} block has no "${keyword}"`,
      `Write a "${keyword}" line into the block`,
    );
  }

  /** The command of a script; null, after a report, if it is never to be run. */
  command(given: GivenScript, user: GivenUser | null): ScriptCommand | null {
    return this.#input.scripts.command(given, this.#consequence, user);
  }

  /** What content must be, null for anything; undefined, after a report, if it cannot be used. */
  test(given: GivenTest | undefined): BodyTest | null | undefined {
    if (given?.test.kind !== "regex") return given?.test ?? null;
    const { pattern } = given.test;
    const inspect = this.#input.facts?.inspect;
    const reason = inspect === undefined ? plainRegex(pattern) : inspect.regex(pattern);
    if (reason === null) return given.test;
    const remedy = 'Correct the expression (RE2 syntax), or use contains "TEXT"';
    this.refuse(given.word.position, `Cannot use the expression "${pattern}": ${reason}`, remedy);
    return undefined;
  }

  /** Whether a PEM file can be used; if not, it is reported. */
  pem({ text, position }: Word, holds: "certificate" | "key"): boolean {
    const reason = this.#input.facts?.inspect?.pem(text, holds) ?? null;
    if (reason === null) return true;
    const what = holds === "key" ? "a private key" : "certificates";
    this.refuse(position, `Cannot use "${text}" as ${what}: ${reason}`, "Name another PEM file");
    return false;
  }

  /** Where the probe leaves from; undefined, after a report, if `destination` is not to be had from there. */
  source(
    { source_address: address, device }: Settings<typeof SOURCE>,
    destination: string | null,
  ): ProbeSource | undefined {
    const to = destination === null ? null : parseIp(destination.replace(/^\[(.*)\]$/, "$1"));
    if (address !== undefined && to !== null && familyOf(to) !== familyOf(address.value)) {
      const message = `Cannot reach ${to} from ${address.value}: they are of two families`;
      this.refuse(address.position, message, "Write addresses of one family");
      return undefined;
    }
    if (device !== undefined) this.#checkDevice(device.value, device.position);
    if (device !== undefined && address !== undefined && this.#keyword !== "ping") {
      const message = "device has no effect beside source_address";
      this.tell("warning", device.position, message, "Delete one of the two lines");
    }
    return { sourceAddress: (address?.value ?? null) as Ip | null, device: device?.value ?? null };
  }

  #checkDevice(name: string, position: Position): void {
    const { facts } = this.#input;
    if (facts === null || facts.interfaces.some((link) => link.name === name)) return;
    const message = `Interface "${name}" does not exist now: the check fails until it comes`;
    this.tell("warning", position, message, `${otherInterface(name, facts)}, or create it later`);
  }

  get #consequence(): string {
    return droppedFromUsers("vrrp_check", this.#name);
  }
}

/**
 * Why JavaScript cannot read a regular expression; null if it can. What only RE2 writes otherwise
 * is put into JavaScript's form first: flags at the start, and names of groups.
 */
function plainRegex(pattern: string): string | null {
  try {
    new RegExp(pattern.replace(/^\(\?[imsU]+\)/, "").replaceAll("(?P<", "(?<"));
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^Invalid regular expression: .*\/\w*: /s, "").toLowerCase();
  }
}
