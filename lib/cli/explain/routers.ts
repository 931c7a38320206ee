/** Which configurations speak of the same virtual router, and what each of them says of it. */

import type { Config, VrrpInstance } from "../../../config/mod.ts";
import type { Family } from "../../core/address.ts";

/** A configuration and the name that its router has in what is said. */
export interface RouterFile {
  readonly label: string;
  readonly config: Config;
}

/** What one router has of a virtual router. */
export interface Member {
  readonly label: string;
  readonly config: Config;
  readonly instance: VrrpInstance;
}

/** One virtual router, with the first file's instance first. */
export interface VirtualRouter {
  readonly vrid: number;
  readonly family: Family;
  readonly members: readonly [Member, ...Member[]];
}

/**
 * The virtual routers of the first file, with what the other files have of each: instances of the
 * same VRID and family, those of the same name first where there are several.
 */
export function virtualRouters([own, ...peers]: readonly [RouterFile, ...RouterFile[]]) {
  return own.config.instances.map((instance): VirtualRouter => {
    const others = peers.flatMap(({ label, config }): Member[] => {
      const same = config.instances.filter(({ virtualRouterId, family }) =>
        virtualRouterId === instance.virtualRouterId && family === instance.family
      );
      const found = same.find(({ name }) => name === instance.name) ?? same[0];
      return found === undefined ? [] : [{ label, config, instance: found }];
    });
    return {
      vrid: instance.virtualRouterId,
      family: instance.family,
      members: [{ ...own, instance }, ...others],
    };
  });
}
