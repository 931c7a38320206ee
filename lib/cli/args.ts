/** The command tree. Each command is a file beside this one. */

import { Command, CommanderError } from "@commander-js/extra-typings";
import { EXIT } from "../daemon/daemon.ts";
import { GUARD_COMMAND, REHEARSE_COMMAND } from "../daemon/handover_words.ts";
import { logStyle, stderrLogger } from "../daemon/logger.ts";
import { checkCommand } from "./check.ts";
import { commandWords, isCalledKeepalived, KEEPALIVED } from "./keepalived_name.ts";
import { runCommand } from "./run.ts";
import { VERSION } from "./version.ts";

/**
 * Runs the command that the arguments name.
 *
 * @param module The program's own module, for the engine thread.
 * @returns The exit code.
 */
export async function runCommandLine(args: readonly string[], module: string): Promise<number> {
  const isNamed = args[0] === KEEPALIVED;
  // What the daemon starts of itself may bear its name, and is no keepalived.
  const isInternal = [GUARD_COMMAND, REHEARSE_COMMAND].some((command) => command === args[0]);
  if (isNamed || !isInternal && isCalledKeepalived(commandWords())) {
    const { keepalivedCommand } = await import("./keepalived.ts");
    return await keepalivedCommand(args.slice(isNamed ? 1 : 0), module);
  }
  let code: number = EXIT.ok;
  const finish = (answer: number) => void (code = answer);
  const program = new Command("vigie")
    .description("Keeps a virtual IP address alive: VRRP, and the health of what is behind it")
    .version(`vigie ${VERSION}`, "-v, --version")
    .exitOverride();
  const file = ["-f, --file <file>", "the configuration; default /etc/vigie/vigie.conf"] as const;
  const uci = ["--uci", "the configuration is OpenWrt's; default /etc/config/keepalived"] as const;
  const id = [
    "--id <id>",
    'keeps lines behind "@ID"; default the host name up to the first dot',
  ] as const;
  program.command("run")
    .description("the daemon, in the foreground, logging to standard error")
    .option(...file)
    .option(...uci)
    .option(...id)
    .option("--no-realtime", "no real-time priority for the engine thread")
    .action(async (options) => finish(await runCommand(options, module)));
  program.command("check")
    .description("what is wrong with a configuration, where, and what to do about it")
    .option(...file)
    .option(...uci)
    .option(...id)
    .option("--json", "problems as JSON", false)
    .option("--strict", "warnings count as errors", false)
    .option("--peer <file...>", "the configuration of another router, to compare", [] as string[])
    .action(async (options) => finish(await checkCommand(options, options)));
  program.command("explain")
    .description("who holds the addresses when what fails, in how long, and why")
    .option(...file)
    .option(...uci)
    .option(...id)
    .option("--peer <file...>", "the configuration of another router", [] as string[])
    .option("--json", "the same as JSON", false)
    .action(async (options) => {
      const { explainCommand } = await import("./explain.ts");
      finish(await explainCommand(options, options));
    });
  program.command("modernize")
    .description("the configuration with its scripts replaced by built-in checks, each explained")
    .option(...file)
    .option(...uci)
    .option("--write", "replace the file and keep the old one, instead of printing", false)
    .action(async (options) => {
      const { modernizeCommand } = await import("./modernize.ts");
      finish(await modernizeCommand(options, options));
    });
  program.command("install")
    .description("puts this program, its service and a commented configuration in place")
    .option("--root <dir>", "a folder that stands for /, such as an image in the making")
    .option("--prefix <dir>", "the program goes to sbin/vigie in it", "/usr")
    .option("--init <name>", "procd, systemd, openrc or sysvinit; default: the one that is there")
    .option("--exec <file>", "the program to copy; default: the running one")
    .option("--dry-run", "only say what would be done", false)
    .action(async (options) => {
      const { installCommand } = await import("./install.ts");
      finish(await installCommand(options, module));
    });
  program.command("uninstall")
    .description("takes away what install has put there and nobody has changed")
    .option("--root <dir>", "as install was given it")
    .option("--dry-run", "only say what would be done", false)
    .action(async (options) => {
      const { uninstallCommand } = await import("./uninstall.ts");
      finish(await uninstallCommand(options));
    });
  program.command("demo")
    .description("two routers and a client in namespaces made here; a failover, measured")
    .action(async () => {
      const { demoCommand } = await import("./demo.ts");
      finish(await demoCommand(module));
    });
  program.command("healthcheck")
    .description("exit 0 if the daemon of this network namespace runs, else 1")
    .action(async () => {
      const { healthcheckCommand } = await import("./healthcheck.ts");
      finish(await healthcheckCommand());
    });
  program.command("keepalived")
    .description("takes keepalived's options and does as keepalived does; see keepalived -h")
    .helpOption(false);
  program.command("dump")
    .description("state and counters of all instances as keepalived's JSON")
    .action(async () => {
      const { dumpCommand } = await import("./dump.ts");
      finish(await dumpCommand());
    });
  program.command("restart")
    .description("the running daemon begins again without letting go of anything")
    .action(async () => {
      const { restartCommand } = await import("./restart.ts");
      finish(await restartCommand());
    });
  program.command("reload")
    .description("the running daemon reads its configuration again; a bad one changes nothing")
    .action(async () => {
      const { reloadCommand } = await import("./reload.ts");
      finish(await reloadCommand());
    });
  program.command("plan")
    .description("what a reload would change, and whether an address would move")
    .option("-f, --file <file>", "the new configuration; default the one that the daemon runs")
    .option(...uci)
    .option("--from <file>", "compare with this one, and ask no daemon")
    .option("--json", "the plan as JSON", false)
    .action(async (options) => {
      const { planCommand } = await import("./plan.ts");
      finish(await planCommand(options));
    });
  program.command("upgrade")
    .description("another executable takes the place of the running one, and can be taken back")
    .argument("<file>", "the new executable, or its https:// address")
    .option("--sha256 <hex>", "what its SHA-256 must be; default FILE.sha256, if there is one")
    .option("--key <pubkey>", "ed25519 key, or a file with it; default /etc/vigie/upgrade.pub")
    .option("--executable <path>", "the file to replace; default the one that the daemon runs")
    .action(async (source, options) => {
      const { upgradeCommand } = await import("./upgrade.ts");
      finish(await upgradeCommand(source, options));
    });
  program.command(REHEARSE_COMMAND, { hidden: true })
    .action(async () => {
      const { rehearse } = await import("../daemon/handover_rehearsal.ts");
      finish(await rehearse(module, VERSION));
    });
  program.command(GUARD_COMMAND, { hidden: true })
    .argument("<setup>")
    .action(async (setup) => {
      const { guardCommand } = await import("../daemon/handover_guard.ts");
      finish(guardCommand(setup, stderrLogger(logStyle(Deno.env))));
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
