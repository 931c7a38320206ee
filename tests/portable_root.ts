/** A root without glibc: busybox, the loader of musl, /proc, and what a test puts there. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./build_shared.ts";
import { isInstalled } from "./lab/installed.ts";
import { PRIVILEGED } from "./tools/ffi_lab.ts";

/** Needs no library: Debian's busybox-static. */
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find(isInstalled);

/** Debian's musl, where it is installed. */
const MUSL = `/lib/ld-musl-${Deno.build.arch}.so.1`;

const IN_CI = Deno.env.get("CI") === "true";

/** The folder of this repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What chroot(1) is called by, so that mounts go with the program; the arguments are those of chroot. */
const INSIDE = `mount -t proc proc "$1/proc" && eval "$2" && shift 2 && exec chroot "$@"`;

/** Such a root, in a folder of its own. */
export class BareRoot implements Disposable {
  readonly path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "vigie-bare-" }));

  /** @param without Programs of busybox that are not there. */
  constructor(without: readonly string[] = []) {
    Deno.chmodSync(this.path, 0o755);
    for (const folder of ["bin", "lib", "proc", "etc", "opt"]) {
      Deno.mkdirSync(join(this.path, folder));
    }
    Deno.copyFileSync(BUSYBOX!, join(this.path, "bin/busybox"));
    Deno.chmodSync(join(this.path, "bin/busybox"), 0o755);
    const list = new Deno.Command(BUSYBOX!, { args: ["--list"] }).outputSync().stdout;
    for (const name of new TextDecoder().decode(list).trim().split("\n")) {
      if (name === "busybox" || without.includes(name)) continue;
      Deno.symlinkSync("busybox", join(this.path, "bin", name));
    }
    if (isInstalled(MUSL)) Deno.copyFileSync(MUSL, join(this.path, MUSL));
  }

  /** Writes a file; folders above are made. @returns Its path inside. */
  file(path: string, content: string | Uint8Array, mode = 0o644): string {
    const real = this.outside(path);
    Deno.mkdirSync(dirname(real), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(real, content);
    else Deno.writeFileSync(real, content);
    Deno.chmodSync(real, mode);
    return path;
  }

  /** What a file inside holds. */
  read(path: string): string {
    return Deno.readTextFileSync(this.outside(path));
  }

  /** Names in a folder inside, sorted; none if it is not there. */
  list(path: string): string[] {
    try {
      return [...Deno.readDirSync(this.outside(path))].map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** The path of something inside, seen from here. */
  outside(path: string): string {
    return join(this.path, path);
  }

  /**
   * How a program is started inside, with an environment of its own.
   *
   * @param before A script that comes first, for more mounts; $1 is the root.
   */
  command(
    words: readonly string[],
    { env = {}, before = "true" }: {
      readonly env?: Readonly<Record<string, string>>;
      readonly before?: string;
    } = {},
  ): [string, ...string[]] {
    const variables = Object.entries({ PATH: "/bin", ...env }).map(([name, value]) =>
      `${name}=${value}`
    );
    const inside = ["/bin/busybox", "env", "-i", ...variables, ...words];
    return [
      "unshare",
      "--mount",
      "sh",
      "-c",
      INSIDE,
      "sh",
      this.path,
      before,
      this.path,
      ...inside,
    ];
  }

  /** Runs a program inside to its end. */
  run(
    words: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly before?: string },
  ) {
    return run(this.command(words, options));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A test in such roots: skipped, visibly, where they cannot be made; not in CI. */
export function bareTest(name: string, body: () => Promise<void>): void {
  const missing = BUSYBOX === undefined
    ? "busybox-static is not installed"
    : PRIVILEGED
    ? null
    : "needs root";
  if (missing === null) Deno.test(name, body);
  else if (IN_CI) {
    Deno.test(name, () => {
      throw new Error(`${missing}, and CI must not skip`);
    });
  } else Deno.test({ name: `${name} (skipped: ${missing})`, ignore: true, fn() {} });
}
