import { askHandover } from "./ask_daemon.ts";

/**
 * `vigie restart`: the daemon becomes itself anew, with the configuration as it is now, without
 * letting go of anything that has stayed the same.
 *
 * @returns 0 if it has, 1 if not: then it goes on as before, as far as it can.
 */
export async function restartCommand(): Promise<number> {
  const end = await askHandover({ executable: null, replaced: null });
  if (end === null) return 1;
  (end.ok ? console.log : console.error)(`${end.text} (process ${end.pid})`);
  return end.ok ? 0 : 1;
}
