/** Scripts that are not as they should be, and every word that is said about them. */

import assert from "node:assert/strict";
import type { UserName } from "../lib/core/probe_spec.ts";
import { type Folder, makeFifo } from "./tools/scripts.ts";

/** The accounts of the scenes. */
export const PASSWD = "root:x:0:0::/root:/bin/sh\nweb:x:54321:54322::/srv:/bin/sh\n";
/** Their groups. */
export const GROUP = "root:x:0:\nweb:x:54322:\nstaff:x:54323:\n";
/** A user without privileges. */
export const WEB: UserName = { user: "web", group: null };
/** The one with all. */
export const ROOT: UserName = { user: "root", group: null };
/** Where programs are looked for in the scenes. */
export const PATH = "/usr/bin:/bin";

/** One script that is not as it should be, and all that is said about it; "DIR" is the folder. */
export interface Fault {
  readonly name: string;
  readonly make: (folder: Folder) => string | readonly string[];
  readonly user?: UserName | null;
  readonly security?: boolean;
  readonly says: string;
  readonly remedy: string;
  readonly refuses: boolean;
  readonly fails?: true;
  readonly insecure?: true;
}

/** Writes a script. @returns Its path. */
export function script(folder: Folder, mode = 0o755, text = "#!/bin/sh\n"): string {
  return folder.file("check", text, mode);
}

/** Gives a file to somebody; the mode is set afterwards, for chown clears bits of it. @returns Its path. */
export function own(path: string, uid: number, gid: number, mode?: number): string {
  Deno.chownSync(path, uid, gid);
  if (mode !== undefined) Deno.chmodSync(path, mode);
  return path;
}

/** A folder with this owner. */
function lib(folder: Folder, uid: number, gid: number, mode = 0o755): Folder {
  const made = folder.folder("lib");
  own(made.path, uid, gid, mode);
  return made;
}

const NEVER = 'Script "DIR/check" will never run';

/** One fault each. */
export const FAULTS: readonly Fault[] = [
  {
    name: "a file that is missing",
    make: ({ path }) => `${path}/check`,
    says: 'Script "DIR/check" does not exist: there is no file "DIR/check"',
    remedy: "Create it, or correct the path",
    refuses: true,
  },
  {
    name: "a folder that is missing",
    make: ({ path }) => `${path}/lib/x/check`,
    says: 'Script "DIR/lib/x/check" does not exist: there is no folder "DIR/lib"',
    remedy: "Create it, or correct the path",
    refuses: true,
  },
  {
    name: "a file that is missing, by a path with dots",
    make: ({ path }) => `${path}/../at/./check`,
    says: 'Script "DIR/../at/./check" does not exist: there is no file "DIR/check"',
    remedy: "Create it, or correct the path",
    refuses: true,
  },
  {
    name: "a link to nowhere",
    make: ({ path }) => {
      Deno.symlinkSync("gone/check", `${path}/link`);
      return `${path}/link`;
    },
    says: 'Script "DIR/link" does not exist: there is no folder "DIR/gone"',
    remedy: "Create it, or correct the path",
    refuses: true,
  },
  {
    name: "a file used as a folder",
    make: (folder) => `${script(folder)}/check`,
    says: 'Script "DIR/check/check" does not exist: "DIR/check" is not a folder',
    remedy: "Create it, or correct the path",
    refuses: true,
  },
  {
    name: "links in a circle",
    make: ({ path }) => {
      Deno.symlinkSync("b", `${path}/a`);
      Deno.symlinkSync("a", `${path}/b`);
      return `${path}/a`;
    },
    says: 'Script "DIR/a" does not exist: its path is a circle of symbolic links',
    remedy: "Write the path of the file itself",
    refuses: true,
  },
  {
    name: "a folder in the place of a script",
    make: ({ path }) => path,
    says: 'Script "DIR" is not a regular file but a folder',
    remedy: "Correct the path, or put the script there",
    refuses: true,
  },
  {
    name: "a link to a FIFO",
    make: ({ path }) => {
      makeFifo(`${path}/pipe`);
      Deno.symlinkSync("pipe", `${path}/link`);
      return `${path}/link`;
    },
    says: 'Script "DIR/link", which is "DIR/pipe", is not a regular file but a FIFO',
    remedy: "Correct the path, or put the script there",
    refuses: true,
  },
  {
    name: "a name that is not in PATH",
    make: () => ["no-such-program-of-vigie", "x"],
    says: `There is no program "no-such-program-of-vigie" in PATH (${PATH})`,
    remedy: "Write the whole path of the script, from / on",
    refuses: true,
  },
  {
    name: "a user who does not exist",
    make: (folder) => script(folder),
    user: { user: "ghost", group: null },
    says: 'Script "DIR/check" cannot run as user "ghost": no user "ghost" in ETC/passwd',
    remedy: "Name a user and a group that exist, or create them",
    refuses: true,
  },
  {
    name: "a group that does not exist",
    make: (folder) => script(folder),
    user: { user: "web", group: "ghosts" },
    says:
      'Script "DIR/check" cannot run as user "web" and group "ghosts": no group "ghosts" in ETC/group',
    remedy: "Name a user and a group that exist, or create them",
    refuses: true,
  },
  {
    name: "no user under script security",
    make: (folder) => script(folder),
    user: null,
    security: true,
    says: 'Script "DIR/check" cannot run: no script_user is given and there is no account ' +
      '"keepalived_script"',
    remedy: "Set script_user in global_defs, or run: useradd --system --no-create-home " +
      "--shell /usr/sbin/nologin keepalived_script",
    refuses: true,
  },
  {
    name: "a script that nobody may execute",
    make: (folder) => script(folder, 0o644),
    user: null,
    says:
      'Script "DIR/check" (owned by root:root, mode 0644) is not executable by user "root": nobody may',
    remedy: "Run: chmod u+x DIR/check",
    refuses: true,
  },
  {
    name: "a script that its owner may not execute",
    make: (folder) => own(script(folder), 54321, 54322, 0o655),
    user: WEB,
    says: 'Script "DIR/check" (owned by web:web, mode 0655) is not executable by user "web": ' +
      "the owner may not",
    remedy: "Run: chmod u+x DIR/check",
    refuses: true,
  },
  {
    name: "a script that the group may not execute",
    make: (folder) => own(script(folder), 0, 54322, 0o745),
    user: WEB,
    says: 'Script "DIR/check" (owned by root:web, mode 0745) is not executable by user "web": ' +
      "the group may not",
    remedy: "Run: chmod g+x DIR/check",
    refuses: true,
  },
  {
    name: "a script that others may not execute",
    make: (folder) => own(script(folder), 0, 54323, 0o754),
    user: WEB,
    says: 'Script "DIR/check" (owned by root:staff, mode 0754) is not executable by user "web": ' +
      "others may not",
    remedy: "Run: chmod o+x DIR/check",
    refuses: true,
  },
  {
    name: "a folder that the user may not enter",
    make: (folder) => script(lib(folder, 0, 54322, 0o745)),
    user: WEB,
    says: 'Folder "DIR/lib" (owned by root:web, mode 0745) cannot be entered by user "web", so ' +
      '"DIR/lib/check" cannot run',
    remedy: "Run: chmod g+x DIR/lib",
    refuses: true,
  },
  {
    name: "a script that its interpreter may not read",
    make: (folder) => script(folder, 0o751),
    user: { user: "54399", group: "54399" },
    says:
      'Script "DIR/check" (owned by root:root, mode 0751) cannot be read by user 54399, so its ' +
      "interpreter fails",
    remedy: "Run: chmod o+r DIR/check",
    refuses: false,
    fails: true,
  },
  {
    name: "a script without a #! line",
    make: (folder) => script(folder, 0o755, "exit 0\n"),
    says: `${NEVER}: it has no #! line, and no shell is asked`,
    remedy: "Begin its first line with #! and the path of its interpreter: #!/bin/sh",
    refuses: false,
    fails: true,
  },
  {
    name: "an interpreter that is missing",
    make: (folder) => script(folder, 0o755, "#! /opt/no/sh -e\n"),
    says: `${NEVER}: its interpreter "/opt/no/sh" does not exist`,
    remedy: "Install it, or correct the #! line",
    refuses: false,
    fails: true,
  },
  {
    name: "an interpreter that is none",
    make: (folder) => script(folder, 0o755, `#!${folder.file("text", "")}\n`),
    says: `${NEVER}: its interpreter "DIR/text" is not executable by user "root"`,
    remedy: "Correct the #! line, or the interpreter's permissions",
    refuses: false,
    fails: true,
  },
  {
    name: "an interpreter that env does not find",
    make: (folder) => script(folder, 0o755, "#!/usr/bin/env no-python-of-vigie\n"),
    says: `${NEVER}: its interpreter "no-python-of-vigie" is not in PATH (${PATH})`,
    remedy: "Install it, or write its whole path in the #! line",
    refuses: false,
    fails: true,
  },
  {
    name: "lines that end as on Windows",
    make: (folder) => script(folder, 0o755, "#!/bin/sh\r\nexit 0\r\n"),
    says:
      `${NEVER}: its lines end as on Windows, which makes a part of the interpreter's name of ` +
      "the CR",
    remedy: "Run: sed -i 's/\\r$//' DIR/check",
    refuses: false,
    fails: true,
  },
  {
    name: "a folder that another user owns",
    make: (folder) => script(lib(folder, 54321, 0)),
    user: ROOT,
    security: true,
    says:
      'Folder "DIR/lib" (owned by web:root, mode 0755) can be changed by its owner "web", and ' +
      '"DIR/lib/check" runs as root',
    remedy: "Run: chown root DIR/lib; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a script that another user owns, without script security",
    make: (folder) => own(script(folder), 54321, 54322),
    says: 'File "DIR/check" (owned by web:web, mode 0755) can be changed by its owner "web", and ' +
      '"DIR/check" runs as root',
    remedy: "Run: chown root DIR/check; or give a script_user that is not root",
    refuses: false,
    insecure: true,
  },
  {
    name: "a folder that a group may change",
    make: (folder) => script(lib(folder, 0, 54323, 0o775)),
    user: { user: "web", group: "root" },
    security: true,
    says:
      'Folder "DIR/lib" (owned by root:staff, mode 0775) can be changed by the group "staff", ' +
      'and "DIR/lib/check" runs with the group root',
    remedy: "Run: chmod g-w DIR/lib; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a folder that all may change",
    make: (folder) => script(folder.folder("a b", 0o777)),
    user: ROOT,
    security: true,
    says: 'Folder "DIR/a b" (owned by root:root, mode 0777) can be changed by everybody, and ' +
      '"DIR/a b/check" runs as root',
    remedy: "Run: chmod o-w 'DIR/a b'; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a setuid script that all may change",
    make: (folder) => script(folder, 0o4757),
    user: WEB,
    security: true,
    says: 'File "DIR/check" (owned by root:root, mode 4757) can be changed by everybody, and ' +
      '"DIR/check" is setuid',
    remedy: "Run: chmod o-w DIR/check; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a setgid script that a group may change",
    make: (folder) => own(script(folder), 0, 54323, 0o2775),
    user: WEB,
    security: true,
    says:
      'File "DIR/check" (owned by root:staff, mode 2775) can be changed by the group "staff", ' +
      'and "DIR/check" is setgid',
    remedy: "Run: chmod g-w DIR/check; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a link of another user",
    make: (folder) => {
      const link = `${folder.folder("open", 0o1777).path}/link`;
      Deno.symlinkSync(script(folder), link);
      Deno.removeSync(link);
      asUser(54321, 54322, ["ln", "-s", "../check", link]);
      return link;
    },
    security: true,
    user: ROOT,
    says: 'Link "DIR/open/link" (owned by web:web, mode 0777) can be changed by its owner "web", ' +
      'and "DIR/open/link" runs as root',
    remedy: "Run: chown -h root DIR/open/link; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
  {
    name: "a target of a link in a folder that all may change",
    make: (folder) => {
      const target = script(folder.folder("open", 0o777));
      Deno.symlinkSync(target, `${folder.path}/link`);
      return `${folder.path}/link`;
    },
    security: true,
    user: ROOT,
    says: 'Folder "DIR/open" (owned by root:root, mode 0777) can be changed by everybody, and ' +
      '"DIR/link" runs as root',
    remedy: "Run: chmod o-w DIR/open; or give a script_user that is not root",
    refuses: true,
    insecure: true,
  },
];

function asUser(uid: number, gid: number, [command, ...args]: readonly string[]): void {
  assert.ok(new Deno.Command(command!, { args, uid, gid, cwd: "/" }).outputSync().success);
}
