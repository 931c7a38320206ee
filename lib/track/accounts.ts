/** Who runs a script: names and numbers of the configuration as what the kernel knows. */

import {
  type GroupEntry,
  parseGroup,
  parseId,
  parsePasswd,
  type PasswdEntry,
} from "../core/accounts.ts";
import type { UserName } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";

/** An identity that a program can be given. It has no supplementary groups. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Null for a number that no line of /etc/passwd has. */
  readonly name: string | null;
  /** Its home folder; null as the name. */
  readonly home: string | null;
}

/** The account that keepalived runs scripts as unless told otherwise, where it exists. */
const DEFAULT_USER = "keepalived_script";

/** Where accounts are looked up. Those of LDAP and its kin can be given by number. */
const FILES = { passwd: "/etc/passwd", group: "/etc/group" } as const;

/** The entries of a file, parsed again when it is another one or has changed. */
class CachedFile<E> {
  readonly #path: string;
  readonly #parse: (text: string) => readonly E[];
  #version = "";
  #entries: readonly E[] = [];

  constructor(path: string, parse: (text: string) => readonly E[]) {
    this.#path = path;
    this.#parse = parse;
  }

  /** None if there is no such file, as in a container that was made from nothing. */
  entries(): readonly E[] {
    try {
      const { mtime, size, ino } = Deno.statSync(this.#path);
      const version = `${mtime?.getTime()} ${size} ${ino}`;
      if (version !== this.#version) {
        this.#entries = this.#parse(Deno.readTextFileSync(this.#path));
        this.#version = version;
      }
    } catch {
      this.#entries = [];
      this.#version = "";
    }
    return this.#entries;
  }
}

/** Users and groups of this host, read again when their files change. */
export class Accounts {
  readonly #passwd: CachedFile<PasswdEntry>;
  readonly #group: CachedFile<GroupEntry>;
  readonly #files: { readonly passwd: string; readonly group: string };

  constructor(files: { readonly passwd: string; readonly group: string } = FILES) {
    this.#files = files;
    this.#passwd = new CachedFile(files.passwd, parsePasswd);
    this.#group = new CachedFile(files.group, parseGroup);
  }

  /** A user and a group by name or number; without a group, the user's primary one. Or why not. */
  resolve({ user, group }: UserName): Result<Account, string> {
    const entry = this.#user(user);
    const uid = entry?.uid ?? parseId(user);
    if (uid === null) return err(`no user "${user}" in ${this.#files.passwd}`);
    const gid = group === null ? entry?.gid ?? null : this.#gidOf(group);
    if (gid !== null) {
      return ok({ uid, gid, name: entry?.name ?? null, home: entry?.home ?? null });
    }
    return err(
      group === null
        ? `user ${uid} is not in ${this.#files.passwd}, so its group must be given too`
        : `no group "${group}" in ${this.#files.group}`,
    );
  }

  /**
   * Who runs a script: the given user; without one `keepalived_script` if that account exists; else
   * `own`, the daemon's. As keepalived, script security does not let scripts run as the last.
   */
  forScript(
    user: UserName | null,
    security: boolean,
    own: { readonly uid: number; readonly gid: number } = ownIds(),
  ): Result<Account, string> {
    if (user !== null) return this.resolve(user);
    const fallback = this.resolve({ user: DEFAULT_USER, group: null });
    if (fallback.ok) return fallback;
    if (security) {
      return err(`no script_user is given and there is no account "${DEFAULT_USER}"`);
    }
    const entry = this.#passwd.entries().find(({ uid }) => uid === own.uid);
    return ok({ ...own, name: entry?.name ?? null, home: entry?.home ?? null });
  }

  /** What a user number is called; the number if it has no name. */
  userName(uid: number): string {
    return this.#passwd.entries().find((entry) => entry.uid === uid)?.name ?? String(uid);
  }

  /** What a group number is called; the number if it has no name. */
  groupName(gid: number): string {
    return this.#group.entries().find((entry) => entry.gid === gid)?.name ?? String(gid);
  }

  /** By name first: a name may consist of digits. */
  #user(user: string): PasswdEntry | undefined {
    const entries = this.#passwd.entries();
    return entries.find(({ name }) => name === user) ??
      entries.find(({ uid }) => uid === parseId(user));
  }

  #gidOf(group: string): number | null {
    return this.#group.entries().find(({ name }) => name === group)?.gid ?? parseId(group);
  }
}

/** The accounts of this host. */
export const accounts: Accounts = new Accounts();

/** Who runs a script on this host, or why nobody can: see `Accounts.forScript`. */
export function scriptAccount(user: UserName | null, security: boolean): Result<Account, string> {
  return accounts.forScript(user, security);
}

/** Who this process is. */
export function ownIds(): { readonly uid: number; readonly gid: number } {
  return { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
}
