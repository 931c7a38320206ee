/** vigie: the executable. In a worker it is the engine thread, elsewhere the command line. */

if ("WorkerGlobalScope" in globalThis) {
  const { engineThread } = await import("./lib/engine/worker.ts");
  engineThread(globalThis as unknown as Parameters<typeof engineThread>[0]);
} else {
  const { runCommandLine } = await import("./lib/cli/args.ts");
  Deno.exit(await runCommandLine(Deno.args, import.meta.url));
}
