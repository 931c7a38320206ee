/**
 * Routes and rules in the kernel, and whose they are: what vigie adds it owns and removes; what was
 * there before is somebody else's and stays.
 */

import { SysError } from "../../ffi/errno.ts";
import type { NetlinkMessage } from "../../ffi/netlink.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";

/** What routes and rules have in common: how they are asked for, and told apart. */
export interface EntryKind<T> {
  /** Names it among all that vigie owns. */
  readonly key: (placed: T) => string;
  /** Names the place in the kernel that it takes, which another of the same would take, too. */
  readonly slot: (placed: T) => string;
  readonly add: (placed: T) => NetlinkMessage;
  readonly remove: (placed: T) => NetlinkMessage;
  /** The order in which several are removed. */
  readonly removalOrder: (placed: readonly T[]) => readonly T[];
  /**
   * Those of the wanted that are in the kernel, with the mark of vigie and keepalived.
   * @throws {SysError}
   */
  readonly marked: (wanted: readonly T[]) => readonly T[];
}

/** What went wrong with one entry. */
export interface EntryFailure<T> {
  readonly placed: T;
  readonly error: SysError;
}

/** What `add` brought about. */
export interface EntryOutcome<T> {
  readonly added: T[];
  /** Somebody else has the same: seen for the first time. */
  readonly foreign: T[];
  readonly failures: EntryFailure<T>[];
}

/** It is there already; or its acknowledgement was lost, and it may be. */
const UNSURE: ReadonlySet<string> = new Set(["EEXIST", "ETIMEDOUT"]);

/** Nothing to delete: routes say ESRCH, rules ENOENT, and links take their routes along. */
const ALREADY_GONE: ReadonlySet<string> = new Set(["ESRCH", "ENOENT", "ENODEV"]);

/** Adds and removes entries of a kind, and knows which of them are vigie's, and for whom. */
export class EntryOwner<T> {
  readonly #kind: EntryKind<T>;
  readonly #socket: NetlinkSocket;
  readonly #owned = new Map<string, Map<string, T>>();
  /** Somebody else's, so that he is not asked about at every look. */
  readonly #foreign = new Map<string, Set<string>>();

  constructor(socket: NetlinkSocket, kind: EntryKind<T>) {
    this.#socket = socket;
    this.#kind = kind;
  }

  /** How many entries are in the kernel by vigie's doing for a user. */
  count(user: string): number {
    return this.#owned.get(user)?.size ?? 0;
  }

  /** Whether something that is wanted is somebody else's. */
  get hasForeign(): boolean {
    return [...this.#foreign.values()].some((keys) => keys.size > 0);
  }

  /** Whether a user has an entry by vigie's doing. */
  owns(user: string, placed: T): boolean {
    return this.#owned.get(user)?.has(this.#kind.key(placed)) === true;
  }

  /** Whether a user has an entry, or somebody else has the same. */
  has(user: string, placed: T): boolean {
    return this.owns(user, placed) ||
      this.#foreign.get(user)?.has(this.#kind.key(placed)) === true;
  }

  /** What is in the kernel by vigie's doing for a user. */
  owned(user: string): readonly T[] {
    return [...this.#owned.get(user)?.values() ?? []];
  }

  /** Makes known what another image of this daemon, or a predecessor, had put there for a user. */
  restore(user: string, list: readonly T[]): void {
    for (const placed of list) this.#own(user, placed);
  }

  /** Users have other names from now on: old ones to new ones, which may be old ones of others. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const byUser of [this.#owned, this.#foreign] as Map<string, unknown>[]) {
      const all = [...byUser];
      byUser.clear();
      for (const [user, theirs] of all) byUser.set(names.get(user) ?? user, theirs);
    }
  }

  /** Removes what a user has and does not want any more. */
  retain(user: string, wanted: readonly T[]): EntryFailure<T>[] {
    if (this.count(user) === 0) return [];
    const keys = new Set(wanted.map(this.#kind.key));
    return this.remove(user, (placed) => !keys.has(this.#kind.key(placed)));
  }

  /**
   * Those of the wanted entries that carry the mark: a crashed predecessor left them, unless somebody
   * of this daemon has the same. Asks for a list of all, which may take the kernel a while.
   * @throws {SysError} If the kernel does not list them.
   */
  leftovers(wanted: readonly T[]): readonly T[] {
    const held = [...this.#owned.values()].flatMap((theirs) => [...theirs.values()]);
    const taken = new Set(held.map(this.#kind.slot));
    const open = wanted.filter((placed) => !taken.has(this.#kind.slot(placed)));
    return open.length === 0 ? [] : this.#kind.marked(open);
  }

  /**
   * Adds entries in order. Those that the user has are asked for again, which tells whether they are
   * still there. The same entry may have several users.
   */
  add(user: string, wanted: readonly T[]): EntryOutcome<T> {
    const outcome: EntryOutcome<T> = { added: [], foreign: [], failures: [] };
    const unsure: EntryFailure<T>[] = [];
    for (const { placed, error } of this.#request(wanted, this.#kind.add)) {
      if (error === null) {
        this.#own(user, placed);
        outcome.added.push(placed);
      } else if (!UNSURE.has(error.code)) outcome.failures.push({ placed, error });
      else if (this.#isKnown(placed)) this.#own(user, placed);
      else if (!this.has(user, placed)) unsure.push({ placed, error });
    }
    if (unsure.length > 0) this.#settle(user, unsure, outcome);
    return outcome;
  }

  /** Removes what vigie owns for a user and no other needs. What cannot be removed stays owned. */
  remove(user: string, which: (placed: T) => boolean = () => true): EntryFailure<T>[] {
    const owned = this.#owned.get(user) ?? new Map<string, T>();
    const going = [...owned].filter(([, placed]) => which(placed));
    for (const [key] of going) owned.delete(key);
    if (owned.size === 0) {
      this.#owned.delete(user);
      this.#foreign.delete(user);
    }
    const list = going.filter(([, placed]) => !this.#isKnown(placed)).map(([, placed]) => placed);
    const left: EntryFailure<T>[] = [];
    const ordered = this.#kind.removalOrder(list);
    for (const { placed, error } of this.#request(ordered, this.#kind.remove)) {
      if (error !== null && !ALREADY_GONE.has(error.code)) left.push({ placed, error });
    }
    for (const { placed } of left) this.#own(user, placed);
    return left;
  }

  /** Removes everything that vigie owns, for whomever. */
  removeAll(): EntryFailure<T>[] {
    return [...this.#owned.keys()].flatMap((user) => this.remove(user));
  }

  /** The kernel has it already, or perhaps: its mark tells whose it is. */
  #settle(user: string, unsure: readonly EntryFailure<T>[], outcome: EntryOutcome<T>): void {
    let ours: ReadonlySet<string>;
    try {
      const marked = this.#kind.marked(unsure.map(({ placed }) => placed));
      ours = new Set(marked.map((placed) => this.#kind.key(placed)));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      outcome.failures.push(...unsure.map(({ placed }) => ({ placed, error })));
      return;
    }
    for (const { placed, error } of unsure) {
      const key = this.#kind.key(placed);
      if (ours.has(key)) this.#own(user, placed);
      else if (error.code === "ETIMEDOUT") outcome.failures.push({ placed, error });
      else {
        this.#foreign.set(user, (this.#foreign.get(user) ?? new Set()).add(key));
        outcome.foreign.push(placed);
      }
    }
  }

  #isKnown(placed: T): boolean {
    const key = this.#kind.key(placed);
    return [...this.#owned.values()].some((theirs) => theirs.has(key));
  }

  #own(user: string, placed: T): void {
    const owned = this.#owned.get(user) ?? new Map<string, T>(), key = this.#kind.key(placed);
    this.#owned.set(user, owned.set(key, placed));
    this.#foreign.get(user)?.delete(key);
  }

  #request(
    list: readonly T[],
    message: (placed: T) => NetlinkMessage,
  ): { readonly placed: T; readonly error: SysError | null }[] {
    if (list.length === 0) return [];
    try {
      const answers = this.#socket.requestAll(list.map(message));
      return list.map((placed, at) => ({ placed, error: answers[at] ?? null }));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return list.map((placed) => ({ placed, error }));
    }
  }
}
