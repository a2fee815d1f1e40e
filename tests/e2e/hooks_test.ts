import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  closedPort,
  json,
  RawBackend,
  type Recorded,
  RecordingBackend,
  write,
} from "../support/backend.ts";
import { rawRequest, upgradeHead } from "../support/client.ts";
import { CLIENT_CERT } from "../support/client_cert_header.ts";
import { clientIds, connected, handled, whenLetIn } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { headerOf, rawAnswer, RawClient, rawStatus } from "../support/raw_client.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const HOOKS = ["--connect-hook", "--disconnect-hook"];

function connectionOf({ headers }: Recorded): string | null {
  return headers.get("x-ws2api-connection");
}

/** Makes a backend hold its answers to these paths; the k-th can then be given. */
function hold(backend: RecordingBackend, pathPrefix: string): ((status?: number) => void)[] {
  const releases: ((status?: number) => void)[] = [];
  backend.answer = async ({ path }) => {
    if (!path.startsWith(pathPrefix)) return json("{}");
    const status = await new Promise<number>((resolve) =>
      releases.push((given = 204) => resolve(given))
    );
    return new Response(null, { status });
  };
  return releases;
}

test("the connect hook is told what the client brings along", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(`${backend.url}base`, [
    "--connect-hook",
    "--trust-proxy",
  ]);
  const basic = `Basic ${btoa("CP 1:\x00\x01\x80\xfe\xff:\n")}`;
  const rows: [
    name: string,
    headers: Record<string, string>,
    protocols: string[],
    authorization: string | null,
    remoteAddress?: string,
  ][] = [
    ["nothing", {}, [], null],
    ["a Basic password of any bytes", { Authorization: basic }, [], basic],
    ["an odd spelling", { authorization: "bAsIc  Q1A6cA==, x" }, [], "bAsIc  Q1A6cA==, x"],
    ["no password at all", { Authorization: "" }, [], ""],
    [
      "subprotocols in the client's order, those that are not served too",
      { "Sec-WebSocket-Protocol": "ocpp9,ocpp1.6 , ocpp2.0.1" },
      ["ocpp9", "ocpp1.6", "ocpp2.0.1"],
      null,
    ],
    [
      "an address that a proxy names",
      { "X-Forwarded-For": "1.2.3.4, 5.6.7.8" },
      [],
      null,
      "5.6.7.8",
    ],
  ];
  for (const [name, headers, protocols, authorization, remoteAddress = "127.0.0.1"] of rows) {
    await t.step(name, async () => {
      using client = await RawClient.connect(gateway, "/CP%201", headers);
      match(client.head, /^HTTP\/1\.1 101 /);
      const request = await backend.next();
      deepStrictEqual([request.method, request.path], ["POST", "/base/connect/CP%201"]);
      deepStrictEqual(JSON.parse(request.body), {
        protocols,
        remoteAddress,
        authorization,
        tls: false,
        clientCertificate: null,
      });
      strictEqual(request.headers.get("content-type"), "application/json");
      strictEqual(request.headers.get("x-forwarded-for"), remoteAddress);
      strictEqual(request.headers.get("authorization"), null);
      const agreed = protocols.length === 0 ? null : "ocpp1.6";
      strictEqual(request.headers.get("x-ws2api-protocol"), agreed);
    });
  }
});

test("the connect hook is told of TLS and the certificate, as far as a trusted proxy says it", async (t) => {
  const said = { "X-Forwarded-Proto": "https", "Client-Cert": CLIENT_CERT.header };
  const rows: [
    flags: string[],
    headers: Record<string, string>,
    tls: boolean,
    clientCertificate: unknown,
  ][] = [
    [["--trust-proxy"], {}, false, null],
    [["--trust-proxy"], said, true, CLIENT_CERT.told],
    [["--trust-proxy"], { "X-Forwarded-Proto": "http, https" }, true, null],
    [["--trust-proxy"], { "Client-Cert": CLIENT_CERT.header }, false, CLIENT_CERT.told],
    [[], said, false, null],
    [[], { ...said, "Client-Cert": "no certificate" }, false, null],
  ];
  for (const [flags, headers, tls, clientCertificate] of rows) {
    await t.step(`${flags} ${Object.keys(headers)}`, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, ["--connect-hook", ...flags]);
      strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1", headers)), 101);
      const { body } = await backend.next("/connect/CP1");
      deepStrictEqual(JSON.parse(body), {
        protocols: [],
        remoteAddress: "127.0.0.1",
        authorization: null,
        tls,
        clientCertificate,
      });
    });
  }
});

test("an upgrade whose Client-Cert cannot be read is refused, and nobody is asked", async () => {
  await using backend = new RecordingBackend();
  const logged = new RecordedLog();
  const flags = ["--connect-hook", "--trust-proxy"];
  await using gateway = await TestGateway.start(backend.url, flags, logged.log);
  for (
    const header of [
      "",
      "x",
      CLIENT_CERT.header.slice(1),
      `${CLIENT_CERT.header}, ${CLIENT_CERT.header}`,
    ]
  ) {
    const head = upgradeHead("/CP1", { "Client-Cert": header });
    strictEqual(await rawStatus(gateway.url, head), 400);
    deepStrictEqual(logged.take("upgrade refused"), [{
      clientId: "CP1",
      remoteAddress: "127.0.0.1",
      cause: "certificate",
      status: 400,
      reason: "the Client-Cert header is not one certificate",
    }]);
  }
  const refused = (await scrape(gateway)).get(
    'ws2api_upgrades_refused_total{reason="certificate"}',
  );
  strictEqual(refused, 4);
  deepStrictEqual(backend.paths(), []);
});

test("the connect hook's connection id is that of all later requests, and new for each connect", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, HOOKS);
  const ids = new Set<string | null>();
  for (let round = 0; round < 2; round++) {
    const client = await gateway.connect("CP1");
    const id = connectionOf(await backend.next("/connect/CP1"));
    match(id ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    ids.add(id);
    await client.ask('[2,"1","Act",{}]');
    strictEqual(connectionOf(await backend.next("/call/")), id);
    strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
    await client.next("[2,");
    client.send('[3,"r1",{}]');
    strictEqual(connectionOf(await backend.next("/result/")), id);
    await client.close();
    strictEqual(connectionOf(await backend.next("/disconnect/")), id);
  }
  strictEqual(ids.size, 2);
});

test("the backend's verdict becomes the upgrade's answer", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook", "--retries=3"]);
  const rows: [status: number, expected: number, challenge?: string][] = [
    [200, 101],
    [201, 101],
    [204, 101],
    [401, 401, 'Basic realm="stations", charset="UTF-8"'],
    [401, 401],
    [403, 403, "Bearer"],
    [403, 403],
    [302, 503],
    [304, 503],
    [400, 503],
    [404, 404, "Basic"],
    [404, 404],
    [407, 503],
    [429, 503],
    [500, 503],
    [502, 503],
    [503, 503],
    [504, 503],
  ];
  for (const [status, expected, challenge] of rows) {
    await t.step(`${status}${challenge === undefined ? "" : " with a challenge"}`, async () => {
      const headers = new Headers({ location: `${backend.url}elsewhere`, "retry-after": "999" });
      if (challenge !== undefined) headers.set("www-authenticate", challenge);
      const body = [204, 304].includes(status) ? null : '{"code":"MyCode"}';
      backend.answer = () => new Response(body, { status, headers });
      const answer = await rawAnswer(gateway.url, upgradeHead("/CP1"));
      strictEqual(answer.status, expected);
      strictEqual(headerOf(answer.head, "www-authenticate"), challenge);
      if (expected === 503) match(headerOf(answer.head, "retry-after") ?? "", /^(?:[1-9]|10)$/);
      else strictEqual(headerOf(answer.head, "retry-after"), undefined);
    });
  }
  strictEqual(backend.requests.length, rows.length, "each connect asks once");
});

test("a backend that does not say yes or no refuses the upgrade with 503", async (t) => {
  const rows: [name: string, answer: string | "hang" | "reset" | "refuse"][] = [
    ["a hang", "hang"],
    ["a refused connection", "refuse"],
    ["a reset after reading", "reset"],
    ["no HTTP", "what?\r\n\r\n"],
    ["an answer that is cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"],
  ];
  for (const [name, answer] of rows) {
    await t.step(name, async () => {
      await using backend = new RawBackend(async (conn) => {
        if (answer === "hang") return;
        if (answer !== "reset") await write(conn, answer);
        conn.close();
      });
      const url = answer === "refuse" ? `http://127.0.0.1:${closedPort()}/` : backend.url;
      await using gateway = await TestGateway.start(url, [
        "--connect-hook",
        "--backend-timeout=300ms",
      ]);
      const { status, head } = await rawAnswer(gateway.url, upgradeHead("/CP1"));
      strictEqual(status, 503);
      match(headerOf(head, "retry-after") ?? "", /^(?:[1-9]|10)$/);
      strictEqual(headerOf(head, "content-type"), "application/problem+json");
      strictEqual(backend.requests.length, answer === "refuse" ? 0 : 1, "not tried again");
      deepStrictEqual(await clientIds(gateway), []);
    });
  }
});

test("a verdict is never remembered: each connect asks anew", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  const verdicts = [200, 401, 200, 403, 500, 200];
  for (const verdict of verdicts) {
    backend.answer = () => new Response(null, { status: verdict });
    const expected = verdict === 200 ? 101 : verdict === 500 ? 503 : verdict;
    strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1")), expected);
  }
  deepStrictEqual(backend.paths(), verdicts.map(() => "/connect/CP1"));
});

test("the backend is not asked about an upgrade that is refused anyway", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [...HOOKS, "--require-protocol"]);
  const ocpp = { "Sec-WebSocket-Protocol": "ocpp1.6" };
  const rows: [name: string, path: string, headers: Record<string, string>, status: number][] = [
    ["no ClientId", "/a%2Fb", ocpp, 400],
    ["no subprotocol", "/CP1", {}, 400],
    ["another WebSocket version", "/CP1", { ...ocpp, "Sec-WebSocket-Version": "8" }, 426],
    ["a bad key", "/CP1", { ...ocpp, "Sec-WebSocket-Key": "short" }, 400],
    ["no subprotocol in common", "/CP1", { "Sec-WebSocket-Protocol": "ocpp9" }, 400],
  ];
  for (const [name, path, headers, status] of rows) {
    await t.step(name, async () => {
      strictEqual(await rawStatus(gateway.url, upgradeHead(path, headers)), status);
    });
  }
  await t.step("no subprotocol in common, closed", async () => {
    const flags = [...HOOKS, "--no-common-protocol=close"];
    await using closing = await TestGateway.start(backend.url, flags);
    const client = closing.begin("CP1", { protocols: ["ocpp9"] });
    await client.whenClosed();
  });
  await gateway.shutdown();
  deepStrictEqual(backend.paths(), []);
});

test("an older connection stays while the backend decides about a newer one, and when it is denied", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, HOOKS);
  const old = await connected(gateway, "CP1");
  const oldId = connectionOf(await backend.next("/connect/"));
  const releases = hold(backend, "/connect/");
  for (const verdict of [401, 500]) {
    const denied = rawStatus(gateway.url, upgradeHead("/CP1"));
    await backend.next("/connect/");
    strictEqual(await old.ask('[2,"1","Act",{}]'), '[3,"1",{}]', "while the backend decides");
    releases.pop()!(verdict);
    strictEqual(await denied, verdict === 401 ? 401 : 503);
    strictEqual(await old.ask('[2,"2","Act",{}]'), '[3,"2",{}]', "after the newer was denied");
  }
  const newer = gateway.begin("CP1");
  const newId = connectionOf(await backend.next("/connect/"));
  strictEqual(await old.ask('[2,"3","Act",{}]'), '[3,"3",{}]');
  releases.pop()!();
  await inTime(newer.opened, "the newer connection");
  deepStrictEqual(await old.whenClosed(), { code: 1008, reason: "replaced" });
  const told = await backend.next("/disconnect/");
  strictEqual(connectionOf(told), oldId);
  deepStrictEqual(JSON.parse(told.body), { code: 1008, reason: "replaced" });
  strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
  strictEqual(await newer.next("[2,"), '[2,"r1","Reset",{}]');
  newer.send('[3,"r1",{}]');
  strictEqual(connectionOf(await backend.next("/result/")), newId);
});

test("of two clients that connect under one ClientId at once one stays, and it works", async (t) => {
  for (const order of [[0, 1], [1, 0]] as const) {
    await t.step(`verdicts in the order ${order}`, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, HOOKS);
      const releases = hold(backend, "/connect/");
      const clients = [gateway.begin("CP1"), gateway.begin("CP1")];
      const ids = [await backend.next("/connect/"), await backend.next("/connect/")]
        .map(connectionOf);
      for (const k of order) releases[k]!();
      await inTime(Promise.all(clients.map(({ opened }) => opened)), "both upgrades");
      const loser = await inTime(
        Promise.race(clients.map(async (client) => (await client.closed, client))),
        "the end of one of the two",
      );
      deepStrictEqual(await loser.whenClosed(), { code: 1008, reason: "replaced" });
      const winner = clients.find((client) => client !== loser)!;
      strictEqual(await winner.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
      const call = await backend.next("/call/");
      ok(ids.includes(connectionOf(call)));
      strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
      strictEqual(await winner.next(), '[2,"r1","Reset",{}]');
      winner.send('[3,"r1",{}]');
      await backend.next("/result/");
      deepStrictEqual(await clientIds(gateway), ["CP1"]);
      const told = await backend.next("/disconnect/");
      notStrictEqual(connectionOf(told), connectionOf(call));
      await gateway.shutdown();
      strictEqual(backend.paths("/disconnect/").length, 2);
    });
  }
});

test({
  name: "a client that hangs up while the backend decides leaves nothing behind",
  // The runtime never ends an upgrade whose client went in the same moment, nor a shutdown behind it.
  sanitizeOps: false,
  async fn(t) {
    for (const verdict of [204, 401, 500]) {
      await t.step(`verdict ${verdict}`, async () => {
        await using backend = new RecordingBackend();
        await using gateway = await TestGateway.start(backend.url, [
          ...HOOKS,
          "--max-connections=1",
        ]);
        const releases = hold(backend, "/connect/gone");
        const conn = await Deno.connect({
          hostname: "127.0.0.1",
          port: Number(new URL(gateway.url).port),
        });
        await write(conn, upgradeHead("/gone"));
        await backend.next("/connect/gone");
        strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1")), 503, "it counts meanwhile");
        conn.close();
        releases[0]!(verdict);
        using client = await whenLetIn(gateway, "/CP1");
        await client.send('[2,"1","Act",{}]');
        strictEqual(await client.text(), '[3,"1",{}]');
        deepStrictEqual(await clientIds(gateway), ["CP1"]);
        strictEqual(
          await rawStatus(gateway.url, upgradeHead("/CP2")),
          503,
          "one is the bound again",
        );
      });
    }
  },
});

test("a client that the backend accepts during a shutdown does not stay", async (t) => {
  for (const verdict of [204, 401]) {
    await t.step(`verdict ${verdict}`, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, HOOKS);
      const releases = hold(backend, "/connect/");
      const client = gateway.begin("CP1");
      await backend.next("/connect/");
      const stopped = gateway.shutdown();
      releases[0]!(verdict);
      await client.whenClosed();
      await stopped;
    });
  }
});

test("SIGTERM ends the program with 0 also while the backend hangs over who gets in", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => new Promise(() => {});
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--drain-timeout=100ms"];
  await using program = startProgram([...flags, "--connect-hook"]);
  const answered = rawAnswer(await urlOf(program), upgradeHead("/CP1"));
  await backend.next("/connect/CP1");
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended();
  strictEqual(code, 0, stderr);
  const { status } = await answered;
  ok(status === 503 || status === 0, "refused, or cut");
});

test("the disconnect hook tells each end once, with the code and the reason", async (t) => {
  const rows: [
    name: string,
    code: number,
    reason: string,
    end: (gateway: TestGateway) => Promise<void>,
  ][] = [
    ["the client closes", 1000, "done", async (gateway) => {
      const client = await connected(gateway);
      client.socket.close(1000, "done");
      await client.whenClosed();
    }],
    ["the client closes with a code of its own", 4321, "é\u2028", async (gateway) => {
      const client = await connected(gateway);
      client.socket.close(4321, "é\u2028");
      await client.whenClosed();
    }],
    ["the client closes without a code", 1005, "", async (gateway) => {
      const client = await connected(gateway);
      await client.close();
    }],
    ["the client vanishes", 1006, "", async (gateway) => {
      using client = await RawClient.connect(gateway, "/CP1");
      await client.send("no frame");
      await client.text();
    }],
    ["the client is replaced", 1008, "replaced", async (gateway) => {
      const client = await connected(gateway);
      await connected(gateway);
      await client.whenClosed();
    }],
    ["the client sends bytes", 1003, "text only", async (gateway) => {
      const client = await connected(gateway);
      client.socket.send(Uint8Array.of(1));
      await client.whenClosed();
    }],
    ["the operator", 1000, "closed by the operator", async (gateway) => {
      const client = await connected(gateway);
      strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 204);
      await client.whenClosed();
    }],
    ["a shutdown", 1001, "shutting down", async (gateway) => {
      await connected(gateway);
      await gateway.shutdown();
    }],
  ];
  for (const [name, code, reason, end] of rows) {
    await t.step(name, async () => {
      await using backend = new RecordingBackend();
      {
        await using gateway = await TestGateway.start(backend.url, HOOKS);
        await end(gateway);
        const { method, path, headers, body } = await backend.next("/disconnect/");
        deepStrictEqual([method, path], ["POST", "/disconnect/CP1"]);
        strictEqual(headers.get("content-type"), "application/json");
        strictEqual(headers.get("x-forwarded-for"), "127.0.0.1");
        deepStrictEqual(JSON.parse(body), { code, reason });
      }
      // The shutdown has sent all there was to send.
      strictEqual(backend.paths("/disconnect/").length, backend.paths("/connect/").length);
      const told = backend.requests.filter(({ path }) => path.startsWith("/disconnect/"));
      strictEqual(new Set(told.map(connectionOf)).size, told.length, "once for each connection");
    });
  }
});

test("the disconnect hook works without the connect hook, and is off by default", async (t) => {
  for (const flags of [[], ["--disconnect-hook"]]) {
    await t.step(flags.join() || "off", async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, flags);
      await (await connected(gateway)).close();
      await gateway.shutdown();
      deepStrictEqual(backend.paths(), flags.map(() => "/disconnect/CP1"));
    });
  }
});

test("the disconnect comes after the outcomes of the CALLs to that client", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--disconnect-hook"]);
  const client = await connected(gateway);
  for (const id of ["r1", "r2", "r3"]) {
    strictEqual((await gateway.call(`Reset/CP1/${id}`)).status, 202);
  }
  await client.next('[2,"r1"');
  const releases = hold(backend, "/");
  client.send('[3,"r1",{}]');
  await handled(client);
  client.socket.close(1000, "bye");
  await client.whenClosed();
  const paths = [
    "/result/Reset/CP1/r1",
    "/error/Reset/CP1/r2",
    "/error/Reset/CP1/r3",
    "/disconnect/CP1",
  ];
  for (const path of paths) {
    strictEqual((await backend.next()).path, path);
    strictEqual(releases.length, 1, "one after the other");
    releases.pop()!();
  }
  await gateway.shutdown();
  deepStrictEqual(backend.paths(), paths);
});

test("a refused client has no disconnect", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, HOOKS);
  for (const [verdict, expected] of [[401, 401], [403, 403], [500, 503]] as const) {
    backend.answer = () => new Response(null, { status: verdict });
    strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1")), expected);
  }
  await gateway.shutdown();
  deepStrictEqual(backend.paths("/disconnect/"), []);
});

test("a disconnect is told later when the backend is unreachable", async () => {
  const port = closedPort();
  await using gateway = await TestGateway.start(`http://127.0.0.1:${port}/`, ["--disconnect-hook"]);
  const client = await connected(gateway);
  // An outcome that is tried in vain stands before it; both wait for the backend.
  strictEqual((await gateway.call("Reset/CP1/r1")).status, 202);
  await client.next("[2,");
  client.socket.close(1000, "bye");
  await client.whenClosed();
  await using backend = await RecordingBackend.again(port);
  strictEqual((await backend.next()).path, "/error/Reset/CP1/r1");
  const { path, body } = await backend.next();
  deepStrictEqual([path, JSON.parse(body)], ["/disconnect/CP1", { code: 1000, reason: "bye" }]);
});

test("a disconnect is told again until the backend takes it", async (t) => {
  const rows: [name: string, answer: string][] = [
    ["a cut connection", ""],
    ["500", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"],
    ["503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"],
    ["a hang", "hang"],
  ];
  for (const [name, answer] of rows) {
    await t.step(name, async () => {
      let tries = 0;
      await using backend = new RawBackend(async (conn) => {
        if (++tries === 2) return await write(conn, "HTTP/1.1 204 No Content\r\n\r\n");
        if (answer === "hang") return;
        await write(conn, answer);
        conn.close();
      });
      {
        const flags = ["--disconnect-hook", "--backend-timeout=200ms"];
        await using gateway = await TestGateway.start(backend.url, flags);
        await (await connected(gateway)).close();
      }
      strictEqual(backend.requests.length, 2);
      const ids = backend.requests.map((request) => {
        match(request, /^POST \/disconnect\/CP1 HTTP\/1\.1\r\n/);
        return /^webhook-id: (.*)\r$/im.exec(request)?.[1];
      });
      strictEqual(ids[0] !== undefined && ids[0] === ids[1], true);
    });
  }
});

test("--connect-rate lets that many in at once, and refuses the rest for now", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--connect-rate=2",
    "--connect-hook",
  ]);
  const begin = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, k) => rawAnswer(gateway.url, upgradeHead(`/CP${k}`))),
  );
  const seconds = (performance.now() - begin) / 1000;
  const letIn = answers.filter(({ status }) => status === 101);
  ok(letIn.length >= 2 && letIn.length <= 2 + 2 * seconds, `${letIn.length} in ${seconds} s`);
  strictEqual(backend.paths("/connect/").length, letIn.length, "nobody is asked about the rest");
  const pauses = answers.filter(({ status }) => status !== 101).map(({ status, head }) => {
    strictEqual(status, 503);
    return Number(headerOf(head, "retry-after"));
  });
  ok(pauses.every((pause) => Number.isInteger(pause) && pause >= 1 && pause <= 10));
  ok(new Set(pauses).size > 1, "they do not all come back at once");
  (await whenLetIn(gateway, "/later"))[Symbol.dispose]();
});

test("a connection whose upgrade the backend denies ends with the answer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  backend.answer = () => new Response(null, { status: 401 });
  const { status, conn } = await rawRequest(gateway.url, upgradeHead("/CP1"));
  strictEqual(status, 401);
  const buffer = new Uint8Array(65536);
  // What is left of the answer's body may come first.
  while (await inTime(conn.read(buffer), "the end") !== null);
  conn.close();
});
