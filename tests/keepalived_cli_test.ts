/** vigie called as keepalived: its options, exit codes, pid files, log, signals. */

import assert from "node:assert/strict";
import { AF, bindSocket, openSocket, receive, SOCK } from "../ffi/socket.ts";
import { closeFd } from "../ffi/fd.ts";
import { kill } from "../ffi/process.ts";
import { isCalledKeepalived } from "../lib/cli/keepalived_name.ts";
import { OPTIONS, parseOptions } from "../lib/cli/keepalived_options.ts";
import { SIGNAL_FUNCTIONS, USAGE, versionText } from "../lib/cli/keepalived_text.ts";
import { VERSION } from "../lib/cli/version.ts";
import { formatSyslog, syslogLogger } from "../lib/daemon/syslog.ts";
import { SyslogSocket } from "../lib/net/syslog_socket.ts";
import { holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED_FILES } from "./lab/keepalived_files.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { runVigie, VIGIE } from "./lab/vigie.ts";

const PARSED: readonly (readonly [string, Readonly<Record<string, string | null>>])[] = [
  ["-nlD", { "dont-fork": null, "log-console": null, "log-detail": null }],
  ["-f a -p b", { "use-file": "a", pid: "b" }],
  ["-fa -nfb", { "use-file": "b", "dont-fork": null }],
  ["--use-file=a --use-file b", { "use-file": "b" }],
  ["--use a", { "use-file": "a" }],
  ["-t -n", { "config-test": null, "dont-fork": null }],
  ["-tlog --config-test=x", { "config-test": "x" }],
  ["-g a.log -n", { "log-file": "a.log", "dont-fork": null }],
  ["-g -n", { "log-file": null, "dont-fork": null }],
  ["--vrrp", { vrrp: null }],
];

for (const [line, expected] of PARSED) {
  Deno.test(`parseOptions() reads "${line}" as getopt_long does`, () => {
    const { options, words, errors } = parseOptions(line.split(" "));
    assert.deepEqual(Object.fromEntries(options), expected);
    assert.deepEqual([words, errors], [[], []]);
  });
}

const UNREADABLE: readonly (readonly [string, readonly string[]])[] = [
  ["-Z -f", ["Unknown option -Z", "Missing parameter for option -f"]],
  ["--bogus", ["Unknown option --bogus"]],
  ["--dont", ["Unknown option --dont"]],
  ["--signum=", ["Missing parameter for option --signum"]],
  ["--vrrp=yes", ["Unknown option --vrrp=yes"]],
];

for (const [line, expected] of UNREADABLE) {
  Deno.test(`parseOptions() reports "${line}"`, () => {
    assert.deepEqual(parseOptions(line.split(" ")).errors, expected);
  });
}

Deno.test("parseOptions() keeps words that are no options", () => {
  assert.deepEqual(parseOptions(["a", "-n", "--", "-f"]).words, ["a", "-f"]);
});

Deno.test("isCalledKeepalived() goes by the last part of the name", () => {
  for (const name of ["keepalived", "/usr/sbin/keepalived", "./keepalived"]) {
    assert.ok(isCalledKeepalived([name, "-n"]), name);
  }
  for (const name of ["vigie", "/opt/keepalived/vigie", "keepalived2"]) {
    assert.ok(!isCalledKeepalived([name]), name);
  }
  assert.ok(!isCalledKeepalived([]));
});

Deno.test("versionText() begins with a version that exporters find, and says what runs", () => {
  const [first = "", , second = ""] = versionText().split("\n");
  assert.match(first, /^Keepalived v(\d+\.\d+\.\d+) /);
  assert.ok(first.includes(`vigie ${VERSION}`));
  assert.match(second, /another program/);
});

Deno.test("USAGE names every option", () => {
  for (const name of Object.keys(OPTIONS).filter((name) => !name.startsWith("vigie-"))) {
    assert.ok(USAGE.includes(`--${name}`), name);
  }
});

peerTest(KEEPALIVED, "every option that keepalived --help names is one of vigie's", async (lab) => {
  const { text } = await runKeepalived(lab.host("a"), ["--help"]);
  const named = [...text.matchAll(/^ +(?:-(\w), |)--([\w-]+)/gm)];
  assert.ok(named.length > 30, text);
  for (const [, short, long] of named) {
    const row = (OPTIONS as Readonly<Record<string, { readonly short?: string }>>)[long!];
    assert.ok(row, long);
    if (short !== undefined) assert.equal(row.short, short, long);
  }
});

peerTest(KEEPALIVED, "--signum prints the numbers that keepalived prints", async (lab) => {
  const host = lab.host("a");
  for (const name of [...Object.keys(SIGNAL_FUNCTIONS), "NONSENSE"]) {
    const [theirs, ours] = await Promise.all([
      runKeepalived(host, [`--signum=${name}`]),
      runVigie(host, ["keepalived", `--signum=${name}`]),
    ]);
    assert.deepEqual(ours, theirs, name);
  }
});

labTest("whoever starts it under keepalived's name gets keepalived's options", async (lab) => {
  const before = ["bash", "-c", 'exec -a /usr/sbin/keepalived "$0" "$@"'];
  const answer = await runVigie(lab.host("a"), ["--signum=STATS"], before);
  assert.deepEqual(answer, { code: 0, text: "12\n" });
});

peerTest(KEEPALIVED, "-t ends with keepalived's exit codes", async (lab) => {
  const host = lab.host("a"), folder = temporary(lab), path = `${folder}/k.conf`;
  const differing: string[] = [];
  for (const [what, text] of KEEPALIVED_FILES) {
    Deno.writeTextFileSync(path, text);
    const [theirs, ours] = await Promise.all([
      runKeepalived(host, ["-t", "-f", path]),
      runVigie(host, ["keepalived", "-t", "-f", path]),
    ]);
    if (theirs.code !== ours.code) {
      differing.push(`${what}: ${theirs.code}, vigie ${ours.code}\n${theirs.text}\n${ours.text}`);
    }
  }
  assert.deepEqual(differing, []);
  const missing = ["-t", "-f", `${folder}/nothing`];
  assert.equal((await runKeepalived(host, missing)).code, 0);
  assert.equal((await runVigie(host, ["keepalived", ...missing])).code, 0);
});

labTest("-tFILE writes what is wrong to a file", async (lab) => {
  const folder = temporary(lab), path = `${folder}/k.conf`;
  Deno.writeTextFileSync(path, router({ priority: 300 }));
  const { code, text } = await runVigie(lab.host("a"), [
    "keepalived",
    `-t${folder}/log`,
    "-f",
    path,
  ]);
  assert.deepEqual([code, text], [5, ""]);
  assert.match(Deno.readTextFileSync(`${folder}/log`), /priority 300/);
});

labTest("what vigie cannot do is declined with exit code 1", async (lab) => {
  for (const option of ["-C", "--genhash"]) {
    const { code, text } = await runVigie(lab.host("a"), ["keepalived", option, "-n"]);
    assert.equal(code, 1);
    assert.match(text, /is declined: vigie has no/);
  }
});

labTest("without -n it goes into the background, says when it runs, and runs once", async (lab) => {
  const host = lab.host("a"), { args, folder } = background(lab, file([], router()));
  assert.deepEqual(await runVigie(host, args), { code: 0, text: "" });
  const pid = Number(Deno.readTextFileSync(`${folder}/parent.pid`));
  const daemon = killed(lab, pid);
  assert.equal(Deno.readTextFileSync(`${folder}/vrrp.pid`), `${pid}\n`);
  assert.equal(Deno.readTextFileSync(`/proc/${pid}/comm`), "keepalived\n");
  assert.equal(Deno.readLinkSync(`/proc/${pid}/cwd`), "/");
  assert.deepEqual(await runVigie(host, ["healthcheck"]), { code: 0, text: "" });
  const elsewhere = await runVigie(lab.host("b"), ["healthcheck"]);
  assert.equal(elsewhere.code, 1);
  assert.notEqual(elsewhere.text, "");

  assert.deepEqual(await runVigie(host, args), { code: 0, text: "" });
  assert.match(Deno.readTextFileSync(`${folder}/log`), /daemon is already running/);
  assert.equal(Deno.readTextFileSync(`${folder}/parent.pid`), `${pid}\n`);

  await until(() => holds(host, VIP), "the address");
  kill(pid, SIGNAL_FUNCTIONS.STOP!);
  await until(() => !daemon.runs(), "the daemon to end");
  assert.equal(holds(host, VIP), false);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["k.conf", "log"]);
});

labTest("a start into the background that fails says why and has its exit code", async (lab) => {
  const { args, folder } = background(lab, router({ vrid: 0 }));
  const { code } = await runVigie(lab.host("a"), args);
  assert.equal(code, 2);
  assert.match(Deno.readTextFileSync(`${folder}/log`), /Cannot run/);
  assert.throws(() => Deno.statSync(`${folder}/parent.pid`));
});

labTest("keepalived's real-time signals and the kernel's warning do not end it", async (lab) => {
  const node = await lab.vigie(lab.host("a"), file([], router()));
  for (const signo of [36, 37, SIGNAL_FUNCTIONS.STATS_CLEAR!]) {
    kill(node.pid, signo);
    await node.saw(/The signal (for JSON|to clear statistics) has come/);
  }
  kill(node.pid, 24); // SIGXCPU
  await node.saw(/longer than half of vrrp_rlimit_rttime/);
  assert.equal(await node.stop(), 0);
});

labTest("-n without a syslog daemon logs to standard error, and -a is said once", async (lab) => {
  const host = lab.host("a"), { args } = background(lab, file([], router()));
  const quiet = args.filter((arg) => !["-G", "-g"].includes(arg) && !arg.endsWith("/log"));
  const node = lab.keep(
    new Process({
      name: "vigie as keepalived",
      namespace: host.namespace,
      command: "unshare",
      // Nobody must hear of this but the test: /dev is an empty one.
      args: ["--mount", "sh", "-c", EMPTY_DEV, VIGIE.command, ...VIGIE.args, ...quiet].concat(
        "-n",
        "-a",
      ),
    }),
  );
  await node.saw(/--address-monitoring has no effect/);
  await node.saw(/Startup complete/);
  assert.equal(node.said(/--address-monitoring/).length, 1);
  assert.equal(await node.stop(), 0);
});

/** Runs its arguments with a /dev that has only null and urandom. */
const EMPTY_DEV = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && " +
  'mknod -m 444 /dev/urandom c 1 9 && exec "$0" "$@"';

const AT = new Date(2026, 10, 5, 13, 5, 9);
const IDENTITY = { ident: "Keepalived_vrrp", pid: 7, facility: 3 };

Deno.test("formatSyslog() writes lines as glibc does", () => {
  const event = { level: "notice", text: "Entering MASTER STATE", instance: "VI_1" } as const;
  assert.equal(
    formatSyslog(event, IDENTITY, AT),
    "<29>Nov  5 13:05:09 Keepalived_vrrp[7]: (VI_1) Entering MASTER STATE",
  );
  assert.match(formatSyslog(event, { ...IDENTITY, facility: 19 }, AT), /^<157>/);
});

Deno.test("syslogLogger() finds a daemon again that was restarted, and says what is lost elsewhere", () => {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-syslog-" }), path = `${folder}/log`;
  const lost: string[] = [];
  const log = syslogLogger(IDENTITY, ({ text }) => void lost.push(text), new SyslogSocket(path));
  try {
    log({ level: "info", text: "one" });
    for (const text of ["two", "three"]) {
      const fd = listenAt(path);
      try {
        log({ level: "info", text });
        const buffer = new Uint8Array(200), length = receive(fd, buffer);
        assert.match(
          new TextDecoder().decode(buffer.subarray(0, length!)),
          new RegExp(`^<30>.* Keepalived_vrrp\\[7\\]: ${text}$`),
        );
      } finally {
        closeFd(fd);
        Deno.removeSync(path);
      }
    }
    log({ level: "info", text: "four" });
    assert.deepEqual(lost, ["one", "four"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

function listenAt(path: string): number {
  const fd = openSocket(AF.UNIX, SOCK.DGRAM, 0, "listen");
  bindSocket(fd, Uint8Array.of(AF.UNIX, 0, ...new TextEncoder().encode(path), 0));
  return fd;
}

/** Arguments that keep everything in a folder of the test's own. */
function background(lab: Lab, text: string): { args: string[]; folder: string } {
  const folder = temporary(lab);
  Deno.writeTextFileSync(`${folder}/k.conf`, text);
  const files = ["-f", "k.conf", "-p", "parent.pid", "-r", "vrrp.pid", "-g", "log"];
  const args = files.map((word) => word.startsWith("-") ? word : `${folder}/${word}`);
  return { args: ["keepalived", "-G", "-D", ...args], folder };
}

/** Ends a process with the lab, whatever happens. */
function killed(lab: Lab, pid: number): { runs(): boolean } {
  const send = (signo: number) => {
    try {
      kill(pid, signo);
      return true;
    } catch {
      return false;
    }
  };
  lab.use({ [Symbol.dispose]: () => void send(9) });
  return { runs: () => send(0) };
}

function temporary(lab: Lab): string {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) });
  return folder;
}

async function runKeepalived(host: Parameters<typeof runVigie>[0], args: readonly string[]) {
  const { code, stdout, stderr } = await host.namespace.run(() => ({
    output: new Deno.Command("/usr/sbin/keepalived", {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output(),
  })).output;
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
