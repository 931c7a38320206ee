/** Reading a configuration file against the facts of this host. */

import { type Facts, parseConfig, type ParsedConfig, unreadableFile } from "../../config/mod.ts";
import { listInterfaces } from "../net/host.ts";
import { ownIds } from "../track/accounts.ts";
import { createInspector } from "./inspect.ts";

/** Where a configuration is looked for when none is named; the first that exists. */
export const DEFAULT_CONFIG_FILES = ["/etc/vigie/vigie.conf", "/etc/keepalived/keepalived.conf"];

/** The file to read: the one that was named, else the first default that exists, else the first. */
export function configFile(named: string | undefined): string {
  return named ?? DEFAULT_CONFIG_FILES.find(exists) ?? DEFAULT_CONFIG_FILES[0]!;
}

/** What a file means on this host. */
export interface LoadedConfig extends ParsedConfig {
  /** False if there was nothing to read; the problem says why. */
  readonly readable: boolean;
}

/** A pattern takes a library to judge, which is not loaded for a file that can have none. */
const MAY_HAVE_PATTERN = /regex/;

/**
 * Reads and checks a file against what is on this host. Never throws for what is in it.
 *
 * @param daemon Who is to run it: this process, or root, as whom most daemons run.
 */
export async function loadConfig(
  file: string,
  daemon: "this process" | "root",
): Promise<LoadedConfig> {
  const text = readConfig(file);
  if (text instanceof Error) return unreadable(file, text);
  return { ...parseConfig(text, file, { facts: await hostFacts(text, daemon) }), readable: true };
}

/** The content of a file, or why there is none. */
export function readConfig(file: string): Uint8Array | Error {
  try {
    return Deno.readFileSync(file);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The answer for a file that could not be read. */
export function unreadable(file: string, error: Error): LoadedConfig {
  const nothing = parseConfig("", file);
  return { ...nothing, problems: [unreadableFile(file, reason(error))], readable: false };
}

/** What is on this host, as far as the text of a configuration can be about it. */
export async function hostFacts(
  text: Uint8Array,
  daemon: "this process" | "root",
): Promise<Facts> {
  const regex = MAY_HAVE_PATTERN.test(new TextDecoder().decode(text));
  const inspect = await createInspector({
    regex,
    ...daemon === "this process" ? { daemon: ownIds() } : {},
  });
  return { interfaces: listInterfaces(), inspect };
}

function reason(error: Error): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "Is a directory";
  return error.message;
}

/** Whether there is a file at a path. */
export function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    // Any failure means that this default is not the one to use; reading it would say why.
    return false;
  }
}
