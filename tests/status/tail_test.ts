import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Departure } from "../../lib/client/departures.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { EventReader } from "../support/event_reader.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { startProgram, urlOf } from "../support/program.ts";

/** The frames of this many events together, without what depends on time. */
async function framesOf(tail: EventReader, count: number): Promise<unknown[][]> {
  const frames: unknown[][] = [];
  while (frames.length < count) {
    for (const { direction, type, messageId, action, text } of (await tail.next("frames")).frames) {
      frames.push([direction, type, messageId, action, text]);
    }
  }
  return frames;
}

Deno.test("a tail shows the frames of one client, and their payloads only on demand", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = () => json('{"b":2.0}');
  const client = await connected(gateway, "C%C3%A9");
  const other = await connected(gateway, "other");
  await using tail = await EventReader.open(`${gateway.url}/status/tail/C%C3%A9`);
  await using payloads = await EventReader.open(`${gateway.url}/status/tail/C%C3%A9?payloads=1`);
  for (const reader of [tail, payloads]) await reader.next("connection");
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
  await using tail = await EventReader.open(`${gateway.url}/status/tail/CP1`);
  deepStrictEqual(await tail.next("connection"), { connectionId: null });
  const first = await connected(gateway);
  const { connectionId } = await tail.next("connection");
  await first.ask('[2,"1","Act",{}]');
  await framesOf(tail, 2);
  await first.close();
  deepStrictEqual(await tail.next("connection"), { connectionId: null });
  const second = await connected(gateway);
  strictEqual((await tail.next("connection")).connectionId > connectionId, true);
  await second.ask('[2,"2","Act",{}]');
  deepStrictEqual((await framesOf(tail, 2))[0]?.[2], "2");
});

Deno.test("with --no-tail nobody sees frames", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--no-tail"]);
  await connected(gateway);
  assertProblem(await gateway.api("/status/tail/CP1"), 403);
  assertProblem(await gateway.api("/status/tail/CP1?payloads=1"), 403);
});

Deno.test("what is no ClientId has no tail", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const path of ["a%2Fb", "%FF", "", "a".repeat(256)]) {
    assertProblem(await gateway.api(`/status/tail/${path}`), 400);
  }
  assertProblem(await gateway.api("/status/tail"), 404);
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
    const path = `/status/tail/CP${i}?payloads=1`;
    await using tail = await EventReader.open(url + path, { client: http });
    await tail.next("connection", ({ connectionId }) => connectionId !== null);
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
});
