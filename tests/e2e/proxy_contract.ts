/**
 * What each proxy in front of a gateway must do; run for each of them.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { RawBackend, RecordingBackend, write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { type Need, programOf, testWith } from "../support/needs.ts";
import { NO_CLIENT } from "../support/no_client.ts";
import { headerOf } from "../support/raw_client.ts";

/** A proxy with its example's configuration. */
interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Sends raw text and reads the head of the answer. */
  ask(text: string): Promise<{ readonly status: number; readonly head: string }>;
}

/**
 * Starts the proxy.
 *
 * @param gateway Where the clients' requests go.
 * @param apiPort Where the health may be asked for.
 */
type Start = (gateway: string, apiPort: number) => Promise<Proxy>;

/** A gateway as the examples' READMEs say. */
export function gatewayBehindProxy(
  backend: RecordingBackend,
  flags: readonly string[] = [],
): Promise<TestGateway> {
  return TestGateway.start(backend.url, [
    "--api-listen=127.0.0.1:0",
    "--ws-path=/ocpp/",
    "--trust-proxy",
    ...flags,
  ]);
}

/** The port of a gateway's API. */
export function apiPortOf({ gateway }: TestGateway): number {
  return Number(new URL(gateway.apiUrl!).port);
}

/** What a client sends with its upgrade, some of it not to be believed. */
export const CLIENT_HEADERS = {
  "Host": "csms.example.com",
  "Sec-WebSocket-Protocol": "ocpp2.0.1, ocpp1.6",
  "Authorization": "Basic QzE6AP8=",
  "Origin": "https://evil.example",
  "X-Forwarded-For": "6.6.6.6",
  "Forwarded": "for=6.6.6.6",
  "X-Forwarded-Proto": "http",
  "Client-Cert": ":AAAA:",
};

/**
 * Asserts that an upgrade with these headers came through a proxy as it should.
 *
 * @param request What the gateway got.
 * @param forwardedFor The only line of that header, as the proxy spells it.
 */
export function assertPassedOn(request: string, forwardedFor: string): void {
  strictEqual(headerOf(request, "upgrade"), "websocket");
  // On loopback a gateway without a token takes no other.
  strictEqual(headerOf(request, "host"), "localhost");
  strictEqual(headerOf(request, "authorization"), CLIENT_HEADERS.Authorization);
  strictEqual(
    headerOf(request, "sec-websocket-protocol"),
    CLIENT_HEADERS["Sec-WebSocket-Protocol"],
  );
  strictEqual(headerOf(request, "origin"), undefined);
  deepStrictEqual(request.match(/^x-forwarded-for:.*$/gim), [forwardedFor]);
  strictEqual(headerOf(request, "x-forwarded-proto"), "https");
  for (const name of ["forwarded", "client-cert"]) strictEqual(headerOf(request, name), undefined);
}

/** Registers the tests of one proxy. */
export function testProxy(name: string, needs: readonly Need[], start: Start): void {
  testWith(needs, `an upgrade with a Content-Length of 0 gets through ${name}`, async () => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend);
    await using proxy = await start(gateway.url, apiPortOf(gateway));
    const { status } = await proxy.ask(upgradeHead("/ocpp/CP1", { "Content-Length": "0" }));
    strictEqual(status, 101);
  });

  testWith(
    needs,
    `what the gateway believes about a client's address is what ${name} saw`,
    async () => {
      await using backend = new RecordingBackend();
      await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
      await using proxy = await start(gateway.url, apiPortOf(gateway));
      // From another address of this machine, which Deno.connectTls cannot choose.
      await using client = new Deno.Command(programOf("openssl"), {
        args: ["s_client", "-quiet", "-connect", `127.0.0.1:${proxy.port}`, "-bind", "127.0.0.7:0"],
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const writer = client.stdin.getWriter();
      const spoofed = { "X-Forwarded-For": "6.6.6.6", "x-forwarded-For": "7.7.7.7" };
      await writer.write(new TextEncoder().encode(upgradeHead("/ocpp/CP1", spoofed)));
      const { headers, body } = await backend.next("/connect/CP1");
      strictEqual(JSON.parse(body).remoteAddress, "127.0.0.7");
      strictEqual(headers.get("x-forwarded-for"), "127.0.0.7");
      // Not before it is in: of a client that goes in the moment of its upgrade the runtime keeps the
      // connection for good.
      const isIn = async () => (await gateway.api("/clients/CP1")).status === 200;
      await until("the client", isIn);
      client.kill("SIGKILL");
      await writer.close().catch(() => {});
    },
  );

  testWith(needs, `nothing but an upgrade on a client's path gets through ${name}`, async (t) => {
    await using healthy = new RecordingBackend();
    await using gateway = new RawBackend((conn) =>
      write(conn, "HTTP/1.1 401 No\r\nContent-Length: 0\r\nX-From: the gateway\r\n\r\n")
    );
    await using proxy = await start(gateway.url, healthy.port);
    for (const [what, text, status] of NO_CLIENT) {
      await t.step(what, async () => {
        const answer = await proxy.ask(text);
        strictEqual(answer.status, status);
        strictEqual(headerOf(answer.head, "x-from"), undefined);
      });
    }
    await t.step("HTTP without TLS", async () => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
      await write(conn, upgradeHead("/ocpp/CP1"));
      const buffer = new Uint8Array(4096);
      const n = await inTime(conn.read(buffer).catch(() => null), "the end") ?? 0;
      ok(!new TextDecoder().decode(buffer.subarray(0, n)).includes("X-From"));
    });
    strictEqual(gateway.requests.length, 0);
    await t.step("and an upgrade on a client's path does", async () => {
      const { status, head } = await proxy.ask(upgradeHead("/ocpp/CP1?x=/clients"));
      deepStrictEqual([status, headerOf(head, "x-from")], [401, "the gateway"]);
    });
  });
}
