/** vigie: the executable. In a worker it is the engine thread, elsewhere the command line. */

if ("WorkerGlobalScope" in globalThis) {
  const { engineThread } = await import("./lib/engine/worker.ts");
  engineThread(globalThis as unknown as Parameters<typeof engineThread>[0]);
} else {
  // Between two images of a daemon every millisecond counts: the engine loads meanwhile.
  if (Deno.env.has("VIGIE_HANDOVER")) {
    const { prepareEngine } = await import("./lib/engine/link.ts");
    prepareEngine(import.meta.url);
  }
  const { runCommandLine } = await import("./lib/cli/args.ts");
  Deno.exit(await runCommandLine(Deno.args, import.meta.url));
}
