/** The one sysctl that vigie sets: `promote_secondaries`, and puts back. */

/** Interfaces whose setting vigie changed: what it was, and which instances want it changed. */
const changed = new Map<string, { readonly was: string; readonly users: Set<string> }>();

/**
 * Keeps secondary addresses of a subnet when its primary one goes (ip-sysctl, promote_secondaries);
 * same as `sysctl net.ipv4.conf.IF.promote_secondaries=1`. Undone when its last user releases it.
 *
 * @returns What went wrong, in words; null if nothing.
 */
export function acquirePromoteSecondaries(interfaceName: string, user: string): string | null {
  const known = changed.get(interfaceName);
  if (known !== undefined) {
    known.users.add(user);
    return null;
  }
  const path = pathOf(interfaceName);
  try {
    const was = Deno.readTextFileSync(path).trim();
    if (was !== "1") Deno.writeTextFileSync(path, "1");
    changed.set(interfaceName, { was, users: new Set([user]) });
    return null;
  } catch (error) {
    return `Cannot set ${path} to 1: ${(error as Error).message}`;
  }
}

/** Settings that are changed at present, for another image of this daemon. */
export interface ChangedSetting {
  readonly interface: string;
  readonly was: string;
  readonly users: readonly string[];
}

/** What is changed at present. */
export function changedSettings(): readonly ChangedSetting[] {
  return [...changed].map(([name, { was, users }]) => ({
    interface: name,
    was,
    users: [...users],
  }));
}

/** Takes over what another image has changed, so that it is put back in the end. */
export function adoptSettings(settings: readonly ChangedSetting[]): void {
  for (const { interface: name, was, users } of settings) {
    changed.set(name, { was, users: new Set(users) });
  }
}

/** Puts the setting back once nobody needs it. @returns What went wrong, in words; null if nothing. */
export function releasePromoteSecondaries(interfaceName: string, user: string): string | null {
  const known = changed.get(interfaceName);
  if (!known?.users.delete(user) || known.users.size > 0) return null;
  changed.delete(interfaceName);
  if (known.was === "1") return null;
  const path = pathOf(interfaceName);
  try {
    Deno.writeTextFileSync(path, known.was);
    return null;
  } catch (error) {
    // An interface that is gone took its setting with it.
    if (error instanceof Deno.errors.NotFound) return null;
    return `Cannot set ${path} back to ${known.was}: ${(error as Error).message}`;
  }
}

function pathOf(interfaceName: string): string {
  return `/proc/sys/net/ipv4/conf/${interfaceName}/promote_secondaries`;
}
