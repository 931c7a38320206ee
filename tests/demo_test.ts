import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ip, type Mac } from "../lib/core/address.ts";
import { millis } from "../lib/core/time.ts";
import { sameProgram } from "../lib/cli/demo/launch.ts";
import { backupSilence, backupSkew, formatRange } from "../lib/cli/demo/scenes.ts";
import { type Ping, Probe, worstOutage } from "../lib/net/probe.ts";
import { Segment } from "../lib/net/topology.ts";
import { sleep } from "./lab/until.ts";
import { PRIVILEGED, privilegedTest } from "./tools/ffi_lab.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** "nobody" on most systems; any user without rights will do. */
const NOBODY = 65534;

/** The user whose rights a demo runs with, and what it then needs to find. */
interface Actor {
  readonly deno: string;
  readonly main: string;
  readonly options?: Deno.CommandOptions;
}

const SELF: Actor = { deno: Deno.execPath(), main: `${ROOT}main.ts` };

/** A demo as a child process, whose temporary files go to a folder of its own. */
class Demo implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "vigie-demo-test-" });
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<[string, string]>;
  text = "";

  constructor({ deno, main, options = {} }: Actor) {
    Deno.chmodSync(this.folder, 0o777);
    this.#child = new Deno.Command(deno, {
      ...options,
      // Quiet about its downloads, which are no words of the demo.
      args: ["run", "--quiet", "-A", main, "demo"],
      env: { NO_COLOR: "1", ...options.env, TMPDIR: this.folder },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(this.#child.stderr).text();
    this.#output = Promise.all([this.#read(), errors]);
  }

  /** Waits until it has printed something. */
  async printed(text: string): Promise<void> {
    let over = false;
    this.#child.status.then(() => over = true);
    while (!this.text.includes(text)) {
      assert.ok(!over, `the demo ended without "${text}":\n${this.text}`);
      await sleep(10);
    }
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const [stdout, stderr] = await this.#output;
    return { code: (await this.#child.status).code, stdout, stderr };
  }

  /** Fails if a process or a file of the demo is still there. */
  assertNothingLeft(): void {
    assert.deepEqual([...Deno.readDirSync(this.folder)], []);
    assert.deepEqual(processesWith(this.folder), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended, as it should have.
    }
    await this.#child.status;
    Deno.removeSync(this.folder, { recursive: true });
  }

  async #read(): Promise<string> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.text += text;
    }
    return this.text;
  }
}

/** Command lines of the processes that were started with a path. */
function processesWith(path: string): string[] {
  const lines: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      lines.push(Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " "));
    } catch {
      // It has ended since the folder was read.
    }
  }
  return lines.filter((line) => line.includes(path));
}

function assertShown(stdout: string): void {
  for (const event of ["stop \\(SIGTERM\\)", "crash \\(SIGKILL\\)", "cable \\(unplugged\\)"]) {
    assert.match(stdout, new RegExp(`^  ${event} +\\d+ ms +\\d+ +\\d+ ms +\\d+`, "m"));
  }
  assert.match(stdout, /r1 is master/);
  assert.equal(stdout.match(/r2 is master after \d+ ms/g)?.length, 3);
  assert.equal(stdout.match(/r1 is back and master again/g)?.length, 3);
  assert.ok(!stdout.includes("\x1b"), "colours went to a pipe");
  const longest = Math.max(...stdout.split("\n").map((line) => line.length));
  assert.ok(longest <= 80, `a line has ${longest} columns`);
}

/** Whether a user may have a user namespace with a network of its own. */
function mayUnshare(options: Deno.CommandOptions): boolean {
  try {
    const args = ["-U", "-r", "-n", "true"];
    const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return new Deno.Command("unshare", { ...options, ...silent, args }).outputSync().success;
  } catch {
    return false; // there is no such program
  }
}

/** A test of the whole demo; skipped, visibly, where it cannot be given. */
function demoTest(possible: boolean, need: string, name: string, fn: () => Promise<void>): void {
  Deno.test({ name: possible ? name : `${name} (skipped: ${need})`, ignore: !possible, fn });
}

const HERE = PRIVILEGED || mayUnshare({});
const HERE_NEEDS = "needs root or user namespaces";
const AS_NOBODY = PRIVILEGED && Deno.uid() === 0 && mayUnshare({ uid: NOBODY, gid: NOBODY });
const AS_NOBODY_NEEDS = "needs root, to be somebody else, and user namespaces for anybody";

demoTest(HERE, HERE_NEEDS, "vigie demo measures three failovers and leaves nothing", async () => {
  await using demo = new Demo(SELF);
  const { code, stdout, stderr } = await demo.ended();
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, "");
  assertShown(stdout);
  demo.assertNothingLeft();
});

demoTest(HERE, HERE_NEEDS, "vigie demo tidies up when it is interrupted", async () => {
  await using demo = new Demo(SELF);
  await demo.printed("1. Stop");
  demo.signal("SIGINT");
  const { code, stderr } = await demo.ended();
  assert.equal(code, 130);
  assert.equal(stderr, "");
  demo.assertNothingLeft();
});

demoTest(AS_NOBODY, AS_NOBODY_NEEDS, "vigie demo needs no root", async () => {
  using home = homeOfNobody();
  await using demo = new Demo(home.actor);
  const { code, stdout, stderr } = await demo.ended();
  assert.equal(code, 0, stdout + stderr);
  assertShown(stdout);
  demo.assertNothingLeft();
});

demoTest(AS_NOBODY, AS_NOBODY_NEEDS, "vigie demo says what is missing without root", async () => {
  using home = homeOfNobody();
  const { options } = home.actor;
  const actor = { ...home.actor, options: { ...options, env: { ...options?.env, PATH: "/none" } } };
  await using demo = new Demo(actor);
  const { code, stdout, stderr } = await demo.ended();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^Cannot find the program unshare.*\n {2}remedy: install .*\n {2}or: run /);
  demo.assertNothingLeft();
});

/** Copies of Deno, the program and the modules it needs where nobody may read them. */
function homeOfNobody(): Disposable & { readonly actor: Actor } {
  const home = Deno.makeTempDirSync({ prefix: "vigie-nobody-" });
  Deno.chmodSync(home, 0o755);
  for (const name of ["main.ts", "deno.json", "deno.lock", "lib", "config", "ffi"]) {
    cpSync(`${ROOT}${name}`, `${home}/${name}`, { recursive: true });
  }
  cpSync(Deno.execPath(), `${home}/deno`);
  const registry = registryFolder(), cache = `${home}/cache/npm/${registry}`;
  for (const name of npmPackages()) {
    cpSync(`${npmCache()}/${registry}/${name}`, `${cache}/${name}`, { recursive: true });
  }
  for (const path of everyFolder(`${home}/cache`)) Deno.chownSync(path, NOBODY, NOBODY);
  const env = { HOME: home, DENO_DIR: `${home}/cache` };
  return {
    actor: {
      deno: `${home}/deno`,
      main: `${home}/main.ts`,
      options: { uid: NOBODY, gid: NOBODY, env },
    },
    [Symbol.dispose]: () => Deno.removeSync(home, { recursive: true }),
  };
}

/** The folder of the cache that the modules are in, named after where they came from. */
function registryFolder(): string {
  const folders = [...Deno.readDirSync(npmCache())].map(({ name }) => name);
  return folders.find((name) => existsSync(`${npmCache()}/${name}/commander`)) ?? "";
}

function npmCache(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  return JSON.parse(new TextDecoder().decode(stdout)).npmCache;
}

/** The names of the packages in the lock file: Deno wants all of them, whatever the program imports. */
function npmPackages(): string[] {
  const lock: { npm: Record<string, unknown> } = JSON.parse(
    Deno.readTextFileSync(`${ROOT}deno.lock`),
  );
  return Object.keys(lock.npm).map((key) => /^@?[^@]+/.exec(key)![0]);
}

function* everyFolder(path: string): Generator<string> {
  yield path;
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) yield* everyFolder(`${path}/${name}`);
  }
}

Deno.test("sameProgram() names the module only when it runs from source", () => {
  const source = sameProgram("file:///opt/vigie/main.ts", ["run"]);
  assert.deepEqual(source.args, ["run", "-A", "file:///opt/vigie/main.ts", "run"]);
  assert.deepEqual(sameProgram("data:text/javascript,0", ["run"]).args, ["run"]);
  assert.equal(source.command, Deno.execPath());
});

Deno.test("the theory of the demo is the protocol's, for priority 100", () => {
  assert.equal(formatRange(backupSkew()), "61 ms");
  assert.equal(formatRange(backupSilence()), "261 to 361 ms");
  assert.equal(formatRange(backupSilence(1)), "2609 to 3609 ms");
});

Deno.test("worstOutage() counts gaps around lost pings only", () => {
  const answered = (ms: number): Ping => ({
    sentAt: millis(ms),
    answer: { at: millis(ms), from: "00:00:00:00:00:01" as Mac },
  });
  const lost = (ms: number): Ping => ({ sentAt: millis(ms), answer: null });
  const until = millis(1000);
  const worst = (...pings: Ping[]) => worstOutage(pings, millis(0), until);
  assert.deepEqual(worst(), { us: 0, lost: 0 });
  assert.deepEqual(worst(answered(10), answered(500)), { us: 0, lost: 0 });
  assert.deepEqual(worst(answered(10), lost(12), lost(14), answered(16)), { us: 6000, lost: 2 });
  const twice = [answered(2), lost(4), answered(6), lost(8), lost(10), answered(20), answered(90)];
  assert.deepEqual(worst(...twice), { us: 14_000, lost: 3 });
  assert.deepEqual(worst(answered(900), lost(902)), { us: 100_000, lost: 1 });
  assert.deepEqual(worst(answered(900), lost(1001)), { us: 0, lost: 0 });
});

privilegedTest("Probe tells which host answers, and knows what was lost", async () => {
  using segment = new DisposableStack();
  const net = segment.adopt(new Segment(), (net) => net.close());
  const client = net.addHost({ name: "client", addresses: ["192.0.2.10/24"] });
  const server = net.addHost({ name: "server", addresses: ["192.0.2.1/24"] });
  const probe = segment.adopt(
    new Probe(client, ip("192.0.2.10"), ip("192.0.2.1")),
    (probe) => probe.close(),
  );
  const ping = async () => {
    probe.send();
    await sleep(50);
    return probe.receive();
  };
  let first = await ping();
  while (first === null) first = await ping(); // a segment that is new may lose a frame
  assert.equal(first.from, server.mac);
  net.plug(server, false);
  assert.equal(await ping(), null);
  const unanswered = probe.pings.length - 1;
  net.plug(server, true);
  while (await ping() === null); // until the cable is up again
  assert.equal(probe.pings[unanswered]?.answer, null);
  const last = probe.pings.findLast(({ answer }) => answer !== null);
  assert.equal(last?.answer?.from, server.mac);
});
