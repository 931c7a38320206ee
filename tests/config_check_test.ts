/** The blocks that watch: what they are made into, and what makes them unusable. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";

/** An instance that tracks one object x, behind the block that defines it. */
function read(kind: "script" | "check" | "process" | "file", block: string) {
  return parseConfig(
    `${block}\nvrrp_instance V {\n interface eth0\n virtual_router_id 1\n no_virtual_ipaddress\n` +
      ` track_${kind} {\n  x\n }\n}`,
    "f",
  );
}

/** The spec of `vrrp_check x` with these lines; undefined if it cannot be used. */
function check(lines: string) {
  const { config, problems } = read("check", `vrrp_check x {\n${lines}\n}`);
  equal(config.instances[0]!.tracks.length, config.checks.length);
  return { spec: config.checks[0]?.spec, problems };
}

const SOURCE = { sourceAddress: null, device: null };
const HTTP = {
  kind: "http",
  url: "http://h/",
  method: "GET",
  host: null,
  headers: [],
  status: [{ low: 200, high: 299 }],
  body: null,
  redirects: 0,
  unixSocket: null,
  tls: null,
  ...SOURCE,
};
const TLS = {
  serverName: null,
  caFile: null,
  clientCertificate: null,
  insecure: false,
  failDays: null,
  warnDays: null,
};
const TCP = { kind: "tcp", to: { host: "h", port: 80 }, send: null, expect: null, ...SOURCE };
const DNS = {
  kind: "dns",
  server: "192.0.2.1",
  port: 53,
  name: "example.com",
  type: "A",
  answer: null,
  tcp: false,
  ...SOURCE,
};
const PING = { kind: "ping", host: "192.0.2.1", payloadBytes: 56, ...SOURCE };
const PROCESS = {
  kind: "process",
  match: { words: ["p"], by: "comm" },
  quorum: 1,
  quorumMax: null,
  forkDelayUs: 0,
  terminateDelayUs: 0,
};
const FILE = { kind: "file", path: "/f", mustExist: true, maxAgeUs: null, content: null };

/** Probe blocks and what they mean. */
const PROBES: readonly (readonly [string, readonly string[], Readonly<Record<string, unknown>>])[] =
  [
    ["http", ["url http://h"], HTTP],
    ["http", ["url http://h/a?b#c", "redirects 10"], {
      ...HTTP,
      url: "http://h/a?b",
      redirects: 10,
    }],
    ["http", ["url http://h", "status 100-199 404"], {
      ...HTTP,
      status: [{ low: 100, high: 199 }, { low: 404, high: 404 }],
    }],
    ["http", ["url http://h", "header A 1", "header A 2"], {
      ...HTTP,
      headers: [["A", "1"], ["A", "2"]],
    }],
    ["http", ["url http://h", 'body contains "a {b} #c!"'], {
      ...HTTP,
      body: { kind: "contains", text: "a {b} #c!" },
    }],
    ["http", ["url http://h", 'body regex "(?P<n>a)"'], {
      ...HTTP,
      body: { kind: "regex", pattern: "(?P<n>a)" },
    }],
    ["http", ["url http://h", "method POST", "host a.b:8080", "device eth0"], {
      ...HTTP,
      method: "POST",
      host: "a.b:8080",
      device: "eth0",
    }],
    ["https", ["url https://h"], { ...HTTP, url: "https://h/", tls: TLS }],
    ["https", ["url https://h", "insecure", "server_name a", "certificate_days 3"], {
      ...HTTP,
      url: "https://h/",
      tls: { ...TLS, insecure: true, serverName: "a", failDays: 3 },
    }],
    ["https", ["url https://h", "client_cert /c", "ca_file /a", "certificate_warn_days 9"], {
      ...HTTP,
      url: "https://h/",
      tls: {
        ...TLS,
        caFile: "/a",
        clientCertificate: { certFile: "/c", keyFile: "/c" },
        warnDays: 9,
      },
    }],
    ["https", ["url https://h", "client_cert /c /k"], {
      ...HTTP,
      url: "https://h/",
      tls: { ...TLS, clientCertificate: { certFile: "/c", keyFile: "/k" } },
    }],
    ["tcp", ["connect h 80"], TCP],
    ["tcp", ["connect 2001:DB8::0 80", "source_address ::1"], {
      ...TCP,
      to: { host: "2001:db8::", port: 80 },
      sourceAddress: "::1",
    }],
    ["tcp", ["connect h 80", 'send "a\\r\\n\\t\\\\\\x41 b"', "expect ok"], {
      ...TCP,
      send: "a\r\n\t\\A b",
      expect: { kind: "contains", text: "ok" },
    }],
    ["tcp", ["connect h 80", 'send "\u00e9\\xff"'], { ...TCP, send: "\u00c3\u00a9\u00ff" }],
    ["tcp", ["connect h 80", "expect regex"], {
      ...TCP,
      expect: { kind: "contains", text: "regex" },
    }],
    ["tcp", ["unix_socket /run/s", 'expect regex "^a"'], {
      ...TCP,
      to: { unixSocket: "/run/s" },
      expect: { kind: "regex", pattern: "^a" },
    }],
    ["dns", ["server 192.0.2.1", "name example.com"], DNS],
    ["dns", ["server ::1 5353", "name a.", "type MX", 'answer "10 mx.a."', "tcp"], {
      ...DNS,
      server: "::1",
      port: 5353,
      name: "a",
      type: "MX",
      answer: "10 mx.a",
      tcp: true,
    }],
    ["ping", ["host 192.0.2.1"], PING],
    ["ping", ["host gw.example.com", "size 1452", "device eth0", "source_address 192.0.2.9"], {
      ...PING,
      host: "gw.example.com",
      payloadBytes: 1452,
      device: "eth0",
      sourceAddress: "192.0.2.9",
    }],
    ["process", ["process p"], PROCESS],
    ["file", ["path /f", "max_age 0.5"], { ...FILE, maxAgeUs: 500_000 }],
    ["file", ["path /f", "absent"], { ...FILE, mustExist: false }],
    ["file", ["path /f", "content contains a"], {
      ...FILE,
      content: { kind: "contains", text: "a" },
    }],
    ["script", [`command "/bin/x 'a b' c" u g`], {
      kind: "script",
      words: ["/bin/x", "a b", "c"],
      user: { user: "u", group: "g" },
    }],
    ["script", ["user v", "command /bin/x u"], {
      kind: "script",
      words: ["/bin/x"],
      user: { user: "u", group: null },
    }],
    ["script", ["command /bin/x", "user u"], {
      kind: "script",
      words: ["/bin/x"],
      user: { user: "u", group: null },
    }],
  ];

for (const [kind, lines, probe] of PROBES) {
  Deno.test(`parseConfig() reads the ${kind} block "${lines.join("; ")}"`, () => {
    const { spec, problems } = check(` ${kind} {\n${lines.join("\n")}\n }`);
    deepEqual(problems, []);
    deepEqual(spec, {
      tracker: "check x",
      probe,
      intervalUs: 1_000_000,
      timeoutUs: 1_000_000,
      rise: 1,
      fall: 1,
      initial: "wait",
    });
  });
}

/** Lines of a probe block, and the words of the error that says why the check is not used. */
const UNUSABLE: readonly (readonly [string, string, RegExp])[] = [
  ["http", "", /no "url"/],
  ["http", "url", /a URL .* is missing/],
  ["http", "url https://h/", /begins with "http:\/\/".*https block/],
  ["https", "url http://h/", /begins with "https:\/\/"/],
  ["http", "url ftp://h/", /an http block reaches http:\/\//],
  ["http", "url h/", /must be a URL/],
  ["http", "url http://h/\nmethod CONNECT", /method/],
  ["http", "url http://h/\nstatus 299-200", /status codes/],
  ["http", "url http://h/\nstatus 600", /status codes/],
  ["http", "url http://h/\nheader A:b c", /name of a header/],
  ["http", 'url http://h/\nheader A ""', /a value/],
  ["http", "url http://h/\nbody matches a", /contains "TEXT"/],
  ["http", 'url http://h/\nbody contains ""', /not empty/],
  ["http", "url http://h/\nbody regex (a", /unterminated group/],
  ["http", "url http://h/\nbody sha256 12", /64 hexadecimal/],
  ["http", "url http://h/\nredirects 11", /from 0 to 10/],
  ["http", "url http://10.0.0.1/\nsource_address ::1", /two families/],
  ["http", "url http://[::1]/\nsource_address 10.0.0.1", /two families/],
  ["http", `url http://h/\nunix_socket /${"a".repeat(107)}`, /at most 107 bytes/],
  ["https", "url https://h/\nca_file a.pem", /absolute path of a PEM/],
  ["https", "url https://h/\nclient_cert /a b", /absolute path of a PEM/],
  ["tcp", "send a", /no "connect"/],
  ["tcp", "connect h", /port .* is missing/],
  ["tcp", "connect h 65536", /port from 1 to 65535/],
  ["tcp", "connect -h 1", /host name/],
  ["tcp", "connect 1.2.3 1", /host name/],
  ["tcp", 'connect h 1\nsend "\\q"', /backslash/],
  ["tcp", "connect h 1\ndevice much_too_long_name", /interface/],
  ["dns", "server 10.0.0.1", /no "name"/],
  ["dns", "name a", /no "server"/],
  ["dns", "server a\nname a", /IP address/],
  ["dns", "server 10.0.0.1 0\nname a", /port/],
  ["dns", "server 10.0.0.1\nname a..b", /domain name/],
  ["dns", "server 10.0.0.1\nname a\ntype a", /must be "A"/],
  ["ping", "size 56", /no "host"/],
  ["ping", "host 10.0.0.1\nsize 7", /from 8 to 1452/],
  ["ping", "host 10.0.0.1\nsize 1453", /from 8 to 1452/],
  ["process", "quorum 2", /no "process"/],
  ["process", "process p\nparam_match some", /"initial"/],
  ["file", "path f", /absolute path/],
  ["file", "path /f\nmax_age -1", /number of seconds/],
  ["file", "path /f\ncontent regex [a", /Cannot use the expression/],
  ["script", "user u", /no "command"/],
  ["script", "command", /command is missing/],
];

for (const [kind, lines, why] of UNUSABLE) {
  Deno.test(`parseConfig() does not use the ${kind} block "${lines.replace("\n", "; ")}"`, () => {
    const { spec, problems } = check(` ${kind} {\n${lines}\n }`);
    equal(spec, undefined);
    const [first, ...others] = problems;
    deepEqual(others, []);
    equal(first?.severity, "error");
    match(first?.message ?? "", why);
    match(`${first?.message} ${first?.remedy}`, /the check is not used|dropped from the instances/);
  });
}

/** Settings of a check beside its probe, and what they make of interval, timeout, rise, fall, initial. */
const TIMES: readonly (readonly [string, readonly unknown[], boolean])[] = [
  ["interval 0.5", [500_000, 500_000, 1, 1, "wait"], true],
  ["interval 0.01", [10_000, 10_000, 1, 1, "wait"], true],
  ["interval 0.009", [1_000_000, 1_000_000, 1, 1, "wait"], false],
  ["interval 86401", [1_000_000, 1_000_000, 1, 1, "wait"], false],
  ["interval 2\ntimeout 0.4", [2_000_000, 400_000, 1, 1, "wait"], true],
  ["timeout 2", [1_000_000, 2_000_000, 1, 1, "wait"], false],
  ["rise 3\nfall 2\ninit_state up", [1_000_000, 1_000_000, 3, 2, "up"], true],
  ["rise 0\nfall x\ninit_state on", [1_000_000, 1_000_000, 1, 1, "wait"], false],
  ["init_state down", [1_000_000, 1_000_000, 1, 1, "down"], true],
];

for (const [lines, expected, clean] of TIMES) {
  Deno.test(`parseConfig() reads a check with "${lines.replaceAll("\n", "; ")}"`, () => {
    const { spec, problems } = check(` ping {\n host h\n }\n${lines}`);
    const { intervalUs, timeoutUs, rise, fall, initial } = spec!;
    deepEqual([intervalUs, timeoutUs, rise, fall, initial], expected);
    equal(problems.length === 0, clean);
  });
}

Deno.test("parseConfig() uses the first of two probe blocks, and none of a check without any", () => {
  const two = check(" ping {\n host h\n }\n tcp {\n connect h 1\n }");
  equal(two.spec?.probe.kind, "ping");
  match(two.problems[0]?.message ?? "", /has its ping block already: this tcp block is ignored/);
  const none = check(" interval 1");
  equal(none.spec, undefined);
  match(none.problems[0]?.message ?? "", /looks at nothing/);
});

Deno.test("parseConfig() says where a keyword of a check belongs", () => {
  const { problems } = check(" ping {\n host h\n interval 2\n }\n url http://h/");
  match(problems[0]?.message ?? "", /"interval" cannot stand in "ping".*keyword of vrrp_check/);
  match(problems[1]?.message ?? "", /"url" cannot stand .* http or https block of vrrp_check/);
});

/** Options of vrrp_track_process, what they make of its probe, and whether nothing is said. */
const PROCESSES: readonly (readonly [string, Readonly<Record<string, unknown>>, boolean])[] = [
  ["process p", {}, true],
  ["process p a b", { match: { words: ["p", "a", "b"], by: "exact" } }, true],
  ["process p\nfull_command", { match: { words: ["p"], by: "any" } }, true],
  ["process p\nparam_match", { match: { words: ["p"], by: "exact" } }, true],
  ["process p a\nparam_match initial", { match: { words: ["p", "a"], by: "initial" } }, true],
  ["process p a\nparam_match partial", { match: { words: ["p", "a"], by: "partial" } }, true],
  ["process p\nparam_match any", {}, false],
  ["process p\nquorum 3\nquorum_max 5", { quorum: 3, quorumMax: 5 }, true],
  ["process p\nquorum_max 0", { quorum: 0, quorumMax: 0 }, true],
  ["process p\nquorum 3\nquorum_max 2", { quorum: 3 }, false],
  ["process p\nquorum 0", {}, false],
  ["process p\ndelay 2", { forkDelayUs: 2_000_000, terminateDelayUs: 2_000_000 }, true],
  [
    "process p\ndelay 2\nfork_delay 0.000001",
    { forkDelayUs: 1, terminateDelayUs: 2_000_000 },
    true,
  ],
  ["process p\nterminate_delay 1\ndelay 3600", {
    forkDelayUs: 3_600_000_000,
    terminateDelayUs: 3_600_000_000,
  }, true],
  ["process p\ndelay 3601", {}, false],
  ["process abcdefghijklmno", { match: { words: ["abcdefghijklmno"], by: "comm" } }, true],
  ["process abcdefghijklmnop", { match: { words: ["abcdefghijklmnop"], by: "comm" } }, false],
  ["process /bin/p", { match: { words: ["/bin/p"], by: "comm" } }, false],
  ["process /bin/p\nfull_command", { match: { words: ["/bin/p"], by: "any" } }, true],
];

for (const [lines, expected, clean] of PROCESSES) {
  Deno.test(`parseConfig() watches a process by "${lines.replaceAll("\n", "; ")}"`, () => {
    const { config, problems } = read("process", `vrrp_track_process x {\n${lines}\n}`);
    deepEqual(config.trackProcesses[0]?.probe, { ...PROCESS, ...expected });
    equal(problems.length === 0, clean);
  });
}

/** Lines of track_file, and its path, weight, reverse and init; null if it is not one. */
const FILES: readonly (readonly [string, readonly unknown[] | null])[] = [
  ["file /f", ["/f", 1, false, null]],
  ["file /f\nweight -254 reverse", ["/f", -254, true, null]],
  ["file /f\nweight 255", ["/f", 1, false, null]],
  ["file /f\ninit_file", ["/f", 1, false, { value: 0, overwrite: false }]],
  ["file /f\ninit_file -7 overwrite", ["/f", 1, false, { value: -7, overwrite: true }]],
  ["file /f\ninit_file overwrite", ["/f", 1, false, { value: 0, overwrite: true }]],
  ["file /f\ninit_file 2147483648", ["/f", 1, false, null]],
  ["file f", null],
  ["weight 2", null],
];

for (const [lines, expected] of FILES) {
  Deno.test(`parseConfig() reads a track_file with "${lines.replaceAll("\n", "; ")}"`, () => {
    for (const keyword of ["track_file", "vrrp_track_file"]) {
      const { config } = read("file", `${keyword} x {\n${lines}\n}`);
      const [file] = config.trackFiles;
      deepEqual(file ? [file.path, file.weight, file.reverse, file.init] : null, expected);
    }
  });
}

Deno.test("parseConfig() keeps the first file of a name, in either spelling", () => {
  const of = (keyword: string, path: string) => `${keyword} x {\n file ${path}\n}\n`;
  for (
    const [first, second] of [["track_file", "vrrp_track_file"], ["vrrp_track_file", "track_file"]]
  ) {
    const { config, problems } = read("file", of(first!, "/1") + of(second!, "/2"));
    deepEqual(config.trackFiles.map(({ path }) => path), ["/1"]);
    ok(problems.some(({ message }) => /"x" is already defined/.test(message)));
  }
});

Deno.test("parseConfig() takes a script that begins with < for a file that must exist", () => {
  const { config } = read("script", 'vrrp_script x {\n script "</run/flag"\n interval 0\n}');
  deepEqual(config.checks[0]?.spec, {
    tracker: "script x",
    probe: { ...FILE, path: "/run/flag" },
    intervalUs: 1_000_000,
    timeoutUs: 1_000_000,
    rise: 1,
    fall: 1,
    initial: "wait",
  });
  for (const words of ["<run/flag", "< /run/flag", "<"]) {
    const { config, problems } = read("script", `vrrp_script x {\n script "${words}"\n}`);
    deepEqual([config.checks, config.instances[0]?.tracks], [[], []]);
    ok(problems.some(({ message }) => /"<" and an absolute path/.test(message)));
  }
});

Deno.test("parseConfig() says that init_fail does nothing, and of runs that meet", () => {
  const { problems } = read("script", "vrrp_script x {\n script a\n init_fail\n timeout 1.5\n}");
  deepEqual(problems.map(({ severity, position }) => [severity, position.line]), [
    ["warning", 3],
    ["warning", 4],
  ]);
});
