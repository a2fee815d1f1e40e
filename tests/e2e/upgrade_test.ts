import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { clientIds, connected, whenLetIn } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { assertProblem } from "../support/problem.ts";
import { headerOf, rawAnswer, RawClient, rawStatus } from "../support/raw_client.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { ByteSocket } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const EMOJI = "%F0%9F%98%80";

test("a ClientId is one path segment, percent-decoded once", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const rows: [path: string, id: string][] = [
    ["/CP1", "CP1"],
    ["/a%20b", "a b"],
    ["/a+b", "a+b"],
    ["/%C3%A9", "é"],
    ["/%252F", "%2F"],
    ["/...", "..."],
    ["/.a", ".a"],
    ["/a;b=c", "a;b=c"],
    ["/CP1?token=/x/..", "CP1"],
    [`/${"a".repeat(255)}`, "a".repeat(255)],
    [`/${"%C3%A9".repeat(255)}`, "é".repeat(255)],
    [`/${EMOJI.repeat(127)}a`, `${"😀".repeat(127)}a`],
    ["/clients", "clients"],
    ["/metrics", "metrics"],
    ["/call", "call"],
    ["/healthz", "healthz"],
    ["/readyz", "readyz"],
  ];
  for (const [path, id] of rows) {
    await t.step(`${path.slice(0, 40)} connects`, async () => {
      using client = await RawClient.connect(gateway, path);
      match(client.head, /^HTTP\/1\.1 101 /);
      await client.send("no frame");
      await client.text();
      deepStrictEqual(await clientIds(gateway), [id]);
      const { status } = await gateway.api(`/clients/${encodeURIComponent(id)}`, {
        method: "DELETE",
      });
      strictEqual(status, 204);
    });
  }
});

test("a path that holds no ClientId is 400", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const paths = [
    "/",
    "/.",
    "/..",
    "/%2e",
    "/%2E%2e",
    "/.%2e",
    "/a%2Fb",
    "/a/b",
    "/a/",
    "//a",
    "/a/..",
    "/clients/CP1",
    "/a%00",
    "/a%0A",
    "/a%1F",
    "/a%7F",
    "/a%C2%85",
    "/a%",
    "/a%2",
    "/a%zz",
    "/%FF",
    "/%C3",
    "/%C0%AF",
    "/%ED%A0%80",
    `/${"a".repeat(256)}`,
    `/${EMOJI.repeat(128)}`,
  ];
  for (const path of paths) {
    await t.step(path.slice(0, 40), async () => {
      strictEqual(await rawStatus(gateway.url, upgradeHead(path)), 400);
    });
  }
  deepStrictEqual(await clientIds(gateway), []);
});

test("a GET of a client's path without an upgrade is told to upgrade", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const path of ["/CP1", "/a%20b"]) {
    const answer = await gateway.api(path);
    assertProblem(answer, 426);
    strictEqual(answer.headers.get("upgrade"), "websocket");
  }
  strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1", { Upgrade: "h2c" })), 426);
});

test("--ws-path stands before the ClientId, with or without a slash at its end", async (t) => {
  for (const prefix of ["/ocpp", "/ocpp/", "/a/b"]) {
    await t.step(prefix, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, [`--ws-path=${prefix}`]);
      const base = prefix.replace(/\/$/, "");
      const client = await connected(gateway, `${base.slice(1)}/CP1`);
      strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
      strictEqual((await backend.next()).path, "/call/Act/CP1/1");
      strictEqual((await gateway.api(`${base}/CP2`)).status, 426);
      for (
        const [path, status] of [
          [`${base}/a/b`, 400],
          [`${base}/`, 400],
          [`${base}/..`, 400],
          ["/CP1", 404],
          [base, 404],
          [`${base}CP1`, 404],
        ] as const
      ) strictEqual(await rawStatus(gateway.url, upgradeHead(path)), status, path);
      strictEqual((await gateway.call("Act/CP1/1")).status, 202, "the API stays where it is");
    });
  }
});

test("the first subprotocol in the client's order that is served wins", async (t) => {
  const rows: [flag: string, offer: string | undefined, chosen: string | undefined][] = [
    ["", "ocpp1.6", "ocpp1.6"],
    ["", "ocpp1.6, ocpp2.1", "ocpp1.6"],
    ["", "ocpp2.1, ocpp1.6", "ocpp2.1"],
    ["", "ocpp2.0.1,ocpp2.1,ocpp1.6", "ocpp2.0.1"],
    ["", "soap ,ocpp2.0,ocpp2.0.1", "ocpp2.0.1"],
    ["", undefined, undefined],
    ["--protocols=ocpp1.6", "ocpp2.1,ocpp1.6", "ocpp1.6"],
    ["--protocols=ocpp1.6,ocpp2.1", "ocpp2.1,ocpp1.6", "ocpp2.1"],
    ["--protocols=mine", "ocpp2.1, mine", "mine"],
    ["--require-protocol", "ocpp1.6", "ocpp1.6"],
  ];
  for (const [flag, offer, chosen] of rows) {
    await t.step(`${flag} ${offer ?? "none offered"}`, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, flag === "" ? [] : [flag]);
      using client = await RawClient.connect(gateway, "/CP1", { "Sec-WebSocket-Protocol": offer });
      match(client.head, /^HTTP\/1\.1 101 /);
      strictEqual(headerOf(client.head, "sec-websocket-protocol"), chosen);
      strictEqual(headerOf(client.head, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      await client.send('[2,"1","Heartbeat",{}]');
      strictEqual(await client.text(), '[3,"1",{}]');
      strictEqual((await backend.next()).headers.get("x-ws2api-protocol"), chosen ?? null);
      const { protocol } = JSON.parse((await gateway.api("/clients/CP1")).text);
      strictEqual(protocol, chosen ?? null);
      await gateway.api("/clients/CP1", { method: "DELETE" });
    });
  }
});

/** The gateway's answer to raw text, with its body. */
async function wholeAnswer(
  gateway: TestGateway,
  text: string,
): Promise<{ status: number; head: string; body: string }> {
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(text);
  const [head = "", body = ""] = (await socket.rest()).split(/(?<=\r\n\r\n)/);
  return { status: Number(head.split(" ")[1]), head, body };
}

/** How often an upgrade was refused for its subprotocols. */
async function refusedForProtocol(gateway: TestGateway): Promise<number | undefined> {
  return (await scrape(gateway)).get('ws2api_upgrades_refused_total{reason="protocol"}');
}

/** What a client may offer of which nothing is served. */
const NOT_SERVED = ["soap", "OCPP1.6", "ocpp1.5, ocpp2.0"];

test("a client without a subprotocol in common is refused with 400, which names those that are served", async (t) => {
  for (const flags of [[], ["--no-common-protocol=refuse", "--require-protocol"]]) {
    for (const offer of NOT_SERVED) {
      await t.step(`${offer} ${flags}`, async () => {
        await using backend = new RecordingBackend();
        const logged = new RecordedLog();
        const hooks = ["--connect-hook", "--disconnect-hook"];
        await using gateway = await TestGateway.start(
          backend.url,
          [...flags, ...hooks, "--protocols=ocpp2.1,ocpp1.6"],
          logged.log,
        );
        const other = await connected(gateway);
        await backend.next("/connect/");
        const { status, head, body } = await wholeAnswer(
          gateway,
          upgradeHead("/CP1", { "Sec-WebSocket-Protocol": offer }),
        );
        strictEqual(status, 400);
        strictEqual(headerOf(head, "content-type"), "application/problem+json");
        const reason = "no subprotocol in common; served: ocpp2.1, ocpp1.6";
        strictEqual(JSON.parse(body).detail, reason);
        strictEqual(await refusedForProtocol(gateway), 1);
        deepStrictEqual(logged.take("upgrade refused"), [
          { clientId: "CP1", remoteAddress: "127.0.0.1", cause: "protocol", status: 400, reason },
        ]);
        // The one who has the name keeps it.
        strictEqual(await other.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
        deepStrictEqual(await clientIds(gateway), ["CP1"]);
        deepStrictEqual(backend.paths(), ["/connect/CP1", "/call/Act/CP1/2"]);
      });
    }
  }
});

test("a client without a subprotocol in common is closed with 1002 behind the handshake", async (t) => {
  for (const flags of [[], ["--require-protocol"]]) {
    for (const offer of NOT_SERVED) {
      await t.step(`${offer} ${flags}`, async () => {
        await using backend = new RecordingBackend();
        await using gateway = await TestGateway.start(backend.url, [
          ...flags,
          "--no-common-protocol=close",
          "--connect-hook",
          "--disconnect-hook",
        ]);
        const other = await connected(gateway);
        await backend.next("/connect/");
        using client = await RawClient.connect(gateway, "/CP1", {
          "Sec-WebSocket-Protocol": offer,
        });
        match(client.head, /^HTTP\/1\.1 101 /);
        strictEqual(headerOf(client.head, "sec-websocket-protocol"), undefined);
        await client.send('[2,"1","Act",{}]');
        strictEqual((await client.closeFrame()).code, 1002);
        strictEqual(await refusedForProtocol(gateway), 1);
        // The one who has the name keeps it.
        strictEqual(await other.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
        deepStrictEqual(await clientIds(gateway), ["CP1"]);
        deepStrictEqual(backend.paths(), ["/connect/CP1", "/call/Act/CP1/2"]);
      });
    }
  }
});

test("a version in the path decides nothing", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--ws-path=/ocpp2.1/"]);
  using client = await RawClient.connect(gateway, "/ocpp2.1/ocpp2.0.1?protocol=ocpp2.1", {
    "Sec-WebSocket-Protocol": "ocpp1.6",
  });
  strictEqual(headerOf(client.head, "sec-websocket-protocol"), "ocpp1.6");
  await client.send("no frame");
  match(await client.text(), /^\[4,"-1","FormationViolation",/);
  await gateway.api("/clients/ocpp2.0.1", { method: "DELETE" });
});

test("compression that a client offers is not agreed to, and frames go uncompressed", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  using client = await RawClient.connect(gateway, "/CP1", {
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
  });
  strictEqual(headerOf(client.head, "sec-websocket-extensions"), undefined);
  await client.send('[2,"1","Heartbeat",{}]');
  strictEqual(await client.text(), '[3,"1",{}]');
  await gateway.api("/clients/CP1", { method: "DELETE" });
});

test("--require-protocol refuses a client that offers none", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--require-protocol"]);
  for (const offer of [undefined, "", " , "]) {
    const head = upgradeHead("/CP1", { "Sec-WebSocket-Protocol": offer });
    strictEqual(await rawStatus(gateway.url, head), 400);
  }
  deepStrictEqual(await clientIds(gateway), []);
});

test("an upgrade that is no WebSocket handshake is refused", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const rows: [header: string, value: string | undefined, status: number][] = [
    ["Sec-WebSocket-Version", undefined, 426],
    ["Sec-WebSocket-Version", "8", 426],
    ["Sec-WebSocket-Version", "14", 426],
    ["Sec-WebSocket-Version", "x", 426],
    ["Sec-WebSocket-Key", undefined, 400],
    ["Sec-WebSocket-Key", "", 400],
    ["Sec-WebSocket-Key", "dGhl", 400],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=!", 400],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZWFh", 400],
    ["Connection", undefined, 400],
    ["Connection", "keep-alive", 400],
    ["Connection", "keep-alive, upgrade", 101],
    ["Upgrade", "WebSocket", 101],
  ];
  for (const [header, value, status] of rows) {
    await t.step(`${header}: ${value ?? "(absent)"} is ${status}`, async () => {
      const answer = await rawAnswer(gateway.url, upgradeHead("/CP1", { [header]: value }));
      strictEqual(answer.status, status);
      strictEqual(
        headerOf(answer.head, "sec-websocket-version"),
        status === 426 ? "13" : undefined,
      );
    });
  }
});

test("a Host header with a slash is 400", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const host of ["gateway/clients", "gateway/ocpp/", "/", "gateway?x", "user@gateway"]) {
    await t.step(host, async () => {
      strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1", { Host: host })), 400);
      const request = `GET /clients HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
      strictEqual(await rawStatus(gateway.url, request), 400);
    });
  }
});

test("--max-connections refuses the next client until one leaves", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-connections=2"]);
  const [first] = [await connected(gateway, "CP1"), await connected(gateway, "CP2")];
  for (const id of ["CP3", "CP4"]) {
    const { status, head } = await rawAnswer(gateway.url, upgradeHead(`/${id}`));
    strictEqual(status, 503);
    match(headerOf(head, "retry-after") ?? "", /^[1-9]\d*$/);
  }
  deepStrictEqual(await clientIds(gateway), ["CP1", "CP2"]);
  await first.close();
  using next = await whenLetIn(gateway, "/CP3");
  await next.send("no frame");
  await next.text();
  deepStrictEqual(await clientIds(gateway), ["CP2", "CP3"]);
});

test("a client is let in beyond --max-connections when it takes over its own place", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-connections=1"]);
  const older = await connected(gateway, "CP1");
  const newer = await connected(gateway, "CP1");
  deepStrictEqual(await older.whenClosed(), { code: 1008, reason: "replaced" });
  strictEqual(await newer.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
  deepStrictEqual(await clientIds(gateway), ["CP1"]);
});

test("a newer connection takes over", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-connections=2"]);
  using older = await RawClient.connect(gateway, "/CP1");
  await older.send('[2,"old","Act",{}]');
  strictEqual(await older.text(), '[3,"old",{}]');
  const oldId = (await backend.next()).headers.get("x-ws2api-connection");
  const waiting = gateway.call("Act/CP1/waiting", "{}", { prefer: "wait=10" });
  strictEqual(await older.text(), '[2,"waiting","Act",{}]');
  for (const id of ["1", "2"]) strictEqual((await gateway.call(`Act/CP1/${id}`)).status, 202);
  const newer = await connected(gateway);
  await t.step("and closes the older one with 1008", async () => {
    deepStrictEqual(await older.closeFrame(), { code: 1008, reason: "replaced" });
  });
  await t.step("the older one's CALLs end", async () => {
    assertProblem(await waiting, 410, "sent");
    for (const id of ["1", "2"]) {
      const { path, body, headers } = await backend.next();
      strictEqual(path, `/error/Act/CP1/${id}`);
      strictEqual(JSON.parse(body).code, "GenericError");
      match(JSON.parse(body).description, /replaced/);
      strictEqual(headers.get("x-ws2api-connection"), oldId);
    }
  });
  await t.step("CALLs reach the newer one, with the same MessageIds", async () => {
    strictEqual((await gateway.call("Act/CP1/1")).status, 202);
    strictEqual(await newer.next(), '[2,"1","Act",{}]');
  });
  await t.step("the older one's late words count for nothing", async () => {
    await older.send('[3,"1",{"late":1}]');
    await older.send('[2,"late","Act",{}]');
    newer.send('[3,"1",{"n":1}]');
    const { path, body, headers } = await backend.next();
    deepStrictEqual([path, body], ["/result/Act/CP1/1", '{"n":1}']);
    notStrictEqual(headers.get("x-ws2api-connection"), oldId);
  });
  await t.step("nor does its late close", async () => {
    older[Symbol.dispose]();
    // Room for another one says that the gateway has seen the close.
    using other = await whenLetIn(gateway, "/CP2");
    await other.send("no frame");
    await other.text();
    deepStrictEqual(await clientIds(gateway), ["CP1", "CP2"]);
    strictEqual((await gateway.call("Act/CP1/3")).status, 202);
    strictEqual(await newer.next(), '[2,"3","Act",{}]');
    newer.send('[3,"3",{}]');
    await backend.next("/result/Act/CP1/3");
  });
  await gateway.shutdown();
  deepStrictEqual(backend.paths("/error/"), ["/error/Act/CP1/1", "/error/Act/CP1/2"]);
  strictEqual(backend.requests.length, 5);
});

test("a takeover's connection ids are in the order of time", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    const client = await gateway.connect("CP1");
    await client.ask('[2,"1","Heartbeat",{}]');
    ids.push((await backend.next()).headers.get("x-ws2api-connection")!);
  }
  deepStrictEqual(ids, [...new Set(ids)].sort());
});

test("a client's address is its socket's, with --trust-proxy the last that was forwarded", async (t) => {
  const rows: [forwardedFor: string | undefined, trusted: string][] = [
    [undefined, "127.0.0.1"],
    ["192.0.2.1", "192.0.2.1"],
    ["198.51.100.9, 192.0.2.1", "192.0.2.1"],
    ["192.0.2.1,2001:db8::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1, unknown", "127.0.0.1"],
    ["192.0.2.1,", "127.0.0.1"],
    ["198.51.100.9, 192.0.2.1:4000", "192.0.2.1"],
    ["[2001:db8::7]:64828", "2001:db8::7"],
    ["192.0.2.1:x", "127.0.0.1"],
    ["<script>", "127.0.0.1"],
  ];
  for (const isTrusted of [true, false]) {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, isTrusted ? ["--trust-proxy"] : []);
    for (const [forwardedFor, trusted] of rows) {
      await t.step(`${isTrusted ? "trusted" : "not trusted"}: ${forwardedFor}`, async () => {
        const headers: Record<string, string> = forwardedFor === undefined
          ? {}
          : { "x-forwarded-for": forwardedFor };
        const client = await gateway.connect("CP1", { headers });
        await client.ask('[2,"1","Heartbeat",{}]');
        const address = isTrusted ? trusted : "127.0.0.1";
        strictEqual((await backend.next()).headers.get("x-forwarded-for"), address);
        const { remoteAddress } = JSON.parse((await gateway.api("/clients/CP1")).text);
        strictEqual(remoteAddress, address);
      });
    }
  }
});
