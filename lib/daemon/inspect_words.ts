/** Files, accounts and commands in the words of complaints. */

import type { Account, Accounts } from "../track/accounts.ts";

/** What a path that is not a regular file is called. */
export function kindOf(info: Deno.FileInfo): string {
  const kinds: readonly (readonly [boolean | null, string])[] = [
    [info.isFile, "a regular file"],
    [info.isDirectory, "a folder"],
    [info.isFifo, "a FIFO"],
    [info.isSocket, "a socket"],
    [info.isCharDevice || info.isBlockDevice, "a device"],
  ];
  return kinds.find(([is]) => is)?.[1] ?? "of a kind unknown";
}

/** Owner and mode: "owned by root:staff, mode 0775". */
export function ownership({ uid, gid, mode }: Deno.FileInfo, accounts: Accounts): string {
  const owner = `${accounts.userName(uid ?? 0)}:${accounts.groupName(gid ?? 0)}`;
  return `owned by ${owner}, mode ${((mode ?? 0) & 0o7777).toString(8).padStart(4, "0")}`;
}

/** Who runs something: `user "web"`, "user 1001" without a name. */
export function userText({ name, uid }: Account): string {
  return name === null ? `user ${uid}` : `user "${name}"`;
}

/** A word of a shell command, quoted if it must be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
