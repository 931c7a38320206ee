/** Included files, conditions, definitions and sequences come to the same lines with keepalived and vigie. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { VIGIE } from "./lab/vigie.ts";
import { INCLUDE_CASES, INCLUDED_FILES, PREPROCESS_CASES } from "./preprocess_cases.ts";

/** An include that fails where it must not (keepalived's -t). */
const INCLUDE_FAILED = 6;

interface Answer {
  /** Keywords that it does not know: the words that the file comes to. */
  readonly words: readonly string[];
  readonly code: number;
}

/** `keepalived -t`, in a namespace of its own. */
function test(lab: Lab, command: readonly string[], file: string, strict: boolean): Answer {
  const [program, ...args] = command;
  const { code, stderr } = lab.host("a").namespace.run(() =>
    new Deno.Command(program!, {
      args: [...args, "-t", "-f", file, "-i", "lb1", ...strict ? ["-e"] : []],
      stdout: "null",
      stderr: "piped",
    }).outputSync()
  );
  const text = new TextDecoder().decode(stderr);
  const found = [...text.matchAll(/Unknown keyword ['"](.*?)['"](?: |:|$)/gm)].map(([, word]) =>
    word!
  );
  return { words: unique(found.filter((word) => word !== "}")), code };
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)];
}

/** A folder with files of a configuration, and one that nobody may run. */
async function inFolder(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-preprocess-" });
  try {
    for (const [path, text] of Object.entries({ ...files, "d/x": "x\n", "run.conf": "run\n" })) {
      Deno.mkdirSync(dirname(`${folder}/${path}`), { recursive: true });
      Deno.writeTextFileSync(`${folder}/${path}`, `${text}\n`, { mode: 0o644 });
    }
    Deno.chmodSync(`${folder}/run.conf`, 0o755);
    await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

peerTest(
  KEEPALIVED,
  "keepalived resolves definitions, conditions and sequences as vigie",
  async (lab) => {
    await inFolder({}, (folder) => {
      for (const { what, text, words, asPeer } of PREPROCESS_CASES) {
        if (asPeer === false) continue;
        Deno.writeTextFileSync(`${folder}/k.conf`, `${text}\n`);
        const answer = test(lab, ["keepalived"], `${folder}/k.conf`, false);
        assert.deepEqual(answer.words, unique(words), what);
      }
    });
  },
);

peerTest(
  KEEPALIVED,
  "keepalived includes files as vigie, and ends with the same code",
  async (lab) => {
    await inFolder(INCLUDED_FILES, (folder) => {
      for (const { text, words, fatal, strict = false } of INCLUDE_CASES) {
        Deno.writeTextFileSync(`${folder}/k.conf`, `${text}\n`);
        const answer = test(lab, ["keepalived"], `${folder}/k.conf`, strict);
        // Of a file that it refuses it may not have read all.
        if (!fatal) assert.deepEqual(answer.words, unique(words), text);
        assert.equal(answer.code === INCLUDE_FAILED, fatal === true, text);
      }
    });
  },
);

peerTest(KEEPALIVED, "vigie -t ends as keepalived -t when an include must succeed", async (lab) => {
  await inFolder(INCLUDED_FILES, (folder) => {
    const vigie = [VIGIE.command, ...VIGIE.args, "keepalived"];
    for (const text of ["include nope.conf", "includem nope.conf", "include run.conf"]) {
      Deno.writeTextFileSync(`${folder}/k.conf`, `${text}\n`);
      const peer = test(lab, ["keepalived"], `${folder}/k.conf`, false);
      assert.equal(test(lab, vigie, `${folder}/k.conf`, false).code, peer.code, text);
    }
  });
});
