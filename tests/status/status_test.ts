import { BodyRoom } from "../../lib/api/body.ts";
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Departures } from "../../lib/client/departures.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Clients } from "../../lib/cluster/clients.ts";
import type { Token } from "../../lib/config/token.ts";
import type { HttpRequest } from "../../lib/request.ts";
import { type LogFields, silentLog } from "../../lib/log/log.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import { History } from "../../lib/status/history.ts";
import type { Snapshot } from "../../lib/status/snapshot.ts";
import { Status } from "../../lib/status/status.ts";
import { RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { EventReader } from "../support/event_reader.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { TailReader } from "../support/tail_reader.ts";

Deno.test("the stream tells what is counted, again and again", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await using stream = await EventReader.open(`${gateway.url}/status/stream`);
  const first = await stream.next("snapshot");
  deepStrictEqual([first.version, first.workers, first.opened], ["0.0.0-test", 1, 0]);
  ok(first.residentBytes > 0 && first.at > first.startedAt);
  const client = await connected(gateway);
  client.send('[2,"1","Heartbeat",{}]');
  await client.next('[3,"1"');
  const { connections, opened, framesIn, faults, callSeconds } = await stream.next(
    "snapshot",
    ({ framesOut }) => framesOut.result === 1,
  );
  deepStrictEqual([connections["ocpp1.6"], opened, framesIn.call, faults], [1, 1, 1, 1]);
  strictEqual(callSeconds.counts.length, callSeconds.bounds.length + 1);
  strictEqual(callSeconds.counts.reduce((a: number, b: number) => a + b, 0), 1);
});

Deno.test("the stream tells who went, by reason and one by one", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await (await connected(gateway, "CP1")).close();
  await using stream = await EventReader.open(`${gateway.url}/status/stream`);
  deepStrictEqual(await stream.next("history"), { startedAt: 0, points: [] });
  const { closedBy, refusedBy } = await stream.next("snapshot", ({ closed }) => closed === 1);
  deepStrictEqual([closedBy, refusedBy], [{ client: 1 }, {}]);
  const [gone] = await stream.next("departures");
  const { clientId, protocol, remoteAddress, cause, code, at, connectedAt } = gone;
  deepStrictEqual([clientId, protocol, cause, code], ["CP1", "ocpp1.6", "client", 1005]);
  strictEqual(remoteAddress, "127.0.0.1");
  ok(at >= connectedAt);
  await connected(gateway, "CP2");
  strictEqual((await gateway.api("/clients/CP2", { method: "DELETE" })).status, 204);
  const later = await stream.next("departures");
  deepStrictEqual(
    later.map(({ clientId, cause }: Record<string, unknown>) => [clientId, cause]),
    [["CP2", "operator"]],
  );
});

Deno.test("who comes later has the history of the seconds before, whole or behind what he has", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const url = `${gateway.url}/status/stream`;
  const ats = async (query: string): Promise<number[]> => {
    await using stream = await EventReader.open(url + query);
    const { points } = await stream.next("history");
    return points.map(({ at }: { at: number }) => at);
  };
  await until("two points", async () => (await ats("")).length >= 2);
  const [first, second] = await ats("");
  ok(first! < second!);
  strictEqual((await ats(`?run=0&after=${first}`))[0], second);
  // Of another run.
  strictEqual((await ats(`?run=1&after=${first}`))[0], first);
  assertProblem(await gateway.api("/status/stream?after=x"), 400);
});

Deno.test("frames of a client come in the same stream, and what may not be told ends nothing", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "C%C3%A9%20%2B");
  await using stream = await EventReader.open(`${gateway.url}/status/stream?tail=C%C3%A9+%2B`);
  ok((await stream.next("tail-connection")).connectionId !== null);
  await client.ask('[2,"1","Act",{"a":1}]');
  const { rows } = await stream.next("tail-frames", ({ isFirst }) => !isFirst);
  deepStrictEqual([rows[0].action, rows[0].text], ["Act", null]);
  await stream.next("snapshot");
  for (const bad of ["a%2Fb", "", "a".repeat(256), "%EF%BF%BD%00"]) {
    await using none = await EventReader.open(`${gateway.url}/status/stream?tail=${bad}`);
    strictEqual((await none.next("tail-refused")).reason, "no_client_id");
    await none.next("snapshot");
  }
  await using closed = await TestGateway.start(backend.url, ["--no-tail"]);
  await using other = await EventReader.open(`${closed.url}/status/stream?tail=CP1`);
  strictEqual((await other.next("tail-refused")).reason, "no_tail");
  await other.next("snapshot", ({ at }) => at > 0);
});

Deno.test("all who look at the same time are told the same snapshot", async () => {
  let taken = 0;
  const clock = new FakeClock();
  const status = new Status({
    clients: {} as Clients,
    snapshot: () => ({ at: ++taken } as Snapshot),
    faults: new RecentFaults(systemClock),
    departures: new Departures(systemClock),
    history: new History(),
    ...{ startedAt: 0, instance: undefined, clock, log: silentLog, needsToken: false },
    ...{
      noTail: false,
      isShuttingDown: () => false,
      clientsAt: { port: null, path: "/" },
      allowedActions: new Set<string>(),
      maxMessageBytes: 1024,
      checkedBodies: new BodyRoom(1024),
    },
  });
  const request = new Request("http://127.0.0.1/status/stream") as unknown as HttpRequest;
  const responses = Array.from({ length: 16 }, () => status.stream(request, {} as Token));
  strictEqual(taken, 1);
  await microtasks();
  clock.tick(1000);
  await microtasks();
  strictEqual(taken, 2);
  status.close();
  await Promise.all(responses.map((response) => response.body!.cancel()));
});

Deno.test("the stream tells of recent faults, and of new ones as they come", async () => {
  await using backend = new RecordingBackend();
  const faults = new RecentFaults(systemClock);
  const log = faults.watch(silentLog);
  await using gateway = await TestGateway.start(backend.url, [], log, undefined, faults);
  log.warn("before", { clientId: "CP1" });
  await using stream = await EventReader.open(`${gateway.url}/status/stream`);
  const [before] = await stream.next("faults");
  deepStrictEqual([before.event, before.fields], ["before", { clientId: "CP1" }]);
  log.error("after");
  const after = await stream.next("faults");
  deepStrictEqual(after.map(({ event }: { event: string }) => event), ["after"]);
});

Deno.test("a stream that fails is logged, and the gateway goes on", async () => {
  await using backend = new RecordingBackend();
  class Broken extends RecentFaults {
    override since(): never {
      throw new Error("broken");
    }
  }
  const logged: unknown[] = [];
  const log = {
    ...silentLog,
    error: (event: string, fields?: LogFields) => logged.push([event, fields]),
  };
  await using gateway = await TestGateway.start(
    backend.url,
    [],
    log,
    undefined,
    new Broken(systemClock),
  );
  await using stream = await EventReader.open(`${gateway.url}/status/stream`);
  await stream.whenEnded();
  deepStrictEqual(logged, [["a status stream failed", { error: "Error: broken" }]]);
  strictEqual((await gateway.api("/")).status, 200);
});

Deno.test("a page that could not be made is made for the next one who asks", async () => {
  let times = 0;
  const status = new Status({
    clients: {} as Clients,
    snapshot: () => ({} as Snapshot),
    faults: new RecentFaults(systemClock),
    departures: new Departures(systemClock),
    history: new History(),
    startedAt: 0,
    instance: undefined,
    clock: new FakeClock(),
    log: silentLog,
    get needsToken() {
      if (++times === 1) throw new Error("broken");
      return false;
    },
    noTail: false,
    clientsAt: { port: null, path: "/" },
    isShuttingDown: () => false,
    allowedActions: new Set(),
    maxMessageBytes: 1024,
    checkedBodies: new BodyRoom(1024),
  });
  await rejects(status.page(), /broken/);
  strictEqual((await status.page()).status, 200);
  await status.page();
  strictEqual(times, 2);
});

Deno.test("all but the page needs the token", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret"]);
  await connected(gateway);
  const html = await gateway.api("/", { headers: { accept: "text/html" } });
  strictEqual(html.status, 200);
  const paths = ["/", "/status/stream", "/status/stream?tail=CP1", "/status/clients", "/status/x"];
  for (const path of paths) {
    await t.step(path, async () => {
      for (const authorization of [undefined, "Bearer wrong"]) {
        const headers = authorization === undefined ? {} : { authorization };
        const answer = await gateway.api(path, { headers });
        assertProblem(answer, 401);
        strictEqual(answer.headers.get("www-authenticate"), "Bearer");
      }
    });
  }
  const headers = { authorization: "Bearer s3cret" };
  await using stream = await EventReader.open(`${gateway.url}/status/stream`, { headers });
  await stream.next("snapshot");
  strictEqual((await gateway.api("/status/x", { headers })).status, 404);
  assertProblem(await gateway.api("/status/stream", { method: "POST", headers }), 405);
});

Deno.test("16 may read the stream, with frames or without; one that goes makes room", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const urls = ["/status/stream", "/status/stream?tail=CP1"].map((path) => gateway.url + path);
  const readers: EventReader[] = [];
  for (let i = 0; i < 16; i++) readers.push(await EventReader.open(urls[i % 2]!));
  for (const url of urls) {
    const refused = await gateway.api(url.slice(gateway.url.length));
    assertProblem(refused, 503);
    ok(Number(refused.headers.get("retry-after")) > 0);
  }
  await readers.pop()![Symbol.asyncDispose]();
  // The gateway hears of it a moment later.
  for (;;) {
    const reader = await EventReader.open(urls[0]!).catch(() => undefined);
    if (reader === undefined) continue;
    readers.push(reader);
    break;
  }
  for (const reader of readers) await reader[Symbol.asyncDispose]();
});

Deno.test("a shutdown ends the streams at once, and lets nobody begin one", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--drain-timeout=10s"]);
  const client = await connected(gateway);
  backend.answer = () => new Promise((resolve) => answer = () => resolve(new Response("{}")));
  let answer = () => {};
  // This is under way, and the drain waits for it.
  client.send('[2,"1","Slow",{}]');
  await backend.next();
  const stream = await EventReader.open(`${gateway.url}/status/stream`);
  const tail = await TailReader.open(gateway.url, "CP1");
  const isDown = gateway.shutdown();
  await stream.whenEnded();
  await tail.whenEnded();
  await rejects(EventReader.open(`${gateway.url}/status/stream`), /^Error: 503 /);
  answer();
  await isDown;
});

Deno.test("/status/clients lists clients with what they are about", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const busy = await connected(gateway, "busy");
  await connected(gateway, "idle", { protocols: [] });
  await gateway.call("Act/busy/1");
  await gateway.call("Act/busy/2");
  await busy.next('[2,"1"');
  const read = async (query: string) =>
    JSON.parse((await gateway.api(`/status/clients${query}`)).text);
  const { total, clients, next } = await read("");
  deepStrictEqual([total, next], [2, null]);
  const states = clients.map((one: Record<string, unknown>) =>
    ["id", "protocol", "framesIn", "framesOut", "waiting", "outstanding"].map((name) => one[name])
  );
  deepStrictEqual(
    states,
    [["busy", "ocpp1.6", 1, 2, 1, 1], ["idle", null, 1, 1, 0, 0]],
  );
  ok(clients.every((one: { lastActivityAt: string }) => Date.parse(one.lastActivityAt) > 0));
  const found = await read("?search=DL&limit=1");
  deepStrictEqual([found.total, found.clients[0].id, found.next], [1, "idle", null]);
  deepStrictEqual((await read("?limit=1")).next, "busy");
  for (const limit of ["0", "51", "x"]) {
    assertProblem(await gateway.api(`/status/clients?limit=${limit}`), 400);
  }
});
