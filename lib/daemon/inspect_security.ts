/** Whether others than root could change what root runs: keepalived's rules of script security. */

import type { Complaint } from "../../config/model.ts";
import type { Account, Accounts } from "../track/accounts.ts";
import { ownership, shellWord } from "./inspect_words.ts";
import type { Step } from "./inspect_path.ts";

/** Bits of a mode (sys/stat.h). */
const MODE = { setuid: 0o4000, setgid: 0o2000, sticky: 0o1000, groupWrite: 0o020, write: 0o002 };

/** A way for others than root to change something, and what to say about it. */
interface Leak {
  /** Whether it is one; `mode` holds the permission bits. */
  readonly found: (info: Deno.FileInfo, mode: number) => boolean;
  readonly who: (info: Deno.FileInfo, accounts: Accounts) => string;
  /** The command that mends it, before the path. */
  readonly mend: string;
}

const LEAKS: readonly Leak[] = [
  {
    found: ({ uid }) => uid !== 0,
    who: ({ uid }, accounts) => `its owner "${accounts.userName(uid ?? 0)}"`,
    mend: "chown root",
  },
  {
    found: (info, mode) => (mode & MODE.groupWrite) !== 0 && info.gid !== 0 && !isSticky(info),
    who: ({ gid }, accounts) => `the group "${accounts.groupName(gid ?? 0)}"`,
    mend: "chmod g-w",
  },
  {
    found: (info, mode) => (mode & MODE.write) !== 0 && !isSticky(info),
    who: () => "everybody",
    mend: "chmod o-w",
  },
];

/** Why a program is to be protected: "root runs", "is setuid"; null if it need not be. */
export function reasonToProtect(file: Deno.FileInfo, who: Account): string | null {
  if (who.uid === 0) return "runs as root";
  if (who.gid === 0) return "runs with the group root";
  const mode = file.mode ?? 0, both = (bits: number) => (mode & bits) === bits;
  if (both(MODE.setuid | 0o100)) return "is setuid";
  return both(MODE.setgid | 0o010) ? "is setgid" : null;
}

/**
 * What of the way to a program others than root may change. Folders with the sticky bit are fine, for
 * in them only the owner of a file can replace it; links are, unless they belong to another.
 * @param security Whether such a program is refused, or only warned of.
 */
export function insecurities(
  steps: readonly Step[],
  program: string,
  reason: string,
  security: boolean,
  accounts: Accounts,
): Complaint[] {
  return steps.flatMap(({ path, info }) =>
    LEAKS.filter(({ found }) => found(info, info.isSymlink ? 0 : info.mode ?? 0)).map((leak) => ({
      message: `${nounOf(info)} "${path}" (${ownership(info, accounts)}) can be changed by ${
        leak.who(info, accounts)
      }, and "${program}" ${reason}`,
      remedy: remedyOf(leak, path, info),
      refuses: security,
      insecure: true as const,
    }))
  );
}

function isSticky(info: Deno.FileInfo): boolean {
  return info.isDirectory && ((info.mode ?? 0) & MODE.sticky) !== 0;
}

function nounOf(info: Deno.FileInfo): string {
  if (info.isSymlink) return "Link";
  return info.isDirectory ? "Folder" : "File";
}

function remedyOf({ mend }: Leak, path: string, info: Deno.FileInfo): string {
  const option = info.isSymlink ? " -h" : "";
  const command = mend.replace(" ", `${option} `);
  return `Run: ${command} ${shellWord(path)}; or give a script_user that is not root`;
}
