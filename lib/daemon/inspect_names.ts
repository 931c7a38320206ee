/** Names of routing tables and the like, from the files of iproute2 (ip-route(8), FILES). */

import { nameFile, type NameFolders, type NameKind } from "../../config/iproute_names.ts";

/** Where distributions put what comes with iproute2; the first folder that exists. */
const USR = ["/usr/share/iproute2", "/usr/lib/iproute2"];

/** What administrators write, and older versions of iproute2 install. */
const ETC = "/etc/iproute2";

/** The number of a name; null if no file has it. What is in `etc` counts before what is in `usr`. */
export function routingName(kind: NameKind, name: string, folders: NameFolders): number | null {
  const { usr, etc } = folders;
  for (const folder of [etc ?? ETC, ...usr === null ? USR : [usr]]) {
    const file = `${folder}/${nameFile(kind)}`;
    for (const path of [...moreFiles(`${file}.d`), file]) {
      const found = numberIn(path, name);
      if (found !== null) return found;
    }
  }
  return null;
}

/** The files of a folder such as rt_tables.d, which may not be there. */
function moreFiles(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)]
      .filter((entry) => entry.isFile && entry.name.endsWith(".conf"))
      .map((entry) => `${folder}/${entry.name}`).sort();
  } catch {
    // Without it, or without the right to look, its names are not known; the report says which is not.
    return [];
  }
}

/** Lines are "NUMBER NAME"; "#" begins a comment, 0x a hexadecimal number. */
function numberIn(path: string, name: string): number | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    // As above.
    return null;
  }
  for (const line of text.split("\n")) {
    const [number, word] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (word === name && number !== undefined && /^(\d+|0x[0-9a-f]+)$/i.test(number)) {
      return Number(number);
    }
  }
  return null;
}
