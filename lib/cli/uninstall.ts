import { DISABLE } from "../daemon/install/files.ts";
import { enabledLinks, initNamed } from "../daemon/install/detect.ts";
import { uninstall } from "../daemon/install/install.ts";
import { readManifest } from "../daemon/install/manifest.ts";
import { inWords, rootOf, stepLine } from "./install.ts";

/** How `vigie uninstall` is called. */
export interface UninstallOptions {
  /** As `vigie install` was given it. */
  readonly root?: string | undefined;
  readonly dryRun: boolean;
}

/**
 * `vigie uninstall`: removes what `vigie install` has put there, unless it was changed.
 *
 * @returns 0, or 1 with the reason on standard error: nothing is installed, or it is still enabled.
 */
export async function uninstallCommand({ root: named, dryRun }: UninstallOptions): Promise<number> {
  const root = rootOf(named);
  try {
    const obstacle = stillEnabled(root);
    if (obstacle !== null) throw new Error(obstacle);
    const steps = await uninstall(root, dryRun);
    if (steps === null) throw new Error("nothing is installed that vigie install put there");
    for (const step of steps) console.log(stepLine(step, root, dryRun));
    return 0;
  } catch (error) {
    console.error(`Cannot uninstall: ${inWords(error)}`);
    return 1;
  }
}

/** Without its service file, a service can no longer be stopped by its name. */
function stillEnabled(root: string): string | null {
  const init = initNamed(readManifest(root)?.init ?? "");
  if (init === null) return null;
  const [link] = enabledLinks(root, init);
  return link === undefined
    ? null
    : `vigie starts with this system (${root}${link}): first run ${DISABLE[init]}`;
}
