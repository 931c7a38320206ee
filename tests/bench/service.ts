/**
 * A service to be checked, as a program of its own: it answers every request over HTTP with 200,
 * closes connections that ask nothing, and counts both. For each line on its standard input it
 * prints the two counts. Usage: deno run -A service.ts PORT
 */

const ANSWER = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
);

/** Requests to be answered are short: one read has them. */
const REQUEST_BYTES = 4096;

let connections = 0, requests = 0;

async function serve(connection: Deno.TcpConn): Promise<void> {
  connections++;
  try {
    const length = await connection.read(new Uint8Array(REQUEST_BYTES));
    if (length === null) return;
    requests++;
    await connection.write(ANSWER);
  } catch {
    // Who checks may reset the connection as soon as it stands: that is a check, too.
  } finally {
    connection.close();
  }
}

async function accept(listener: Deno.TcpListener): Promise<void> {
  for await (const connection of listener) void serve(connection);
}

void accept(Deno.listen({ hostname: "0.0.0.0", port: Number(Deno.args[0]) }));
console.log("listening");
for await (const _ of Deno.stdin.readable) console.log(JSON.stringify({ connections, requests }));
Deno.exit(0);
