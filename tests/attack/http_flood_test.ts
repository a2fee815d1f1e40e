/**
 * Many slow sockets, and other protocols.
 *
 * @module
 */

import { match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient, upgradeHead } from "../support/client.ts";
import { handled } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const SOCKETS = 500;

/** A gateway, in this process or in another one. */
interface Served {
  connect(path: string): Promise<TestClient>;
  call(path: string, body: string, headers: Record<string, string>): Promise<{ text: string }>;
}

/** An honest client and an honest backend must be served now. */
async function assertServes(gateway: Served): Promise<void> {
  const client = await gateway.connect("honest");
  await handled(client);
  strictEqual(await client.ask('[2,"1","Echo",{"a":1}]'), '[3,"1",{"a":1}]');
  const answer = gateway.call("Act/honest/2", "{}", { prefer: "wait=10" });
  strictEqual(await client.next(), '[2,"2","Act",{}]');
  client.send('[3,"2",{"b":2}]');
  strictEqual((await answer).text, '{"b":2}');
  await client.close();
}

test("500 sockets with half a request each do not keep honest ones from being served", async (t) => {
  const upgrade = upgradeHead("/slow");
  const body =
    "POST /call/Act/nobody/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
  const halves: [name: string, text: string][] = [
    ["half an upgrade's head", upgrade.slice(0, upgrade.length / 2)],
    ["one letter", "G"],
    ["nothing", ""],
    ["a body of 100 bytes of which one came", body],
  ];
  for (const [name, text] of halves) {
    await t.step(name, async () => {
      await using backend = new RecordingBackend();
      backend.answer = ({ body }) => json(body);
      await using gateway = await TestGateway.start(backend.url);
      const sockets = await Promise.all(
        Array.from({ length: SOCKETS }, () => ByteSocket.connect(gateway.url)),
      );
      try {
        ok((await Promise.all(sockets.map((each) => each.write(text)))).every((isSent) => isSent));
        await assertServes(gateway);
        // A byte more for each, as a slow sender would.
        await Promise.all(sockets.map((each) => each.write(upgrade.charAt(text.length))));
        await assertServes(gateway);
      } finally {
        for (const socket of sockets) socket[Symbol.dispose]();
      }
      await assertServes(gateway);
      strictEqual((await gateway.api("/clients/slow")).status, 404);
    });
  }
});

test("500 WebSockets with half a frame each do not keep honest ones from being served", async (t) => {
  const call = frameBytes('[2,"1","Echo",{"slow":true}]');
  for (const length of [1, 2, 5, call.length - 1]) {
    await t.step(`${length} bytes of the frame`, async () => {
      await using backend = new RecordingBackend();
      backend.answer = ({ body }) => json(body);
      await using gateway = await TestGateway.start(backend.url);
      const sockets = await Promise.all(
        Array.from({ length: SOCKETS }, (_, i) => ByteSocket.upgrade(gateway.url, `/slow-${i}`)),
      );
      try {
        await Promise.all(sockets.map((each) => each.write(call.subarray(0, length))));
        await assertServes(gateway);
        strictEqual(backend.paths("/call/Echo/slow").length, 0);
        await Promise.all(sockets.map(async (socket) => {
          await socket.write(call.subarray(length));
          strictEqual(await socket.text(), '[3,"1",{"slow":true}]');
        }));
      } finally {
        for (const socket of sockets) socket[Symbol.dispose]();
      }
      await assertServes(gateway);
    });
  }
});

test("10,000 connections that come and go at once keep no honest one from being served, and none stays listed", async () => {
  await using backend = new RecordingBackend();
  backend.answer = ({ body }) => json(body);
  // A process of its own: of a client that goes in the moment of its upgrade the runtime keeps the
  // connection for good, and a test may leave none behind.
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--max-connections=1000"],
  ]);
  const url = await urlOf(program);
  const upgrade = upgradeHead("/gone");
  await Promise.all(Array.from({ length: 20 }, async (_, lane) => {
    for (let i = 0; i < 500; i++) {
      using socket = await ByteSocket.connect(url);
      // From nothing to a whole upgrade, whose response nobody reads; every second one is whole.
      const length = i % 2 === 0 ? upgrade.length : (lane * 500 + i) % upgrade.length;
      await socket.write(upgrade.slice(0, length));
    }
  }));
  const api = async (path: string, init: RequestInit = {}) => {
    const response = await inTime(fetch(url + path, init), path);
    return { status: response.status, text: await response.text() };
  };
  await assertServes({
    // All places may be taken until the gateway has seen that those who took them have gone.
    connect: async (path) => {
      let client!: TestClient;
      await until("an honest upgrade", async () => {
        client = new TestClient(`${url.replace("http", "ws")}/${path}`);
        return await client.opened.then(() => true, () => false);
      }, 30_000);
      return client;
    },
    call: (path, body, headers) => api(`/call/${path}`, { method: "POST", body, headers }),
  });
  // Upgrades that neither open nor end are given up after ten seconds.
  const sockets = async () => (await scrape({ api })).get("ws2api_sockets");
  await until("the end of the last socket", async () => await sockets() === 0, 30_000);
  strictEqual((await api("/clients/gone")).status, 404);
  program.signal("SIGTERM");
  strictEqual((await program.ended()).code, 0);
});

test("a frame in one packet with the upgrade is served", async () => {
  await using backend = new RecordingBackend();
  backend.answer = ({ body }) => json(body);
  await using gateway = await TestGateway.start(backend.url);
  using socket = await ByteSocket.connect(gateway.url);
  const frame = String.fromCharCode(...frameBytes('[2,"1","Echo",{"early":true}]'));
  await socket.write(upgradeHead("/early") + frame);
  match(await socket.head(), /^HTTP\/1\.1 101 /);
  strictEqual(await socket.text(), '[3,"1",{"early":true}]');
});

test("HTTP/2 is not spoken", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(100)}`);
  match(await socket.rest(), /^HTTP\/1\.1 400 |^$/);
  strictEqual((await gateway.api("/healthz")).status, 200);
});
