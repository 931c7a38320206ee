/** `vigie install` and `uninstall`, into a folder that stands for "/". */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../config/mod.ts";
import { detectInit } from "../lib/daemon/install/detect.ts";
import { type Init, INITS, shippedFiles } from "../lib/daemon/install/files.ts";
import { install, noteReplacement, type Step, uninstall } from "../lib/daemon/install/install.ts";
import { MANIFEST_PATH } from "../lib/daemon/install/manifest.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** What makes a root look like a host with an init. */
const SIGN: Readonly<Record<Init, string>> = {
  procd: "/sbin/procd",
  systemd: "/usr/lib/systemd/systemd",
  openrc: "/sbin/openrc-run",
  sysvinit: "/etc/init.d/README",
};

/** A root that goes, with a file of somebody else's in it. */
class Root implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "vigie-install-" });
  readonly executable = Deno.makeTempFileSync({ prefix: "vigie-install-" });

  constructor(...files: readonly string[]) {
    Deno.writeTextFileSync(this.executable, "#!/bin/sh\n");
    for (const file of ["/etc/passwd", ...files]) this.write(file, "theirs\n");
  }

  write(path: string, text: string): void {
    Deno.mkdirSync(dirname(this.path + path), { recursive: true });
    Deno.writeTextFileSync(this.path + path, text);
  }

  read(path: string): string {
    return Deno.readTextFileSync(this.path + path);
  }

  install(init: Init, dryRun = false, program = "/usr/sbin/vigie"): Promise<readonly Step[]> {
    const { path: root, executable } = this;
    return install({ root, init, program, executable, dryRun });
  }

  /** Every file and folder with its content or its mode. */
  list(folder = ""): Record<string, string> {
    const found: Record<string, string> = {};
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(this.path + folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) Object.assign(found, { [path]: "folder" }, this.list(path));
      else if (isSymlink) found[path] = Deno.readLinkSync(this.path + path);
      else found[path] = this.read(path);
    }
    return found;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
    Deno.removeSync(this.executable);
  }
}

/** Runs the command line. */
async function vigie(...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const done = (steps: readonly Step[]) => [...new Set(steps.map(({ done }) => done))];

for (const init of INITS) {
  Deno.test(`install() and uninstall() leave a host with ${init} as it was`, async () => {
    using root = new Root(SIGN[init]);
    assert.equal(detectInit(root.path), init);
    const before = root.list();
    const steps = await root.install(init);
    assert.deepEqual(done(steps), ["installed"]);
    for (const { path, text, mode } of shippedFiles(init, "/usr/sbin/vigie")) {
      assert.equal(root.read(path), text);
      assert.equal(Deno.statSync(root.path + path).mode! & 0o777, mode, path);
    }
    assert.equal(Deno.statSync(`${root.path}/usr/sbin/vigie`).mode! & 0o777, 0o755);
    const once = root.list();
    for (const [path, content] of Object.entries(before)) assert.equal(once[path], content);

    assert.deepEqual(done(await root.install(init)), ["unchanged"]);
    assert.deepEqual(root.list(), once);

    assert.deepEqual(done(await uninstall(root.path, false) ?? []), ["removed"]);
    assert.deepEqual(root.list(), before);
    assert.equal(await uninstall(root.path, false), null);
  });
}

Deno.test("install() tries nothing with dryRun, and says the same", async () => {
  using root = new Root();
  const before = root.list();
  const tried = await root.install("procd", true);
  assert.deepEqual(root.list(), before);
  assert.deepEqual(tried, await root.install("procd"));
  const installed = root.list();
  const wouldGo = await uninstall(root.path, true);
  assert.deepEqual(root.list(), installed);
  assert.deepEqual(wouldGo, await uninstall(root.path, false));
});

Deno.test("install() never touches a file that is another's, and uninstall() leaves it", async () => {
  using root = new Root("/etc/vigie/vigie.conf", "/etc/systemd/system/vigie.service");
  const steps = await root.install("systemd");
  const kept = steps.filter(({ done }) => done === "kept");
  assert.deepEqual(kept.map(({ path, why }) => [path, why]), [
    ["/etc/systemd/system/vigie.service", "vigie install has not put it there"],
    ["/etc/vigie/vigie.conf", "it is yours"],
  ]);
  assert.equal(root.read("/etc/vigie/vigie.conf"), "theirs\n");
  await uninstall(root.path, false);
  assert.equal(root.read("/etc/vigie/vigie.conf"), "theirs\n");
  assert.equal(root.read("/etc/systemd/system/vigie.service"), "theirs\n");
});

Deno.test("install() brings its own files up to date, but none that was changed", async () => {
  using root = new Root();
  await root.install("sysvinit");
  root.write("/etc/default/vigie", "VIGIE_ARGS=-x\n");
  Deno.writeTextFileSync(root.executable, "#!/bin/sh\nexit 1\n");
  const steps = await root.install("sysvinit");
  const of = (path: string) => steps.find((step) => step.path === path);
  assert.equal(of("/usr/sbin/vigie")?.done, "updated");
  assert.equal(of("/etc/init.d/vigie")?.done, "unchanged");
  assert.deepEqual(of("/etc/default/vigie"), {
    done: "kept",
    path: "/etc/default/vigie",
    why: "it was changed",
  });
  assert.equal(root.read("/usr/sbin/vigie"), "#!/bin/sh\nexit 1\n");

  const gone = await uninstall(root.path, false);
  assert.equal(gone?.find(({ path }) => path === "/etc/default/vigie")?.done, "kept");
  assert.equal(root.read("/etc/default/vigie"), "VIGIE_ARGS=-x\n");
  assert.deepEqual(Object.keys(root.list()).filter((path) => path.includes("vigie")), [
    "/etc/default/vigie",
  ]);
});

Deno.test("noteReplacement() lets uninstall() take away what an upgrade has put there", async () => {
  using root = new Root();
  const before = root.list();
  await noteReplacement(root.path, "/usr/sbin/vigie");
  assert.deepEqual(root.list(), before);
  await root.install("systemd");
  const manifest = root.read(MANIFEST_PATH);
  root.write("/usr/sbin/vigie", "newer\n");
  await noteReplacement(root.path, "/etc/passwd");
  assert.equal(root.read(MANIFEST_PATH), manifest);
  await noteReplacement(root.path, "/usr/sbin/vigie");
  assert.deepEqual(done(await uninstall(root.path, false) ?? []), ["removed"]);
  assert.deepEqual(root.list(), before);
});

Deno.test("install() replaces no link, and follows none out of its root", async () => {
  using root = new Root("/etc/systemd/system/other.service");
  using elsewhere = new Root();
  Deno.symlinkSync("/dev/null", `${root.path}/etc/systemd/system/vigie.service`);
  Deno.symlinkSync(elsewhere.path, `${root.path}/usr`);
  const before = elsewhere.list();
  await assert.rejects(root.install("systemd"), /a link that leads out of/);
  assert.deepEqual(elsewhere.list(), before);
  Deno.removeSync(`${root.path}/usr`);
  const steps = await root.install("systemd");
  const masked = steps.find(({ path }) => path.endsWith("vigie.service"));
  assert.deepEqual([masked?.done, masked?.why], ["kept", "it is a link or no file at all"]);
});

Deno.test("install() that fails on the way can be taken away", async () => {
  using root = new Root("/etc/systemd");
  const before = root.list();
  // The folder of the service cannot be made: a file has its name.
  await assert.rejects(root.install("systemd"));
  assert.ok("/usr/sbin/vigie" in root.list());
  assert.deepEqual(done(await uninstall(root.path, false) ?? []), ["removed"]);
  assert.deepEqual(root.list(), before);
});

Deno.test("uninstall() refuses a manifest that would lead it astray", async () => {
  using root = new Root();
  const files = [{ path: "/etc/../etc/passwd", sha256: "" }];
  root.write(MANIFEST_PATH, JSON.stringify({ format: 1, init: "procd", files, folders: [] }));
  await assert.rejects(uninstall(root.path, false), /not what vigie install wrote/);
  assert.equal(root.read("/etc/passwd"), "theirs\n");
});

Deno.test("shippedFiles() are those of config/init, and name the program where it is", () => {
  const folder = new URL("../config/init/", import.meta.url);
  const shipped = new Set(
    INITS.flatMap((init) => shippedFiles(init, "/usr/sbin/vigie"))
      .map(({ text }) => text),
  );
  for (const { name } of Deno.readDirSync(folder)) {
    assert.ok(shipped.has(Deno.readTextFileSync(new URL(name, folder))), name);
  }
  const moved = shippedFiles("systemd", "/usr/local/sbin/vigie")[0]!.text;
  assert.match(moved, /^ExecStart=\/usr\/local\/sbin\/vigie run$/m);
});

Deno.test("the configuration that is installed has no mistake once its comments are taken away", () => {
  const sample = Deno.readTextFileSync(new URL("../config/init/vigie.conf", import.meta.url));
  const facts = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };
  const whole = sample.replaceAll(/^#(?=[a-z}]| {4})/gm, "");
  const { config, problems } = parseConfig(whole, "f", { facts });
  assert.deepEqual(problems, []);
  assert.equal(config.instances.length, 1);
  assert.deepEqual(parseConfig(sample, "f").problems.map(({ severity }) => severity), ["warning"]);
});

Deno.test("vigie install finds the init, says what it did and how to start; uninstall undoes it", async () => {
  using root = new Root(SIGN.openrc);
  const first = await vigie("install", "--root", root.path, "--exec", root.executable);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^installed {2}\S+\/etc\/init\.d\/vigie$/m);
  assert.match(
    first.out,
    /Nothing was enabled or started\. For openrc:\n[^]*rc-service vigie start/,
  );
  const second = await vigie("install", "--root", root.path, "--exec", root.executable);
  assert.match(second.out, /^unchanged {2}\S+\/etc\/init\.d\/vigie$/m);
  assert.doesNotMatch(second.out, /^installed/m);

  Deno.mkdirSync(`${root.path}/etc/runlevels/default`, { recursive: true });
  const link = `${root.path}/etc/runlevels/default/vigie`;
  Deno.symlinkSync("/etc/init.d/vigie", link);
  const refused = await vigie("uninstall", "--root", root.path);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /starts with this system .*first run rc-service vigie stop/);
  Deno.removeSync(link);
  const gone = await vigie("uninstall", "--root", root.path);
  assert.equal(gone.code, 0, gone.err);
  assert.match(gone.out, /^removed {4}\S+\/usr\/sbin\/vigie$/m);
});

Deno.test("vigie install says what it lacks: an executable, an init that it knows", async () => {
  using root = new Root();
  const args = ["install", "--root", root.path];
  for (
    const [more, says] of [
      [["--init", "systemd"], /runs from source .* --exec: dist\/vigie/],
      [["--init", "upstart", "--exec", MAIN], /must be one of procd, systemd, openrc, sysvinit/],
      [["--exec", MAIN], /no service manager was found: name one with --init/],
      [["--init", "procd", "--exec", "/nonexistent"], /No such file/],
    ] as const
  ) {
    const { code, err } = await vigie(...args, ...more);
    assert.equal(code, 1, err);
    assert.match(err, says);
  }
  assert.deepEqual(Object.keys(root.list()), ["/etc", "/etc/passwd"]);
});
