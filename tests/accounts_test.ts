import assert from "node:assert/strict";
import { parseGroup, parseId, parsePasswd } from "../lib/core/accounts.ts";
import { Accounts, ownIds, scriptAccount } from "../lib/track/accounts.ts";
import { inFolder } from "./tools/scripts.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# not a user: comment:1:1
daemon:x:1:2::/usr/sbin:/usr/sbin/nologin
1001:x:77:78::/digits:/bin/sh
web:x:1001:1002:Web,,,:/srv/web:/bin/false
`;
const GROUP = `root:x:0:
staff:x:50:web,daemon
web:x:1002:
`;
const OWN = { uid: 0, gid: 0 };

Deno.test("parsePasswd() and parseGroup() leave out what is no entry", () => {
  assert.deepEqual(parsePasswd(`${PASSWD}+::::::\nbad:x:-1:0::/:\nshort:x\n\n:x:5:5::/:\n`), [
    { name: "root", uid: 0, gid: 0, home: "/root" },
    { name: "daemon", uid: 1, gid: 2, home: "/usr/sbin" },
    { name: "1001", uid: 77, gid: 78, home: "/digits" },
    { name: "web", uid: 1001, gid: 1002, home: "/srv/web" },
  ]);
  assert.deepEqual(parsePasswd("x:x:5:6"), [{ name: "x", uid: 5, gid: 6, home: "/" }]);
  assert.deepEqual(parseGroup(`+:::\n${GROUP}bad:x:1e3:\n`), [
    { name: "root", gid: 0 },
    { name: "staff", gid: 50 },
    { name: "web", gid: 1002 },
  ]);
  assert.deepEqual(["0", "4294967294", "4294967295", "-1", "", "1.5", undefined].map(parseId), [
    0,
    4294967294,
    ...[null, null, null, null, null],
  ]);
});

Deno.test("resolve() takes names and numbers, names first", async () => {
  await withAccounts(PASSWD, ({ accounts, passwd, group }) => {
    const resolve = (user: string, group: string | null = null) =>
      accounts.resolve({ user, group });
    const web = { uid: 1001, gid: 1002, name: "web", home: "/srv/web" };
    assert.deepEqual(resolve("web"), { ok: true, value: web });
    assert.deepEqual(resolve("web", "staff"), { ok: true, value: { ...web, gid: 50 } });
    assert.deepEqual(resolve("web", "7"), { ok: true, value: { ...web, gid: 7 } });
    const digits = { uid: 77, gid: 78, name: "1001", home: "/digits" };
    assert.deepEqual(resolve("1001"), { ok: true, value: digits });
    assert.deepEqual(resolve("77"), { ok: true, value: digits });
    const unnamed = { uid: 4000, gid: 50, name: null, home: null };
    assert.deepEqual(resolve("4000", "staff"), { ok: true, value: unnamed });
    const no = (error: string) => ({ ok: false, error });
    assert.deepEqual(resolve("ghost"), no(`no user "ghost" in ${passwd}`));
    assert.deepEqual(resolve("web", "ghosts"), no(`no group "ghosts" in ${group}`));
    const gidless = `user 4000 is not in ${passwd}, so its group must be given too`;
    assert.deepEqual(resolve("4000"), no(gidless));
    assert.deepEqual([accounts.userName(1001), accounts.userName(9)], ["web", "9"]);
    assert.deepEqual([accounts.groupName(50), accounts.groupName(9)], ["staff", "9"]);
  });
});

Deno.test("forScript() takes keepalived_script where it exists, else the daemon's own user", async () => {
  await withAccounts(PASSWD, ({ accounts, passwd }) => {
    const root = { uid: 0, gid: 0, name: "root", home: "/root" };
    assert.deepEqual(accounts.forScript(null, false, OWN), { ok: true, value: root });
    assert.deepEqual(accounts.forScript(null, true, OWN), {
      ok: false,
      error: 'no script_user is given and there is no account "keepalived_script"',
    });
    const named = accounts.forScript({ user: "daemon", group: null }, true, OWN);
    assert.equal(named.ok && named.value.uid, 1);
    // A change of the file is noticed, even within the granularity of its time.
    Deno.writeTextFileSync(passwd, `${PASSWD}keepalived_script:x:600:601::/:\n`);
    for (const security of [false, true]) {
      const fallback = accounts.forScript(null, security, OWN);
      assert.deepEqual(fallback.ok && [fallback.value.uid, fallback.value.gid], [600, 601]);
    }
    Deno.removeSync(passwd);
    assert.deepEqual(accounts.forScript(null, false, OWN), {
      ok: true,
      value: { ...OWN, name: null, home: null },
    });
  });
});

Deno.test("scriptAccount() knows this host", () => {
  const root = scriptAccount({ user: "root", group: null }, true);
  assert.deepEqual(root.ok && [root.value.uid, root.value.gid], [0, 0]);
  assert.deepEqual(ownIds(), { uid: Deno.uid(), gid: Deno.gid() });
});

async function withAccounts(
  text: string,
  body: (it: { accounts: Accounts; passwd: string; group: string }) => void,
): Promise<void> {
  await inFolder((folder) => {
    const passwd = folder.file("passwd", text), group = folder.file("group", GROUP);
    body({ accounts: new Accounts({ passwd, group }), passwd, group });
  });
}
