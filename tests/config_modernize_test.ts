/** What modernize() makes of a file: text for text. */

import { deepEqual, equal } from "node:assert/strict";
import { modernize } from "../config/modernize.ts";
import { parseConfig } from "../config/mod.ts";

const INSTANCE = (lines: string) =>
  `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
${lines}    virtual_ipaddress {
        192.0.2.100/24
    }
}
`;

for (
  const [what, before, after] of [
    [
      "a process, whose interval means nothing",
      `# Who is who
vrrp_script chk_nginx {   # the web server
    script "/usr/bin/killall -0 nginx"
    interval 2      # every two seconds
    weight -20
    user root
}
${INSTANCE("    track_script {\n        chk_nginx\n    }\n")}`,
      `# Who is who
vrrp_check chk_nginx {   # the web server
    process {
        process nginx
    }
    # every two seconds
    weight -20
}
${INSTANCE("    track_check {\n        chk_nginx\n    }\n")}`,
    ],
    [
      "a process that may be gone for a while",
      `vrrp_script a {
    script "pidof nginx"
    interval 2
    fall 3
    rise 2
}
`,
      `vrrp_check a {
    process {
        process nginx
        terminate_delay 4
        fork_delay 2
    }
}
`,
    ],
    [
      "an interval of 0, which a check refuses",
      `vrrp_script a {\n    script "nc -z h 1"\n    interval 0\n}\n`,
      `vrrp_check a {\n    tcp {\n        connect h 1\n    }\n}\n`,
    ],
    [
      "a page on one line, with the shorter timeout",
      `vrrp_script web { script "curl -fs -m 1 http://127.0.0.1/"
  interval 3
  timeout 2
}
`,
      `vrrp_check web { 
    http {
        url http://127.0.0.1/
        status 200-399
    }
    timeout 1
  interval 3
}
`,
    ],
    [
      "some of the names of a block",
      `vrrp_script a {
	script "nc -z 127.0.0.1 80"
}
vrrp_script b {
	script "/usr/local/bin/b.sh"
}
${
        INSTANCE(
          "    track_script {\n        a weight -5   # port\n        b\n    }\n",
        )
      }`,
      `vrrp_check a {
	tcp {
		connect 127.0.0.1 80
	}
}
vrrp_script b {
	script "/usr/local/bin/b.sh"
}
${
        INSTANCE(
          "    track_script {\n        b\n    }\n    track_check {\n        a weight -5   # port\n    }\n",
        )
      }`,
    ],
    [
      "names in a sync group",
      `vrrp_script a {
    script "nc -z h 1"
}
vrrp_sync_group G {
    group {
        VI_1
    }
    track_script {
        a
    }
}
`,
      `vrrp_check a {
    tcp {
        connect h 1
    }
}
vrrp_sync_group G {
    group {
        VI_1
    }
    track_check {
        a
    }
}
`,
    ],
    [
      "nothing",
      `vrrp_script a {\r\n script "/opt/x"\r\n}\r\n`,
      `vrrp_script a {\r\n script "/opt/x"\r\n}\r\n`,
    ],
    [
      "a block without an end",
      `vrrp_script a {\n script "nc -z h 1"\n`,
      `vrrp_script a {\n script "nc -z h 1"\n`,
    ],
  ] as const
) {
  Deno.test(`modernize() rewrites ${what}`, () => {
    const { text } = modernize(before);
    equal(text, after);
    equal(modernize(text).text, text, "a second time changes nothing");
    const messages = (source: string) =>
      parseConfig(source, "t.conf").problems.filter(({ severity }) => severity !== "warning")
        .map(({ message }) => message).filter((message) => !MENDED.test(message));
    deepEqual(messages(text), messages(before));
  });
}

/** What is wrong with a script and not with the check that takes its place. */
const MENDED = /^Cannot run a script every 0 s/;

Deno.test("modernize() says what it left alone, and why", () => {
  const text = `$P=nginx
vrrp_script a {
    script "pidof $P"
}
vrrp_script b {
    script "/usr/local/bin/b.sh"
}
vrrp_script c {
    script "nc -z h 1"
}
vrrp_check c {
    tcp {
        connect h 1
    }
}
`;
  const { text: after, changes } = modernize(text);
  equal(after, text);
  deepEqual(changes.map(({ name, line, notes }) => [name, line, ...notes]), [
    ["a", 2, "its command is made of definitions or variables"],
    ["b", 5, 'what "/usr/local/bin/b.sh" does is not known here'],
    ["c", 8, 'there is a vrrp_check "c" already'],
  ]);
});

for (
  const [what, text, why] of [
    [
      "a use for some configurations only",
      `vrrp_script a {\n    script "pidof x"\n}\n${
        INSTANCE("    track_script {\n        @main a weight 5\n        @^main a\n    }\n")
      }`,
      "a line with @ concerns it",
    ],
    [
      "a setting for some configurations only",
      `vrrp_script a {\n    script "pidof x"\n    @main script "/opt/y"\n}\n`,
      "a line with @ concerns it",
    ],
    [
      "a use made of definitions",
      `$NAME=a\nvrrp_script a {\n    script "pidof x"\n}\n${
        INSTANCE("    track_script {\n        $NAME\n    }\n")
      }`,
      "what uses it is made of definitions",
    ],
    [
      "a script file with a dollar sign that means itself",
      `vrrp_script a {\n    script "/opt/dollar.sh"\n}\n`,
      'what it asks for has a "$"',
    ],
  ] as const
) {
  Deno.test(`modernize() leaves a script alone with ${what}`, () => {
    const { text: after, changes } = modernize(
      text,
      () => "#!/bin/sh\ncurl -f 'http://h/$x'\n",
    );
    equal(after, text);
    deepEqual(changes.map(({ builtIn, notes }) => [builtIn, ...notes]), [[null, why]]);
  });
}

/** Configurations of users, as the project's first requirements had them. */
const USERS = {
  "a script file": `global_defs {
    router_id MASTER_ROUTER
    script_user root
    enable_script_security
}
vrrp_script check_app {
    script "/usr/local/bin/check_app.sh"
    interval 2
    weight -20
    fall 3
    rise 2
}
${
    INSTANCE(
      '    track_script {\n        check_app\n    }\n    notify_master "/usr/local/bin/notify_master.sh"\n',
    )
  }`,
  "openssl": `global_defs {
    enable_snmp
    snmp_socket udp:127.0.0.1:161
}
vrrp_script chk_tls {
    script "/bin/sh -c 'timeout 3 openssl s_client -connect 127.0.0.1:443 -servername api.example.com </dev/null 2>&1 | grep -q CONNECTED && exit 0 || exit 1'"
    interval 5
}
${INSTANCE("    track_script {\n        chk_tls\n    }\n")}`,
  "processes": `vrrp_track_process chk_nginx {
    process nginx
    weight -11
}
${INSTANCE("    track_process {\n        chk_nginx\n    }\n")}`,
} as const;

for (const [what, before] of Object.entries(USERS)) {
  Deno.test(`modernize() leaves no script in a configuration with ${what}`, () => {
    const files: Record<string, string> = {
      "/usr/local/bin/check_app.sh":
        "#!/bin/bash\nif curl -sf --max-time 2 http://localhost:8080/health > /dev/null; then\n" +
        "  exit 0\nfi\nexit 1\n",
    };
    const { text } = modernize(before, (path) => files[path] ?? null);
    const { config, problems } = parseConfig(text, "t.conf");
    equal(/vrrp_script|track_script/.test(text), false, text);
    deepEqual(config.checks.filter(({ kind }) => kind === "script"), []);
    deepEqual(
      problems.filter(({ severity }) => severity !== "warning").map(({ message }) => message),
      [],
    );
    equal(config.instances[0]!.tracks.length, 1);
  });
}
