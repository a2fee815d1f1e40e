import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  closedPort,
  json,
  onClosedPort,
  RawBackend,
  RecordingBackend,
  write,
} from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { programOf, testWith } from "../support/needs.ts";
import {
  type Certificate,
  makeCertificate,
  Program,
  SecureClient,
  TempDir,
  whenListening,
} from "../support/program.ts";
import { headerOf } from "../support/raw_client.ts";
import { type TlsAnswer, tlsRequest } from "../support/tls_request.ts";
import {
  apiPortOf,
  assertPassedOn,
  CLIENT_HEADERS,
  gatewayBehindProxy,
  testProxy,
} from "./proxy_contract.ts";

const CONFIG = fileURLToPath(new URL("../../examples/haproxy/haproxy.cfg", import.meta.url));

/** HAProxy with the example's configuration. */
class Proxy implements AsyncDisposable {
  readonly program: Program;
  readonly certificate: Certificate;
  readonly port: number;
  readonly #dir: TempDir;

  private constructor(
    dir: TempDir,
    certificate: Certificate,
    port: number,
    gateway: string,
    apiPort: number,
  ) {
    this.#dir = dir;
    this.port = port;
    this.certificate = certificate;
    this.program = new Program(programOf("haproxy"), ["-f", CONFIG], {
      PROXY_LISTEN: `127.0.0.1:${this.port}`,
      PROXY_CERT: dir.file("proxy.pem", certificate.cert + certificate.key),
      GATEWAY_ADDRESS: gateway,
      GATEWAY_API_PORT: String(apiPort),
    });
  }

  /**
   * Starts it.
   *
   * @param gateway Where the clients' requests go.
   * @param apiPort Where the health is asked for.
   */
  static async start(gateway: string, apiPort: number): Promise<Proxy> {
    return await onClosedPort(async (port) => {
      using stack = new DisposableStack();
      const dir = stack.use(new TempDir());
      const certificate = await makeCertificate(dir);
      const proxy = new Proxy(dir, certificate, port, new URL(gateway).host, apiPort);
      stack.move();
      try {
        await whenListening(proxy.program, port);
      } catch (error) {
        await proxy[Symbol.asyncDispose]();
        throw error;
      }
      return proxy;
    });
  }

  connect(path: string, headers: Record<string, string> = {}): Promise<SecureClient> {
    const url = `wss://127.0.0.1:${this.port}${path}`;
    return SecureClient.connect(url, this.certificate.cert, headers);
  }

  /** Sends raw text and reads the head of the answer. */
  ask(text: string): Promise<TlsAnswer> {
    return tlsRequest(this.port, this.certificate.cert, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}

testWith(
  ["haproxy", "openssl"],
  "a client reaches the gateway through HAProxy, and the backend reaches the client",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    await using proxy = await Proxy.start(gateway.url, apiPortOf(gateway));
    const authorization = `Basic ${btoa("CP 1:\x00\xff")}`;
    await using client = await proxy.connect("/ocpp/CP%201", { authorization });
    const asked = await backend.next("/connect/CP%201");
    deepStrictEqual(JSON.parse(asked.body), {
      protocols: ["ocpp1.6"],
      remoteAddress: "127.0.0.1",
      authorization,
      tls: true,
      clientCertificate: null,
    });
    strictEqual(await client.ask('[2,"c1","Act",{"n":1.0}]'), '[3,"c1",{}]');
    const { path, body, headers } = await backend.next("/call/");
    deepStrictEqual([path, body], ["/call/Act/CP%201/c1", '{"n":1.0}']);
    strictEqual(headers.get("x-forwarded-for"), "127.0.0.1");
    const called = gateway.call("Reset/CP%201/r1", '{"type":"Soft"}', { prefer: "wait=10" });
    strictEqual(await client.next("[2,"), '[2,"r1","Reset",{"type":"Soft"}]');
    client.send('[3,"r1",{"status":"Accepted"}]');
    const { status, text } = await called;
    deepStrictEqual([status, text], [200, '{"status":"Accepted"}']);
    const large = `{"s":"${"x".repeat(1_000_000)}"}`;
    backend.answer = () => json(large);
    ok(await client.ask(`[2,"c2","Act",${large}]`) === `[3,"c2",${large}]`, "large frames");
    ok((await backend.next("/call/")).body === large);
  },
);

testProxy("HAProxy", ["haproxy", "openssl"], (gateway, apiPort) => Proxy.start(gateway, apiPort));

testWith(
  ["haproxy", "openssl"],
  "HAProxy passes the upgrade on with its own X-Forwarded-For, and a connection for each",
  async () => {
    await using healthy = new RecordingBackend();
    await using gateway = new RawBackend((conn) =>
      write(conn, "HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n")
    );
    await using proxy = await Proxy.start(gateway.url, healthy.port);
    const text = upgradeHead("/ocpp/a%2Fb%20c", CLIENT_HEADERS);
    for (let k = 1; k <= 2; k++) {
      const { status, head } = await proxy.ask(text);
      deepStrictEqual([status, headerOf(head, "www-authenticate")], [401, "Basic"]);
      strictEqual(gateway.connections, k);
    }
    const [request = ""] = gateway.requests;
    match(request, /^GET \/ocpp\/a%2Fb%20c HTTP\/1\.1\r\n/);
    match(headerOf(request, "connection") ?? "", /\bupgrade\b/i);
    assertPassedOn(request, "x-forwarded-for: 127.0.0.1");
    await proxy.ask(upgradeHead("/ocpp/CP1", { "Content-Length": "0" }));
    const [, , withLength = ""] = gateway.requests;
    match(withLength, /^GET \/ocpp\/CP1 HTTP\/1\.1\r\n/);
    deepStrictEqual(
      ["content-length", "transfer-encoding", "upgrade"].map((name) => headerOf(withLength, name)),
      [undefined, undefined, "websocket"],
    );
  },
);

testWith(
  ["haproxy", "openssl"],
  "clients come back through HAProxy when the gateway has been started again",
  async () => {
    await using backend = new RecordingBackend();
    // It comes again on its ports, which nobody must get meanwhile.
    const flagsOf = (port: number, apiPort: number): string[] => [
      `--listen=127.0.0.1:${port}`,
      `--api-listen=127.0.0.1:${apiPort}`,
    ];
    const first = await onClosedPort((port) =>
      gatewayBehindProxy(backend, flagsOf(port, closedPort()))
    );
    const { url, apiUrl } = first.gateway;
    await using proxy = await Proxy.start(url, Number(new URL(apiUrl!).port));
    await using client = await proxy.connect("/ocpp/CP1");
    strictEqual(await client.ask('[2,"1","Act",{}]'), '[3,"1",{}]');
    await first.shutdown();
    deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
    await proxy.program.logged("gateway1 is DOWN");
    strictEqual((await proxy.ask(upgradeHead("/ocpp/CP1"))).status, 503);
    await using second = await gatewayBehindProxy(
      backend,
      flagsOf(Number(new URL(url).port), Number(new URL(apiUrl!).port)),
    );
    await proxy.program.logged("gateway1 is UP");
    await using again = await proxy.connect("/ocpp/CP1");
    strictEqual(await again.ask('[2,"2","Act",{}]'), '[3,"2",{}]');
    strictEqual((await second.call("Reset/CP1/r1")).status, 202);
    strictEqual(await again.next(), '[2,"r1","Reset",{}]');
    again.send('[3,"r1",{}]');
    strictEqual((await backend.next("/result/")).path, "/result/Reset/CP1/r1");
  },
);
