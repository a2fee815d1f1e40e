import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { PhpFpm, type WebServer } from "../support/php_fpm.ts";
import { testWith } from "../support/needs.ts";
import { headerOf } from "../support/raw_client.ts";
import { ByteSocket } from "../support/websocket_bytes.ts";

/** The application of the example. */
const APP = Deno.readTextFileSync(new URL("../../examples/php-fpm/index.php", import.meta.url));

/** Answers a CALL with what PHP saw of the request. */
const MIRROR = `<?php
header('Content-Type: application/json');
echo json_encode([
    'method' => $_SERVER['REQUEST_METHOD'],
    'uri' => $_SERVER['REQUEST_URI'],
    'port' => $_SERVER['REMOTE_PORT'],
    'protocol' => $_SERVER['HTTP_X_WS2API_PROTOCOL'] ?? null,
    'address' => $_SERVER['HTTP_X_FORWARDED_FOR'] ?? null,
    'type' => $_SERVER['CONTENT_TYPE'] ?? null,
    'body' => file_get_contents('php://input'),
]);
`;

function testEach(
  name: string,
  run: (server: WebServer, t: Deno.TestContext) => Promise<void>,
): void {
  for (const server of ["nginx", "apache2"] as const) {
    testWith([server, "php-fpm"], `${server} and php-fpm: ${name}`, (t) => run(server, t));
  }
}

/** What an example's application says to a CALL. */
function payloadOf(frame: string): Record<string, unknown> {
  const [type, , payload] = JSON.parse(frame);
  strictEqual(type, 3, frame);
  return payload;
}

testEach("a station calls PHP, and PHP calls the station", async (server) => {
  await using php = await PhpFpm.start(server, APP, ["--connect-hook", "--disconnect-hook"]);
  const { gateway } = php;
  const client = await connected(gateway, "S%C3%A4ule%201");
  match(
    await client.ask('[2,"c1","Heartbeat",{}]'),
    /^\[3,"c1",\{"currentTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\]$/,
  );
  strictEqual(await client.ask('[2,"c2","MeterValues",{}]'), '[3,"c2",{}]');
  match(await client.ask('[2,"c3","Frobnicate",{}]'), /^\[4,"c3","NotImplemented"/);
  const path = "reset/S%C3%A4ule%201";
  const asked = inTime(fetch(php.url + path, { method: "POST" }), path);
  const frame = await client.next("[2,");
  const [, id = ""] = /^\[2,"([0-9a-f]{32})","Reset",\{"type":"Soft"\}\]$/.exec(frame) ?? [];
  // The station asks back before it answers.
  match(await client.ask('[2,"c4","Heartbeat",{}]'), /^\[3,"c4",/);
  client.send(`[3,"${id}",{"status":"Accepted"}]`);
  const response = await asked;
  deepStrictEqual([response.status, await response.text()], [200, '{"status":"Accepted"}']);
  strictEqual((await gateway.call("Reset/S%C3%A4ule%201/r1")).status, 202);
  await client.next("[2,");
  client.send('[3,"r1",{"status":"Rejected"}]');
  await php.logged('/result/Reset/S%C3%A4ule%201/r1 {"status":"Rejected"}');
  await client.close();
  await php.logged("/disconnect/S%C3%A4ule%201 ");
});

testEach("no answer is a redirect, and a 204 announces no body", async (server, t) => {
  await using php = await PhpFpm.start(server, APP);
  const rows: [path: string, status: number, body: string | undefined][] = [
    ["/call/MeterValues/CP1/1", 200, "{}"],
    ["/call/Frobnicate/CP1/1", 501, ""],
    ["/result/Reset/CP1/r1", 204, undefined],
    ["/result", 204, undefined],
    ["/result/", 204, undefined],
    ["/call/MeterValues/CP1/", 200, "{}"],
    ["//call/MeterValues/CP1/1", 404, ""],
    ["/", 404, ""],
  ];
  for (const [path, status, body] of rows) {
    await t.step(path, async () => {
      using socket = await ByteSocket.connect(php.url);
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
      await socket.write(`${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
      const [answer = "", content = ""] = (await socket.rest()).split(/(?<=\r\n\r\n)/);
      strictEqual(Number(answer.split(" ")[1]), status, answer);
      strictEqual(headerOf(answer, "location"), undefined);
      if (body === undefined) {
        strictEqual(headerOf(answer, "transfer-encoding"), undefined);
        strictEqual(headerOf(answer, "content-length"), undefined);
        strictEqual(content, "");
      } else if (headerOf(answer, "transfer-encoding") === undefined) {
        strictEqual(headerOf(answer, "content-length"), String(body.length));
        strictEqual(content, body);
      } else {
        // Apache leaves out the length that PHP gives, and cuts into chunks itself.
        strictEqual(server, "apache2");
        strictEqual(content, `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
      }
    });
  }
});

testEach("PHP gets each request as the gateway sent it", async (server, t) => {
  await using php = await PhpFpm.start(server, MIRROR);
  const rows: [clientId: string, action: string, messageId: string][] = [
    ["CP1", "Heartbeat", "7"],
    ["CP 1", "Säule", "é"],
    ["100%", "a+b&c=d;e", "?#[]"],
    ["%2F", "a/b", "c/d/e"],
    ["..a", "//", "/"],
    ["a\\b", "\\", "%25"],
    ["x.php", "index.php", ".htaccess"],
  ];
  for (const [clientId, action, messageId] of rows) {
    await t.step(`${action}, ${clientId}, ${messageId}`, async () => {
      const client = await connected(php.gateway, encodeURIComponent(clientId));
      const body = '{"n":1.0,"s":"é"}';
      const frame = JSON.stringify([2, messageId, action, "BODY"]).replace('"BODY"', body);
      const { port: _, ...seen } = payloadOf(await client.ask(frame));
      deepStrictEqual(seen, {
        method: "POST",
        uri: `/call/${[action, clientId, messageId].map(encodeURIComponent).join("/")}`,
        protocol: "ocpp1.6",
        address: "127.0.0.1",
        type: "application/json",
        body,
      });
    });
  }
});

testEach("a payload of a megabyte reaches PHP, and its answer the station", async (server) => {
  await using php = await PhpFpm.start(server, MIRROR);
  const client = await connected(php.gateway, "CP1");
  const body = `{"s":"${"x".repeat(1_000_000)}"}`;
  strictEqual(payloadOf(await client.ask(`[2,"1","Act",${body}]`))["body"], body);
});

testEach("the gateway keeps its connection for more than a thousand CALLs", async (server) => {
  await using php = await PhpFpm.start(server, MIRROR);
  const client = await connected(php.gateway, "CP1");
  const ports = new Set<unknown>();
  // More than either server allows on a connection by default.
  for (let k = 0; k < 1100; k++) {
    ports.add(payloadOf(await client.ask(`[2,"${k}","A",{}]`))["port"]);
  }
  strictEqual(ports.size, 1);
});

testEach(
  "without php-fpm a CALL ends at once, and with it again the next is answered",
  async (server) => {
    await using php = await PhpFpm.start(server, MIRROR);
    const client = await connected(php.gateway, "CP1");
    payloadOf(await client.ask('[2,"1","A",{}]'));
    for (let k = 0; k < 2; k++) {
      await php.stopPool();
      match(await client.ask('[2,"2","A",{}]'), /^\[4,"2","InternalError"/);
      await php.startPool();
      payloadOf(await client.ask('[2,"3","A",{}]'));
    }
  },
);
