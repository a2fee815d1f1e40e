import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  json,
  onClosedPort,
  RawBackend,
  type Recorded,
  RecordingBackend,
  write,
} from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { testEachWay as test } from "../support/gateway.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";
import { NO_NAME } from "../support/no_name.ts";
import { websocketFlags } from "../support/websockets.ts";

const ROOT = new URL("../../", import.meta.url);

/** Answers all CALLs to it unless it is mute, and makes CALLs of its own, one after the other. */
class BusyClient {
  readonly client: TestClient;
  answered = 0;
  /** Resolves the CALL under way with its answer, or with undefined when the socket closes. */
  #settle: ((answer: string | undefined) => void) | undefined;

  constructor(client: TestClient, { isMute = false } = {}) {
    this.client = client;
    client.socket.addEventListener("message", ({ data }) => {
      const [type, id] = JSON.parse(String(data));
      if (type !== 2) this.#settle?.(String(data));
      else if (!isMute && client.socket.readyState === WebSocket.OPEN) {
        client.send(`[3,"${id}",{}]`);
      }
    });
    void client.closed.then(() => this.#settle?.(undefined));
  }

  /** The answer to one CALL; undefined when the socket closed first. */
  async call(id: string): Promise<string | undefined> {
    if (this.client.socket.readyState !== WebSocket.OPEN) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#settle = resolve;
    this.client.send(`[2,"${id}","Act",{}]`);
    const answer = await inTime(promise, `the answer to ${id}`, 20_000);
    if (answer === undefined) return undefined;
    match(answer, new RegExp(`^\\[[34],"${id}",`));
    this.answered++;
    return answer;
  }
}

/** Counts what arrives by its path, whatever backend it arrives at. */
class Arrivals {
  readonly counts = new Map<string, number>();

  readonly answer = ({ path }: Recorded): Response => {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
    return json("{}");
  };

  /** Paths that came more than once. */
  twice(prefix: string): string[] {
    return [...this.counts].filter(([path, n]) => path.startsWith(prefix) && n > 1)
      .map(([path]) => path);
  }

  /** Those of these CALLs (`<Action>/<ClientId>/<MessageId>`) that have no outcome, or two kinds of it. */
  unsettled(calls: Iterable<string>): string[] {
    return [...calls].filter((call) =>
      this.counts.has(`/result/${call}`) === this.counts.has(`/error/${call}`)
    );
  }
}

test("three restarts of the backend under load: each CALL is answered, no outcome is lost", async ({ forwarder, TestGateway }) => {
  const CLIENTS = 20;
  const CALLS = 100;
  const RESTARTS = 3;
  const arrivals = new Arrivals();
  let backend = await onClosedPort((port) => new RecordingBackend(port));
  const { port } = backend;
  backend.answer = arrivals.answer;
  await using gateway = await TestGateway.start(backend.url, ["--drain-timeout=10s"]);
  const clients = await Promise.all(
    Array.from(
      { length: CLIENTS },
      async (_, i) => new BusyClient(await gateway.connect(`CP${i}`)),
    ),
  );
  const milestones = Array.from({ length: RESTARTS }, () => Promise.withResolvers<void>());
  let answers = 0;
  let results = 0;
  const calling = clients.map(async (client) => {
    for (let i = 0; i < CALLS; i++) {
      const answer = await client.call(`c${i}`);
      if (answer?.startsWith("[3") === true) results++;
      const reached = ++answers / (CLIENTS * CALLS) * (RESTARTS + 1);
      if (Number.isInteger(reached)) milestones[reached - 1]?.resolve();
    }
  });
  const accepted = new Set<string>();
  let isDone = false;
  const commanding = clients.map(async (_, i) => {
    for (let n = 0; !isDone; n++) {
      const call = `Do/CP${i}/a${n}`;
      const { status } = await gateway.call(call);
      if (status === 202) accepted.add(call);
      // What waits is bounded: the next one is tried when the client's socket has moved on.
      else strictEqual(status, 429);
    }
  });
  const commands = Promise.all(commanding);
  // Awaited below; when something else fails first, that is what is told.
  commands.catch(() => {});
  try {
    for (const { promise } of milestones) {
      // A second on an idle machine; on a busy one the API's callers make for ever more to do.
      await inTime(promise, "so many answers", 90_000);
      await backend[Symbol.asyncDispose]();
      backend = await RecordingBackend.again(port);
      backend.answer = arrivals.answer;
    }
    await Promise.all(calling);
  } finally {
    isDone = true;
  }
  await commands;
  await gateway.shutdown();
  await backend[Symbol.asyncDispose]();
  strictEqual(answers, CLIENTS * CALLS);
  deepStrictEqual(clients.map(({ answered }) => answered), clients.map(() => CALLS));
  ok(results > answers / 2, `${results} of ${answers} were CALLRESULTs`);
  ok(accepted.size > CLIENTS, `${accepted.size} accepted`);
  deepStrictEqual(arrivals.unsettled(accepted), []);
  const twice = arrivals.twice("/call/");
  // `fetch` itself repeats what was under way on a kept connection: one CALL of a client, at most.
  const most = forwarder === "fetch" ? CLIENTS * RESTARTS : 0;
  ok(twice.length <= most, `${twice.length} CALLs came twice`);
  ok(twice.every((path) => arrivals.counts.get(path) === 2), "none came three times");
});

test("a name that does not resolve gives CALLERROR", async ({ TestGateway }) => {
  await using gateway = await TestGateway.start(`http://${NO_NAME}:8080/`, [
    "--away-hold=0s",
    "--backend-away=answer",
  ]);
  const client = await gateway.connect("CP1");
  deepStrictEqual(JSON.parse(await client.ask('[2,"1","Act",{}]')), [
    4,
    "1",
    "InternalError",
    "the backend is away",
    {},
  ]);
});

test("bytes behind an answer never become the answer to another CALL", async ({ TestGateway, t }) => {
  const rubbish: [name: string, text: string][] = [
    ["a whole answer", 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"evil":1.0}'],
    ["a body that is longer than told", '{"evil":1.0}'],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Length: "],
    ["a 408, as proxies send it", "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"],
  ];
  for (const [name, text] of rubbish) {
    for (const isApart of [false, true]) {
      await t.step(
        `${name}, ${isApart ? "in a packet of its own" : "in the same packet"}`,
        async () => {
          await using backend = new RawBackend(async (conn, request) => {
            conn.setNoDelay(true);
            const id = /^POST \/call\/Act\/\w+\/(\w+) /.exec(request)![1]!;
            const body = `{"id":"${id}"}`;
            const own = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
            if (!isApart) return await write(conn, own + text);
            await write(conn, own);
            await write(conn, text);
          });
          await using gateway = await TestGateway.start(backend.url);
          const [first, second] = [await gateway.connect("CP1"), await gateway.connect("CP2")];
          for (let i = 0; i < 20; i++) {
            for (const client of [first, second]) {
              const answer = await client.ask(`[2,"m${i}","Act",{}]`);
              // One that broke off is no wrong answer.
              ok(
                answer === `[3,"m${i}",{"id":"m${i}"}]` || /^\[4,.*broke off/.test(answer),
                answer,
              );
              ok(!answer.includes("evil"), answer);
            }
          }
        },
      );
    }
  }
});

test("a body that is shorter than told fails its own CALL only", async ({ TestGateway }) => {
  let requests = 0;
  await using backend = new RawBackend(async (conn) => {
    if (++requests > 1) return await write(conn, "HTTP/1.1 204 No Content\r\n\r\n");
    await write(conn, 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"a":1}');
    conn.close();
  });
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  match(await client.ask('[2,"1","Act",{}]'), /^\[4,"1","InternalError",.*broke off/);
  strictEqual(await client.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
});

test("an answer that never ends is dropped at the bound, with its connection", async ({ TestGateway }) => {
  const chunk = `${(65536).toString(16)}\r\n${"x".repeat(65536)}\r\n`;
  let written = 0;
  const dropped = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (conn) => {
    await write(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    try {
      for (;; written += chunk.length) await write(conn, chunk);
    } catch {
      dropped.resolve();
    }
  });
  await using gateway = await TestGateway.start(backend.url, ["--max-message=128KiB"]);
  const client = await gateway.connect("CP1");
  match(await client.ask('[2,"1","Act",{}]'), /^\[4,"1","InternalError",.*too large/);
  await inTime(dropped.promise, "the end of the backend's connection");
  ok(written < 16 * 1024 ** 2, `${written} bytes were taken`);
});

test("a compressed answer is not decoded", async ({ TestGateway, t }) => {
  const source = new Response('{"a":1}').body!.pipeThrough(new CompressionStream("gzip"));
  const gzip = new Uint8Array(await new Response(source).arrayBuffer());
  for (const encoding of ["gzip", "x-gzip", "br", "deflate"]) {
    await t.step(encoding, async () => {
      await using backend = new RecordingBackend();
      backend.answer = () => new Response(gzip, { headers: { "content-encoding": encoding } });
      await using gateway = await TestGateway.start(backend.url);
      const client = await gateway.connect("CP1");
      match(await client.ask('[2,"1","Act",{}]'), /^\[4,"1","InternalError",/);
      strictEqual((await backend.next()).headers.get("accept-encoding"), "identity");
    });
  }
});

test("a redirect is never followed, for CALLs and outcomes alike", async ({ TestGateway, t }) => {
  await using elsewhere = new RecordingBackend();
  for (const status of [301, 302, 303, 307, 308]) {
    await t.step(String(status), async () => {
      await using backend = new RecordingBackend();
      backend.answer = ({ path }) =>
        new Response(null, { status, headers: { location: elsewhere.url + path.slice(1) } });
      await using gateway = await TestGateway.start(backend.url);
      const client = await gateway.connect("CP1");
      match(await client.ask('[2,"1","Act",{}]'), /^\[4,"1","InternalError",/);
      strictEqual((await gateway.call("Do/CP1/r1")).status, 202);
      await client.next("[2,");
      client.send('[3,"r1",{}]');
      await backend.next("/result/");
      deepStrictEqual(elsewhere.requests, []);
    });
  }
});

test("a backend that closes its connection after each answer serves 100 CALLs", async ({ TestGateway }) => {
  await using backend = new RawBackend(async (conn) => {
    await write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    conn.close();
  });
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  for (let i = 0; i < 100; i++) {
    strictEqual(await client.ask(`[2,"${i}","Act",{}]`), `[3,"${i}",{}]`);
  }
  deepStrictEqual([backend.requests.length, backend.connections], [100, 100]);
});

test("connections that end on one side only", async ({ TestGateway, t }) => {
  await t.step("the backend ends its side without an answer", async () => {
    await using backend = new RawBackend((conn) => conn.closeWrite());
    await using gateway = await TestGateway.start(backend.url);
    const client = await gateway.connect("CP1");
    match(await client.ask('[2,"1","Act",{}]'), /^\[4,"1","InternalError",.*broke off/);
    strictEqual(backend.requests.length, 1);
  });
  await t.step("the backend ends its side behind its answer", async () => {
    await using backend = new RawBackend(async (conn) => {
      await write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      await conn.closeWrite();
    });
    await using gateway = await TestGateway.start(backend.url);
    const client = await gateway.connect("CP1");
    for (let i = 0; i < 20; i++) {
      strictEqual(await client.ask(`[2,"${i}","Act",{}]`), `[3,"${i}",{}]`);
    }
  });
  await t.step("a client ends its side behind its CALL", async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--disconnect-hook"]);
    using socket = await ByteSocket.upgrade(gateway.url, "/CP1");
    await socket.write(frameBytes('[2,"1","Act",{"last":true}]'));
    await socket.endWriting();
    strictEqual((await backend.next("/call/Act/CP1/1")).body, '{"last":true}');
    strictEqual(JSON.parse((await backend.next("/disconnect/CP1")).body).code, 1006);
    await socket.rest();
    strictEqual((await gateway.api("/clients/CP1")).status, 404);
  });
});

test("a backend that accepts and never reads is a time-out", async ({ TestGateway }) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/`;
  await using gateway = await TestGateway.start(url, [
    "--backend-timeout=300ms",
    "--max-message=2MiB",
  ]);
  const client = await gateway.connect("CP1");
  const other = await gateway.connect("CP2");
  const large = client.ask(`[2,"1","Act",{"a":"${"x".repeat(1024 ** 2)}"}]`);
  const small = other.ask('[2,"1","Act",{}]');
  for (const answer of [await large, await small]) {
    match(answer, /^\[4,"1","InternalError","no answer from the backend within 300ms"/);
  }
  listener.close();
});

test("SIGTERM in a storm: exit 0 in time, each CALL answered or its socket closed, no outcome lost", async ({ forwarder }) => {
  const CLIENTS = 300;
  const arrivals = new Arrivals();
  await using backend = new RecordingBackend();
  backend.answer = arrivals.answer;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      "--allow-read",
      "--allow-env=WS2API_*",
      fileURLToPath(new URL("main.ts", ROOT)),
      "--listen=127.0.0.1:0",
      `--backend=${backend.url}`,
      `--forwarder=${forwarder}`,
      ...websocketFlags(),
      "--drain-timeout=2s",
      "--log-level=error",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    const { value } = await inTime(reader.read(), "the ready line");
    await reader.cancel();
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(new TextDecoder().decode(value))![0];
    const enough = Promise.withResolvers<void>();
    let answers = 0;
    const clients = Array.from(
      { length: CLIENTS },
      (_, i) =>
        new BusyClient(new TestClient(`${url.replace("http", "ws")}/CP${i}`), {
          isMute: i % 20 === 0,
        }),
    );
    const calling = clients.map(async (busy) => {
      await busy.client.opened.catch(() => {});
      for (let i = 0; await busy.call(`c${i}`) !== undefined; i++) {
        answers++;
        goOn();
      }
    });
    const accepted = new Set<string>();
    const goOn = (): void => {
      if (answers >= 2 * CLIENTS && accepted.size > 10) enough.resolve();
    };
    const commanding = Array.from({ length: 10 }, async (_, worker) => {
      for (let n = 0;; n++) {
        const call = `Do/CP${(worker + 10 * n) % CLIENTS}/a${n}`;
        try {
          const response = await fetch(`${url}/call/${call}`, { method: "POST" });
          await response.body?.cancel();
          if (response.status === 202) accepted.add(call);
          goOn();
        } catch {
          // The gateway has gone.
          return;
        }
      }
    });
    await inTime(enough.promise, "the storm");
    const start = performance.now();
    child.kill("SIGTERM");
    const { code } = await inTime(child.status, "the program's end");
    strictEqual(code, 0);
    // The drain, and what the last frames and responses may take.
    ok(performance.now() - start < 8000, `${performance.now() - start} ms`);
    await inTime(Promise.all(calling), "an answer or a close for each client");
    await inTime(Promise.all(commanding), "the end of the API's callers");
    await Promise.all(clients.map(({ client }) => client.whenClosed()));
    ok([...arrivals.counts.keys()].some((path) => path.startsWith("/error/")), "the mute ones");
    deepStrictEqual(arrivals.unsettled(accepted), []);
    deepStrictEqual(arrivals.twice(""), []);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
  }
});

Deno.test("only what leaves the program is told by the wall clock, which may jump", async () => {
  const uses: Record<string, string[]> = {};
  async function look(folder: URL): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const url = new URL(isDirectory ? `${name}/` : name, folder);
      if (isDirectory) await look(url);
      if (isDirectory || !name.endsWith(".ts")) continue;
      const code = (await Deno.readTextFile(url)).replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
      const found = code.match(
        /\bDate\.\w+|\bnew Date\b|\bDate\(|\bperformance\.\w+|(?<![.\w])set(?:Timeout|Interval)\(|\bAbortSignal\.timeout/g,
      );
      if (found === null) continue;
      uses[url.href.slice(new URL("lib/", ROOT).href.length)] = [...new Set(found)].sort();
    }
  }
  await look(new URL("lib/", ROOT));
  deepStrictEqual(uses, {
    // Shown to people.
    "api/call_state.ts": ["new Date"],
    "api/clients.ts": ["new Date"],
    "cluster/recordings.ts": ["new Date"],
    "log/log.ts": ["new Date"],
    "status/ocpp.ts": ["new Date"],
    // What people and backends write as a date.
    "api/outbox.ts": ["Date.parse"],
    "codec/retry_after.ts": ["Date.parse"],
    // The dates of a certificate, read and shown.
    "config/certificate.ts": ["Date.parse"],
    "config/der.ts": ["Date.parse"],
    "program/certificate.ts": ["new Date"],
    "program/check.ts": ["new Date"],
    "program/client_ca.ts": ["new Date"],
    // The calendar, not the clock: how long a month is.
    "validate/format.ts": ["Date.UTC", "new Date"],
    // All else is measured and waited for with this one, which also tells the time of day.
    "clock.ts": ["Date.now", "performance.now", "setTimeout("],
  });
});
