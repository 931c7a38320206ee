/** Files of tests/config/: each *.conf must say what its *.problems holds. UPDATE=1 rewrites those. */

import { equal } from "node:assert/strict";
import { exitCode, formatProblem, parseConfig } from "../config/mod.ts";

const FOLDER = new URL("./config/", import.meta.url);
const FACTS = {
  interfaces: [
    { name: "lo", loopback: true, mtu: 65536 },
    ...["eth0", "eth1", "eth2", "eth3"].map((name) => ({ name, loopback: false, mtu: 1500 })),
  ],
};

for (const { name } of [...Deno.readDirSync(FOLDER)].toSorted((a, b) => a.name < b.name ? -1 : 1)) {
  if (!name.endsWith(".conf")) continue;
  Deno.test(`parseConfig() says the known problems of tests/config/${name}`, () => {
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    const { config, problems } = parseConfig(text, name, { facts: FACTS });
    const found = [
      `instances: ${config.instances.map((instance) => instance.name).join(" ")}`,
      `exit status of check: ${exitCode(problems)}`,
      ...problems.map(formatProblem),
      "",
    ].join("\n");
    const expected = new URL(name.replace(/conf$/, "problems"), FOLDER);
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(expected, found);
    equal(found, Deno.readTextFileSync(expected));
  });
}
