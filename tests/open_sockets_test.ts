/** Sockets by name: opened once, shared, closed when nobody needs them. */

import assert from "node:assert/strict";
import { ERRNO, SysError } from "../ffi/errno.ts";
import { OpenSockets } from "../lib/net/open_sockets.ts";
import type { VrrpSocket } from "../lib/net/vrrp_socket.ts";

/** Sockets that only note what becomes of them. */
function staged() {
  const did: string[] = [], names = new Map<VrrpSocket, string>();
  const sockets = new OpenSockets({
    opened: (socket) => did.push(`watch ${names.get(socket)}`),
    closing: (socket) => did.push(`unwatch ${names.get(socket)}`),
  });
  const open = (name: string, type: string, needed: Set<string>, refused?: SysError) => {
    const user = { spec: { router: { authentication: { type } } }, socketError: null };
    const socket = sockets.open(name, user, needed, {
      make: (protocol) => {
        if (refused !== undefined) throw refused;
        const made = { close: () => did.push(`close ${names.get(made)}`) } as unknown as VrrpSocket;
        names.set(made, `${name} ${protocol}`);
        return made;
      },
      ready: (socket) => did.push(`ready ${names.get(socket)}`),
    });
    return { socket, error: user.socketError as string | null };
  };
  return { sockets, did, open };
}

Deno.test("OpenSockets opens a socket once for all who share its name", () => {
  const { did, open } = staged(), needed = new Set<string>();
  const first = open("a", "none", needed), second = open("a", "none", needed);
  assert.equal(first.socket, second.socket);
  assert.deepEqual(did, ["watch a vrrp", "ready a vrrp", "ready a vrrp"]);
});

Deno.test("OpenSockets has a second socket for who signs with AH, and answers with the first", () => {
  const { sockets, open } = staged(), needed = new Set<string>();
  const { socket } = open("a", "ah", needed);
  assert.deepEqual(sockets.all().map(([name]) => name), ["a", "a ah"]);
  assert.equal(sockets.all()[0]![1], socket);
  assert.deepEqual([...needed], ["a", "a ah"]);
});

Deno.test("OpenSockets closes what nobody needs, no longer watched, and nothing else", () => {
  const { sockets, did, open } = staged(), needed = new Set<string>();
  open("a", "none", needed);
  open("b", "none", new Set());
  did.length = 0;
  sockets.closeOthers(needed);
  assert.deepEqual(did, ["unwatch b vrrp", "close b vrrp"]);
  assert.deepEqual(sockets.all().map(([name]) => name), ["a"]);
  sockets.closeOthers(new Set());
  assert.deepEqual(did.slice(2), ["unwatch a vrrp", "close a vrrp"]);
});

Deno.test("OpenSockets tells a user why there is no socket, and keeps none", () => {
  const { sockets, did, open } = staged();
  const refused = new SysError("socket", ERRNO.EPERM, "open VRRP socket");
  const { socket, error } = open("a", "none", new Set(), refused);
  assert.deepEqual([socket, sockets.all().length, did.length], [null, 0, 0]);
  assert.match(error!, /open VRRP socket/);
});
