import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import type { InstanceState } from "../../lib/cluster/survey.ts";
import { EventReader } from "../support/event_reader.ts";
import { NatsServer, testWithNats } from "../support/nats.ts";
import { startProgram, urlOf } from "../support/program.ts";

/** So many that both workers of both programs get some. */
const CLIENTS = 16;

testWithNats("workers of several programs are one gateway over NATS", async (t) => {
  await using nats = await NatsServer.start();
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  const flags = [
    ...["--workers=2", "--listen=127.0.0.1:0", "--drain-timeout=1s"],
    ...[`--backend=${backend.url}`, `--nats=${nats.url}`],
  ];
  await using first = startProgram(flags);
  await using second = startProgram(flags);
  const urls = [await urlOf(first), await urlOf(second)];
  // A connection of its own for each request, so that any worker may get it.
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const ask = async (url: string, path: string, init: RequestInit = {}) => {
    const response = await inTime(fetch(url + path, { ...init, client: http }), path);
    return { status: response.status, text: await response.text() };
  };
  for (const url of urls) {
    await until("NATS", async () => {
      const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => ask(url, "/readyz")));
      return answers.every(({ status }) => status === 200);
    });
  }
  const clients: TestClient[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = new TestClient(`${urls[i % 2]!.replace("http", "ws")}/CP${i}`);
    await inTime(client.opened, "an upgrade");
    client.socket.addEventListener("message", ({ data }) => {
      const [type, id] = JSON.parse(String(data));
      if (type === 2) client.send(`[3,"${id}",{"of":"CP${i}"}]`);
    });
    clients.push(client);
  }

  await t.step("any program lists all clients, each once", async () => {
    for (const url of urls) {
      await until("all clients", async () => {
        const { text } = await ask(url, "/clients");
        return JSON.parse(text).total === CLIENTS;
      });
    }
  });
  await t.step("any program tells of each, once and not by its workers", async () => {
    for (const url of urls) {
      await using stream = await EventReader.open(`${url}/status/stream`, { client: http });
      const { list } = await stream.next("instances", ({ complete }) => complete);
      deepStrictEqual(
        list.map(({ clients, host }: InstanceState) => [clients, host]),
        Array(2).fill([CLIENTS / 2, Deno.hostname()]),
      );
      deepStrictEqual(list.map(({ self }: { self: boolean }) => self).sort(), [false, true]);
    }
  });
  await t.step("any program reaches all clients", async () => {
    for (const [n, url] of urls.entries()) {
      for (let i = 0; i < CLIENTS; i++) {
        const init = { method: "POST", body: "{}", headers: { prefer: "wait=5" } };
        const answer = await ask(url, `/call/Reset/CP${i}/w${n}`, init);
        deepStrictEqual(answer, { status: 200, text: `{"of":"CP${i}"}` });
      }
    }
  });
  await t.step("each accepted CALL has one outcome on the backend", async () => {
    for (const [n, url] of urls.entries()) {
      for (let i = 0; i < CLIENTS; i++) {
        const { status } = await ask(url, `/call/Reset/CP${i}/a${n}`, {
          method: "POST",
          body: "{}",
        });
        strictEqual(status, 202);
      }
    }
    await until("all outcomes", () => backend.paths("/result/").length >= 2 * CLIENTS);
    strictEqual(new Set(backend.paths("/result/")).size, 2 * CLIENTS);
    strictEqual(backend.paths("/result/").length, 2 * CLIENTS);
    deepStrictEqual(backend.paths("/error/"), []);
  });
  await t.step("a client that connects to the other program leaves this one", async () => {
    const again = new TestClient(`${urls[1]!.replace("http", "ws")}/CP0`);
    await inTime(again.opened, "an upgrade");
    const { code, reason } = await inTime(clients[0]!.closed, "the older one's end");
    deepStrictEqual([code, reason], [1008, "replaced"]);
    clients[0] = again;
  });
  for (const client of clients) await client.close();
});
