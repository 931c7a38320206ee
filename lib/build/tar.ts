/** Archives of tar(5), format ustar: the same bytes for the same content, whoever makes them and when. */

import { type Bytes, concatBytes } from "../core/bytes.ts";

/** What an archive holds: files, folders, symbolic links. */
export type TarEntry =
  | { readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly path: string; readonly folder: true }
  | { readonly path: string; readonly link: string };

/** Something that this format has no place for. */
export class TarError extends Error {
  override readonly name = "TarError";
}

/** Bytes of a block; headers are one, contents are filled up to a multiple. */
const BLOCK = 512;

/** Fields of a header: where, and how long. */
const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  user: [265, 32],
  group: [297, 32],
} as const;

/** `typeflag`. */
const TYPE = { file: "0", link: "2", folder: "5" } as const;

/**
 * An archive in which everything is root's.
 *
 * @param mtimeS The time of change of all, in seconds since 1970.
 * @throws {TarError} If a path is longer than 100 bytes, or a content 8 GB.
 */
export function tarOf(entries: Iterable<TarEntry>, mtimeS = 0): Bytes {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    blocks.push(headerOf(entry, mtimeS));
    if (!("content" in entry)) continue;
    const { content } = entry;
    blocks.push(content, new Uint8Array((BLOCK - content.length % BLOCK) % BLOCK));
  }
  // The end: two blocks of zeros.
  return concatBytes(...blocks, new Uint8Array(2 * BLOCK));
}

function headerOf(entry: TarEntry, mtimeS: number): Uint8Array {
  const header = new Uint8Array(BLOCK), encoder = new TextEncoder();
  const text = ([at, length]: readonly [number, number], value: string) => {
    const bytes = encoder.encode(value);
    if (bytes.length > length) throw new TarError(`too long for an archive: ${value}`);
    header.set(bytes, at);
  };
  const number = (field: readonly [number, number], value: number) => {
    text(field, `${value.toString(8).padStart(field[1] - 1, "0")}\0`);
  };
  const isFolder = "folder" in entry;
  text(FIELD.name, isFolder ? `${entry.path}/` : entry.path);
  number(FIELD.mode, isFolder ? 0o755 : "link" in entry ? 0o777 : entry.mode);
  number(FIELD.uid, 0);
  number(FIELD.gid, 0);
  number(FIELD.size, "content" in entry ? entry.content.length : 0);
  number(FIELD.mtime, mtimeS);
  text(FIELD.type, isFolder ? TYPE.folder : "link" in entry ? TYPE.link : TYPE.file);
  if ("link" in entry) text(FIELD.link, entry.link);
  text(FIELD.magic, "ustar\x0000");
  text(FIELD.user, "root");
  text(FIELD.group, "root");
  // The sum of all bytes, its own field counted as spaces.
  text(FIELD.checksum, " ".repeat(FIELD.checksum[1]));
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(FIELD.checksum, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
