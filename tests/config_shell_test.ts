/** Which command lines are one test, and of what. */

import { deepEqual } from "node:assert/strict";
import { shellTest } from "../config/shell.ts";

const NGINX = [["pidof", "nginx"]];

for (
  const [text, pipeline, negated] of [
    ["pidof nginx", NGINX, false],
    ["! pidof nginx", NGINX, true],
    ["pidof nginx >/dev/null 2>&1", NGINX, false],
    ["pidof nginx &> /dev/null", NGINX, false],
    ["pidof nginx || exit 1", NGINX, false],
    ["pidof nginx || exit 1\nexit 0\n", NGINX, false],
    ["pidof nginx && exit 0 || exit 1", NGINX, false],
    ["pidof nginx && exit 1 || exit 0", NGINX, true],
    ["pidof nginx && exit 1; exit 0", NGINX, true],
    ["! pidof nginx && exit 1; exit 0", NGINX, false],
    ["#!/bin/sh\n# is it there?\nset -e\npidof nginx\n", NGINX, false],
    ["#!/bin/bash\nif pidof nginx; then\n  exit 0\nelse\n  exit 1\nfi\n", NGINX, false],
    ["if ! pidof nginx > /dev/null; then exit 1; fi", NGINX, false],
    ["if ! pidof nginx\nthen\n exit 1\nfi\nexit 0", NGINX, false],
    ["if pidof nginx; then exit 1; fi", NGINX, true],
    ["if pidof nginx; then exit 0; fi; exit 1", NGINX, false],
    ["pidof nginx || false", NGINX, false],
    ["a 'b c' | grep -q \"x y\"", [["a", "b c"], ["grep", "-q", "x y"]], false],
    ["curl \\\n -s http://h/", [["curl", "-s", "http://h/"]], false],
    ["echo a\\ b", [["echo", "a b"]], false],
    ["if pidof nginx; then :; else exit 1; fi", NGINX, false],
    ["if ! pidof nginx; then exit 1; else :; fi", NGINX, false],
    ["cd / && umask 022; pidof nginx", NGINX, false],
    ["curl http://h/?a=*", [["curl", "http://h/?a=*"]], false],
  ] as const
) {
  Deno.test(`shellTest() finds the test in ${JSON.stringify(text)}`, () => {
    deepEqual(shellTest(text), { pipeline, negated });
  });
}

for (
  const text of [
    "",
    "exit 0",
    "pidof $NAME",
    "pidof `cat x`",
    "kill -0 $(cat /run/x.pid)",
    "for i in 1 2; do pidof nginx; done",
    "pidof nginx; pidof vsftpd",
    "pidof nginx && pidof vsftpd",
    "pidof nginx &",
    "(pidof nginx)",
    "pidof nginx && exit 0 || exit 0",
    "pidof 'nginx",
    "while true; do :; done",
    "cat <<EOF\nx\nEOF",
    "if pidof a; then pidof b; fi",
    "if pidof a; then exit 0; fi",
    "pidof a || exit",
    "pidof a || true",
    "pidof a || :",
    "pidof a && :\numask 022",
    "if pidof a; then :; fi",
    "cd / || pidof a",
    "! pidof a || exit 256",
    "set -e",
    "test -f /run/*.pid",
    "test -f /run/a?",
    "| grep x",
  ]
) {
  Deno.test(`shellTest() does not pretend to understand ${JSON.stringify(text)}`, () => {
    deepEqual(shellTest(text), null);
  });
}
