/** vigie's own executable: what it loads, what it is given, what it touches, and that it is always the same. */

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { bundle } from "../lib/build/bundle.ts";
import { loadedAtOnce } from "../lib/build/chunk.ts";
import metadata from "../deno.json" with { type: "json" };
import { build, builtVigie, exists, hasProgram, ROOT, run, Scratch } from "./build_shared.ts";

const VERSION_LINE =
  `vigie ${metadata.version} (Deno ${Deno.version.deno}, ${Deno.build.target})\n`;

/** Modules of Node that the command line and the engine thread may load at start: they cost little. */
const LIGHT = ["node:events", "node:path", "node:util"];

/** A module and all that it loads at once. */
function closure(modules: ReadonlyMap<string, string>, start: string): string[] {
  const names = [start];
  for (const name of names) {
    for (
      const [, next] of modules.get(name)!.matchAll(
        /^(?:const .* = )?await \$load\("([^"]+)"\);$/gm,
      )
    ) {
      if (!names.includes(next!)) names.push(next!);
    }
  }
  return names;
}

Deno.test("at start neither thread loads a library or a heavy module of Node", async () => {
  const modules = await bundle(ROOT, "main.ts");
  for (const start of ["args", "worker"]) {
    const entry = [...modules.keys()].find((name) => name.replace(/-\d+$/, "") === start);
    assert.ok(entry, `no module ${start} in ${[...modules.keys()]}`);
    const atOnce = closure(modules, entry);
    const node = atOnce.flatMap((name) => loadedAtOnce(modules.get(name)!));
    assert.deepEqual(node.filter((name) => !LIGHT.includes(name)), []);
    const text = atOnce.map((name) => modules.get(name)!).join("\n");
    const libraries = [...text.matchAll(/^\/\/ npm\/([^/]+)/gm)].map(([, name]) => name);
    assert.deepEqual([...new Set(libraries)], start === "args" ? ["commander"] : []);
    if (start === "worker") assert.doesNotMatch(text, /^\/\/ (?:lib\/cli|lib\/daemon|config)\//m);
  }
});

Deno.test("the bundle names nothing of the machine that it was made on", async () => {
  for (const [name, text] of await bundle(ROOT, "main.ts")) {
    assert.ok(!text.includes(ROOT), name);
    assert.doesNotMatch(text, /^\/\/ (?:\.\.|\/)|^ {2}"(?:\.\.|\/)[^"]*"\(/m, name);
  }
});

Deno.test("the executable is small enough and its checksum is beside it", async () => {
  const program = await builtVigie(), { size, mode } = Deno.statSync(program);
  assert.ok(size < 110_000_000, `${size} bytes`);
  assert.equal(mode! & 0o777, 0o755);
  const line = Deno.readTextFileSync(`${program}.sha256`);
  assert.match(line, /^[0-9a-f]{64} {2}vigie\n$/);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", Deno.readFileSync(program)));
  assert.equal(line.slice(0, 64), sum.toHex());
});

Deno.test("a build of the same sources elsewhere is the same, byte for byte", async () => {
  using scratch = new Scratch();
  const copy = join(scratch.path, "a", "deeper", "place");
  Deno.mkdirSync(copy, { recursive: true });
  const sources = ["config", "ffi", "lib", "deno.json", "deno.lock", "main.ts"];
  const { code, stderr } = await run(["cp", "-r", ...sources.map((name) => ROOT + name), copy]);
  assert.equal(code, 0, stderr);
  const output = join(scratch.path, "vigie");
  assert.match(await build(copy, "--output", output), /^packed into .*\n.* by gzip\nsha256 /);
  const [one, two] = [await builtVigie(), output].map((file) => Deno.readFileSync(file));
  assert.ok(one!.length === two!.length && one!.every((byte, at) => byte === two![at]));
});

Deno.test("it runs in an empty environment", async () => {
  const program = await builtVigie();
  assert.deepEqual(await run([program, "version"], { cwd: "/", env: {} }), {
    code: 0,
    stdout: VERSION_LINE,
    stderr: "",
  });
});

/** What Deno would take for itself. */
const OPTIONS_OF_DENO = [
  { args: ["--help"], code: 0, said: /^Usage: vigie / },
  { args: ["-v"], code: 0, said: new RegExp(`^vigie ${RegExp.escape(metadata.version)}\n`) },
  { args: ["--v8-flags=--help"], code: 1, said: /unknown option '--v8-flags=--help'/ },
  { args: ["--inspect"], code: 1, said: /unknown option '--inspect'/ },
  { args: ["eval", "console.log(1)"], code: 1, said: /unknown command 'eval'/ },
  { args: ["check", "-f", "/a b/with spaces.conf"], code: 1, said: /"\/a b\/with spaces\.conf"/ },
];

for (const { args, code, said } of OPTIONS_OF_DENO) {
  Deno.test(`its arguments are its own: ${args.join(" ")}`, async () => {
    const ended = await run([await builtVigie(), ...args], { cwd: "/", env: {} });
    assert.match(ended.stdout + ended.stderr, said);
    assert.equal(ended.code === 0, code === 0);
  });
}

Deno.test("it obeys no variable and no file that Deno, Node or npm would obey", async () => {
  using scratch = new Scratch();
  const trap = scratch.folder("cwd"), home = scratch.folder("home");
  scratch.file("cwd/deno.json", "{ not json");
  scratch.file("cwd/package.json", "{ not json");
  scratch.file("cwd/deno.lock", "no lock");
  scratch.file("cwd/.npmrc", "[[[ = =\n");
  scratch.file("cwd/.env", "DENO_DIR=/\n");
  scratch.file("cwd/node_modules/commander/index.js", "process.exit(9)");
  // A file that cannot be read would end Deno.
  scratch.folder("home/.npmrc");
  const cache = join(scratch.path, "cache");
  const env = {
    HOME: home,
    XDG_CACHE_HOME: cache,
    DENO_DIR: cache,
    DENO_V8_FLAGS: "--no-such-flag",
    DENO_CERT: "/nowhere",
    DENO_TLS_CA_STORE: "nonsense",
    DENO_AUTH_TOKENS: "nonsense",
    DENO_NO_PACKAGE_JSON: "0",
    DENO_COVERAGE_DIR: cache,
    DENO_TRACE_PERMISSIONS: "1",
    NODE_OPTIONS: "--require /nowhere",
    NODE_CHANNEL_FD: "0",
    NPM_CONFIG_REGISTRY: "nonsense",
    OTEL_DENO: "true",
    NO_COLOR: "1",
  };
  const ended = await run([await builtVigie(), "version"], { cwd: trap, env });
  assert.deepEqual(ended, { code: 0, stdout: VERSION_LINE, stderr: "" });
  assert.ok(!exists(cache));
  assert.deepEqual([...Deno.readDirSync(home)].map(({ name }) => name), [".npmrc"]);
});

/** System calls that make, change or remove something, or speak to somebody. */
const CALLS = "%file,%network,ftruncate,fchmod,fchown";
const CHANGES =
  /O_CREAT|O_WRONLY|O_RDWR|\b(?:mkdir|rename|unlink|link|symlink|truncate|chmod|chown)/;

/** Other hosts, and files that Deno looks for of its own accord. */
const STRANGERS =
  /connect\(|socket\(AF_INET|resolv\.conf|(?<!"\/proc\/)\.npmrc|deno\.json|package\.json|node_modules/;

/** What strace saw that had an effect: failed attempts have none. */
function effects(trace: string): string[] {
  const whole = trace.split("\n").filter((line) => !/\)\s+= -1 E|resumed>.*= -1 E/.test(line));
  return whole.filter((line) =>
    CHANGES.test(line) && !/"\/dev\/|"\/vigie-writes-no-cache|"\/proc\/self\//.test(line)
  );
}

Deno.test({
  name: "it writes nothing, connects to nobody and asks no name server (strace)",
  ignore: !hasProgram("strace"),
  fn: async () => {
    using scratch = new Scratch();
    const program = await builtVigie(), cwd = scratch.folder("cwd"), home = scratch.folder("home");
    const trace = join(scratch.path, "trace");
    const config = scratch.file("c.conf", "vrrp_instance A {\n  interface none0\n}\n");
    const strace = ["strace", "-f", "-s", "40", "-e", `trace=${CALLS}`, "-o", trace] as const;
    await run([...strace, program, "check", "-f", config], {
      cwd,
      env: { HOME: home, PATH: "/usr/bin:/bin" },
    });
    const seen = Deno.readTextFileSync(trace);
    assert.match(seen, new RegExp(RegExp.escape(basename(config))), "strace saw the program");
    assert.deepEqual(effects(seen), []);
    assert.deepEqual(seen.split("\n").filter((line) => STRANGERS.test(line)), []);
    for (const folder of [cwd, home]) assert.deepEqual([...Deno.readDirSync(folder)], []);
  },
});
