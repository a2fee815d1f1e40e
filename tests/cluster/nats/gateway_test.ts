import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { closedPort, json, RecordingBackend } from "../../support/backend.ts";
import type { TestClient } from "../../support/client.ts";
import { until } from "../../support/deadline.ts";
import {
  KeptLog,
  NatsCluster,
  NatsGateway,
  NatsServer,
  testWithNats as test,
} from "../../support/nats.ts";
import { assertProblem } from "../../support/problem.ts";
import { EventReader } from "../../support/event_reader.ts";

/** Two gateways on one NATS. */
class Pair implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly backend: RecordingBackend;
  readonly a: NatsGateway;
  readonly b: NatsGateway;

  private constructor(
    nats: NatsServer,
    backend: RecordingBackend,
    [a, b]: readonly [NatsGateway, NatsGateway],
  ) {
    this.nats = nats;
    this.backend = backend;
    this.a = a;
    this.b = b;
  }

  static async start(
    { flags = [], config = "" }: { flags?: readonly string[]; config?: string } = {},
  ): Promise<Pair> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await NatsServer.startToRestart(config));
    const backend = stack.use(new RecordingBackend());
    const start = async (): Promise<NatsGateway> =>
      stack.use(await NatsGateway.ready(backend.url, nats.url, flags));
    const pair = new Pair(nats, backend, [await start(), await start()]);
    stack.move();
    return pair;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
    await this.nats[Symbol.asyncDispose]();
  }
}

/** Answers each CALL with the CALLRESULT of its own payload. */
function echo(client: TestClient): void {
  client.socket.addEventListener("message", ({ data }) => {
    const [type, id] = JSON.parse(String(data));
    const payload = String(data).slice(String(data).indexOf("{"), -1);
    if (type === 2) client.send(`[3,"${id}",${payload}]`);
  });
}

test("a CALL on one instance reaches the client of another, whose answer goes to the backend", async () => {
  await using pair = await Pair.start();
  const { a, b, backend } = pair;
  const path = encodeURIComponent("a.b >*é😀");
  const client = await b.connect(path);
  const payload = '{"a":1.0,"n":12345678901234567890,"u":"\\u00e9"}';
  const { status, headers } = await a.call(`Reset/${path}/r1`, payload);
  deepStrictEqual([status, headers.get("ws2api-outcome")], [202, "queued"]);
  strictEqual(await client.next("[2,"), `[2,"r1","Reset",${payload}]`);
  assertProblem(await a.call(`Reset/${path}/r1`), 409, "not-sent");
  client.send(`[3,"r1",{"status":1.0}]`);
  const result = await backend.next("/result/");
  deepStrictEqual([result.path, result.body], [`/result/Reset/${path}/r1`, '{"status":1.0}']);
  await a.call(`Reset/${path}/r2`);
  await client.next("[2,");
  client.send('[4,"r2","GenericError","no",{"d":1.0}]');
  const error = await backend.next("/error/");
  strictEqual(error.body, '{"code":"GenericError","description":"no","details":{"d":1.0}}');
  assertProblem(await a.call("Reset/nobody/r3"), 404, "not-sent");
  strictEqual(backend.requests.length, 2);
});

test("Prefer: wait is answered over instances as on one", async (t) => {
  await using pair = await Pair.start();
  const { a, b, backend } = pair;
  const client = await b.connect("CP1");
  const rows: [id: string, end: () => void | Promise<unknown>, status: number, outcome: string][] =
    [
      ["result", () => client.send('[3,"result",{"x":1.0}]'), 200, "answered"],
      ["error", () => client.send('[4,"error","Code","text",{}]'), 422, "answered"],
      ["late", () => {}, 504, "sent"],
      ["gone", () => client.close(), 410, "sent"],
    ];
  const bodies: string[] = [];
  for (const [id, end, status, outcome] of rows) {
    await t.step(id, async () => {
      const answer = a.call(`Reset/CP1/${id}`, "{}", { prefer: "wait=1" });
      await client.next(`[2,"${id}"`);
      await end();
      const { headers, ...got } = await answer;
      deepStrictEqual([got.status, headers.get("ws2api-outcome")], [status, outcome], got.text);
      strictEqual(headers.get("preference-applied"), "wait=1");
      bodies.push(got.text);
      // Late, and dropped: nobody waits for it any more.
      if (id === "late") client.send('[3,"late",{}]');
    });
  }
  strictEqual(bodies[0], '{"x":1.0}');
  deepStrictEqual(JSON.parse(bodies[1]!), { code: "Code", description: "text", details: {} });
  deepStrictEqual(backend.requests, []);
});

test("a SEND reaches a client of another instance, and only one that speaks it", async () => {
  await using pair = await Pair.start();
  const { a, b } = pair;
  const client = await b.connect("CP1", "ocpp2.1");
  await b.connect("CP2");
  const send = (path: string) => a.api(`/send/${path}`, { method: "POST", body: '{"v":1.0}' });
  strictEqual((await send("Notify/CP1/s1")).status, 202);
  strictEqual(await client.next("[6,"), '[6,"s1","Notify",{"v":1.0}]');
  assertProblem(await send("Notify/CP2/s1"), 409, "not-sent");
  assertProblem(await send("Notify/nobody/s1"), 404, "not-sent");
});

test("a client that connects to another instance takes over, whichever way it goes", async () => {
  await using pair = await Pair.start({ flags: ["--disconnect-hook"] });
  const { a, b, backend } = pair;
  let current = await a.connect("CP1");
  for (const gateway of [b, a, b]) {
    const next = await gateway.connect("CP1");
    deepStrictEqual(await current.whenClosed(), { code: 1008, reason: "replaced" });
    strictEqual(JSON.parse((await backend.next("/disconnect/CP1")).body).code, 1008);
    current = next;
    for (const asked of [a, b]) {
      strictEqual((await asked.api("/clients/CP1")).status, 200);
      strictEqual((await asked.list()).total, 1);
    }
  }
});

test("connections of one client to all instances at once: the newest of them stays", async () => {
  await using pair = await Pair.start();
  const { a, b, backend } = pair;
  await using c = await NatsGateway.ready(backend.url, pair.nats.url);
  const gateways = [a, b, c];
  const clients = Array.from({ length: 30 }, (_, i) => gateways[i % 3]!.begin("CP1"));
  await Promise.all(clients.map((client) => client.opened));
  const open = () => clients.filter(({ socket }) => socket.readyState === WebSocket.OPEN);
  await until("one of them left", () => open().length === 1);
  const connections = await Promise.all(
    gateways.map(async (gateway) =>
      JSON.parse((await gateway.api("/clients/CP1")).text).connection
    ),
  );
  deepStrictEqual(new Set(connections).size, 1);
  echo(open()[0]!);
  for (const gateway of gateways) {
    strictEqual((await gateway.call("Act/CP1/m", "{}", { prefer: "wait=5" })).status, 200);
  }
});

test("what is larger than NATS takes: 413 for a CALL, and an answer's way back ends in words", async () => {
  await using pair = await Pair.start({ config: "max_payload: 8KB" });
  const { a, b, backend } = pair;
  const client = await b.connect("CP1");
  const large = JSON.stringify({ s: "x".repeat(9000) });
  for (const headers of [{}, { prefer: "wait=2" }]) {
    assertProblem(await a.call("Act/CP1/m1", large, headers), 413, "not-sent");
  }
  const answer = a.call("Act/CP1/m2", "{}", { prefer: "wait=5" });
  await client.next('[2,"m2"');
  client.send(`[3,"m2",${large}]`);
  assertProblem(await answer, 410, "sent");
  // The one for the backend does not go over NATS.
  strictEqual((await a.call("Act/CP1/m3")).status, 202);
  await client.next('[2,"m3"');
  client.send(`[3,"m3",${large}]`);
  strictEqual((await backend.next("/result/Act/CP1/m3")).body, large);
  strictEqual((await b.call("Act/CP1/m4", large)).status, 202, "without NATS between");
});

test("/clients lists those of all instances, page by page, and DELETE finds its client", async () => {
  await using pair = await Pair.start();
  const { a, b, backend } = pair;
  await using c = await NatsGateway.ready(backend.url, pair.nats.url);
  const gateways = [a, b, c];
  const ids = Array.from({ length: 25 }, (_, i) => `CP${100 + i}`);
  const clients = new Map<string, TestClient>();
  for (const [i, id] of ids.entries()) clients.set(id, await gateways[i * 7 % 3]!.connect(id));
  for (const gateway of gateways) {
    const seen: string[] = [];
    let query = "?limit=7";
    for (let next: string | null = ""; next !== null;) {
      const page = await gateway.list(query);
      strictEqual(page.total, 25);
      strictEqual(page.ids.length, page.next === null ? 25 % 7 : 7);
      seen.push(...page.ids);
      next = page.next;
      query = `?limit=7&after=${next}`;
    }
    deepStrictEqual(seen, ids);
  }
  for (const id of ids.slice(0, 6)) {
    strictEqual((await a.api(`/clients/${id}`, { method: "DELETE" })).status, 204);
    deepStrictEqual(await clients.get(id)!.whenClosed(), {
      code: 1000,
      reason: "closed by the operator",
    });
    strictEqual((await a.api(`/clients/${id}`, { method: "DELETE" })).status, 404);
    strictEqual((await c.api(`/clients/${id}`)).status, 404);
  }
  strictEqual((await b.list()).total, 19);
});

test("while NATS is away local clients are served, CALLs to others get 503, and all comes back", async () => {
  await using pair = await Pair.start();
  const { nats, a, b, backend } = pair;
  const local = await a.connect("CP1");
  const remote = await b.connect("CP2");
  const older = await b.connect("CP3");
  echo(remote);
  await nats.kill();
  await a.whenReady(false);
  await b.whenReady(false);
  match((await a.api("/readyz?strict")).text, /other instances/);
  // Its own clients are served, so a proxy goes on sending it new ones.
  strictEqual((await a.api("/readyz")).status, 200);
  strictEqual((await a.api("/healthz")).status, 200);
  const paths: [path: string, method: string][] = [
    ["/call/Act/CP2/m1", "POST"],
    ["/call/Act/nobody/m1", "POST"],
    ["/send/Act/CP2/m1", "POST"],
    ["/clients/CP2", "GET"],
    ["/clients/CP2", "DELETE"],
  ];
  for (const [path, method] of paths) {
    const answer = await a.api(path, { method });
    assertProblem(answer, 503);
    ok(Number(answer.headers.get("retry-after")) > 0, path);
    const outcome = answer.headers.get("ws2api-outcome");
    strictEqual(outcome, path.startsWith("/clients") ? null : "not-sent");
  }
  // The own clients are served both ways, and listed.
  strictEqual((await a.call("Act/CP1/m2")).status, 202);
  await local.next('[2,"m2"');
  local.send('[3,"m2",{}]');
  await backend.next("/result/Act/CP1/m2");
  strictEqual(await local.ask('[2,"c1","Heartbeat",{}]'), '[3,"c1",{}]');
  deepStrictEqual((await a.list()).ids, ["CP1"]);
  const newer = await a.connect("CP3");
  const late = await a.connect("CP4");
  echo(late);
  await nats.restart();
  await a.whenReady();
  await b.whenReady();
  deepStrictEqual(await older.whenClosed(), { code: 1008, reason: "replaced" });
  strictEqual(newer.socket.readyState, WebSocket.OPEN);
  strictEqual((await b.call("Act/CP4/m3", "{}", { prefer: "wait=5" })).status, 200);
  strictEqual((await a.call("Act/CP2/m4", "{}", { prefer: "wait=5" })).status, 200);
  deepStrictEqual((await b.list()).ids, ["CP1", "CP2", "CP3", "CP4"]);
  assertProblem(await a.call("Act/nobody/m5"), 404, "not-sent");
});

test("NATS away at the start, or with a password that is wrong, keeps no gateway from its clients", async (t) => {
  const port = closedPort();
  const rows: [name: string, config: string | undefined][] = [
    ["away", undefined],
    ["another password", "authorization { user: u, password: other }"],
  ];
  for (const [name, config] of rows) {
    await t.step(name, async () => {
      const strict = config === undefined ? undefined : await NatsServer.start(config, { port });
      await using backend = new RecordingBackend();
      const log = new KeptLog();
      const nats = `nats://u:p@127.0.0.1:${port}`;
      await using gateway = await NatsGateway.start(backend.url, nats, [], log);
      await until(
        "a word of it",
        () =>
          log.count("error nats cannot be reached, still trying") +
              log.count("error nats refuses the login, still trying") === 1,
      );
      const client = await gateway.connect("CP1");
      echo(client);
      strictEqual((await gateway.call("Act/CP1/m1", "{}", { prefer: "wait=5" })).status, 200);
      strictEqual((await gateway.api("/readyz")).status, 503);
      assertProblem(await gateway.call("Act/CP2/m1"), 503, "not-sent");
      await strict?.[Symbol.asyncDispose]();
      await using _right = await NatsServer.start("authorization { user: u, password: p }", {
        port,
      });
      await gateway.whenReady();
      await using other = await NatsGateway.ready(backend.url, nats);
      strictEqual((await other.call("Act/CP1/m2", "{}", { prefer: "wait=5" })).status, 200);
      // Which of both, may change with what is there, and each is told once.
      ok(log.count("nats cannot be reached") <= 1 && log.count("nats refuses the login") <= 1);
      ok(!log.lines.some((line) => line.includes("u:p")), "no password in the log");
    });
  }
});

test("a client's instance that loses its NATS server goes to another one", async () => {
  await using cluster = await NatsCluster.start();
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  await using a = await NatsGateway.ready(backend.url, cluster.servers[0]!.url);
  // In a cluster the servers tell of each other.
  await using b = await NatsGateway.ready(backend.url, cluster.servers[1]!.url);
  const client = await b.connect("CP1");
  echo(client);
  const reach = async (): Promise<boolean> =>
    (await a.call("Act/CP1/m", "{}", { prefer: "wait=5" })).status === 200;
  await until("the client from the other server", reach, 5000);
  await cluster.servers[1]!.kill();
  await until("the client over another server", reach, 5000);
  strictEqual(client.socket.readyState, WebSocket.OPEN);
});

test("the status page of one instance shows clients and frames of the other", async () => {
  await using pair = await Pair.start();
  const { a, b, backend } = pair;
  backend.answer = () => json('{"b":2.0}');
  const client = await b.connect("Site.1");
  await b.connect("other");
  const read = async (query: string) => JSON.parse((await a.api(`/status/clients${query}`)).text);
  const { total, clients: [found] } = await read("?search=site");
  deepStrictEqual([total, found.id, found.framesIn, found.framesOut], [1, "Site.1", 1, 1]);
  await using tail = await EventReader.open(`${a.url}/status/tail/Site.1?payloads=1`);
  strictEqual((await tail.next("connection")).connectionId, found.connection);
  await client.ask('[2,"1","Act",{"a":1.0}]');
  strictEqual((await tail.next("frames")).frames[0].text, '[2,"1","Act",{"a":1.0}]');
});

test("each instance tells of all, and that one does not answer", async () => {
  await using pair = await Pair.start();
  const { a, b, nats } = pair;
  await b.connect("CP1");
  await b.connect("CP2");
  await using stream = await EventReader.open(`${a.url}/status/stream`);
  const { instance: own } = await stream.next("snapshot");
  const { list, complete } = await stream.next(
    "instances",
    ({ list, complete }) => complete && list.length === 2,
  );
  strictEqual(complete, true);
  deepStrictEqual(
    list.map(({ self, clients, version }: Record<string, unknown>) => [self, clients, version])
      .sort(),
    [[false, 2, "0.0.0-test"], [true, 0, "0.0.0-test"]],
  );
  strictEqual(list.find(({ self }: { self: boolean }) => self).instance, own);
  await nats.kill();
  await using later = await EventReader.open(`${a.url}/status/stream`);
  const alone = ({ list, complete }: { list: unknown[]; complete: boolean }) =>
    !complete && list.length === 1;
  strictEqual((await later.next("instances", alone)).list[0].self, true);
});

test("a DELETE has all instances ask the backend about the client anew, wherever it comes back", async () => {
  await using pair = await Pair.start({ flags: ["--connect-hook"] });
  const { a, b, backend } = pair;
  backend.answer = () =>
    new Response(null, { status: 204, headers: { "cache-control": "max-age=60" } });
  /** Connects and goes. */
  const asks = async (gateway: NatsGateway, id = "CP1"): Promise<number> => {
    const before = backend.paths("/connect/").length;
    await (await gateway.connect(id)).close();
    return backend.paths("/connect/").length - before;
  };
  for (const gateway of [a, b]) {
    deepStrictEqual([await asks(gateway), await asks(gateway)], [1, 0]);
    strictEqual(await asks(gateway, "CP2"), 1);
  }
  const client = await b.connect("CP1");
  await until("its place", async () => (await a.api("/clients/CP1")).status === 200);
  strictEqual((await a.api("/clients/CP1", { method: "DELETE" })).status, 204);
  await client.whenClosed();
  for (const gateway of [b, a]) {
    deepStrictEqual([await asks(gateway), await asks(gateway)], [1, 0]);
    strictEqual(await asks(gateway, "CP2"), 0);
  }
});

test("a NATS server that freezes is left for another one soon", async () => {
  await using cluster = await NatsCluster.start();
  await using backend = new RecordingBackend();
  const log = new KeptLog();
  await using a = await NatsGateway.ready(backend.url, cluster.servers[0]!.url);
  // It hears of the others from the one that it is told of.
  await using b = await NatsGateway.ready(backend.url, cluster.servers[1]!.url, [], log);
  await b.connect("CP1");
  await until("the client", async () => (await a.api("/clients/CP1")).status === 200);
  const start = performance.now();
  cluster.servers[1]!.freeze();
  await until("another server", () => log.count("info nats connected") === 2);
  // Pings that are three times as far apart, and the frozen one tried first, make it 12 s.
  ok(performance.now() - start < 9000);
  await until("the client again", async () => (await a.api("/clients/CP1")).status === 200);
  match(log.lines.join("\n"), /warn nats disconnected.*"serverName":"n1"/);
  match(log.lines.join("\n"), /info nats connected.*"serverName":"n[02]","awayMs":\d+/);
});
