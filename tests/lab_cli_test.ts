/** Bad input: `vigie check` and `vigie run` say where and what to do, and leave nothing behind. */

import assert from "node:assert/strict";
import { addressesOn, holds } from "./lab/addresses.ts";
import { BAD_INPUT, GOOD } from "./lab/bad_input.ts";
import { file, router, VIP } from "./lab/config.ts";
import { isInstalled } from "./lab/installed.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { runVigie } from "./lab/vigie.ts";

for (const { of, text, says, remedy, fatal } of BAD_INPUT) {
  labTest(`${of} is reported where it is, and check exits 1`, async (lab) => {
    const host = lab.host("a");
    const path = temporary(lab, text);
    const { code, text: said } = await runVigie(host, ["check", "-f", path]);
    assert.equal(code, 1);
    assert.ok(said.includes(`${path}:`));
    assert.match(said, says);
    assert.match(said, remedy);
  });

  if (fatal) {
    labTest(`run refuses ${of} with exit code 2 and leaves nothing behind`, async (lab) => {
      const host = lab.host("a");
      const before = addressesOn(host).map(({ text }) => text).sort();
      const path = temporary(lab, text);
      const { code, text: said } = await runVigie(host, ["run", "-f", path]);
      assert.equal(code, 2);
      assert.match(said, says);
      assert.match(said, remedy);
      assert.match(said, /Cannot run .*: see the fatal problems above/);
      assert.deepEqual(addressesOn(host).map(({ text }) => text).sort(), before);
    });
  } else {
    labTest(`run says what it ignores of ${of} and starts, as keepalived does`, async (lab) => {
      const host = lab.host("a");
      const node = await lab.vigie(host, decoded(text));
      await node.saw(says);
      await node.saw(remedy);
      await node.saw(/Entering BACKUP STATE/);
      assert.equal(await node.stop(), 0);
      assert.equal(holds(host, VIP), false);
    });
  }
}

labTest("a missing file is named: check exits 1, run exits 6", async (lab) => {
  const host = lab.host("a"), path = "/nonexistent/vigie.conf";
  const expected = /\/nonexistent\/vigie\.conf:1:1: fatal: Cannot read .*No such file or directory/;
  for (const [command, code] of [["check", 1], ["run", 6]] as const) {
    const answer = await runVigie(host, [command, "-f", path]);
    assert.equal(answer.code, code, command);
    assert.match(answer.text, expected);
    assert.match(answer.text, /remedy: Name an existing file/);
  }
});

labTest("a file without problems is said to have none, and check exits 0", async (lab) => {
  const host = lab.host("a");
  const { code, text } = await runVigie(host, ["check", "-f", temporary(lab, GOOD)]);
  assert.equal(code, 0);
  assert.match(text, /1 instance, 0 problems/);
});

labTest("check --json prints every problem with its place and remedy", async (lab) => {
  const host = lab.host("a");
  const path = temporary(lab, router({ priority: 300 }));
  const { code, text } = await runVigie(host, ["check", "--json", "-f", path]);
  assert.equal(code, 1);
  const [problem] = JSON.parse(text) as { position: { line: number }; remedy: string }[];
  assert.equal(problem!.position.line, 5);
  assert.match(problem!.remedy, /1 to 255/);
});

labTest("check --strict makes an error of a warning", async (lab) => {
  const host = lab.host("a");
  const path = temporary(lab, router({ addresses: ["2001:db8::100/64"] }));
  assert.equal((await runVigie(host, ["check", "-f", path])).code, 0);
  const strict = await runVigie(host, ["check", "--strict", "-f", path]);
  assert.equal(strict.code, 1);
  assert.match(strict.text, /warning: .*a link-local one should be/);
});

const SETPRIV = { name: "setpriv", installed: isInstalled("/usr/bin/setpriv") };

for (const [drop, name] of [["net_admin", "CAP_NET_ADMIN"], ["net_raw", "CAP_NET_RAW"]] as const) {
  peerTest(SETPRIV, `run without ${name} names it and exits 4`, async (lab) => {
    const host = lab.host("a");
    const before = ["/usr/bin/setpriv", "--bounding-set", `-${drop}`, "--inh-caps", `-${drop}`];
    const path = temporary(lab, file([], router()));
    const { code, text } = await runVigie(host, ["run", "-f", path], before);
    assert.equal(code, 4, text);
    assert.match(
      text,
      new RegExp(`Missing capability ${name}, needed to .*: run as root, or grant`),
    );
    assert.equal(text.match(/Missing capability/g)?.length, 1);
    assert.equal(holds(host, VIP), false);
  });
}

peerTest(SETPRIV, "check needs no capability at all", async (lab) => {
  const host = lab.host("a");
  const before = ["/usr/bin/setpriv", "--bounding-set", "-all", "--inh-caps", "-all"];
  const { code, text } = await runVigie(host, ["check", "-f", temporary(lab, GOOD)], before);
  assert.equal(code, 0, text);
});

/** A file that goes when the lab does. */
function temporary(lab: Lab, content: string | Uint8Array): string {
  const path = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(path) });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  return path;
}

function decoded(text: string | Uint8Array): string {
  return typeof text === "string" ? text : new TextDecoder().decode(text);
}
