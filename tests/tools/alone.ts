/**
 * Tests that count what their process has open: test files run in threads of one process, so that
 * others' descriptors and children would be counted too. Such a test runs in a process of its own.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Set in the process of its own. */
const ALONE = "VIGIE_TEST_ALONE";

/** A test that runs alone in a process. @param file The test file's own `import.meta.url`. */
export function aloneTest(file: string, name: string, body: () => void | Promise<void>): void {
  if (Deno.env.get(ALONE) === name) {
    Deno.test(name, body);
    return;
  }
  Deno.test(name, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--filter", name, fileURLToPath(file)],
      env: { [ALONE]: name, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, text);
    assert.match(text, /\b1 passed/, text);
  });
}
