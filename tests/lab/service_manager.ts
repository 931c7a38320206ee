/** A service manager that listens to what daemons tell it (sd_notify(3)). */

import { closeFd } from "../../ffi/fd.ts";
import { SOCKADDR_UN } from "../../ffi/layout.ts";
import { AF, bindSocket, openSocket, receive, SOCK } from "../../ffi/socket.ts";
import { until } from "./until.ts";

/** The service manager's end: a datagram socket at a path, or behind "@" an abstract name. */
export class Manager implements Disposable {
  readonly name: string;
  readonly told: string[] = [];
  readonly #fd = openSocket(AF.UNIX, SOCK.DGRAM, 0, "listen for notifications");
  readonly #folder = Deno.makeTempDirSync({ prefix: "vigie-notify-" });

  constructor(kind: "path" | "abstract") {
    const path = `${this.#folder}/socket`;
    this.name = kind === "path" ? path : `@${path}`;
    const text = new TextEncoder().encode(kind === "path" ? `${path}\0` : `\0${path}`);
    const address = new Uint8Array(SOCKADDR_UN.at.sun_path + text.length);
    new DataView(address.buffer).setUint16(0, AF.UNIX, true);
    address.set(text, SOCKADDR_UN.at.sun_path);
    bindSocket(this.#fd, address);
  }

  /** All assignments so far. */
  read(): readonly string[] {
    const buffer = new Uint8Array(4096);
    for (let length; (length = receive(this.#fd, buffer)) !== null;) {
      this.told.push(...new TextDecoder().decode(buffer.subarray(0, length)).split("\n"));
    }
    return this.told;
  }

  async heard(what: string | RegExp): Promise<void> {
    const matches = (line: string) => typeof what === "string" ? line === what : what.test(line);
    await until(() => this.read().some(matches), `the service manager to hear ${what}`);
  }

  count(what: string): number {
    return this.read().filter((line) => line === what).length;
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
