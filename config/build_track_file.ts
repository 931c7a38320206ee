/** `track_file`, and its old spelling `vrrp_track_file`. */

import type { Named } from "./keyword.ts";
import type { Inspector, VrrpTrackFile } from "./model.ts";
import { type Defined, droppedFromUsers, headOf, reportMissing } from "./objects.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";
import { badName } from "./recovery.ts";
import type { TRACK_FILE } from "./table_track.ts";

type FileBlock = Named<typeof TRACK_FILE>;

/** The weight of a file that has none: its number is added as it is. */
const DEFAULT_WEIGHT = 1;

/** All tracked files, in the order of the file. */
export function buildTrackFiles(
  tree: Tree,
  inspect: Inspector | null,
  report: Report,
): readonly Defined<VrrpTrackFile>[] {
  const old = tree.vrrp_track_file ?? [];
  const blocks = [
    ...(tree.track_file ?? []).map((named) => ({ keyword: "track_file", named })),
    ...old.map((named) => ({ keyword: "vrrp_track_file", named })),
  ].sort((a, b) => a.named.order - b.named.order);
  for (const { name, position } of old) {
    const message = `vrrp_track_file is the old spelling of track_file: "${name}" is read as one`;
    report({ severity: "warning", position, message, remedy: `Write "track_file ${name}"` });
  }
  const names = new Set<string>();
  return blocks.flatMap(({ keyword, named }) => {
    const { name, position } = named;
    if (names.has(name)) {
      report(badName(keyword, { text: name, position }, position));
      return [];
    }
    names.add(name);
    return buildTrackFile(keyword, named, inspect, report) ?? [];
  });
}

function buildTrackFile(
  keyword: string,
  named: FileBlock,
  inspect: Inspector | null,
  report: Report,
): Defined<VrrpTrackFile> | null {
  const { name, position, settings, refused } = named;
  const { file } = settings;
  if (file === undefined) {
    if (!refused.has("file")) reportMissing(keyword, "file", named, report);
    return null;
  }
  const head = headOf(named, keyword);
  const reason = inspect?.folderOf(file.value) ?? null;
  if (reason !== null) {
    report({
      severity: "error",
      position: file.position,
      message: `Cannot watch "${file.value}": ${reason}: ${droppedFromUsers(keyword, name)}`,
      remedy: "Make the folder, or name a file in one that exists",
    });
    return { ...head, record: null };
  }
  const { weight = DEFAULT_WEIGHT, reverse = false } = settings.weight?.value ?? {};
  const init = settings.init_file?.value ?? null;
  return { ...head, record: { name, position, weight, reverse, path: file.value, init } };
}
