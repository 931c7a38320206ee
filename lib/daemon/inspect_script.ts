/** What is wrong with a script before it is ever run, and the command that mends it. */

import type { Complaint } from "../../config/model.ts";
import type { UserName } from "../core/probe_spec.ts";
import type { Account, Accounts } from "../track/accounts.ts";
import {
  classFor,
  headOf,
  isAllowed,
  locate,
  PERMISSION,
  type PermissionClass,
} from "../track/executable.ts";
import { type End, type Step, walk } from "./inspect_path.ts";
import { insecurities, reasonToProtect } from "./inspect_security.ts";
import { kindOf, ownership, shellWord, userText } from "./inspect_words.ts";

/** What scripts are judged by. */
export interface ScriptWorld {
  readonly accounts: Accounts;
  /** Who the daemon is when it runs: it runs scripts without a user. */
  readonly daemon: { readonly uid: number; readonly gid: number };
  /** The daemon's PATH. */
  readonly path: string | undefined;
  /** Mounted file systems, as /proc/self/mountinfo has them (proc(5)). */
  readonly mountinfo: string;
}

/** A script that is where it should be, and who runs it. */
interface Found {
  readonly world: ScriptWorld;
  /** As people know it. */
  readonly name: string;
  /** Without links. */
  readonly path: string;
  readonly info: Deno.FileInfo;
  readonly steps: readonly Step[];
  readonly who: Account;
}

/** Everything that is wrong with a script. @param security `enable_script_security` */
export function complaintsAbout(
  world: ScriptWorld,
  words: readonly string[],
  user: UserName | null,
  security: boolean,
): readonly Complaint[] {
  const { accounts, daemon } = world, [command = ""] = words;
  const who = accounts.forScript(user, security, daemon);
  if (!who.ok) return [noAccount(command, user, who.error)];
  const name = locate(command, world.path, who.value);
  if (name === null) {
    return [{
      message: `There is no program "${command}" in PATH (${world.path ?? "not set"})`,
      remedy: "Write the whole path of the script, from / on",
      refuses: true,
    }];
  }
  const { steps, end } = walk(name);
  const closed = closedFolders(world, steps, name, who.value);
  if (end.kind !== "there") return [...closed, notThere(end, name)];
  const script = { world, name, path: end.path, info: end.info, steps, who: who.value };
  if (!end.info.isFile) return [...closed, notAFile(script)];
  return [
    ...closed,
    ...notExecutable(script),
    ...onNoexec(script),
    ...badHead(script),
    ...insecure(script, security),
  ];
}

function noAccount(command: string, user: UserName | null, error: string): Complaint {
  const group = user?.group === null || user === null ? "" : ` and group "${user.group}"`;
  const as = user === null ? "" : ` as user "${user.user}"${group}`;
  const create = `useradd --system --no-create-home --shell /usr/sbin/nologin keepalived_script`;
  return {
    message: `Script "${command}" cannot run${as}: ${error}`,
    remedy: user === null
      ? `Set script_user in global_defs, or run: ${create}`
      : "Name a user and a group that exist, or create them",
    refuses: true,
  };
}

function notThere(end: Exclude<End, { kind: "there" }>, name: string): Complaint {
  const create = "Create it, or correct the path";
  switch (end.kind) {
    case "missing":
      return {
        message: end.isLast
          ? `Script "${name}" does not exist: there is no file "${end.path}"`
          : `Script "${name}" does not exist: there is no folder "${end.path}"`,
        remedy: create,
        refuses: true,
      };
    case "not a folder":
      return {
        message: `Script "${name}" does not exist: "${end.path}" is not a folder`,
        remedy: create,
        refuses: true,
      };
    case "too many links":
      return {
        message: `Script "${name}" does not exist: its path is a circle of symbolic links`,
        remedy: "Write the path of the file itself",
        refuses: true,
      };
    case "hidden":
      return {
        message: `Script "${name}" was not looked at, for "${end.path}" cannot be seen: ${end.why}`,
        remedy: Deno.uid() === 0 ? "Correct the path" : "Run the check as root",
        refuses: false,
      };
  }
}

function notAFile({ name, path, info }: Found): Complaint {
  const where = name === path ? "" : `, which is "${path}",`;
  return {
    message: `Script "${name}"${where} is not a regular file but ${kindOf(info)}`,
    remedy: "Correct the path, or put the script there",
    refuses: true,
  };
}

function closedFolders(
  { accounts }: ScriptWorld,
  steps: readonly Step[],
  name: string,
  who: Account,
): Complaint[] {
  return steps.filter(({ info }) => info.isDirectory && !isAllowed(info, who, PERMISSION.execute))
    .map(({ path, info }) => ({
      message: `Folder "${path}" (${ownership(info, accounts)}) cannot be entered by ${
        userText(who)
      }, so "${name}" cannot run`,
      remedy: `Run: chmod ${classFor(info, who)}+x ${shellWord(path)}`,
      refuses: true,
    }));
}

/** Whose bits count, for people: the first class that fits decides, even against the user. */
const CLASS_TEXT: Readonly<Record<PermissionClass, string>> = {
  u: "the owner may not",
  g: "the group may not",
  o: "others may not",
};

function notExecutable({ world, name, path, info, who }: Found): Complaint[] {
  if (isAllowed(info, who, PERMISSION.execute)) return [];
  const cls = who.uid === 0 ? "u" : classFor(info, who);
  const why = who.uid === 0 ? "nobody may" : CLASS_TEXT[cls];
  return [{
    message: `Script "${name}" (${ownership(info, world.accounts)}) is not executable by ${
      userText(who)
    }: ${why}`,
    remedy: `Run: chmod ${cls}+x ${shellWord(path)}`,
    refuses: true,
  }];
}

/** keepalived does not look at the mount: such a script fails whenever it is run. */
function onNoexec({ world, name, path }: Found): Complaint[] {
  const mount = mountOf(path, world);
  if (mount === null || !mount.options.includes("noexec")) return [];
  return [{
    message: `Script "${name}" cannot run: "${mount.point}" is mounted with the option noexec`,
    remedy: "Move the script to another file system",
    refuses: false,
    fails: true,
  }];
}

/** The innermost mount that a path without links is on; null if that cannot be read. */
function mountOf(path: string, world: ScriptWorld): Mount | null {
  let best: Mount | null = null;
  for (const mount of mountsOf(world)) {
    const { point } = mount,
      holds = point === "/" || path === point || path.startsWith(`${point}/`);
    if (holds && point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

interface Mount {
  readonly point: string;
  readonly options: readonly string[];
}

/** A thousand scripts are judged by one look at the mounts. */
const mounts = new WeakMap<ScriptWorld, readonly Mount[]>();

function mountsOf(world: ScriptWorld): readonly Mount[] {
  const known = mounts.get(world);
  if (known !== undefined) return known;
  const read = readOr(world.mountinfo, "").split("\n").flatMap((line): readonly Mount[] => {
    const [, , , , escaped, options] = line.split(" ");
    if (escaped === undefined || options === undefined) return [];
    const point = escaped.replaceAll(
      /\\([0-7]{3})/g,
      (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
    );
    return [{ point, options: options.split(",") }];
  });
  mounts.set(world, read);
  return read;
}

function readOr(path: string, otherwise: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return otherwise;
  }
}

/** keepalived runs it all the same, and it fails each time: reported, not refused. */
function badHead(script: Found): Complaint[] {
  const head = headOf(script.path), { name, info, who, world } = script;
  switch (head.kind) {
    case "hidden":
    case "machine code":
      return [];
    case "other":
      return [{
        message: `Script "${name}" will never run: it has no #! line, and no shell is asked`,
        remedy: "Begin its first line with #! and the path of its interpreter: #!/bin/sh",
        refuses: false,
        fails: true,
      }];
    case "script":
      return [
        ...isAllowed(info, who, PERMISSION.read) ? [] : [{
          message: `Script "${name}" (${ownership(info, world.accounts)}) cannot be read by ${
            userText(who)
          }, so its interpreter fails`,
          remedy: `Run: chmod ${classFor(info, who)}+r ${shellWord(script.path)}`,
          refuses: false,
          fails: true as const,
        }],
        ...badInterpreter(script, head.interpreter, head.argument),
      ];
  }
}

function badInterpreter(
  { name, who, world }: Found,
  interpreter: string,
  argument: string | null,
): Complaint[] {
  const complain = (why: string, remedy: string) => [
    {
      message: `Script "${name}" will never run: ${why}`,
      remedy,
      refuses: false,
      fails: true as const,
    },
  ];
  if (interpreter.endsWith("\r")) {
    return complain(
      "its lines end as on Windows, which makes a part of the interpreter's name of the CR",
      `Run: sed -i 's/\\r$//' ${shellWord(name)}`,
    );
  }
  const { end } = walk(interpreter);
  if (end.kind === "hidden") return [];
  if (end.kind !== "there") {
    return complain(
      `its interpreter "${interpreter}" does not exist`,
      "Install it, or correct the #! line",
    );
  }
  if (!end.info.isFile || !isAllowed(end.info, who, PERMISSION.execute)) {
    return complain(
      `its interpreter "${interpreter}" is not executable by ${userText(who)}`,
      "Correct the #! line, or the interpreter's permissions",
    );
  }
  const asked = interpreter.endsWith("/env") ? argument?.split(/\s/)[0] ?? "" : "";
  if (asked === "" || /^-|=/.test(asked) || locate(asked, world.path, who) !== null) return [];
  return complain(
    `its interpreter "${asked}" is not in PATH (${world.path ?? "not set"})`,
    "Install it, or write its whole path in the #! line",
  );
}

function insecure({ world, name, info, steps, who }: Found, security: boolean): Complaint[] {
  const reason = isAllowed(info, who, PERMISSION.execute) ? reasonToProtect(info, who) : null;
  if (reason === null) return [];
  return insecurities(steps, name, reason, security, world.accounts);
}
