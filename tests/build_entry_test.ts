/** The entry code: what a disassembler reads in its bytes, and what it does to a small C program. */

import assert from "node:assert/strict";
import { type Machine } from "../lib/build/elf.ts";
import { ENTRY, entryCode } from "../lib/build/entry.ts";
import { pack } from "../lib/build/pack.ts";
import { hasProgram, run, Scratch } from "./build_shared.ts";

/** Which objdump reads the code, and how it is told to. */
const DISASSEMBLERS: Readonly<Record<Machine, readonly [string, ...string[]]>> = {
  x86_64: ["objdump", "-m", "i386:x86-64", "-M", "intel"],
  aarch64: ["aarch64-linux-gnu-objdump", "-m", "aarch64"],
};

/** A line of objdump: `  1b:\t49 83 c1 08 \tadd    r9,0x8`. */
const LINE = /^\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/gm;

/** An instruction without objdump's notes: `// #127`, `# 0xe8`. */
function plain(assembly: string): string {
  return assembly.replace(/\s*(?:\/\/|#\s+0x).*$/, "").replaceAll(/\s+/g, " ").trim();
}

for (const machine of Object.keys(DISASSEMBLERS) as Machine[]) {
  const [objdump, ...flags] = DISASSEMBLERS[machine];

  Deno.test(`each instruction for ${machine} stands where it says`, () => {
    let at = 0;
    for (const [place, bytes] of ENTRY[machine]) {
      assert.equal(place, at);
      at += bytes.length / 2;
    }
    assert.equal(entryCode(machine).length, at);
  });

  Deno.test({
    name: `the bytes for ${machine} are the assembly beside them (${objdump})`,
    ignore: !hasProgram(objdump),
    fn: async () => {
      using scratch = new Scratch();
      const file = scratch.file("code", entryCode(machine));
      const { stdout } = await run([objdump, "-D", "-b", "binary", ...flags, file]);
      const read = [...stdout.matchAll(LINE)].map(([, at, text]) => [
        Number.parseInt(at!, 16),
        plain(text!),
      ]);
      assert.deepEqual(read, ENTRY[machine].map(([at, , assembly]) => [at, assembly]));
    },
  });
}

/** Prints its arguments, the environment that libc sees, and the one that main() was given. */
const PRINTER = `
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
extern char **environ;
int main(int argc, char **argv, char **envp) {
  for (int i = 0; i < argc; i++) printf("arg %s\\n", argv[i]);
  printf("end %d\\n", argv[argc] == NULL);
  for (char **e = environ; *e; e++) printf("env %s\\n", *e);
  printf("same %d %s\\n", envp == environ, getenv("ADDED"));
  setenv("LATER", "1", 1);
  printf("aligned %d\\n", (int)((uintptr_t)__builtin_frame_address(0) % 16));
  return 0;
}`;

const ADDED = {
  args: ["one", "", "two words", "x".repeat(300_000)],
  env: ["ADDED=yes"],
  droppedPrefixes: ["DENO_", "NODE"],
};

async function packedPrinter(scratch: Scratch): Promise<string> {
  const source = scratch.file("printer.c", PRINTER), plain = `${scratch.path}/plain`;
  const { code, stderr } = await run(["gcc", "-O0", "-fPIC", "-pie", "-o", plain, source]);
  assert.equal(code, 0, stderr);
  return scratch.file("packed", pack(Deno.readFileSync(plain), ADDED, new Uint8Array(8)).file);
}

const GCC = { ignore: Deno.build.arch !== "x86_64" || !hasProgram("gcc") };

Deno.test({
  name: "a packed program is given the added arguments behind argv[0], then the caller's",
  ...GCC,
  fn: async () => {
    using scratch = new Scratch();
    const program = await packedPrinter(scratch);
    // An odd and an even number of words on the stack.
    for (const callers of [[], ["a"], ["a", "b c"], ["", "--help", "-v"]]) {
      const { code, stdout } = await run([program, ...callers], { env: {} });
      assert.equal(code, 0);
      const args = [program, ...ADDED.args, ...callers].map((arg) => `arg ${arg}`);
      const rest = ["end 1", "env ADDED=yes", "same 1 yes", "aligned 0", ""];
      assert.deepEqual(stdout.split("\n"), [...args, ...rest]);
    }
  },
});

Deno.test({
  name: "a packed program loses the variables with a prefix of the list, and no others",
  ...GCC,
  fn: async () => {
    using scratch = new Scratch();
    const program = await packedPrinter(scratch);
    const kept = { DENO: "1", PATH: "/bin", XDENO_A: "2", NOD: "3", EMPTY: "", ADDED: "callers" };
    const dropped = { DENO_: "", DENO_DIR: "/x", NODE: "1", NODE_OPTIONS: "--x" };
    const { stdout } = await run([program], { env: { ...kept, ...dropped } });
    const read = [...stdout.matchAll(/^env (.*)$/gm)].map(([, variable]) => variable);
    const expected = Object.entries(kept).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(read.toSorted(), ["ADDED=yes", ...expected].toSorted());
    assert.match(stdout, /^same 1 yes$/m);
  },
});
