/** A vigie whose file is rewritten while it runs. */

import assert from "node:assert/strict";
import type { Place } from "./addresses.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { runVigie, VIGIE, Vigie } from "./vigie.ts";

/** Reloads by rewriting its file. */
export class Reloading extends Vigie {
  readonly host: Place;
  readonly file: string;

  constructor(host: Place, file: string, env: Readonly<Record<string, string>> = {}) {
    super(host, file, VIGIE, env);
    this.host = host;
    this.file = file;
  }

  /** Puts another text into the file; nobody is told. */
  write(text: string): void {
    Deno.writeTextFileSync(this.file, text);
  }

  /** `vigie reload` with another text. @returns What it said. */
  async reload(text: string): Promise<string> {
    this.write(text);
    const answer = await runVigie(this.host, ["reload"]);
    assert.equal(answer.code, 0, answer.text);
    return answer.text;
  }

  /** SIGHUP with another text; resolves when the reload is complete. */
  async hup(text: string): Promise<void> {
    this.write(text);
    const before = this.said(/Reload complete/).length;
    this.signal("SIGHUP");
    await until(() => this.said(/Reload complete/).length > before, "the reload");
  }
}

/** Starts vigie in a host of the lab. @param env Variables of its environment. */
export async function startReloading(
  lab: Pick<Lab, "keep">,
  host: Place,
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Reloading> {
  const file = Deno.makeTempFileSync({ prefix: "vigie-lab-reload-", suffix: ".conf" });
  Deno.writeTextFileSync(file, text);
  const node = lab.keep(new Reloading(host, file, env));
  await until(
    () => !node.running || node.said(/Startup complete/).length > 0,
    `${node.name} to start`,
  );
  return node;
}
