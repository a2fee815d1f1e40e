import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { FollowedRow } from "../../lib/cluster/followed.ts";
import type { Departure } from "../../lib/client/departures.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { EventReader } from "../support/event_reader.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { TailReader } from "../support/tail_reader.ts";

/** The frames of this many events together, without what depends on time. */
async function framesOf(tail: TailReader, count: number): Promise<unknown[][]> {
  return (await tail.frames(count)).map(({ direction, type, messageId, action, text }) => [
    ...[direction, type, messageId, action, text],
  ]);
}

/** What is told of a row beside its time and connection. */
function told(row: FollowedRow): unknown[] {
  switch (row.kind) {
    case "connected":
      return [row.kind, row.protocol, row.remoteAddress];
    case "disconnected":
      return [row.kind, row.code, row.cause];
    case "frame":
      return [row.direction, row.number, row.action ?? row.type];
    case "gap":
      return [row.why];
  }
}

Deno.test("a tail shows the frames of one client, and their payloads only on demand", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = () => json('{"b":2.0}');
  const client = await connected(gateway, "C%C3%A9");
  const other = await connected(gateway, "other");
  await using tail = await TailReader.open(gateway.url, "Cé");
  await using payloads = await TailReader.open(gateway.url, "Cé", { payloads: true });
  for (const reader of [tail, payloads]) await reader.connection();
  await other.ask('[2,"o","Act",{}]');
  await client.ask('[2,"1","Act",{"a":1.0}]');
  deepStrictEqual(await framesOf(tail, 2), [
    ["in", "call", "1", "Act", null],
    ["out", "result", "1", null, null],
  ]);
  deepStrictEqual((await framesOf(payloads, 2)).map((frame) => frame[4]), [
    '[2,"1","Act",{"a":1.0}]',
    '[3,"1",{"b":2.0}]',
  ]);
  client.send("no frame");
  deepStrictEqual((await framesOf(tail, 1))[0], ["in", null, null, null, null]);
});

Deno.test("a tail follows the client over to its next connection", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await using tail = await TailReader.open(gateway.url, "CP1");
  deepStrictEqual(await tail.connection(), { connectionId: null, missing: null });
  const first = await connected(gateway);
  const { connectionId } = await tail.connection();
  await first.ask('[2,"1","Act",{}]');
  // Each has said something that is no frame before.
  deepStrictEqual((await framesOf(tail, 4))[2]?.[2], "1");
  await first.close();
  deepStrictEqual(await tail.connection(), { connectionId: null, missing: null });
  const second = await connected(gateway);
  ok((await tail.connection()).connectionId! > connectionId!);
  await second.ask('[2,"2","Act",{}]');
  deepStrictEqual((await framesOf(tail, 4))[2]?.[2], "2");
});

Deno.test("a client that comes, sends and goes at once is seen, each time", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = () => json("{}");
  await using tail = await TailReader.open(gateway.url, "CP1");
  for (let i = 0; i < 3; i++) {
    const client = new TestClient(`${gateway.url.replace("http", "ws")}/CP1`);
    await inTime(client.opened, "the upgrade");
    await client.ask('[2,"1","BootNotification",{}]');
    await client.close();
  }
  const once = [
    ["connected", "ocpp1.6", "127.0.0.1"],
    ["in", 1, "BootNotification"],
    ["out", 2, "result"],
    ["disconnected", 1005, "client"],
  ];
  deepStrictEqual((await tail.rows(12)).map(told), [...once, ...once, ...once]);
});

Deno.test("with --no-tail nobody sees frames", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--no-tail"]);
  await connected(gateway);
  for (const payloads of [false, true]) {
    await using stream = await EventReader.open(TailReader.url(gateway.url, "CP1", payloads));
    strictEqual((await stream.next("tail-refused")).reason, "no_tail");
  }
});

Deno.test("what is no ClientId has no tail, and the rest is told", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const id of ["a%2Fb", "", "..", "a".repeat(256)]) {
    await using stream = await EventReader.open(`${gateway.url}/status/stream?tail=${id}`);
    strictEqual((await stream.next("tail-refused")).reason, "no_client_id");
    ok((await stream.next("snapshot")).at > 0);
  }
  for (const path of ["/status/tail", "/status/tail/CP1"]) {
    assertProblem(await gateway.api(path), 404);
  }
});

Deno.test("with workers each of them shows all: numbers, faults and frames", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--workers=2", "--drain-timeout=1s"],
  ]);
  const url = await urlOf(program);
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  // So many that both workers get some: 2 to the power of -19 is never.
  const clients: TestClient[] = [];
  for (let i = 0; i < 20; i++) {
    const client = new TestClient(`${url.replace("http", "ws")}/CP${i}`);
    clients.push(client);
    await inTime(client.opened, "the upgrade");
    await client.ask("no frame");
  }
  await using stream = await EventReader.open(`${url}/status/stream`, { client: http });
  const faults = await stream.next("faults");
  deepStrictEqual(
    [...new Set(faults.map(({ thread }: { thread: number }) => thread))].sort(),
    [1, 2],
  );
  const snapshot = await stream.next("snapshot");
  deepStrictEqual([snapshot.workers, snapshot.connections["ocpp1.6"]], [2, 20]);
  // Both workers are asked, by connections of their own, for clients of both.
  for (let i = 0; i < 8; i++) {
    await using tail = await TailReader.open(url, `CP${i}`, { payloads: true, client: http });
    await tail.connection(({ connectionId }) => connectionId !== null);
    await clients[i]!.ask('[2,"1","Act",{"a":1.0}]');
    strictEqual((await framesOf(tail, 2))[0]?.[4], '[2,"1","Act",{"a":1.0}]');
  }
  await Promise.all(clients.map((client) => client.close()));
  await stream.next("snapshot", ({ closed }) => closed === 20);
  // Both see who went from both, and what the main thread wrote of all.
  for (let i = 0; i < 8; i++) {
    await using again = await EventReader.open(`${url}/status/stream`, { client: http });
    const { points, startedAt } = await again.next("history");
    const { startedAt: run } = await again.next("snapshot");
    strictEqual(startedAt, run);
    ok(points.some(({ connections }: { connections: number }) => connections === 20));
    const departures = await again.next("departures");
    deepStrictEqual(
      departures.map(({ clientId, cause, code }: Departure) => [clientId, cause, code]).sort(),
      clients.map((_, i) => [`CP${i}`, "client", 1005]).sort(),
    );
  }
  // One that comes anew is seen from its first frame on, whichever worker it comes to.
  await using tail = await TailReader.open(url, "anew", { client: http });
  for (let i = 0; i < 8; i++) {
    const client = new TestClient(`${url.replace("http", "ws")}/anew`);
    await inTime(client.opened, "the upgrade");
    await client.ask('[2,"1","Act",{}]');
    await client.close();
    const rows = await tail.rows(4);
    deepStrictEqual(rows.map(({ kind }) => kind), ["connected", "frame", "frame", "disconnected"]);
  }
});
