/** Root file systems for test machines: cpio archives that the kernel unpacks into memory. */

import { dirname, join } from "node:path";
import type { Bytes } from "../../lib/core/bytes.ts";

/** File types and permissions, as in st_mode (inode(7)). */
const TYPE = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

/** Folders that are links to their namesakes in /usr, as on the Debian the files are from. */
const MERGED = ["bin", "sbin", "lib", "lib64"] as const;

/** The name that ends an archive (cpio's "newc" format, the kernel's initramfs/buffer-format). */
const TRAILER = "TRAILER!!!";

/** What is unpacked: the content, or the path of a file of this machine that has it. */
interface Entry {
  readonly mode: number;
  readonly content: Bytes | string;
}

/** A root file system in the making. Paths are absolute; folders come by themselves; all is root's. */
export class Initramfs {
  readonly #entries = new Map<string, Entry>();

  constructor() {
    for (const name of MERGED) {
      this.folder(`/usr/${name}`);
      this.#entries.set(`/${name}`, { mode: TYPE.link | 0o777, content: encode(`usr/${name}`) });
    }
    for (const name of ["proc", "sys", "dev", "run", "tmp", "var/log", "root"]) {
      this.folder(`/${name}`);
    }
  }

  /** A folder. */
  folder(path: string): this {
    return this.#put(path, { mode: TYPE.folder | 0o755, content: new Uint8Array() });
  }

  /** A symbolic link. */
  link(path: string, target: string): this {
    return this.#put(path, { mode: TYPE.link | 0o777, content: encode(target) });
  }

  /** A file with a text. */
  text(path: string, text: string, mode = 0o644): this {
    return this.#put(path, { mode: TYPE.file | mode, content: encode(text) });
  }

  /** A file of this machine. */
  copy(from: string, path = from): this {
    const mode = TYPE.file | (Deno.statSync(from).mode ?? 0o644) & 0o7777;
    return this.#put(path, { mode, content: from });
  }

  /** A program of this machine, with its loader and the libraries that it names. */
  program(from: string, path = from): this {
    for (const library of librariesOf(from)) this.copy(library);
    return this.copy(from, path);
  }

  /** All files and links in a folder of this machine. */
  tree(from: string, path = ""): this {
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(from)) {
      const source = join(from, name), target = `${path}/${name}`;
      if (isDirectory) this.folder(target).tree(source, target);
      else if (isSymlink) this.link(target, Deno.readLinkSync(source));
      else this.copy(source, target);
    }
    return this;
  }

  /** Writes the archive. */
  write(file: string): void {
    using out = Deno.openSync(file, { write: true, create: true, truncate: true });
    let ino = 0;
    const put = (name: string, entry: Entry) => {
      const { mode, content } = entry;
      const data = typeof content === "string" ? Deno.readFileSync(content) : content;
      writeAll(out, header(++ino, name, mode, data.length));
      writeAll(out, padded(data));
    };
    for (const [path, entry] of this.#entries) put(path.slice(1), entry);
    put(TRAILER, { mode: 0, content: new Uint8Array() });
  }

  #put(path: string, entry: Entry): this {
    const place = path.replace(/^\/(bin|sbin|lib|lib64)\//, "/usr/$1/");
    const parent = dirname(place);
    if (parent !== "/" && !this.#entries.has(parent)) this.folder(parent);
    this.#entries.set(place, entry);
    return this;
  }
}

/** The libraries of a program and its loader, by ldd(1), which asks the loader itself. */
function librariesOf(program: string): string[] {
  const { stdout } = new Deno.Command("ldd", { args: [program], stderr: "null" }).outputSync();
  const lines = new TextDecoder().decode(stdout).matchAll(/(?:=> )?(\/\S+) \(0x/g);
  return [...lines].map(([, path]) => path!);
}

/** An entry's head: 13 numbers of 8 hexadecimal digits, the name, both up to a multiple of 4. */
function header(ino: number, name: string, mode: number, size: number): Bytes {
  const nameBytes = encode(`${name}\0`);
  const [uid, gid, links, mtime] = [0, 0, 1, 0], device = [0, 0, 0, 0], check = 0;
  const numbers = [ino, mode, uid, gid, links, mtime, size, ...device, nameBytes.length, check];
  const digits = numbers.map((number) => number.toString(16).padStart(8, "0")).join("");
  return padded(encode(`070701${digits}${name}\0`));
}

function padded(bytes: Bytes): Bytes {
  if (bytes.length % 4 === 0) return bytes;
  const longer = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  longer.set(bytes);
  return longer;
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function writeAll(file: Deno.FsFile, bytes: Bytes): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
