/** Which built-in check stands for a script's command; each is read back by the parser. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { builtInFor } from "../config/idioms.ts";
import { commandWords } from "../config/lexer.ts";
import { parseConfig } from "../config/mod.ts";

const POSITION = { file: "", line: 1, column: 1, length: 1 };

/** A command as a configuration has it between double quotes. */
function found(command: string, files: Readonly<Record<string, string>> = {}) {
  const words = commandWords({ text: command, position: POSITION }, () => {})!;
  return builtInFor(words, (path) => files[path] ?? null);
}

const https = (...lines: string[]) => ["https", ...lines];

for (
  const [command, expected, timeout] of [
    ["pidof nginx", ["process", "process nginx"], null],
    ["/bin/pidof -x haproxy", ["process", "process haproxy"], null],
    ["killall -0 nginx", ["process", "process nginx"], null],
    ["/usr/bin/killall -s 0 nginx", ["process", "process nginx"], null],
    ["pgrep -x named", ["process", "process named"], null],
    ["sh -c 'pgrep vsftpd > /dev/null'", ["process", "process vsftpd"], null],
    ["sh -c '! pidof maintenance'", ["process", "process maintenance", "quorum_max 0"], null],
    ["ps -C mysqld", ["process", "process mysqld"], null],
    ["test -f /run/ok", ["file", "path /run/ok"], null],
    ["/usr/bin/[ ! -e /run/down ]", ["file", "path /run/down", "absent"], null],
    ["sh -c '[ -f /run/down ] && exit 1; exit 0'", ["file", "path /run/down", "absent"], null],
    ["</run/ok", ["file", "path /run/ok"], null],
    ["nc -z -w 2 127.0.0.1 3306", ["tcp", "connect 127.0.0.1 3306"], 2],
    ["timeout 1 nc -z db 5432", ["tcp", "connect db 5432"], 1],
    ["sh -c 'ss -ltn | grep -q \":80 \"'", ["tcp", "connect 127.0.0.1 80"], null],
    ["sh -c 'netstat -an | grep :53'", ["tcp", "connect 127.0.0.1 53"], null],
    ["ping -c 1 -W 2 192.0.2.1", ["ping", "host 192.0.2.1"], 2],
    ["ping -c1 -I eth1 gw", ["ping", "host gw", "device eth1"], null],
    [
      "dig +short +time=1 @127.0.0.1 example.com",
      ["dns", "server 127.0.0.1", "name example.com", "type A"],
      1,
    ],
    [
      "sh -c 'dig @127.0.0.1 -p 5353 example.com MX | grep -q mail.example.com'",
      ["dns", "server 127.0.0.1 5353", "name example.com", "type MX", "answer mail.example.com"],
      null,
    ],
    [
      "curl -f -s -o /dev/null http://127.0.0.1/",
      ["http", "url http://127.0.0.1/", "status 200-399"],
      null,
    ],
    [
      "/usr/bin/curl -sS --max-time 3 -H 'Host: www' localhost:8080/h",
      ["http", "url http://localhost:8080/h", "host www", "status 100-599"],
      3,
    ],
    [
      "sh -c 'curl -s -o /dev/null -w \"%{http_code}\" http://h/ | grep -q 200'",
      ["http", "url http://h/", "status 200"],
      null,
    ],
    [
      "sh -c 'curl -fsk -m2 https://h/ | grep -q ok'",
      https("url https://h/", "status 200-399", 'body contains "ok"', "insecure"),
      2,
    ],
    [
      "curl -I -L -f http://h/",
      ["http", "url http://h/", "method HEAD", "status 200-399", "redirects 10"],
      null,
    ],
    [
      "wget -q --spider -T 4 http://127.0.0.1:8080/",
      ["http", "url http://127.0.0.1:8080/", "method HEAD", "redirects 10"],
      4,
    ],
    ["timeout 0 nc -z h 80", ["tcp", "connect h 80"], null],
    ["nc -z -i 3 h 80", ["tcp", "connect h 80"], null],
    ["sh -c 'ss -ltn | grep 192.0.2.5:80'", ["tcp", "connect 192.0.2.5 80"], null],
    ["ps -C nginx --no-headers", ["process", "process nginx"], null],
    [
      "sh -c 'dig +tcp +short @127.0.0.1 h | grep .'",
      ["dns", "server 127.0.0.1", "name h", "type A", "tcp"],
      null,
    ],
    [
      "curl -m 0 --connect-timeout 1 -A probe -f http://h/",
      ["http", "url http://h/", 'header User-Agent "probe"', "status 200-399"],
      null,
    ],
    [
      "sh -c 'curl -sI http://h/ | grep \"HTTP/1.1 200\"'",
      ["http", "url http://h/", "method HEAD", "status 200"],
      null,
    ],
    [
      "sh -c 'wget --spider -S http://h/ 2>&1 | grep -q \"200 OK\"'",
      ["http", "url http://h/", "method HEAD", "status 200", "redirects 10"],
      null,
    ],
    [
      "wget -qO- --no-check-certificate https://h/x",
      https("url https://h/x", "redirects 10", "insecure"),
      null,
    ],
    [
      "/bin/sh -c 'timeout 3 openssl s_client -connect 127.0.0.1:443 -servername api.example.com " +
      "</dev/null 2>&1 | grep -q CONNECTED && exit 0 || exit 1'",
      https(
        "url https://127.0.0.1:443/",
        "server_name api.example.com",
        "host api.example.com",
        "status 100-599",
        "insecure",
      ),
      3,
    ],
  ] as const
) {
  Deno.test(`builtInFor() has a check for: ${command}`, () => {
    const builtIn = found(command);
    ok(!("why" in builtIn), JSON.stringify(builtIn));
    deepEqual([builtIn.kind, ...builtIn.lines], expected);
    equal(builtIn.timeoutSeconds, timeout);
    const text = [
      `vrrp_check c {\n ${builtIn.kind} {`,
      ...builtIn.lines,
      ` }\n}\nvrrp_instance V {\n interface eth0\n virtual_router_id 1\n`,
      " track_check {\n  c\n }\n virtual_ipaddress {\n  192.0.2.9/24\n }\n}",
    ].join("\n");
    const { problems, config } = parseConfig(text, "t.conf");
    deepEqual(problems.map(({ message }) => message), []);
    equal(config.checks.length, 1);
  });
}

for (
  const [command, why] of [
    ["/usr/local/bin/check.sh", /is not known here/],
    ["systemctl is-active nginx", /"systemctl" is not known/],
    ["sh -c 'pidof nginx && pidof php-fpm'", /more than one test/],
    ["sh -c 'kill -0 $(cat /run/nginx.pid)'", /more than one test, or has variables/],
    ["pgrep -f 'java.*kafka'", /more than the name/],
    ["killall nginx", /sends a signal/],
    ["pidof nginx haproxy", /several processes/],
    ["pidof a-name-that-is-too-long", /longer than/],
    ["curl -u me:secret http://h/", /not understood/],
    ["curl http://a/ http://b/", /not understood/],
    ["sh -c '! curl -f http://h/'", /nothing answers/],
    ["sh -c 'ss -ltn | grep -c LISTEN'", /not clear/],
    ["sh -c 'curl -s http://h/ | grep -v error'", /not clear/],
    ["nc -u -z h 53", /not understood/],
    ["dig example.com", /names no server/],
    ["python3 -c 'print(1)'", /"python3" is not known/],
    ["killall -0 -s HUP nginx", /sends a signal/],
    ["ps -C nginx,apache2", /not clear/],
    ["ps -N -C nginx", /not clear/],
    ["test ! -s /run/x", /an empty file/],
    ["curl -f ftp://h/", /not understood/],
    ["curl -f http://h/{a,b}", /not understood/],
    ["curl -f -H 'Host:' http://h/", /not understood/],
    ["sh -c 'curl -s http://h/ | grep -qw up'", /not clear/],
    ["sh -c 'curl -s http://h/ | grep -e ok -e up'", /not clear/],
    ["sh -c 'curl -s http://h/ | grep .'", /not clear/],
    ["sh -c 'curl -sI http://h/ | grep nginx'", /not clear/],
    ["sh -c 'curl -v http://h/ 2>&1 | grep \"200 OK\"'", /not clear/],
    ["sh -c 'curl -so /dev/null http://h/ | grep ok'", /not clear/],
    ["sh -c 'curl -s -o /dev/null -w \"%{http_code}\" http://h/ | grep 2..'", /not clear/],
    ["sh -c 'wget -q http://h/ | grep ok'", /not clear/],
    ["sh -c 'ss -lun | grep :53'", /not clear/],
    ["sh -c 'ss -tn | grep :80'", /not clear/],
    ["sh -c 'openssl s_client -connect h:443 | grep \"CN = api\"'", /not clear/],
    ["sh -c 'dig @127.0.0.1 example.com | grep NOERROR'", /not clear/],
    ["sh -c 'dig @127.0.0.1 example.com | grep example.com'", /not clear/],
    ["sh -c 'dig +short @127.0.0.1 h | grep 192.0.2'", /not clear/],
  ] as const
) {
  Deno.test(`builtInFor() leaves alone: ${command}`, () => {
    const answer = found(command);
    ok("why" in answer, JSON.stringify(answer));
    match(answer.why, why);
  });
}

Deno.test("builtInFor() reads shell scripts that are one test", () => {
  const files = {
    "/usr/local/bin/a.sh":
      "#!/bin/bash\n# nginx?\nif ! pidof nginx >/dev/null; then\n exit 1\nfi\n",
    "/usr/local/bin/b.py": "#!/usr/bin/env python3\nimport sys\n",
    "/usr/local/bin/c.sh":
      "#!/usr/bin/env sh\ncurl -fs http://127.0.0.1/health || exit 1\nexit 0\n",
  };
  const lines = (command: string) => {
    const answer = found(command, files);
    return "why" in answer ? answer.why : answer.lines;
  };
  deepEqual(lines("/usr/local/bin/a.sh"), ["process nginx"]);
  deepEqual(lines("/bin/sh /usr/local/bin/c.sh"), [
    "url http://127.0.0.1/health",
    "status 200-399",
  ]);
  match(String(lines("/usr/local/bin/b.py")), /no shell script/);
});

Deno.test("builtInFor() says where the check asks for more or less", () => {
  const notes = (command: string) => {
    const answer = found(command);
    return "why" in answer ? answer.why : answer.notes.join("\n");
  };
  match(notes("curl -f --connect-timeout 1 http://h/"), /for the connection alone/);
  match(notes("curl -f -6 http://h:80/"), /-6 asked for addresses of one family/);
  equal(notes("curl -f -6 http://[::1]:80/"), "");
  match(notes("wget --spider http://h/"), /again by GET/);
  match(notes("openssl s_client -connect h:443 -CAfile /ca.pem"), /ca_file vouches for/);
});
