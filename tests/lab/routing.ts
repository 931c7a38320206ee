/** What iproute2 says about a host's routes and rules, and changes by an operator's hand. */

import assert from "node:assert/strict";
import type { Place } from "./addresses.ts";

/** Runs `ip` in a host. @returns Its output. */
export function ipCommand({ namespace }: Pick<Place, "namespace">, ...args: string[]): string {
  const { code, stdout, stderr } = namespace.run(() =>
    new Deno.Command("ip", { args, stdin: "null", stdout: "piped", stderr: "piped" }).outputSync()
  );
  assert.equal(code, 0, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** All routes that the kernel has not made by itself; several next hops in one line. */
export function routesOf(host: Place): string[] {
  return ["-4", "-6"].flatMap((family) =>
    ipCommand(host, "-d", family, "route", "show", "table", "all")
      .replace(/\n\t/g, " ").split("\n").map((line) => line.trim().replace(/\s+/g, " "))
      .filter((line) => line !== "" && !/ proto (kernel|ra) /.test(line))
  );
}

/** All rules but the kernel's own three, with their family. */
export function rulesOf(host: Place): string[] {
  return ["-4", "-6"].flatMap((family) =>
    ipCommand(host, family, "rule", "show").split("\n")
      .map((line) => line.trim().replace(/\s+/g, " "))
      .filter((line) => line !== "" && !/^(0|32766|32767): from all lookup/.test(line))
      .map((line) => `${family} ${line}`)
  );
}
