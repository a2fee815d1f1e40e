import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient, upgradeHead } from "../support/client.ts";
import { CLIENT_CERT } from "../support/client_cert_header.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { inTime } from "../support/deadline.ts";
import { HaproxyWithCertificates } from "../support/haproxy.ts";
import { NginxProxy } from "../support/nginx.ts";
import {
  type Certificate,
  makeCertificate,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";
import { headerOf, rawAnswer } from "../support/raw_client.ts";
import { tlsRequest } from "../support/tls_request.ts";
import { programOf, testWith } from "../support/needs.ts";
import { testEachWebSocket } from "../support/websockets.ts";
import { gatewayBehindProxy } from "./proxy_contract.ts";

/** What a station brings along. */
interface Credentials {
  readonly authorization?: string;
  readonly certificate?: Certificate;
}

/** A station that trusts one certificate. */
class Station extends TestClient implements AsyncDisposable {
  readonly #http: Deno.HttpClient;

  private constructor(url: string, http: Deno.HttpClient, authorization: string | undefined) {
    super(url, { client: http, headers: authorization === undefined ? {} : { authorization } });
    this.#http = http;
  }

  /** Connects. @throws When it is not let in. */
  static async connect(url: string, trusted: string, credentials: Credentials): Promise<Station> {
    const http = Deno.createHttpClient({ caCerts: [trusted], ...credentials.certificate });
    const station = new Station(url, http, credentials.authorization);
    try {
      await inTime(station.opened, `the upgrade of ${url}`);
      return station;
    } catch (error) {
      await station[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await this.close();
    this.#http.close();
  }
}

const PASSWORD = "0123456789abcdef";
const CHALLENGE = 'Basic realm="stations"';

function basic(user: string, password: string): string {
  return `Basic ${btoa(`${user}:${password}`)}`;
}

/** A backend that lets in CP1 with its password, as docs/security-profiles.md says. */
function passwordBackend(): RecordingBackend {
  const backend = new RecordingBackend();
  backend.answer = ({ path, body }) => {
    if (!path.startsWith("/connect/")) return json("{}");
    const isKnown = path === "/connect/CP1" &&
      JSON.parse(body).authorization === basic("CP1", PASSWORD);
    return isKnown
      ? new Response(null, { status: 204 })
      : new Response(null, { status: 401, headers: { "www-authenticate": CHALLENGE } });
  };
  return backend;
}

/** Each implementation of WebSockets has its own way to TLS. */
function testOwnTls(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  testEachWebSocket({ needs: "openssl", name, fn });
}

testOwnTls("security profiles 1 and 2: HTTP Basic over ws and wss", async (t) => {
  await using backend = passwordBackend();
  using dir = new TempDir();
  const { cert, key } = await makeCertificate(dir);
  const tls = [`--tls-cert=${dir.file("a.crt", cert)}`, `--tls-key=${dir.file("a.key", key)}`];
  for (const [name, scheme, flags] of [["1", "ws", []], ["2", "wss", tls]] as const) {
    await t.step(`profile ${name}`, async (t) => {
      await using program = startProgram([
        ...["--listen=127.0.0.1:0", "--api-listen=127.0.0.1:0", `--backend=${backend.url}`],
        ...["--connect-hook", ...flags],
      ]);
      const url = await urlOf(program);
      const rows: [name: string, clientId: string, authorization: string | undefined][] = [
        ["no password", "CP1", undefined],
        ["a wrong password", "CP1", basic("CP1", "0123456789abcdeF")],
        ["another station's password", "CP2", basic("CP1", PASSWORD)],
      ];
      for (const [name, clientId, authorization] of rows) {
        await t.step(name, async () => {
          const text = upgradeHead(`/${clientId}`, { Authorization: authorization });
          const { head, status } = scheme === "ws"
            ? await rawAnswer(url, text)
            : await tlsRequest(Number(new URL(url).port), cert, text);
          strictEqual(status, 401);
          strictEqual(headerOf(head, "www-authenticate"), CHALLENGE);
        });
      }
      await t.step("the right password", async () => {
        const authorization = basic("CP1", PASSWORD);
        const address = `${scheme}://${new URL(url).host}/CP1`;
        await using station = await Station.connect(address, cert, { authorization });
        strictEqual(await station.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
      });
    });
  }
});

/** A proxy that asks clients for certificates. */
interface Proxy extends AsyncDisposable {
  readonly certificate: Certificate;
  readonly port: number;
}

/**
 * Checks that a certificate gets in, under its own name only.
 *
 * @param refusal What the proxy answers to a client without a good certificate; 0 cuts the handshake.
 */
async function assertCertificates(
  { proxy, backend, authority, stranger, refusal, t }: {
    proxy: Proxy;
    backend: RecordingBackend;
    authority: ClientAuthority;
    stranger: Certificate;
    refusal: number;
    t: Deno.TestContext;
  },
): Promise<void> {
  const certificate = await authority.issue("/O=Example, Inc./CN=CP1");
  const elsewhere = await authority.issue("/O=x,CN=CP2/CN=CP1");
  const rows: [name: string, status: number, clientId: string, credentials: Credentials][] = [
    ["no certificate", refusal, "CP1", {}],
    ["a claim", refusal, "CP1", { authorization: "ClientCertificate 01 CN=CP1" }],
    ["a password", refusal, "CP1", { authorization: basic("CP1", PASSWORD) }],
    ["a certificate of another authority", refusal, "CP1", { certificate: stranger }],
    ["another station's certificate", 403, "CP2", { certificate }],
    ["a certificate for the beginning of a ClientId", 403, "CP11", { certificate }],
    ["a certificate for the end of a ClientId", 403, "XCP1", { certificate }],
    ["a ClientId elsewhere in the subject", 403, "CP2", { certificate: elsewhere }],
  ];
  for (const [name, status, clientId, { authorization, certificate }] of rows) {
    await t.step(`${name} does not get in`, async () => {
      const text = upgradeHead(`/ocpp/${clientId}`, { Authorization: authorization });
      const answer = await tlsRequest(proxy.port, proxy.certificate.cert, text, certificate);
      strictEqual(answer.status, status, answer.head);
      deepStrictEqual(backend.requests, []);
    });
  }
  const url = `wss://127.0.0.1:${proxy.port}/ocpp/`;
  await t.step("the certificate of the ClientId gets in, and the backend is told", async () => {
    await using station = await Station.connect(`${url}CP1`, proxy.certificate.cert, {
      certificate,
      authorization: "ClientCertificate 01 CN=CP9",
    });
    const { path, body } = await backend.next("/connect/");
    strictEqual(path, "/connect/CP1");
    const told: string = JSON.parse(body).authorization;
    match(told, /^ClientCertificate [0-9A-F]{2,} \S/);
    ok(told.includes("CN=CP1") && told.includes(String.raw`O=Example\, Inc.`), told);
    strictEqual(await station.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
  });
  await t.step("a name with a blank is compared decoded", async () => {
    await using _station = await Station.connect(`${url}CP%201`, proxy.certificate.cert, {
      certificate: await authority.issue("/O=Example, Inc./CN=CP 1"),
    });
    strictEqual((await backend.next("/connect/")).path, "/connect/CP%201");
  });
}

/** Checks that a station without a certificate cannot claim one, and that its password passes. */
async function assertNoClaim(
  url: string,
  trusted: string,
  backend: RecordingBackend,
): Promise<void> {
  const password = basic("CP1", PASSWORD);
  for (
    const [authorization, told] of [
      ["ClientCertificate 01 CN=CP1", null],
      ["clientcertificate 01 CN=CP1, Basic x", null],
      ["Basicx", null],
      [password, password],
    ] as const
  ) {
    await using _station = await Station.connect(url, trusted, { authorization });
    const { body } = await backend.next("/connect/");
    strictEqual(JSON.parse(body).authorization, told);
  }
}

testWith(
  ["nginx", "openssl"],
  "security profile 3: nginx lets in only clients with a certificate",
  async (t) => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    const stranger = await (await ClientAuthority.make(dir, "others")).issue("/CN=CP1");
    await using proxy = await NginxProxy.start(gateway.url, { clientCa: authority.cert });
    await assertCertificates({ proxy, backend, authority, stranger, refusal: 400, t });
  },
);

testWith(
  ["nginx", "openssl"],
  "nginx lets no client claim a certificate that it has not shown",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    await using proxy = await NginxProxy.start(gateway.url);
    const url = `wss://127.0.0.1:${proxy.port}/ocpp/CP1`;
    await assertNoClaim(url, proxy.certificate.cert, backend);
  },
);

const OPERATOR = "Example, Inc.";

testWith(
  ["haproxy", "openssl"],
  "security profile 3: HAProxy lets in only clients with a certificate",
  async (t) => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    const stranger = await (await ClientAuthority.make(dir, "others")).issue("/CN=CP1");
    await using proxy = await HaproxyWithCertificates.start(gateway.url, gateway.gateway.apiUrl!, {
      clientCa: authority.cert,
      operator: OPERATOR,
      isBoundToClientId: true,
    });
    await assertCertificates({ proxy, backend, authority, stranger, refusal: 0, t });
    await t.step("on its port without certificates nobody can claim one", async () => {
      const url = `wss://127.0.0.1:${proxy.plainPort}/ocpp/CP1`;
      await assertNoClaim(url, proxy.certificate.cert, backend);
    });
  },
);

/** What the connect hook must tell of a certificate. */
function told(certificate: Certificate): unknown {
  const { subject, serialNumber, fingerprint256 } = new X509Certificate(certificate.cert);
  const [, CN] = /^CN=(.*)$/m.exec(subject)!;
  const serial = serialNumber.padStart(2 * Math.ceil(serialNumber.length / 2), "0");
  return { subject: { CN, O: OPERATOR }, serialNumber: serial, fingerprint256 };
}

testWith(
  ["haproxy", "openssl"],
  "security profile 3: behind HAProxy the backend decides by the certificate, which nobody can claim",
  async (t) => {
    await using backend = new RecordingBackend();
    // As a CSMS would: by the serial number of the station that it has under that name.
    backend.answer = ({ path, body }) => {
      if (!path.startsWith("/connect/")) return json("{}");
      const { clientCertificate } = JSON.parse(body);
      if (path === "/connect/unknown") return new Response(null, { status: 404 });
      const isKnown = clientCertificate?.subject.CN === "SN-0815" && path === "/connect/CP1";
      return new Response(null, { status: isKnown ? 204 : 403 });
    };
    await using gateway = await gatewayBehindProxy(backend, ["--connect-hook"]);
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    const certificate = await authority.issue(`/O=${OPERATOR}/CN=SN-0815`);
    const options = { clientCa: authority.cert, operator: OPERATOR };
    await using proxy = await HaproxyWithCertificates.start(
      gateway.url,
      gateway.gateway.apiUrl!,
      options,
    );
    const trusted = proxy.certificate.cert;
    /** An upgrade with what a client may claim of itself: the answer, and what the hook was told. */
    const upgrade = async (port: number, clientId: string, shown?: Certificate) => {
      const text = upgradeHead(`/ocpp/${clientId}`, {
        "Client-Cert": CLIENT_CERT.header,
        "Client-cert": CLIENT_CERT.header,
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=6.6.6.6",
      });
      const { status } = await tlsRequest(port, trusted, text, shown);
      const asked = backend.paths().length === 0 ? null : JSON.parse((await backend.next()).body);
      backend.requests.length = 0;
      return { status, asked };
    };
    await t.step("its own certificate is told, and the backend lets it in", async () => {
      const { status, asked } = await upgrade(proxy.port, "CP1", certificate);
      strictEqual(status, 101);
      deepStrictEqual(asked.clientCertificate, told(certificate));
      deepStrictEqual([asked.tls, asked.remoteAddress], [true, "127.0.0.1"]);
    });
    await t.step("another station's name is the backend's to refuse", async () => {
      const { status, asked } = await upgrade(proxy.port, "CP2", certificate);
      strictEqual(status, 403);
      deepStrictEqual(asked.clientCertificate, told(certificate));
    });
    await t.step("a name that the backend does not know is 404", async () => {
      strictEqual((await upgrade(proxy.port, "unknown", certificate)).status, 404);
    });
    const others: [name: string, subject: string][] = [
      ["another operator", "/O=Other/CN=SN-0815"],
      ["no operator", "/CN=SN-0815"],
      ["the operator in another place", `/O=Other/OU=${OPERATOR}/CN=O=${OPERATOR}`],
      ["the beginning of the operator", "/O=Example/CN=SN-0815"],
      ["more than the operator", `/O=${OPERATOR} x/CN=SN-0815`],
      ["the operator in other letters", `/O=${OPERATOR.toUpperCase()}/CN=SN-0815`],
    ];
    for (const [name, subject] of others) {
      await t.step(`a certificate of ${name} does not get in`, async () => {
        const shown = await authority.issue(subject);
        deepStrictEqual(await upgrade(proxy.port, "CP1", shown), { status: 403, asked: null });
      });
    }
    await t.step("on its port without certificates nobody has one", async () => {
      const { status, asked } = await upgrade(proxy.plainPort, "CP1");
      deepStrictEqual([status, asked.clientCertificate, asked.tls], [403, null, true]);
    });
    await t.step("a session that is taken up again has its certificate", async () => {
      const files = [dir.file("s.crt", certificate.cert), dir.file("s.key", certificate.key)];
      const session = dir.path("session");
      for (const [k, way] of ["-sess_out", "-sess_in"].entries()) {
        await using client = new Deno.Command(programOf("openssl"), {
          args: [
            ...["s_client", "-connect", `127.0.0.1:${proxy.port}`, "-tls1_2", "-ign_eof"],
            ...["-cert", files[0]!, "-key", files[1]!, way, session],
          ],
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const writer = client.stdin.getWriter();
        await writer.write(new TextEncoder().encode(upgradeHead("/ocpp/unknown")));
        const { body } = await backend.next("/connect/unknown");
        deepStrictEqual(JSON.parse(body).clientCertificate, told(certificate));
        // The refusal ends it.
        const said = await new Response(client.stdout).text();
        match(said, k === 0 ? /New, TLSv1\.2/ : /Reused, TLSv1\.2/);
        await writer.close().catch(() => {});
      }
    });
  },
);
