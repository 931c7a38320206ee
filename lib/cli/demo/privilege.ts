/**
 * The demo without root: the whole program once more, in a user namespace where it is root. A process
 * of several threads cannot enter a new user namespace (unshare(2): EINVAL), and Deno always has
 * several; so the program `unshare` of util-linux or busybox does it before Deno starts.
 */

import { ENVIRONMENT, Impossible, sameProgram, signalChild } from "./launch.ts";

/** Short options, which busybox knows too: a user namespace, root in it, a network namespace. */
const UNSHARE = ["-U", "-r", "-n"];

/** Tells the second run that it is one: what it may not do there, a third may not either. */
const MARK = "VIGIE_DEMO_IN_USER_NAMESPACE";

const AS_ROOT = "run the demo as root; in a container, with --cap-add SYS_ADMIN,NET_ADMIN,NET_RAW";

/** Signals to stop the demo, which is the second run's to do. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Kernel settings that forbid user namespaces, each with the value that does and one that does not. */
const SETTINGS = [
  { path: "kernel/unprivileged_userns_clone", forbids: "0", allows: "1" },
  { path: "kernel/apparmor_restrict_unprivileged_userns", forbids: "1", allows: "0" },
  { path: "user/max_user_namespaces", forbids: "0", allows: "1000" },
  { path: "user/max_net_namespaces", forbids: "0", allows: "1000" },
] as const;

/**
 * Runs the demo in a user namespace.
 * @returns Its exit code.
 * @throws {Impossible} If no user namespace can be had.
 */
export async function demoInUserNamespace(module: string): Promise<number> {
  if (Deno.env.has(MARK)) {
    throw new Impossible("Cannot make network namespaces, not even as root of a user namespace", [
      "allow it in the security module that confines this program (AppArmor, SELinux, seccomp)",
      AS_ROOT,
    ]);
  }
  await tryUnshare();
  const { command, args } = sameProgram(module, ["demo"]);
  const child = new Deno.Command("unshare", {
    args: [...UNSHARE, command, ...args],
    env: { ...ENVIRONMENT, [MARK]: "1" },
  }).spawn();
  const forward = SIGNALS.map((signal) => [signal, () => signalChild(child, signal)] as const);
  for (const [signal, listener] of forward) Deno.addSignalListener(signal, listener);
  const { code } = await child.status;
  for (const [signal, listener] of forward) Deno.removeSignalListener(signal, listener);
  return code;
}

/** Makes a namespace for nothing, so that a refusal can be told from a failure of the demo. */
async function tryUnshare(): Promise<void> {
  const attempt = new Deno.Command("unshare", {
    args: [...UNSHARE, "true"],
    env: { LC_ALL: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  let result: Deno.CommandOutput;
  try {
    result = await attempt.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Impossible(
      "Cannot find the program unshare, which makes the user namespace for a demo without root",
      ["install util-linux, or busybox with its unshare", AS_ROOT],
    );
  }
  if (!result.success) throw refused(new TextDecoder().decode(result.stderr).trim());
}

function refused(words: string): Impossible {
  const why = `Cannot make a user namespace: ${words || "unshare failed"}`;
  if (!exists("/proc/self/ns/user")) {
    return new Impossible(why, ["use a kernel built with CONFIG_USER_NS", AS_ROOT]);
  }
  const culprits = SETTINGS.filter(({ path, forbids }) => readSetting(path) === forbids);
  const settings = culprits.map(({ path, allows }) => `${path.replaceAll("/", ".")}=${allows}`);
  const remedy = settings.length > 0
    ? `as root: sysctl -w ${settings.join(" ")}`
    : "allow user namespaces in the container or security module that forbids them";
  return new Impossible(why, [remedy, AS_ROOT]);
}

function readSetting(path: string): string | null {
  try {
    return Deno.readTextFileSync(`/proc/sys/${path}`).trim();
  } catch {
    // Most kernels have only some of these settings; one that is not there forbids nothing.
    return null;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    // Without it there is nothing to enter, whatever the reason.
    return false;
  }
}
