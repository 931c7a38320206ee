/** Settings of interfaces (sysctl) that vigie changes for as long as somebody needs it, and puts back. */

/** One setting of one interface, and what it is to be. */
export interface InterfaceSetting {
  /** Empty for a setting of the network namespace as a whole. */
  readonly interface: string;
  /** The interface's number where it matters: another of the same name begins anew. */
  readonly index?: number;
  /** Below `net`, as "ipv4 arp_ignore" for net.ipv4.conf.IF.arp_ignore. */
  readonly name: string;
  readonly value: string;
}

/** A setting that was changed: what it was, what it was set to, and who wants it so. */
interface Changed {
  readonly interface: string;
  readonly index: number | undefined;
  readonly name: string;
  readonly value: string;
  readonly was: string;
  readonly users: Set<string>;
}

const PROMOTE = "ipv4 promote_secondaries";

/** Whether memberships in 224.0.0.0/24 are reported (ip-sysctl; Linux 4.3 and later). */
const LOCAL_IGMP = "ipv4 igmp_link_local_mcast_reports";

/** Who keeps a setting that is no instance's. The names of instances have no blank. */
const EVERYBODY = "all instances";

const changed = new Map<string, Changed>();

/** What a crashed predecessor had found, by the same keys. */
const recalled = new Map<string, { readonly setting: InterfaceSetting; readonly was: string }>();

/**
 * Sets a setting, or finds it set for another user. Undone when its last user releases it.
 *
 * @returns What went wrong, in words; null if nothing.
 */
export function acquireSetting(setting: InterfaceSetting, user: string): string | null {
  const key = keyOf(setting), known = changed.get(key);
  if (known !== undefined && (setting.index === undefined || known.index === setting.index)) {
    known.users.add(user);
    return null;
  }
  const path = pathOf(setting), { name, index, value } = setting;
  try {
    const now = Deno.readTextFileSync(path).trim(), before = recalled.get(key);
    if (now !== value) Deno.writeTextFileSync(path, value);
    // Whoever changed it after the crash wants it as it is.
    const was = before !== undefined && now === value ? before.was : now;
    recalled.delete(key);
    const users = new Set([user]);
    changed.set(key, { interface: setting.interface, name, index, value, was, users });
    return null;
  } catch (error) {
    return `Cannot set ${path} to ${value}: ${(error as Error).message}`;
  }
}

/** Puts back what nobody else needs. @returns What went wrong, in words. */
export function releaseSettings(user: string, which?: (name: string) => boolean): string[] {
  const failures: string[] = [];
  for (const [key, one] of changed) {
    if (which !== undefined && !which(one.name)) continue;
    if (!one.users.delete(user) || one.users.size > 0) continue;
    changed.delete(key);
    const failure = putBack(one, one.was);
    if (failure !== null) failures.push(failure);
  }
  return failures;
}

/** What settings of an interface were before vigie changed them, by name. */
export function originalsOf(interfaceName: string): Readonly<Record<string, string>> {
  const found = [...changed.values()].filter((one) => one.interface === interfaceName);
  return Object.fromEntries(found.map(({ name, was }) => [name, was]));
}

/** Makes known what a crashed predecessor had found before it changed a setting. */
export function recallSetting(setting: InterfaceSetting, was: string): void {
  const key = keyOf(setting);
  if (!changed.has(key)) recalled.set(key, { setting, was });
}

/** Puts back what a predecessor had changed and nobody has acquired since. @returns What went wrong. */
export function putBackRecalled(): string[] {
  const failures = [...recalled.values()].map(({ setting, was }) => putBack(setting, was));
  recalled.clear();
  return failures.filter((failure) => failure !== null);
}

/** What another has set it to meanwhile is left to him. */
function putBack(setting: InterfaceSetting, was: string): string | null {
  if (was === setting.value) return null;
  const path = pathOf(setting);
  try {
    if (Deno.readTextFileSync(path).trim() === setting.value) Deno.writeTextFileSync(path, was);
    return null;
  } catch (error) {
    // An interface that is gone took its setting with it.
    if (error instanceof Deno.errors.NotFound) return null;
    return `Cannot set ${path} back to ${was}: ${(error as Error).message}`;
  }
}

/**
 * Keeps secondary addresses of a subnet when its primary one goes (ip-sysctl, promote_secondaries);
 * same as `sysctl net.ipv4.conf.IF.promote_secondaries=1`. Undone when its last user releases it.
 *
 * @returns What went wrong, in words; null if nothing.
 */
export function acquirePromoteSecondaries(interfaceName: string, user: string): string | null {
  return acquireSetting({ interface: interfaceName, name: PROMOTE, value: "1" }, user);
}

/** Puts the setting back once nobody needs it. @returns What went wrong, in words; null if nothing. */
export function releasePromoteSecondaries(_interfaceName: string, user: string): string | null {
  return releaseSettings(user, (name) => name === PROMOTE)[0] ?? null;
}

/** `disable_local_igmp`, or no longer. @returns What went wrong, in words. */
export function setLocalIgmp(isOff: boolean): string[] {
  if (!isOff) return releaseSettings(EVERYBODY, (name) => name === LOCAL_IGMP);
  const failure = acquireSetting({ interface: "", name: LOCAL_IGMP, value: "0" }, EVERYBODY);
  return failure === null ? [] : [failure];
}

/** Settings that are changed at present, for another image of this daemon. */
export interface ChangedSetting {
  readonly interface: string;
  readonly was: string;
  readonly users: readonly string[];
  /** Of earlier versions it is always promote_secondaries, set to 1. */
  readonly name?: string;
  readonly value?: string;
  readonly index?: number;
}

/** What is changed at present. */
export function changedSettings(): readonly ChangedSetting[] {
  return [...changed.values()].map(({ users, ...rest }) => ({ ...rest, users: [...users] }));
}

/** Takes over what another image has changed, so that it is put back in the end. */
export function adoptSettings(settings: readonly ChangedSetting[]): void {
  for (const { users, name = PROMOTE, value = "1", index, ...rest } of settings) {
    const one = { ...rest, name, value, index, users: new Set(users) };
    changed.set(keyOf(one), one);
  }
}

/** Users have other names from now on: old ones to new ones. */
export function renameSettingUsers(names: ReadonlyMap<string, string>): void {
  for (const { users } of changed.values()) {
    const now = [...users].map((user) => names.get(user) ?? user);
    users.clear();
    for (const user of now) users.add(user);
  }
}

/** An interface has another name from now on, and its settings with it. */
export function renameSettingInterface(index: number, name: string): void {
  for (const [key, one] of [...changed]) {
    if (one.index !== index || one.interface === name) continue;
    changed.delete(key);
    const renamed = { ...one, interface: name };
    changed.set(keyOf(renamed), renamed);
  }
}

function keyOf(setting: Pick<InterfaceSetting, "interface" | "name">): string {
  return `${setting.interface} ${setting.name}`;
}

/** The name of an interface may have dots, which a path does not mind, unlike sysctl(8)'s own names. */
function pathOf({ interface: device, name }: Pick<InterfaceSetting, "interface" | "name">): string {
  const [family, leaf] = name.split(" ");
  return `/proc/sys/net/${family}/${device === "" ? "" : `conf/${device}/`}${leaf}`;
}
