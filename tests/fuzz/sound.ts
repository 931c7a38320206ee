/** What holds for the answer to any configuration. */

import { ok } from "node:assert/strict";
import { formatProblem, parseConfig, type ParseOptions, type Position } from "../../config/mod.ts";
import { tokenize } from "../../config/lexer.ts";
import { preprocess } from "../../config/preprocess.ts";
import type { Files } from "./files.ts";

/** No input may take longer. It guards against hanging: any answer comes within milliseconds, or one second for the largest. */
const ANSWER_MS = 30_000;

/** Lines that a configuration may have at most, whatever it asks for (config/preprocess_budget.ts). */
const LINES_MAX = 150_000;

/** Reads from memory. */
export function optionsFor(files: Files): ParseOptions {
  const clean = (path: string) =>
    path.split("/").reduce<string[]>((done, part) => {
      if (part === "..") done.pop();
      else if (part !== "." && part !== "") done.push(part);
      return done;
    }, []).join("/");
  return {
    id: "lb1",
    folder: "/etc",
    environment: (name) => name === "X" ? "x y" : undefined,
    random: (low) => low,
    read: (path) => {
      const text = files[clean(path)];
      return text === undefined
        ? { absent: true, reason: "No such file" }
        : new TextEncoder().encode(text);
    },
    list: (folder) => {
      const inside = clean(folder) === "" ? "" : `${clean(folder)}/`;
      return Object.keys(files).filter((path) => path.startsWith(inside))
        .map((path) => path.slice(inside.length).split("/")[0]!);
    },
    facts: { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] },
  };
}

/** Asserts it, and says true. */
export function isSound(files: Files): boolean {
  const options = optionsFor(files), main = files["k.conf"]!;
  const start = performance.now();
  const surroundings = { folder: "", id: "", checkIncludes: false, random: (low: number) => low };
  const environment = () => undefined;
  const { lines, files: read } = preprocess(main, "k.conf", {
    ...surroundings,
    environment,
    ...options,
  }, () => {});
  ok(lines.length <= LINES_MAX, `${lines.length} lines`);
  const characters = lines.reduce((sum, { text }) => sum + text.length + 1, 0);
  ok(tokenize(lines, () => {}).length <= characters);
  const { config, problems } = parseConfig(main, "k.conf", options);
  for (const problem of problems) {
    assertInside(problem.position, read);
    ok(problem.message !== "" && problem.remedy !== "");
    ok(formatProblem(problem).includes(`:${problem.position.line}:${problem.position.column}: `));
  }
  for (const position of positionsIn(config)) assertInside(position, read);
  ok(performance.now() - start < ANSWER_MS, "the answer took too long");
  return true;
}

/** A place is in a file that was read: in one of its lines, or right behind its end. */
function assertInside(
  position: Position,
  files: ReadonlyMap<string, readonly { text: string }[]>,
): void {
  const { file, line, column, length } = position, lines = files.get(file);
  ok(lines !== undefined, `no file ${file}`);
  ok(line >= 1 && line <= Math.max(1, lines.length), `${file}:${line} of ${lines.length}`);
  const width = lines[line - 1]?.text.length ?? 0, where = `${file}:${line}:${column}+${length}`;
  ok(column >= 1 && length >= 1 && column <= width + 1, `${where} of ${width}`);
  ok(column - 1 + length <= Math.max(width, column), `${where} of ${width}`);
}

function* positionsIn(value: unknown): Generator<Position> {
  if (typeof value !== "object" || value === null) return;
  if ("file" in value && "line" in value && "column" in value) yield value as Position;
  else for (const inner of Object.values(value)) yield* positionsIn(inner);
}
