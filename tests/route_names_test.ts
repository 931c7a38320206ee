import assert from "node:assert/strict";
import { routingName } from "../lib/daemon/inspect_names.ts";

Deno.test("routingName() reads iproute2's files: etc before usr, folders too, comments apart", async () => {
  const folder = await Deno.makeTempDir({ prefix: "vigie-names-" });
  try {
    const usr = `${folder}/usr`, etc = `${folder}/etc`;
    Deno.mkdirSync(usr);
    Deno.mkdirSync(`${etc}/rt_tables.d`, { recursive: true });
    Deno.writeTextFileSync(`${usr}/rt_tables`, "# names\n254\tmain\n100 red\n0x65 blue # hex\n");
    Deno.writeTextFileSync(`${etc}/rt_tables`, "200 red\n#300 green\nx yellow\n");
    Deno.writeTextFileSync(`${etc}/rt_tables.d/more.conf`, "7 more\n");
    Deno.writeTextFileSync(`${etc}/rt_tables.d/more.txt`, "8 other\n");
    const number = (name: string) => routingName("table", name, { usr, etc });
    assert.equal(number("red"), 200, "etc counts first");
    assert.equal(number("blue"), 0x65);
    assert.equal(number("more"), 7);
    for (const name of ["green", "yellow", "other", "nobody"]) {
      assert.equal(number(name), null, name);
    }
    assert.equal(routingName("realm", "red", { usr, etc }), null, "another kind, another file");
    const nowhere = { usr: `${folder}/no`, etc: `${folder}/no` };
    assert.equal(routingName("table", "red", nowhere), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
