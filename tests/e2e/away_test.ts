import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, onClosedPort, RecordingBackend } from "../support/backend.ts";
import type { TestClient } from "../support/client.ts";
import { upgradeHead } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { testEachForwarder as test, TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { headerOf, rawAnswer, RawClient } from "../support/raw_client.ts";

const CLOSED = { code: 1013, reason: "backend away" };

function badGateway(): Response {
  return new Response("<h1>502</h1>", { status: 502 });
}

/** A backend that is not there any more, and its gateway. */
async function startAlone(
  { start }: Pick<typeof TestGateway, "start">,
  flags: readonly string[],
): Promise<{ gateway: TestGateway; port: number }> {
  const backend = await onClosedPort((port) => new RecordingBackend(port));
  const { port, url } = backend;
  await backend[Symbol.asyncDispose]();
  return { gateway: await start(url, flags), port };
}

/** One more may come in, as soon as the gateway has seen that the backend is back. */
async function whenBack(gateway: TestGateway): Promise<void> {
  await until("an upgrade to be let in", async () => {
    const { status } = await rawAnswer(gateway.url, upgradeHead("/looks"));
    return status === 101;
  });
}

/** The text frames and the close code that a client is left with. */
async function whatIsLeft(client: TestClient): Promise<[frames: readonly string[], code: number]> {
  const { code } = await client.whenClosed();
  return [client.left, code];
}

test("a backend that restarts is noticed by no client", async ({ TestGateway }) => {
  const { gateway, port } = await startAlone(TestGateway, ["--retries=0"]);
  await using _ = gateway;
  const clients = await Promise.all(
    Array.from({ length: 30 }, (_, i) => gateway.connect(`CP${i}`)),
  );
  const answers = clients.map(async (client) => {
    const answers: string[] = [];
    for (const id of ["2", "3"]) answers.push(await client.ask(`[2,"${id}","Heartbeat",{}]`));
    return answers;
  });
  // All of them have found that there is nobody, or wait because it is known.
  await until(
    "the CALLs to wait",
    async () => (await scrape(gateway)).get("ws2api_held_calls") === 30,
  );
  await using backend = await RecordingBackend.again(port);
  for (const each of answers) deepStrictEqual(await each, ['[3,"2",{}]', '[3,"3",{}]']);
  strictEqual(backend.paths("/call/").length, 60);
  const series = await scrape(gateway);
  strictEqual(series.get("ws2api_held_calls"), 0);
  strictEqual(series.get("ws2api_backend_away"), 0);
  deepStrictEqual(
    [...series].filter(([name, value]) =>
      name.startsWith("ws2api_connections_closed") && value > 0
    ),
    [],
  );
});

test("while the backend is away a client with a CALL is closed, and keeps it; others stay", async ({ TestGateway, forwarder }) => {
  const startedAt = Date.now() / 1000;
  const { gateway, port } = await startAlone(TestGateway, ["--away-hold=300ms"]);
  await using _ = gateway;
  const [waits, idle, comes] = await Promise.all(
    ["waits", "idle", "comes"].map((id) => gateway.connect(id)),
  ) as [TestClient, TestClient, TestClient];
  strictEqual((await gateway.call("Reset/waits/r1")).status, 202);
  await waits.next("[2,");
  for (const id of ["1", "2", "3"]) waits.send(`[2,"${id}","StopTransaction",{}]`);
  deepStrictEqual(await waits.whenClosed(), CLOSED);
  deepStrictEqual(waits.left, []);
  // Its CALL does not wait any more.
  comes.send('[2,"1","StopTransaction",{}]');
  deepStrictEqual([await comes.whenClosed(), comes.left], [CLOSED, []]);
  for (const id of ["new", "idle"]) {
    const { status, head } = await rawAnswer(gateway.url, upgradeHead(`/${id}`));
    strictEqual(status, 503);
    match(headerOf(head, "retry-after") ?? "", /^([5-9]|[12]\d|30)$/);
  }
  const series = await scrape(gateway);
  strictEqual(series.get("ws2api_backend_away"), 1);
  const since = series.get("ws2api_backend_out_since_seconds") ?? 0;
  ok(since >= startedAt && since <= Date.now() / 1000);
  strictEqual(series.get('ws2api_connections_closed_total{reason="backend_away"}'), 2);
  strictEqual(series.get('ws2api_dropped_calls_total{type="call"}'), 4);
  strictEqual(series.get('ws2api_upgrades_refused_total{reason="backend"}'), 2);

  await using backend = await RecordingBackend.again(port);
  await whenBack(gateway);
  strictEqual((await scrape(gateway)).get("ws2api_backend_out_since_seconds"), 0);
  strictEqual(await idle.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
  const { body } = await backend.next("/error/Reset/waits/r1");
  match(JSON.parse(body).description, /the backend is away/);
  deepStrictEqual(backend.paths("/call/"), ["/call/Heartbeat/idle/1"], "no CALL came later");
  const looks = backend.requests.filter(({ method }) => method === "GET");
  ok(looks.length > 0 && looks.every(({ path, body }) => path === "/" && body === ""), forwarder);
});

test("with --backend-away answer a CALL gets an error, and clients are let in", async ({ TestGateway }) => {
  const { gateway, port } = await startAlone(TestGateway, [
    "--away-hold=300ms",
    "--backend-away=answer",
  ]);
  await using _ = gateway;
  const client = await gateway.connect("CP1");
  const error = /^\[4,"\d","InternalError","the backend is away",\{\}\]$/;
  match(await client.ask('[2,"1","Heartbeat",{}]'), error);
  const other = await gateway.connect("CP2");
  match(await other.ask('[2,"2","Heartbeat",{}]'), error);
  strictEqual((await scrape(gateway)).get("ws2api_backend_away"), 1);
  await using _backend = await RecordingBackend.again(port);
  await until(
    "an answer",
    async () => (await client.ask('[2,"3","Heartbeat",{}]')).startsWith("[3"),
  );
  strictEqual(await other.ask('[2,"4","Heartbeat",{}]'), '[3,"4",{}]');
});

Deno.test("a backend whose proxy answers 502 for five seconds is away, until one answer is another", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--connect-hook",
    "--disconnect-hook",
  ]);
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => gateway.connect(`CP${i}`)),
  );
  const idle = await gateway.connect("idle");
  backend.answer = ({ path }) => path.startsWith("/connect/") ? json("{}") : badGateway();
  async function callOn(client: TestClient): Promise<void> {
    const isClosed = (): boolean => client.socket.readyState !== WebSocket.OPEN;
    for (let id = 0; !isClosed(); id++) {
      client.send(`[2,"${id}","Heartbeat",{}]`);
      await until("an answer or the close", () => isClosed() || client.left.length > id);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  await inTime(Promise.all(clients.map(callOn)), "all to be closed", 30_000);
  for (const client of clients) {
    for (const frame of client.left) {
      match(frame, /^\[4,"\d+","InternalError","the backend answered 502/);
    }
    ok(client.left.length > 5, "as long as it may be a hiccup");
  }
  for (const client of clients) deepStrictEqual(await client.whenClosed(), CLOSED);
  deepStrictEqual(JSON.parse((await backend.next("/disconnect/CP0")).body), CLOSED);
  // Nobody is asked about a client that is not let in.
  const asked = backend.paths("/connect/").length;
  strictEqual((await rawAnswer(gateway.url, upgradeHead("/new"))).status, 503);
  strictEqual(backend.paths("/connect/").length, asked);
  backend.answer = () => json("{}");
  await whenBack(gateway);
  strictEqual(await idle.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
});

Deno.test("while it is away because of its answers, a CALL a second goes through to it", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--backend-away=answer"]);
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => gateway.connect(`CP${i}`)),
  );
  backend.answer = badGateway;
  const isAway = async (): Promise<boolean> => {
    for (const client of clients) {
      match(await client.ask('[2,"1","Heartbeat",{}]'), /^\[4,"1","Int/);
    }
    return (await scrape(gateway)).get("ws2api_backend_away") === 1;
  };
  await until("the backend to be away", isAway);
  const before = backend.paths("/call/").length;
  for (let i = 0; i < 50; i++) await isAway();
  ok(backend.paths("/call/").length - before < 100, "of 1,000");
  backend.answer = () => json("{}");
  await until("an answer", async () => {
    const answer = await clients[0]!.ask('[2,"2","Heartbeat",{}]');
    return answer === '[3,"2",{}]';
  });
});

Deno.test("a shutdown does not wait for CALLs that wait for the backend", async (t) => {
  for (const backendAway of ["close", "answer"] as const) {
    await t.step(backendAway, async () => {
      const { gateway } = await startAlone(TestGateway, [
        `--backend-away=${backendAway}`,
        "--away-hold=60s",
        "--drain-timeout=60s",
      ]);
      const client = await gateway.connect("CP1");
      client.send('[2,"1","Heartbeat",{}]');
      await until(
        "the CALL to wait",
        async () => (await scrape(gateway)).get("ws2api_held_calls") === 1,
      );
      await gateway.shutdown();
      const [frames, code] = await whatIsLeft(client);
      strictEqual(code, 1001);
      deepStrictEqual(
        frames.map((frame) => JSON.parse(frame).slice(0, 3)),
        backendAway === "close" ? [] : [[4, "1", "InternalError"]],
      );
      await gateway[Symbol.asyncDispose]();
    });
  }
});

Deno.test("a client that does not read its close is not asked for its CALLs again", async () => {
  const { gateway, port } = await startAlone(TestGateway, ["--away-hold=200ms"]);
  await using _ = gateway;
  using client = await RawClient.connect(gateway, "/CP1");
  await client.send('[2,"1","Heartbeat",{}]');
  await until(
    "the backend to be away",
    async () => (await scrape(gateway)).get("ws2api_backend_away") === 1,
  );
  await client.send('[2,"2","Heartbeat",{}]');
  await using backend = await RecordingBackend.again(port);
  await whenBack(gateway);
  deepStrictEqual(backend.paths("/call/"), []);
});
