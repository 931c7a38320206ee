/**
 * A web server for the lab whose mood is in a file that is read at every request:
 * `deno run -A web.ts PORT FILE`. "200 text" and the like answer so, "slow" never answers, "flaps"
 * answers well every other time.
 */

const [port, file] = Deno.args;
let requests = 0;

Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, async () => {
  let mood = Deno.readTextFileSync(file!).trim();
  if (mood === "slow") return await new Promise<Response>(() => {});
  if (mood === "flaps") mood = requests++ % 2 === 0 ? "503" : "200 well";
  const [status, ...words] = mood.split(" ");
  return new Response(words.join(" "), { status: Number(status) });
});
