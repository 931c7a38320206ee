/** The probe of a `vrrp_check`: exactly one block says what it looks at. */

import type { FileProbe, ProbeSpec, ScriptProbe } from "../lib/core/probe_spec.ts";
import { buildHttp } from "./build_probe_http.ts";
import { buildDns, buildPing, buildTcp } from "./build_probe_net.ts";
import { buildProcessProbe } from "./build_process.ts";
import type { CheckInput } from "./build_check.ts";
import type { Block, Named, Table } from "./keyword.ts";
import { droppedFromUsers } from "./objects.ts";
import { ProbeContext } from "./probe_context.ts";
import {
  type FILE_PROBE,
  PROBE_BLOCKS,
  type SCRIPT_PROBE,
  type VRRP_CHECK,
} from "./table_check.ts";

interface Candidate {
  readonly keyword: string;
  readonly block: Block<Table>;
  readonly build: (context: ProbeContext) => ProbeSpec | null;
}

/** The probe; null, after a report, if there is none that could be used. */
export function buildProbe(
  named: Named<typeof VRRP_CHECK>,
  input: CheckInput,
): ProbeSpec | null {
  const [first, ...others] = candidates(named).sort((a, b) => a.block.order - b.block.order);
  const list = PROBE_BLOCKS.join(", ");
  if (first === undefined) {
    input.report({
      severity: "error",
      position: named.position,
      message: `vrrp_check "${named.name}" looks at nothing: ` +
        droppedFromUsers("vrrp_check", named.name),
      remedy: `Write one block of these into it: ${list}`,
    });
    return null;
  }
  for (const { keyword, block } of others) {
    input.report({
      severity: "error",
      position: block.position,
      message:
        `vrrp_check "${named.name}" has its ${first.keyword} block already: this ${keyword} ` +
        "block is ignored",
      remedy: "Make another vrrp_check of it: one looks at one thing",
    });
  }
  // What was refused is reported, and says that the check is not used.
  if (first.block.refused.size > 0) return null;
  return first.build(new ProbeContext(named.name, first.keyword, first.block, input));
}

function candidates({ settings }: Named<typeof VRRP_CHECK>): Candidate[] {
  const { http, https, tcp, dns, ping, process, file, script } = settings;
  const of = <T extends Table>(
    keyword: string,
    blocks: readonly Block<T>[] | undefined,
    build: (block: Block<T>, context: ProbeContext) => ProbeSpec | null,
  ): readonly Candidate[] =>
    (blocks ?? []).map((block) => ({
      keyword,
      block: block as unknown as Block<Table>,
      build: (context) => build(block, context),
    }));
  return [
    ...of("http", http, (block, context) => buildHttp(block.settings, null, context)),
    ...of("https", https, (block, context) => buildHttp(block.settings, block.settings, context)),
    ...of("tcp", tcp, (block, context) => buildTcp(block.settings, context)),
    ...of("dns", dns, (block, context) => buildDns(block.settings, context)),
    ...of("ping", ping, (block, context) => buildPing(block.settings, context)),
    ...of(
      "process",
      process,
      ({ settings }, context) =>
        settings.process === undefined
          ? context.missing("process")
          : buildProcessProbe(settings, context.report),
    ),
    ...of("file", file, buildFile),
    ...of("script", script, buildScriptProbe),
  ];
}

function buildFile(
  { settings }: Block<typeof FILE_PROBE>,
  context: ProbeContext,
): FileProbe | null {
  const { path, absent, max_age: age, content } = settings;
  if (path === undefined) return context.missing("path");
  if (absent !== undefined) {
    for (const found of [age, content]) {
      if (found === undefined) continue;
      const message = 'This line has no effect: with "absent" the file must not exist';
      context.tell("warning", found.position, message, "Delete one of the two lines");
    }
  }
  const test = context.test(content?.value);
  if (test === undefined) return null;
  return {
    kind: "file",
    path: path.value,
    mustExist: absent === undefined,
    maxAgeUs: absent === undefined ? age?.value ?? null : null,
    content: absent === undefined ? test : null,
  };
}

function buildScriptProbe(
  { settings }: Block<typeof SCRIPT_PROBE>,
  context: ProbeContext,
): ScriptProbe | null {
  const { command: given, user } = settings;
  if (given === undefined) return context.missing("command");
  const command = context.command(given.value, user?.value ?? null);
  return command && { kind: "script", words: command.words, user: command.user };
}
