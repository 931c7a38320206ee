/** The command tree. Each command is a file beside this one. */

import { Command, CommanderError } from "@commander-js/extra-typings";
import { EXIT } from "../daemon/daemon.ts";
import { checkCommand } from "./check.ts";
import { runCommand } from "./run.ts";
import { VERSION } from "./version.ts";

/**
 * Runs the command that the arguments name.
 *
 * @param module The program's own module, for the engine thread.
 * @returns The exit code.
 */
export async function runCommandLine(args: readonly string[], module: string): Promise<number> {
  let code: number = EXIT.ok;
  const finish = (answer: number) => void (code = answer);
  const program = new Command("vigie")
    .description("Keeps a virtual IP address alive: VRRP, and the health of what is behind it")
    .version(`vigie ${VERSION}`, "-v, --version")
    .exitOverride();
  const file = ["-f, --file <file>", "the configuration; default /etc/vigie/vigie.conf"] as const;
  program.command("run")
    .description("the daemon, in the foreground, logging to standard error")
    .option(...file)
    .option("--no-realtime", "no real-time priority for the engine thread")
    .action(async (options) => finish(await runCommand(options, module)));
  program.command("check")
    .description("what is wrong with a configuration, where, and what to do about it")
    .option(...file)
    .option("--json", "problems as JSON", false)
    .option("--strict", "warnings count as errors", false)
    .action(async (options) => finish(await checkCommand(options.file, options)));
  program.command("demo")
    .description("two routers and a client in namespaces made here; a failover, measured")
    .action(async () => {
      const { demoCommand } = await import("./demo.ts");
      finish(await demoCommand(module));
    });
  program.command("version")
    .description("the version of vigie and of what it runs on")
    .action(() =>
      console.log(`vigie ${VERSION} (Deno ${Deno.version.deno}, ${Deno.build.target})`)
    );
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode;
  }
  return code;
}
