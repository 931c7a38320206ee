import { mayMakeSegments, UnsupportedLink } from "../net/topology.ts";
import { Impossible } from "./demo/launch.ts";
import { demoInUserNamespace } from "./demo/privilege.ts";
import { tellStory } from "./demo/story.ts";
import { Terminal } from "./demo/terminal.ts";

/** What ends the demo early, with the exit codes that shells give to these signals (128 + number). */
const INTERRUPTIONS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * `vigie demo`: two routers and a client in namespaces made here; the master fails in three ways, and
 * what the client saw is measured. Nothing of it touches the network of this host, nothing is left.
 *
 * @param module The program's own module, for the daemons.
 * @returns 0; 1 if it cannot be given here or something did not come about; 128 + signal number.
 */
export async function demoCommand(module: string): Promise<number> {
  try {
    if (!mayMakeSegments()) return await demoInUserNamespace(module);
    return await untilInterrupted((signal) => tellStory(new Terminal(), module, signal));
  } catch (error) {
    for (const line of complaint(error)) console.error(line);
    return 1;
  }
}

/** Runs the demo, which a signal may end. @returns The exit code. */
async function untilInterrupted(demo: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const controller = new AbortController();
  const listeners = Object.entries(INTERRUPTIONS).map(([signal, code]) =>
    [signal as Deno.Signal, () => controller.abort(code)] as const
  );
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  try {
    await demo(controller.signal);
    return 0;
  } catch (error) {
    if (controller.signal.aborted) return controller.signal.reason as number;
    throw error;
  } finally {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  }
}

/** What went wrong, and what to do about it if that is known. */
function complaint(error: unknown): string[] {
  const why = error instanceof Error ? error.message : String(error);
  return [why, ...remedies(error).map((text, at) => `${at === 0 ? "  remedy:" : "  or:"} ${text}`)];
}

function remedies(error: unknown): readonly string[] {
  if (error instanceof Impossible) return error.remedies;
  if (!(error instanceof UnsupportedLink)) return [];
  return [`as root: modprobe ${error.kind}`, "use a kernel that has it built in"];
}
