/** What checking a configuration may ask about this machine: scripts, files, accounts, patterns. */

import type { Inspector } from "../../config/model.ts";
import { Accounts } from "../track/accounts.ts";
import { isAllowed, PERMISSION } from "../track/executable.ts";
import { clockFault } from "../net/clock_sync.ts";
import { keyFileComplaint } from "./auth_keys.ts";
import { parentOf, walk } from "./inspect_path.ts";
import { routingName } from "./inspect_names.ts";
import { pemFault } from "./inspect_pem.ts";
import { complaintsAbout, type ScriptWorld } from "./inspect_script.ts";
import { kindOf, ownership } from "./inspect_words.ts";

/** How this machine is looked at. */
export interface InspectorOptions extends Partial<ScriptWorld> {
  /** Whether patterns will be judged: that takes a library. False: all of them pass. */
  readonly regex: boolean;
}

/**
 * An inspector of this machine. It looks with the rights of this process: what it may not see is said
 * so or passes, and never refuses. Unless told otherwise the daemon is thought to run as root, with
 * the PATH of this process.
 */
export async function createInspector(options: InspectorOptions): Promise<Inspector> {
  const judge = options.regex
    ? await (await import("../track/regex.ts")).patternJudge()
    : () => null;
  const world: ScriptWorld = {
    accounts: options.accounts ?? new Accounts(),
    daemon: options.daemon ?? { uid: 0, gid: 0 },
    path: options.path ?? Deno.env.get("PATH"),
    mountinfo: options.mountinfo ?? "/proc/self/mountinfo",
  };
  return {
    regex: judge,
    script: (words, user, security) => complaintsAbout(world, words, user, security),
    pem: pemFault,
    keyFile: keyFileComplaint,
    clock: clockFault,
    fifo: (path) => fifoFault(world, path),
    folderOf: folderFault,
    routingName,
    account: (name) => {
      const account = world.accounts.resolve(name);
      return account.ok ? null : account.error;
    },
  };
}

/** A FIFO that is there must be one that the daemon may write to; one that is not, must be makeable. */
function fifoFault({ daemon, accounts }: ScriptWorld, path: string): string | null {
  const { end, steps } = walk(path);
  if (end.kind === "missing" && end.isLast) {
    const folder = steps.find(({ path }) => path === parentOf(end.path))!;
    return isAllowed(folder.info, daemon, PERMISSION.write | PERMISSION.execute)
      ? null
      : `no file can be made in "${folder.path}" (${ownership(folder.info, accounts)})`;
  }
  if (end.kind !== "there") return folderFault(path);
  if (!end.info.isFifo) return `there is ${kindOf(end.info)} instead of a FIFO`;
  return isAllowed(end.info, daemon, PERMISSION.write)
    ? null
    : `it may not be written to (${ownership(end.info, accounts)})`;
}

/** Null if the folder of a path is there, or cannot be seen. The file need not be there. */
function folderFault(path: string): string | null {
  const { end } = walk(path);
  switch (end.kind) {
    case "there":
    case "hidden":
      return null;
    case "missing":
      return end.isLast ? null : `there is no folder "${end.path}"`;
    case "not a folder":
      return `"${end.path}" is not a folder`;
    case "too many links":
      return "its path is a circle of symbolic links";
  }
}
