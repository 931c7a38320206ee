/** `vigie modernize` on files: what it refuses to write. */

import { deepEqual, equal } from "node:assert/strict";
import { modernizeCommand } from "../lib/cli/modernize.ts";

/** Runs it on a directory with a main.conf. @returns The exit code, what it said, and the files. */
async function modernized(files: Readonly<Record<string, string | Uint8Array>>) {
  const directory = Deno.makeTempDirSync({ prefix: "vigie-modernize-" });
  const said: string[] = [], { error } = console;
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      Deno.writeFileSync(`${directory}/${name}`, bytes);
    }
    console.error = (line: string) => void said.push(line);
    const config = { file: `${directory}/main.conf`, uci: false };
    const code = await modernizeCommand(config, { write: true });
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).toSorted();
    return { code, said: said.join("\n"), names, main: Deno.readFileSync(config.file) };
  } finally {
    console.error = error;
    Deno.removeSync(directory, { recursive: true });
  }
}

const SCRIPT = 'vrrp_script a {\n    script "pidof nginx"\n}\n';

Deno.test("modernizeCommand() leaves a script whose use is in another file", async () => {
  // The interface is an error before and after, which must not hide the other one.
  const used = "vrrp_instance V {\n    interface lo\n    virtual_router_id 9\n" +
    "    track_script {\n        a\n    }\n    virtual_ipaddress {\n        192.0.2.9/24\n    }\n}\n";
  const main = `${SCRIPT}include used.conf\n`;
  const { code, said, names, main: after } = await modernized({
    "main.conf": main,
    "used.conf": used,
  });
  equal(code, 1);
  equal(/left as it is[^]*track_script "a"/.test(said), true, said);
  equal(new TextDecoder().decode(after), main);
  deepEqual(names, ["main.conf", "used.conf"]);
});

Deno.test("modernizeCommand() leaves a file that is not UTF-8", async () => {
  const main = Uint8Array.of(...new TextEncoder().encode(`${SCRIPT}# caf`), 0xe9, 0x0a);
  const { code, said, main: after } = await modernized({ "main.conf": main });
  equal(code, 1);
  equal(/is not UTF-8/.test(said), true, said);
  deepEqual(after, main);
});
