import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readInvocation } from "../../lib/config/config.ts";
import { json, RawBackend, RecordingBackend, write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { NginxProxy } from "../support/nginx.ts";
import { headerOf } from "../support/raw_client.ts";
import { testWith } from "../support/needs.ts";
import { assertPassedOn, CLIENT_HEADERS, gatewayBehindProxy, testProxy } from "./proxy_contract.ts";

testWith(
  ["nginx", "openssl"],
  "a client reaches the gateway through nginx, and the backend reaches the client",
  async (t) => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    await using proxy = await NginxProxy.start(gateway.url);
    for (const clientId of ["CP1", "CP%201", "S%C3%A4ule", "a%5C%3F%25", "100%25", "a+b"]) {
      await t.step(clientId, async () => {
        const authorization = `Basic ${btoa("CP 1:\x00\xff")}`;
        await using client = await proxy.connect(`/ocpp/${clientId}`, { authorization });
        const encoded = encodeURIComponent(decodeURIComponent(clientId));
        const asked = await backend.next(`/connect/${encoded}`);
        deepStrictEqual(JSON.parse(asked.body), {
          protocols: ["ocpp1.6"],
          remoteAddress: "127.0.0.1",
          authorization,
          tls: true,
          clientCertificate: null,
        });
        strictEqual(await client.ask('[2,"c1","Act",{"n":1.0}]'), '[3,"c1",{}]');
        const { path, body, headers } = await backend.next("/call/");
        deepStrictEqual([path, body], [`/call/Act/${encoded}/c1`, '{"n":1.0}']);
        strictEqual(headers.get("x-forwarded-for"), "127.0.0.1");
        const wait = { prefer: "wait=10" };
        const called = gateway.call(`Reset/${encoded}/r1`, '{"type":"Soft"}', wait);
        strictEqual(await client.next("[2,"), '[2,"r1","Reset",{"type":"Soft"}]');
        client.send('[3,"r1",{"status":"Accepted"}]');
        const { status, text } = await called;
        deepStrictEqual([status, text], [200, '{"status":"Accepted"}']);
      });
    }
    await t.step("frames of a megabyte", async () => {
      await using client = await proxy.connect("/ocpp/CP1");
      const large = `{"s":"${"x".repeat(1_000_000)}"}`;
      backend.answer = () => json(large);
      ok(await client.ask(`[2,"c2","Act",${large}]`) === `[3,"c2",${large}]`);
      ok((await backend.next("/call/")).body === large);
    });
  },
);

testProxy("nginx", ["nginx", "openssl"], (gateway) => NginxProxy.start(gateway));

testWith(
  ["nginx", "openssl"],
  "nginx passes the upgrade's path on as it came, with its own X-Forwarded-For",
  async () => {
    await using gateway = new RawBackend((conn) =>
      write(conn, "HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n")
    );
    await using proxy = await NginxProxy.start(gateway.url);
    for (
      const path of ["/ocpp/a%2Fb%20c", "/ocpp/%2e%2E%2fa", "/ocpp/%C3%A4?x=%20", "/ocpp/a;b=%3b"]
    ) {
      const { status, head } = await proxy.ask(upgradeHead(path, CLIENT_HEADERS));
      deepStrictEqual([status, headerOf(head, "www-authenticate")], [401, "Basic"]);
      const request = gateway.requests.at(-1)!;
      ok(request.startsWith(`GET ${path} HTTP/1.1\r\n`), request);
      match(headerOf(request, "connection") ?? "", /^upgrade$/i);
      assertPassedOn(request, "X-Forwarded-For: 127.0.0.1");
    }
  },
);

testWith(
  ["nginx", "openssl"],
  "clients come back through nginx when the gateway has been started again",
  async () => {
    await using backend = new RecordingBackend();
    const first = await gatewayBehindProxy(backend);
    await using proxy = await NginxProxy.start(first.url);
    await using client = await proxy.connect("/ocpp/CP1");
    strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
    await first.shutdown();
    deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
    strictEqual((await proxy.ask(upgradeHead("/ocpp/CP1"))).status, 502);
    await using second = await gatewayBehindProxy(backend, [`--listen=${new URL(first.url).host}`]);
    await using again = await proxy.connect("/ocpp/CP1");
    strictEqual(await again.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
    strictEqual((await second.call("Reset/CP1/r1")).status, 202);
    strictEqual(await again.next(), '[2,"r1","Reset",{}]');
  },
);

testWith(
  ["nginx", "openssl"],
  "pings keep an idle client connected for longer than nginx waits, which ends it without them",
  async () => {
    await using backend = new RecordingBackend();
    await using pinging = await gatewayBehindProxy(backend, ["--ping-interval=200ms"]);
    const flags = ["--ping-interval=0s", "--disconnect-hook"];
    await using silent = await gatewayBehindProxy(backend, flags);
    await using kept = await NginxProxy.start(pinging.url, { readTimeout: 1 });
    await using cut = await NginxProxy.start(silent.url, { readTimeout: 1 });
    await using client = await kept.connect("/ocpp/CP1");
    // Each of these tells that nginx's time is over once more.
    for (let i = 0; i < 2; i++) {
      await using other = await cut.connect("/ocpp/CP1");
      await other.whenClosed();
      strictEqual((await backend.next("/disconnect/")).body, '{"code":1006,"reason":""}');
    }
    strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
    strictEqual(JSON.parse((await pinging.api("/clients/CP1")).text).framesIn, 1);
  },
);

Deno.test("nginx's time-outs leave it to the gateway to end a silent client", async () => {
  const file = new URL("../../examples/nginx/ws2api.conf", import.meta.url);
  const site = await Deno.readTextFile(file);
  const invocation = readInvocation([], () => undefined, "0.0.0-test");
  ok(invocation.kind === "run");
  const { pingIntervalMs, backendTimeoutMs } = invocation.config;
  for (const name of ["proxy_read_timeout", "proxy_send_timeout", "send_timeout"]) {
    const ms = 1000 * Number(new RegExp(String.raw`^\s+${name}\s+(\d+)s;$`, "m").exec(site)?.[1]);
    // It pings after the first and gives up after the second.
    ok(ms > 2 * pingIntervalMs, name);
    ok(ms > backendTimeoutMs, name);
  }
});
