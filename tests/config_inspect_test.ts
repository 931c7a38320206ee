/** What only the machine can say about a configuration becomes problems at the right place. */

import { deepEqual, equal, match } from "node:assert/strict";
import { type Complaint, type Facts, type Inspector, parseConfig } from "../config/mod.ts";

/** A machine that has nothing to complain about. */
const WELL: Inspector = {
  regex: () => null,
  script: () => [],
  pem: () => null,
  keyFile: () => null,
  fifo: () => null,
  folderOf: () => null,
  account: () => null,
};

function factsWith(inspect: Partial<Inspector>): Facts {
  return {
    interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }],
    inspect: { ...WELL, ...inspect },
  };
}

const TEXT = `global_defs {
 script_user keepers
 notify_fifo /run/fifo owner
 notify_fifo_script /bin/fifo
 startup_script /bin/up
 shutdown_script /bin/down
}
vrrp_script s {
 script /bin/s
 user other
}
vrrp_check c {
 script {
  command "/bin/c x"
 }
}
vrrp_check r {
 tcp {
  connect h 1
  expect regex a(b
 }
}
vrrp_check t {
 https {
  url https://h/
  ca_file /ca
  client_cert /cert /key
 }
}
track_file f {
 file /no/where
}
vrrp_instance V {
 interface eth0
 virtual_router_id 1
 no_virtual_ipaddress
 track_script {
  s
 }
 track_check {
  c
  r
  t
 }
 track_file {
  f
 }
 notify /bin/n nobody
 notify_stop "/bin/n stop"
}
`;

/** What the inspector says, and where it lands: "line:column severity: message". */
function read(inspect: Partial<Inspector>, text = TEXT) {
  const { config, problems } = parseConfig(text, "f", { facts: factsWith(inspect) });
  const said = problems.map(({ position: { line, column }, severity, message }) =>
    `${line}:${column} ${severity}: ${message}`
  );
  const tracked = config.instances[0]!.tracks.map(({ name }) => name);
  return { config, said, tracked, problems };
}

Deno.test("parseConfig() says nothing when the inspector does not", () => {
  const { said, tracked } = read({});
  deepEqual(said, []);
  deepEqual(tracked, ["s", "c", "r", "t", "f"]);
});

Deno.test("parseConfig() asks about every script with its user, and about security", () => {
  const asked: string[] = [];
  const script: Inspector["script"] = (words, user, security) => {
    asked.push(`${words.join(" ")} as ${user?.user} ${security}`);
    return [];
  };
  read({ script }, TEXT.replace("script_user", "enable_script_security\n script_user"));
  deepEqual(asked.toSorted(), [
    "/bin/c x as keepers true",
    "/bin/down as keepers true",
    "/bin/fifo as keepers true",
    "/bin/n as nobody true",
    "/bin/n stop as keepers true",
    "/bin/s as other true",
    "/bin/up as keepers true",
  ]);
});

const MISSING: Complaint = { message: "No such script", remedy: "Make it", refuses: true };

Deno.test("parseConfig() drops scripts that would not run, and says from whom", () => {
  const { config, said, tracked } = read({ script: () => [MISSING] });
  deepEqual(said, [
    "4:21 error: No such script: notify_fifo_script is not run",
    "5:17 error: No such script: startup_script is not run",
    "6:18 error: No such script: shutdown_script is not run",
    '9:9 error: No such script: vrrp_script "s" is dropped from the instances that track it',
    '14:11 error: No such script: vrrp_check "c" is dropped from the instances that track it',
    "48:9 error: No such script: (V) notify is not run",
    "49:14 error: No such script: (V) notify_stop is not run",
  ]);
  deepEqual(tracked, ["r", "t", "f"]);
  deepEqual(config.instances[0]!.notify.scripts, {});
  deepEqual([config.global.startupScript, config.global.fifos[0]?.script], [null, null]);
  deepEqual(config.checks.map(({ name }) => name), ["r", "t"]);
});

const INSECURE: Complaint = {
  message: "/bin is for all",
  remedy: "chmod",
  refuses: false,
  insecure: true,
};

Deno.test("parseConfig() warns of insecure scripts once a file while security is off", () => {
  const { said, tracked, problems } = read({ script: () => [INSECURE] });
  deepEqual(said, [
    "4:21 warning: SECURITY VIOLATION: scripts are run though enable_script_security is off: " +
    "/bin is for all (and 6 more scripts)",
  ]);
  match(problems[0]!.remedy, /^chmod; then write "enable_script_security"/);
  equal(tracked.length, 5);
});

Deno.test("parseConfig() warns at each script while security is on", () => {
  const secure = TEXT.replace("script_user", "enable_script_security\n script_user");
  const { said } = read({ script: () => [INSECURE] }, secure);
  equal(said.length, 7);
  equal(said[0], "5:21 warning: /bin is for all");
});

Deno.test("parseConfig() runs no script as a user that does not exist", () => {
  const account = (user: string) => ({
    account: (name: { readonly user: string }) => name.user === user ? "no such user" : null,
  });
  const other = read(account("other"));
  deepEqual(other.said, [
    '10:7 error: Cannot use "other" as user and group: no such user: vrrp_script "s" is dropped ' +
    "from the instances that track it",
  ]);
  deepEqual(other.tracked, ["c", "r", "t", "f"]);
  const nobody = read(account("nobody"));
  match(nobody.said[0]!, /^48:16 error: Cannot use "nobody".*\(V\) notify is not run$/);
  deepEqual(Object.keys(nobody.config.instances[0]!.notify.scripts), ["notify_stop"]);
  const keepers = read(account("keepers"));
  equal(keepers.said.length, 1);
  match(keepers.said[0]!, /^2:14 error: .*scripts that name no user of their own are not run$/);
  deepEqual(keepers.tracked, ["s", "r", "t", "f"]);
  deepEqual(Object.keys(keepers.config.instances[0]!.notify.scripts), ["notify"]);
  const owner = read(account("owner"));
  match(owner.said[0]!, /^3:24 error: .*belongs to the daemon's user$/);
  equal(owner.config.global.fifos[0]?.owner, null);
});

/** A question, the answer, and what is said and no longer tracked. */
const ANSWERS: readonly (readonly [keyof Inspector, Partial<Inspector>, RegExp, string | null])[] =
  [
    ["regex", { regex: () => "no end" }, /^20:16 error: .*"a\(b": no end: vrrp_check "r"/, "r"],
    [
      "pem",
      { pem: (path) => path === "/ca" ? "no PEM" : null },
      /^26:11 error: Cannot use "\/ca" as certificates: no PEM: vrrp_check "t"/,
      "t",
    ],
    [
      "pem",
      { pem: (_, holds) => holds === "key" ? "no PEM" : null },
      /^27:21 error: Cannot use "\/key" as a private key: no PEM/,
      "t",
    ],
    ["folderOf", { folderOf: () => "no folder" }, /^31:7 error: .*"\/no\/where": no folder/, "f"],
    ["fifo", { fifo: () => "a file" }, /^3:14 error: Cannot use "\/run\/fifo".*: a file/, null],
  ];

for (const [question, inspect, expected, dropped] of ANSWERS) {
  Deno.test(`parseConfig() says what ${question}() does, as in ${expected.source}`, () => {
    const { said, tracked } = read(inspect);
    equal(said.length, 1);
    match(said[0]!, expected);
    deepEqual(tracked, ["s", "c", "r", "t", "f"].filter((name) => name !== dropped));
  });
}

Deno.test("parseConfig() tries expressions itself when there is no inspector", () => {
  const { interfaces } = factsWith({});
  for (const facts of [undefined, { interfaces }]) {
    const { problems } = parseConfig(TEXT, "f", { facts });
    deepEqual(problems.map(({ message }) => message), [
      'Cannot use the expression "a(b": unterminated group: vrrp_check "r" is dropped from the ' +
      "instances that track it",
    ]);
  }
});

Deno.test("parseConfig() warns of what only a shell would understand, outside of one", () => {
  const text = (command: string) =>
    `vrrp_script s {\n script ${command}\n}\n` +
    `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n }\n` +
    ` track_script {\n s\n }\n}\n`;
  const warned = (command: string) =>
    parseConfig(text(command), "f").problems.filter(({ message }) => /no shell/.test(message))
      .map(({ message }) => message.split(":")[0]);
  const bad = ['"/bin/a | grep b"', '"/bin/a >/dev/null"', '"/bin/a && /bin/b"', '"/bin/a 2>&1"'];
  deepEqual(bad.map((command) => warned(command).length), [1, 1, 1, 1]);
  deepEqual(warned(bad[0]!), ['"|" is handed to /bin/a as an argument']);
  deepEqual(warned(`"/bin/sh -c 'a | b >/dev/null'"`), []);
  deepEqual(warned('"/bin/a -x a|b <tag> 5"'), []);
});

Deno.test("parseConfig() warns of weights that nopreempt makes useless", () => {
  const text = (weight: number, ...lines: string[]) =>
    `vrrp_track_process p {\n process nginx\n weight ${weight}\n}\n` +
    `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n ${lines.join("\n ")}\n` +
    ` virtual_ipaddress {\n 10.0.0.1\n }\n track_process {\n p\n }\n}\n`;
  const warned = (text: string) =>
    parseConfig(text, "f").problems.filter(({ message }) => /nopreempt keeps/.test(message)).length;
  deepEqual(warned(text(-20, "nopreempt")), 1);
  deepEqual(warned(text(0, "nopreempt")), 0);
  deepEqual(warned(text(-20)), 0);
});
