/**
 * A web server for the lab whose mood is in a file that is read at every request:
 * `deno run -A web.ts PORT FILE`. "200 text" and the like answer so, "slow" never answers.
 */

const [port, file] = Deno.args;

Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, async () => {
  const mood = Deno.readTextFileSync(file!).trim();
  if (mood === "slow") return await new Promise<Response>(() => {});
  const [status, ...words] = mood.split(" ");
  return new Response(words.join(" "), { status: Number(status) });
});
