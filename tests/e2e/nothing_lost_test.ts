import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  closedPort,
  json,
  onClosedPort,
  RawBackend,
  RecordingBackend,
  write,
} from "../support/backend.ts";
import { testEachForwarder as test, TestGateway } from "../support/gateway.ts";

test("an outcome is posted again until the backend takes it, under one Webhook-Id", async ({ TestGateway, t }) => {
  for (const failure of ["408", "425", "429", "500", "503", "cut", "hang"]) {
    await t.step(failure, async () => {
      let tries = 0;
      await using backend = new RawBackend(async (conn) => {
        tries++;
        if (tries === 2) return await write(conn, "HTTP/1.1 204 No Content\r\n\r\n");
        if (failure === "hang") return;
        if (failure !== "cut") {
          await write(
            conn,
            `HTTP/1.1 ${failure} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          );
        }
        conn.close();
      });
      await using gateway = await TestGateway.start(backend.url, [
        "--backend-timeout=1s",
        "--drain-timeout=10s",
      ]);
      const client = await gateway.connect("CP1");
      strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
      await client.next();
      client.send('[3,"r1",{"status":"Accepted"}]');
      await client.close();
      // The shutdown waits until the backend has it.
      await gateway.shutdown();
      strictEqual(tries, 2);
      const ids = backend.requests.map((request) => /^webhook-id: (.*)\r$/im.exec(request)?.[1]);
      match(ids[0]!, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      strictEqual(ids[1], ids[0]);
      for (const request of backend.requests) {
        match(request, /^POST \/result\/Reset\/CP1\/r1 HTTP\/1.1\r\n/);
        ok(request.endsWith('\r\n\r\n{"status":"Accepted"}'));
      }
    });
  }
});

test("any other status to an outcome is final", async ({ TestGateway, t }) => {
  for (const status of [200, 302, 400, 404, 409]) {
    await t.step(String(status), async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url);
      backend.answer = () => new Response(null, { status });
      const client = await gateway.connect("CP1");
      await gateway.call("Reset/CP1/r1");
      await client.next();
      client.send('[3,"r1",{}]');
      await client.close();
      await gateway.shutdown();
      deepStrictEqual(backend.paths(), ["/result/Reset/CP1/r1"]);
    });
  }
});

test("Retry-After holds its client's outcomes back, and no other's", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  let tries = 0;
  const times: number[] = [];
  backend.answer = ({ path }) => {
    if (!path.includes("/CP1/")) return new Response(null, { status: 204 });
    times.push(performance.now());
    return ++tries === 1
      ? new Response(null, { status: 429, headers: { "retry-after": "2" } })
      : new Response(null, { status: 204 });
  };
  await using gateway = await TestGateway.start(backend.url);
  for (const id of ["CP1", "CP2"]) {
    const client = await gateway.connect(id);
    strictEqual((await gateway.call(`Reset/${id}/r1`)).status, 202);
    await client.next();
    client.send('[3,"r1",{}]');
    await backend.next(`/result/Reset/${id}/r1`);
  }
  await backend.next("/result/Reset/CP1/r1");
  // Its own pause would be half a second.
  ok(times[1]! - times[0]! >= 1500);
});

test("outcomes wait for a backend that is away, and come in order by client", async ({ TestGateway }) => {
  const port = closedPort();
  await using gateway = await TestGateway.start(`http://127.0.0.1:${port}/`);
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => gateway.connect(`CP${i}`)),
  );
  for (const round of ["a", "b", "c"]) {
    for (const [i, client] of clients.entries()) {
      strictEqual((await gateway.call(`Reset/CP${i}/${round}`)).status, 202);
      await client.next();
      client.send(`[3,"${round}",{}]`);
    }
  }
  for (const client of clients) await client.close();
  await using backend = await RecordingBackend.again(port);
  for (let i = 0; i < 60; i++) await backend.next("/result/");
  const paths = backend.paths("/result/");
  for (let i = 0; i < clients.length; i++) {
    const own = paths.filter((path) => path.includes(`/CP${i}/`)).map((path) => path.at(-1));
    deepStrictEqual(own, ["a", "b", "c"]);
  }
  strictEqual(paths.length, 60);
});

test("without room for one more outcome a CALL is refused, and sent to nobody", async ({ TestGateway }) => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async () => {
    await held.promise;
    return new Response(null, { status: 204 });
  };
  await using gateway = await TestGateway.start(backend.url, ["--max-reports=1"]);
  const client = await gateway.connect("CP1");
  strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
  await client.next();
  client.send('[3,"r1",{}]');
  await backend.next("/result/");
  const refused = await gateway.call("Reset/CP1/r2");
  deepStrictEqual(
    [refused.status, ...["ws2api-outcome", "retry-after"].map((name) => refused.headers.get(name))],
    [503, "not-sent", "5"],
  );
  // One that waits for its answer takes no place.
  const waited = gateway.call("Reset/CP1/r3", "{}", { prefer: "wait=5" });
  await client.next('[2,"r3"');
  client.send('[3,"r3",{}]');
  strictEqual((await waited).status, 200);
  held.resolve();
});

test("a CALL that never left is tried again until the backend is there", async ({ TestGateway }) => {
  const port = closedPort();
  await using gateway = await TestGateway.start(`http://127.0.0.1:${port}/`);
  const client = await gateway.connect("CP1");
  client.send('[2,"1","BootNotification",{}]');
  // Taken by the gateway: its first try has been refused or will be.
  await client.ask("no frame");
  await using backend = await RecordingBackend.again(port);
  strictEqual(await client.next(), '[3,"1",{}]');
  // With fetch a look is a request too.
  deepStrictEqual(backend.paths("/call/"), ["/call/BootNotification/CP1/1"]);
});

test("each accepted CALL ends in exactly one outcome, whatever becomes of the client", async ({ TestGateway, t }) => {
  const rows: [name: string, end: (gateway: TestGateway) => Promise<unknown>, reason: RegExp][] = [
    ["it never answers", () => Promise.resolve(), /^no answer within 400ms$/],
    ["it is replaced", (gateway) => gateway.connect("CP1"), /replaced/],
    [
      "the operator closes it",
      (gateway) => gateway.api("/clients/CP1", { method: "DELETE" }),
      /operator/,
    ],
    ["the gateway shuts down", (gateway) => gateway.shutdown(), /shutting down/],
  ];
  for (const [name, end, reason] of rows) {
    await t.step(name, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, [
        "--call-timeout=400ms",
        "--drain-timeout=100ms",
      ]);
      const client = await gateway.connect("CP1");
      for (const id of ["sent", "queued"]) {
        strictEqual((await gateway.call(`Reset/CP1/${id}`)).status, 202);
      }
      await client.next('[2,"sent"');
      await end(gateway);
      for (const id of ["sent", "queued"]) {
        const { path, body } = await backend.next();
        strictEqual(path, `/error/Reset/CP1/${id}`);
        const { code, description, details } = JSON.parse(body);
        deepStrictEqual([code, details], ["GenericError", {}]);
        match(description, reason);
      }
      strictEqual(backend.requests.length, 2);
    });
  }
  await t.step("it disconnects", async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    const client = await gateway.connect("CP1");
    await gateway.call("Reset/CP1/r1");
    await client.close();
    match((await backend.next("/error/Reset/CP1/r1")).body, /disconnected/);
  });
});

Deno.test("10,000 CALLs through a stopped backend and vanishing clients: one outcome for each accepted", async () => {
  const CLIENTS = 100;
  const CALLS = 10_000;
  const accepted = new Set<string>();
  const outcomes = new Map<string, number>();
  const count = ({ path }: { path: string }): Response => {
    const [, kind, , clientId, messageId] = path.split("/");
    ok(kind === "result" || kind === "error", path);
    const key = `${clientId}/${messageId}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    return json("{}");
  };
  let backend = await onClosedPort((port) => new RecordingBackend(port));
  const { port } = backend;
  backend.answer = count;
  await using gateway = await TestGateway.start(backend.url, ["--drain-timeout=20s"]);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => gateway.connect(`CP${i}`)),
  );
  for (const client of clients) {
    client.socket.addEventListener("message", ({ data }) => {
      const [, messageId] = JSON.parse(String(data));
      if (client.socket.readyState === WebSocket.OPEN) client.send(`[3,"${messageId}",{}]`);
    });
  }
  const half = Promise.withResolvers<void>();
  let answered = 0;
  const caller = async (worker: number): Promise<void> => {
    for (let i = worker; i < CALLS; i += 50) {
      const target = `CP${i % CLIENTS}/m${i}`;
      const { status } = await gateway.call(`Act/${target}`);
      if (status === 202) accepted.add(target);
      else ok(status === 404 || status === 429, `${status} for ${target}`);
      if (++answered === CALLS / 2) half.resolve();
    }
  };
  const callers = Array.from({ length: 50 }, (_, worker) => caller(worker));
  await half.promise;
  await backend[Symbol.asyncDispose]();
  // A third of the clients vanishes while the backend is away, and that is part of the case: 3 s.
  const away = new Promise<void>((resolve) => setTimeout(resolve, 3000));
  await Promise.all(clients.filter((_, i) => i % 3 === 0).map((client) => client.close()));
  await away;
  backend = await RecordingBackend.again(port);
  backend.answer = count;
  await Promise.all(callers);
  await gateway.shutdown();
  await backend[Symbol.asyncDispose]();
  ok(accepted.size > CALLS / 4, `only ${accepted.size} accepted`);
  const lost = [...accepted].filter((target) => !outcomes.has(target));
  deepStrictEqual(lost, [], "lost");
  deepStrictEqual(
    [...outcomes.keys()].filter((target) => !accepted.has(target)),
    [],
    "never accepted",
  );
  const twice = [...outcomes].filter(([, n]) => n > 1).map(([target]) => target);
  // One that was under way when the backend was killed may have arrived without its answer.
  ok(twice.length <= CLIENTS, `${twice.length} came twice`);
});
