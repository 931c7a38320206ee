/** Folders in /tmp have a sticky parent that belongs to root: fine for the rules of security. */

import assert from "node:assert/strict";
import type { Inspector } from "../config/model.ts";
import type { UserName } from "../lib/core/probe_spec.ts";
import { createInspector, type InspectorOptions } from "../lib/daemon/inspect.ts";
import { Accounts } from "../lib/track/accounts.ts";
import { Authority } from "./tools/certificates.ts";
import { FAULTS, GROUP, own, PASSWD, PATH, ROOT, script, WEB } from "./inspect_faults.ts";
import { type Folder, inFolder, makeFifo, rootTest } from "./tools/scripts.ts";

interface Scene {
  readonly folder: Folder;
  readonly inspector: Inspector;
  /** Where the accounts of the scene are. */
  readonly etc: Folder;
}

async function inspecting(
  body: (scene: Scene) => Promise<void> | void,
  options: Partial<InspectorOptions> = {},
): Promise<void> {
  await inFolder(async (outer) => {
    const etc = outer.folder("etc"), folder = outer.folder("at");
    const accounts = new Accounts({
      passwd: etc.file("passwd", PASSWD),
      group: etc.file("group", GROUP),
    });
    const mountinfo = etc.file("mountinfo", "1 0 8:0 / / rw - ext4 /dev/sda rw\n");
    const inspector = await createInspector({
      regex: false,
      accounts,
      path: PATH,
      mountinfo,
      ...options,
    });
    await body({ folder, inspector, etc });
  });
}

for (const fault of FAULTS) {
  rootTest(`script() reports ${fault.name}`, async () => {
    await inspecting(({ folder, inspector, etc }) => {
      const made = fault.make(folder), words = typeof made === "string" ? [made] : made;
      const complaints = inspector.script(words, fault.user ?? null, fault.security ?? false);
      const at = (text: string) => text.replaceAll("DIR", folder.path).replaceAll("ETC", etc.path);
      assert.deepEqual(complaints, [{
        message: at(fault.says),
        remedy: at(fault.remedy),
        refuses: fault.refuses,
        ...fault.fails && { fails: true },
        ...fault.insecure && { insecure: true },
      }]);
    });
  });
}

Deno.test("every fault of a script has words of its own", () => {
  assert.equal(new Set(FAULTS.map(({ says }) => says)).size, FAULTS.length);
});

rootTest("script() says nothing about what is in order", async () => {
  await inspecting(({ folder, inspector }) => {
    const plain = script(folder), sticky = folder.folder("sticky", 0o1777);
    Deno.symlinkSync("../check", `${sticky.path}/link`);
    const rootGroup = folder.file("root-group", "#!/bin/sh\n", 0o775);
    const ownedByWeb = own(folder.script("web", "exit 0"), 54321, 54322, 0o777);
    const writableByWeb = own(folder.script("staff", "exit 0"), 0, 54322, 0o770);
    const fine: [readonly string[], UserName | null, boolean][] = [
      [[plain, "argument"], null, false],
      [[plain], ROOT, true],
      [[plain], WEB, true],
      [[`${sticky.path}/link`], ROOT, true],
      [[rootGroup], ROOT, true],
      // What does not run as root cannot hurt root.
      [[ownedByWeb], WEB, true],
      [[writableByWeb], WEB, true],
      [["true"], ROOT, true],
      [["/usr/bin/env"], WEB, true],
      [[`${folder.path}/../at//./check`], ROOT, true],
      [[folder.script("env", "", 0o755)], ROOT, true],
      // Root enters every folder.
      [[script(folder.folder("closed", 0o600))], ROOT, true],
      [[folder.file("sh-by-env", "#!/usr/bin/env -S A=b sh\n", 0o755)], ROOT, true],
    ];
    for (const [words, user, security] of fine) {
      assert.deepEqual(inspector.script(words, user, security), [], words.join(" "));
    }
  });
});

rootTest("script() reports every folder on the way and the script, in order", async () => {
  await inspecting(({ folder, inspector }) => {
    const lib = folder.folder("lib", 0o777), path = script(lib, 0o757);
    own(path, 54321, 0, 0o757);
    const subjects = inspector.script([path], ROOT, true).map(({ message }) =>
      message.replace(/ \(.*(by .*), and.*/, " $1")
    );
    assert.deepEqual(subjects, [
      `Folder "${lib.path}" by everybody`,
      `File "${path}" by its owner "web"`,
      `File "${path}" by everybody`,
    ]);
  });
});

rootTest("script() notices a file system that is mounted noexec", async () => {
  await inspecting(async ({ folder, etc }) => {
    // The mounts are read once by each inspector.
    const judge = async (text: string) => {
      const mountinfo = etc.file("mountinfo", text);
      const inspector = await createInspector({ regex: false, path: PATH, mountinfo });
      return inspector.script([path], null, false);
    };
    const path = script(folder.folder("no exec"));
    const point = `${folder.path}/no\\040exec`;
    const mount = (options: string, at = point) => `9 1 0:9 / ${at} ${options} - tmpfs tmpfs rw\n`;
    const root = "1 0 8:0 / / rw,noexec - ext4 /dev/sda rw\n";
    assert.deepEqual(await judge(root + mount("rw,nosuid,noexec")), [{
      message: `Script "${path}" cannot run: "${folder.path}/no exec" is mounted with the option ` +
        "noexec",
      remedy: "Move the script to another file system",
      refuses: false,
      fails: true,
    }]);
    // The inner mount counts, the last of two on one place, and only whole names.
    for (
      const text of [
        root + mount("rw"),
        mount("rw,noexec") + mount("rw"),
        mount("rw,noexec", `${folder.path}/no`),
      ]
    ) {
      assert.deepEqual(await judge(text), [], text);
    }
  });
});

rootTest("script() and pem() do not refuse what an unprivileged caller may not see", async () => {
  await inFolder((folder) => {
    const closed = folder.folder("closed", 0o700), path = script(closed);
    const key = closed.file("key.pem", "not one", 0o600);
    const tool = new URL("tools/inspect_unprivileged.ts", import.meta.url).pathname;
    const { stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", tool, path, key, `${closed.path}/pipe`],
      env: { NO_COLOR: "1" },
    }).outputSync();
    const text = new TextDecoder().decode(stdout);
    assert.notEqual(text, "", new TextDecoder().decode(stderr));
    assert.deepEqual(JSON.parse(text), {
      uid: 65534,
      script: [{
        message:
          `Script "${path}" was not looked at, for "${path}" cannot be seen: permission denied`,
        remedy: "Run the check as root",
        refuses: false,
      }],
      pem: null,
      folderOf: null,
      fifo: null,
    });
  });
});

Deno.test("pem() reads certificates and keys, and says what is wrong with others", async () => {
  const authority = await Authority.create();
  const { cert, key } = await authority.issue({ names: ["web.example"], toDays: -1 });
  await inspecting(({ folder, inspector }) => {
    const pem = (text: string, holds: "certificate" | "key") =>
      inspector.pem(folder.file("file.pem", text), holds);
    const broken = cert.replace(/\n.{8}/, "\nAAAAAAAA");
    assert.equal(pem(cert, "certificate"), null, "an expired one can be used");
    assert.equal(pem(`Subject: x\n${cert}${authority.cert}${key}`, "certificate"), null);
    assert.equal(pem(key, "key"), null);
    assert.equal(pem(cert + key, "key"), null);
    assert.equal(pem("", "key"), "it is empty");
    assert.equal(pem("\x30\x82", "certificate"), 'it is not PEM: there is no "-----BEGIN" line');
    assert.equal(pem(cert.slice(0, 90), "certificate"), "it ends in the middle of a PEM block");
    assert.equal(pem(key, "certificate"), 'it holds no certificate, but "PRIVATE KEY"');
    assert.equal(pem(cert + cert, "key"), 'it holds no private key, but "CERTIFICATE"');
    assert.match(pem(broken, "certificate")!, /^certificate cannot be read: /);
    assert.match(pem(cert + broken, "certificate")!, /^certificate 2 of 2 cannot be read: /);
    assert.match(pem(key.replace(/\n.{8}/, "\nAAAAAAAA"), "key")!, /^private key cannot be read: /);
    assert.equal(
      pem(key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), "key"),
      "private key is encrypted, and nobody is there to give its passphrase",
    );
    assert.equal(inspector.pem(folder.path, "key"), "it is not a regular file");
    assert.equal(inspector.pem("/dev/zero", "key"), "it is not a regular file");
    assert.equal(inspector.pem(`${folder.path}/none`, "key"), "no such file or directory");
  });
});

Deno.test("fifo() and folderOf() say what is in the way", async () => {
  await inspecting(({ folder, inspector }) => {
    const { path } = folder, file = folder.file("file", "");
    makeFifo(`${path}/pipe`);
    Deno.symlinkSync("new", `${path}/link`);
    const fifo = (name: string) => inspector.fifo(`${path}/${name}`);
    assert.deepEqual([fifo("pipe"), fifo("new"), fifo("link")], [null, null, null]);
    assert.equal(fifo("file"), "there is a regular file instead of a FIFO");
    assert.equal(inspector.fifo(path), "there is a folder instead of a FIFO");
    assert.equal(fifo("no/pipe"), `there is no folder "${path}/no"`);
    assert.equal(fifo("file/pipe"), `"${file}" is not a folder`);
    const folderOf = (name: string) => inspector.folderOf(`${path}/${name}`);
    assert.deepEqual([folderOf("file"), folderOf("new")], [null, null]);
    assert.equal(folderOf("no/file"), `there is no folder "${path}/no"`);
    assert.equal(folderOf("no/way/file"), `there is no folder "${path}/no"`);
    assert.equal(folderOf("file/file"), `"${file}" is not a folder`);
  });
});

rootTest("fifo() minds who the daemon is", async () => {
  await inspecting(({ folder, inspector }) => {
    makeFifo(`${folder.path}/pipe`);
    Deno.chmodSync(`${folder.path}/pipe`, 0o600);
    const closed = `(owned by root:root, mode 0755)`;
    assert.equal(
      inspector.fifo(`${folder.path}/new`),
      `no file can be made in "${folder.path}" ${closed}`,
    );
    assert.equal(
      inspector.fifo(`${folder.path}/pipe`),
      "it may not be written to (owned by root:root, mode 0600)",
    );
  }, { daemon: { uid: 54321, gid: 54322 } });
});

Deno.test("account() and regex() give reasons; without the library every pattern passes", async () => {
  await inspecting(({ inspector, etc }) => {
    assert.equal(inspector.account(WEB), null);
    assert.equal(
      inspector.account({ user: "ghost", group: null }),
      `no user "ghost" in ${etc.path}/passwd`,
    );
    assert.equal(inspector.regex("(a"), null);
  });
  await inspecting(({ inspector }) => {
    assert.equal(inspector.regex("^(a|b)*$"), null);
    assert.match(inspector.regex("(a")!, /missing closing \)/);
    assert.match(inspector.regex("(a)\\1")!, /invalid escape sequence/);
  }, { regex: true });
});
