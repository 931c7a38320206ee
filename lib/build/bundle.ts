/** The application as the bundler's modules, under names and with texts that are the same on every machine. */

import { join, relative } from "node:path";
import { MAIN } from "./bootstrap.ts";
import { chunkFunction, neighboursOf } from "./chunk.ts";

/** A build that cannot be made, for a reason that its user can do something about. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Bundles an application into functions, by name, in the order in which they are first named. What is
 * imported with `await import()` is a module of its own, loaded when it is asked for; what several
 * modules share exists once.
 *
 * @param root The folder of deno.json.
 * @param entry The module to start with, in that folder.
 * @throws {BuildError} If the bundler fails.
 * @throws {ChunkError} If it makes what cannot be a function.
 */
export async function bundle(root: string, entry: string): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "vigie-bundle-" });
  try {
    const flags = ["--quiet", "--platform", "deno", "--code-splitting", "--outdir", folder];
    await runDeno(["bundle", ...flags, entry], root);
    const library = relative(root, await npmFolder(root));
    const texts = new Map<string, string>();
    for await (const { name } of Deno.readDir(folder)) {
      texts.set(name, withoutPlace(await Deno.readTextFile(join(folder, name)), library));
    }
    return asFunctions(texts, entry.replace(/\.ts$/, ".js"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs Deno itself. @throws {BuildError} With what it said if it fails. */
export async function runDeno(args: readonly string[], cwd: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const said = new TextDecoder();
  if (!success) throw new BuildError(`deno ${args[0]} failed: ${said.decode(stderr).trim()}`);
  return said.decode(stdout);
}

/** Where Deno keeps the packages of npm. */
async function npmFolder(root: string): Promise<string> {
  const { npmCache } = JSON.parse(await runDeno(["info", "--json"], root));
  return npmCache;
}

/** The bundler names each source, packages by where this machine keeps them: `npm/` is enough. */
function withoutPlace(text: string, library: string): string {
  const place = RegExp(`${RegExp.escape(library)}/[^/\\s"]+/`, "g");
  return text.replaceAll(place, "npm/");
}

/** The bundler's file names depend on places: the modules are numbered as they are first named. */
function asFunctions(texts: ReadonlyMap<string, string>, entry: string): Map<string, string> {
  const names = new Map([[entry, MAIN]]), order = [entry];
  for (const name of order) {
    const text = texts.get(name);
    if (text === undefined) throw new BuildError(`the bundler made no ${name}`);
    for (const next of neighboursOf(text)) {
      if (names.has(next)) continue;
      names.set(next, `${next.replace(/-[^-]*\.js$/, "")}-${order.length}`);
      order.push(next);
    }
  }
  const nameOf = (name: string) => names.get(name)!;
  return new Map(order.map((name) => {
    const source = chunkFunction(texts.get(name)!, nameOf);
    return [nameOf(name), `${source}\n//# sourceURL=vigie:${nameOf(name)}`];
  }));
}
