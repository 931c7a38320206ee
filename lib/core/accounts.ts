/** The files of users and groups, passwd(5) and group(5), as values. */

/** A line of /etc/passwd. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  /** Its primary group. */
  readonly gid: number;
  readonly home: string;
}

/** A line of /etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
}

/** The users of a passwd file, in its order. Lines that are none, NIS's "+" among them, are left out. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  const entries: PasswdEntry[] = [];
  for (const [name, , uid, gid, , home] of fieldsOf(text)) {
    const [user, group] = [parseId(uid), parseId(gid)];
    if (name && user !== null && group !== null) {
      entries.push({ name, uid: user, gid: group, home: home || "/" });
    }
  }
  return entries;
}

/** The groups of a group file, in its order, without what is none. */
export function parseGroup(text: string): readonly GroupEntry[] {
  const entries: GroupEntry[] = [];
  for (const [name, , id] of fieldsOf(text)) {
    const gid = parseId(id);
    if (name && gid !== null) entries.push({ name, gid });
  }
  return entries;
}

/**
 * A user or group number; null if the text is none. 2^32-1 is none: it means "leave as it is" to
 * chown(2) and setresuid(2).
 */
export function parseId(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null;
  const id = Number(text);
  return id < 0xffff_ffff ? id : null;
}

function fieldsOf(text: string): readonly string[][] {
  return text.split("\n").filter((line) => !line.startsWith("#")).map((line) => line.split(":"));
}
