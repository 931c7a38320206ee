/** The Ethernet between test machines: this process is the hub, so nothing touches a real network. */

import { join } from "node:path";
import { type Ip, ip, ipBytes, macBytes, parseMac } from "../../lib/core/address.ts";
import { type Bytes, concatBytes } from "../../lib/core/bytes.ts";
import { type AdvertFrame, type ArpFrame, decodeFrame, type Frame } from "./frames.ts";
import { TIMEOUT_MS, until } from "./until.ts";

/** qemu's "-netdev stream" puts each frame behind its length, 4 bytes, big-endian. */
const LENGTH_BYTES = 4;

/** The hub's own address, locally administered; 192.0.2.250 is not given to machines. */
const HUB_MAC = macBytes(parseMac("02:00:00:00:00:fa")!);
const HUB_IP = ip("192.0.2.250");

/** A machine's plug. */
interface Plug {
  readonly listener: Deno.UnixListener;
  connection: Deno.UnixConn | null;
  /** Writes one after the other. */
  written: Promise<void>;
}

/** A hub with a socket for each machine; it keeps every frame. */
export class Cable implements AsyncDisposable {
  /** All frames so far, `at` in microseconds of this process's clock. */
  readonly frames: Frame[] = [];
  readonly #folder: string;
  readonly #plugs: Plug[] = [];
  readonly #readers: Promise<void>[] = [];

  /** @param folder Where the sockets go. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new plug for one machine. @returns The path of its socket. */
  plug(): string {
    const path = join(this.#folder, `plug-${this.#plugs.length}`);
    const listener = Deno.listen({ transport: "unix", path });
    const plug: Plug = { listener, connection: null, written: Promise.resolve() };
    this.#plugs.push(plug);
    this.#readers.push(this.#read(plug));
    return path;
  }

  /** The adverts so far of one sender. */
  adverts(source: string): AdvertFrame[] {
    return this.frames.filter((frame) => frame.kind === "advert")
      .filter((frame) => frame.source === source);
  }

  /** Asks by ARP who has an address, again and again. @returns The Ethernet address that answers. */
  async whoHas(address: Ip): Promise<string> {
    const from = this.frames.length;
    const isAnswer = (frame: Frame): frame is ArpFrame =>
      frame.kind === "arp" && frame.operation === 2 && frame.senderIp === address &&
      frame.targetIp === HUB_IP;
    let answer: ArpFrame | undefined, asked = 0;
    await until(
      () => {
        if (performance.now() - asked > 500) {
          asked = performance.now();
          this.#send(arpRequest(address), null);
        }
        answer = this.frames.slice(from).find(isAnswer);
        return answer !== undefined;
      },
      `somebody to say that it has ${address}`,
      TIMEOUT_MS,
    );
    return answer!.senderMac;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { listener, connection } of this.#plugs) {
      listener.close();
      if (connection !== null) closeQuietly(connection);
    }
    await Promise.all(this.#readers);
    await Promise.all(this.#plugs.map(({ written }) => written));
  }

  async #read(plug: Plug): Promise<void> {
    try {
      plug.connection = await plug.listener.accept();
      for await (const frame of framesOf(plug.connection.readable)) {
        this.frames.push(decodeFrame(frame, performance.now() * 1000, false));
        this.#send(frame, plug);
      }
    } catch {
      // The machine was switched off, or the test is over.
    }
    plug.connection = null;
  }

  /** To all but the sender. */
  #send(frame: Bytes, sender: Plug | null): void {
    const packed = new Uint8Array(LENGTH_BYTES + frame.length);
    new DataView(packed.buffer).setUint32(0, frame.length);
    packed.set(frame, LENGTH_BYTES);
    for (const plug of this.#plugs) {
      const { connection } = plug;
      if (plug === sender || connection === null) continue;
      // A machine that is switched off loses what is sent to it.
      plug.written = plug.written.then(() => writeAll(connection, packed)).catch(() => {});
    }
  }
}

/** Frames out of a stream of lengths and frames. */
async function* framesOf(stream: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
  let rest: Bytes = new Uint8Array();
  for await (const chunk of stream) {
    rest = concatBytes(rest, chunk);
    for (;;) {
      if (rest.length < LENGTH_BYTES) break;
      const end = LENGTH_BYTES + new DataView(rest.buffer, rest.byteOffset).getUint32(0);
      if (rest.length < end) break;
      yield rest.slice(LENGTH_BYTES, end);
      rest = rest.slice(end);
    }
  }
}

/** RFC 826: who has an address? To all. */
function arpRequest(address: Ip): Bytes {
  const toAll = Array<number>(6).fill(0xff), unknown = Array<number>(6).fill(0);
  const head = [0, 1, 0x08, 0, 6, 4, 0, 1];
  const ends = [...HUB_MAC, ...ipBytes(HUB_IP), ...unknown, ...ipBytes(address)];
  return Uint8Array.from([...toAll, ...HUB_MAC, 0x08, 0x06, ...head, ...ends]);
}

async function writeAll(connection: Deno.UnixConn, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // It has ended by itself.
  }
}
