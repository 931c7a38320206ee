/** Reading a configuration file against the facts of this host. */

import { parseConfig, type ParsedConfig, unreadableFile } from "../../config/mod.ts";
import { listInterfaces } from "../net/host.ts";

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

/** Reads and checks a file against the interfaces of this host. Never throws for what is in it. */
export function loadConfig(file: string): LoadedConfig {
  let text: Uint8Array;
  try {
    text = Deno.readFileSync(file);
  } catch (error) {
    const nothing = parseConfig("", file);
    return { ...nothing, problems: [unreadableFile(file, reason(error))], readable: false };
  }
  const facts = { interfaces: listInterfaces() };
  return { ...parseConfig(text, file, { facts }), readable: true };
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "Is a directory";
  return error instanceof Error ? error.message : String(error);
}

function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    // Any failure means that this default is not the one to use; reading it would say why.
    return false;
  }
}
