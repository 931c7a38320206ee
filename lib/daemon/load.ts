/** Reading a configuration file against the facts of this host. */

import {
  type Facts,
  parseConfig,
  type ParsedConfig,
  type Problem,
  type RootDefs,
  unreadableFile,
} from "../../config/mod.ts";
import { insideNamespace, isInNamespace } from "../net/enter_namespace.ts";
import { listInterfaces } from "../net/host.ts";
import { ownIds } from "../track/accounts.ts";
import { hostSurroundings, type Reading, readRegularFile } from "./include_files.ts";
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
  /** The paths of all files that it includes, or tries to. */
  readonly included?: readonly string[];
}

/** A pattern takes a library to judge, which is not loaded for a file that can have none. */
const MAY_HAVE_PATTERN = /regex/;

/** What must be known of a file before the facts that it is about can be. */
const MAY_NAME_OTHERS = /include|net_namespace/;

/**
 * Reads and checks a file and all that it includes against what is on this host. Never throws for
 * what is in them, nor waits for a file.
 *
 * @param daemon Who is to run it: this process, or root, as whom most daemons run.
 */
export async function loadConfig(
  file: string,
  daemon: "this process" | "root",
  reading: Reading = {},
): Promise<LoadedConfig> {
  const text = readConfig(file);
  if (text instanceof Error) return unreadable(file, text);
  const texts = [text], included = new Set<string>();
  const parseWith = (facts: Facts | null) => {
    const { read, ...host } = hostSurroundings(file, reading, texts);
    return parseConfig(text, file, {
      ...host,
      read: (path) => {
        included.add(path);
        return read(path);
      },
      ...facts === null ? {} : { facts },
    });
  };
  let place: Place = { inside: null, problem: null };
  const anywhere = reading.anywhere === true;
  if (!anywhere && texts.some((text) => MAY_NAME_OTHERS.test(decode(text)))) {
    const { netNamespace } = parseWith(null).config.global.root;
    if (netNamespace !== null && !reading.stays) place = lookForNamespace(netNamespace);
  }
  const facts = place.problem === null && !anywhere
    ? await factsOf(texts, daemon, place.inside)
    : null;
  const { problems, ...parsed } = parseWith(facts);
  const read = { ...parsed, readable: true, included: [...included] };
  if (place.problem === null) return { ...read, problems };
  const line = decode(text).split("\n")[place.problem.position.line - 1] ?? "";
  const own = place.problem.position.file === file ? line : "";
  return { ...read, problems: [{ ...place.problem, line: own }, ...problems] };
}

/** What may stand at the top level, or come from elsewhere. */
const MAY_HAVE_ROOT = /(?:^|[\s}])(?:include[rmwba]?|instance|use_pid_dir|net_namespace|\$)/;

/** What a file says at its top level, without a look at this host; defaults for one that cannot be read. */
export function readRoot(file: string, reading: Reading): RootDefs {
  const text = readConfig(file);
  const isPlain = text instanceof Error || !MAY_HAVE_ROOT.test(decode(text));
  const { config } = isPlain
    ? parseConfig("", file)
    : parseConfig(text, file, hostSurroundings(file, reading, []));
  return config.global.root;
}

/** The network namespace whose interfaces a configuration is about. */
interface Place {
  /** Null: the one that this process is in. */
  readonly inside: string | null;
  /** Why it cannot be looked at. */
  readonly problem: Omit<Problem, "line"> | null;
}

function lookForNamespace({ name, position }: NonNullable<RootDefs["netNamespace"]>): Place {
  const isHere = isInNamespace(name);
  if (isHere !== null && (isHere || Deno.uid() === 0)) {
    return { inside: isHere ? null : name, problem: null };
  }
  const problem = isHere === null
    ? {
      severity: "fatal" as const,
      message: `There is no network namespace "${name}"`,
      remedy: `Make it with "ip netns add ${name}" before the daemon starts, or delete the line`,
    }
    : {
      severity: "warning" as const,
      message:
        `Only root can look into the network namespace "${name}": nothing that is there is ` +
        "compared with this file",
      remedy: "Check it as root, too",
    };
  return { inside: null, problem: { ...problem, position } };
}

/** The content of a file, or why there is none. */
export function readConfig(file: string): Uint8Array | Error {
  const content = readRegularFile(file, true);
  return content instanceof Uint8Array ? content : new Error(content.reason);
}

/** The answer for a file that could not be read. */
export function unreadable(file: string, error: Error): LoadedConfig {
  const nothing = parseConfig("", file);
  return { ...nothing, problems: [unreadableFile(file, error.message)], readable: false };
}

/** What is on this host, as far as the text of a configuration can be about it. */
export function hostFacts(text: Uint8Array, daemon: "this process" | "root"): Promise<Facts> {
  return factsOf([text], daemon, null);
}

async function factsOf(
  texts: readonly Uint8Array[],
  daemon: "this process" | "root",
  namespace: string | null,
): Promise<Facts> {
  const inspect = await createInspector({
    regex: texts.some((text) => MAY_HAVE_PATTERN.test(decode(text))),
    ...daemon === "this process" ? { daemon: ownIds() } : {},
  });
  const interfaces = namespace === null
    ? listInterfaces()
    : insideNamespace(namespace, () => listInterfaces());
  return { interfaces, inspect };
}

function decode(text: Uint8Array): string {
  return new TextDecoder().decode(text);
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
