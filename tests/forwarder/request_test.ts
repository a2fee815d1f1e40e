import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { TraceContext } from "../../lib/codec/trace_context.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { Origin } from "../../lib/identity.ts";
import { closedPort, RawBackend, write } from "../support/backend.ts";
import { testWith } from "../support/needs.ts";
import { makeCertificate, Program, TempDir } from "../support/program.ts";
import { answer, FORWARDERS, REQUEST, taken, TestForwarder } from "./implementations.ts";
import { NO_NAME } from "../support/no_name.ts";

const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };
const ORIGIN: Origin = {
  clientId: "CP1",
  connectionId: "0190-7",
  protocol: "ocpp2.1",
  remoteAddress: "10.0.0.1",
};

function ok200(conn: Deno.Conn): Promise<void> {
  return write(conn, answer("{}"));
}

/** A request as it comes, its header lines in the order of their names. */
function sorted(request: string): string[] {
  const end = request.indexOf("\r\n\r\n");
  const [line, ...headers] = request.slice(0, end).split("\r\n");
  const lines = headers.map((each) => each.replace(/^[^:]*/, (found) => found.toLowerCase()));
  return [line!, ...lines.sort(), request.slice(end + 4)];
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: a request has these lines and the body's bytes, and no others`, async (t) => {
    const rows: [name: string, body: string, origin: Origin, extra: string[]][] = [
      ["with a subprotocol", '{"a":1.0}', ORIGIN, ["x-ws2api-protocol: ocpp2.1"]],
      ["without one", "{}", { ...ORIGIN, protocol: null }, []],
      ["with text beyond ASCII", '{"ü":"🔌\u2028"}', { ...ORIGIN, protocol: null }, []],
      ["with no body", "", { ...ORIGIN, protocol: null }, []],
      ["from an IPv6 address", "{}", { ...ORIGIN, protocol: null, remoteAddress: "fe80::1%2" }, []],
    ];
    for (const [row, body, origin, extra] of rows) {
      await t.step(row, async () => {
        await using backend = new RawBackend(ok200);
        using forwarder = new TestForwarder(name, `${backend.url}base/`);
        const path = "call/Boot%20Notification/CP%2F1/id%0D%0A";
        deepStrictEqual(await forwarder.forward({ path, body, origin }), taken("{}"));
        const bytes = new TextEncoder().encode(body);
        const fromFetch = name === "fetch" ? ["accept-language: *"] : [];
        deepStrictEqual(sorted(backend.requests[0]!), [
          `POST /base/${path} HTTP/1.1`,
          ...[
            "accept: application/json",
            "accept-encoding: identity",
            ...fromFetch,
            `content-length: ${bytes.length}`,
            "content-type: application/json",
            `host: 127.0.0.1:${backend.port}`,
            "user-agent: ws2api/test",
            `x-forwarded-for: ${origin.remoteAddress}`,
            "x-ws2api-connection: 0190-7",
            ...extra,
          ].sort(),
          String.fromCharCode(...bytes),
        ]);
      });
    }
  });

  Deno.test(`${name}: a trace is named in two headers, and no value of it ends a line`, async (t) => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const rows: [trace: TraceContext, lines: string[]][] = [
      [{ traceparent }, [`traceparent: ${traceparent}`]],
      [{ traceparent, tracestate: "a=b, c=d" }, [
        `traceparent: ${traceparent}`,
        "tracestate: a=b, c=d",
      ]],
      [{ traceparent: "x\r\nX-Evil: 1", tracestate: "y\n\u010aX-Evil: 2" }, [
        "traceparent: xX-Evil: 1",
        "tracestate: yX-Evil: 2",
      ]],
    ];
    for (const [trace, lines] of rows) {
      await t.step(JSON.stringify(trace), async () => {
        await using backend = new RawBackend(ok200);
        using forwarder = new TestForwarder(name, backend.url);
        deepStrictEqual(await forwarder.forward({ trace }), taken("{}"));
        const head = sorted(backend.requests[0]!);
        deepStrictEqual(head.filter((line) => /^trace|evil/i.test(line)), lines);
      });
    }
  });

  Deno.test(`${name}: no value can end its header line`, async (t) => {
    const values = [
      "x\r\nX-Evil: 1",
      "x\nX-Evil: 1",
      "x\rX-Evil: 1",
      "x\r\n\r\nPOST /evil HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
      "x\0X-Evil: 1",
      "x\u010d\u010aX-Evil: 1",
      "x\u2028X-Evil: 1",
    ];
    for (const field of ["remoteAddress", "protocol"] as const) {
      for (const value of values) {
        await t.step(`${field} ${JSON.stringify(value)}`, async () => {
          await using backend = new RawBackend(ok200);
          using forwarder = new TestForwarder(name, backend.url);
          const reply = await forwarder.forward({ origin: { ...ORIGIN, [field]: value } });
          // Cleaned, or refused.
          strictEqual(backend.requests.length, reply.ok ? 1 : 0);
          ok(backend.requests.every((request) => !/[\r\n\0](?:x-evil|POST)/i.test(request)));
          deepStrictEqual(await forwarder.forward(), taken("{}"), "and the next one is not hurt");
        });
      }
    }
  });

  Deno.test(`${name}: a request is signed when there is a key, over the path as it is sent`, async () => {
    await using backend = new RawBackend(ok200);
    const signKey = new TextEncoder().encode("secret");
    using forwarder = new TestForwarder(name, `${backend.url}base/`, { signKeys: [signKey] });
    await forwarder.forward({ webhookId: "u", path: "call/Act/CP%201/1", body: '{"ü":1}' });
    const header = /^x-ws2api-signature: t=(\d+),v1=([0-9a-f]{64})\r$/im.exec(
      backend.requests[0]!,
    )!;
    const text = `${header[1]}\nPOST\n/base/call/Act/CP%201/1\n{"ü":1}`;
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", signKey, hmac, false, ["verify"]);
    const mac = Uint8Array.fromHex(header[2]!);
    ok(await crypto.subtle.verify("HMAC", key, mac, new TextEncoder().encode(text)));
  });

  Deno.test(`${name}: a backend that cannot be reached is unreachable`, async (t) => {
    const rows: [name: string, backend: string][] = [
      ["a refused connection", `http://127.0.0.1:${closedPort()}/`],
      ["a refused connection for TLS", `https://127.0.0.1:${closedPort()}/`],
      ["a name that does not resolve", `http://${NO_NAME}:8080/`],
    ];
    for (const [row, backend] of rows) {
      await t.step(row, async () => {
        using forwarder = new TestForwarder(name, backend);
        for (let i = 0; i < 2; i++) deepStrictEqual(await forwarder.forward(), UNREACHABLE);
      });
    }
  });

  Deno.test(`${name}: a backend that comes, goes and comes again is reached`, async () => {
    const port = closedPort();
    const listen = (): Deno.TcpListener => Deno.listen({ hostname: "127.0.0.1", port });
    using forwarder = new TestForwarder(name, `http://127.0.0.1:${port}/`);
    for (let i = 0; i < 3; i++) {
      deepStrictEqual(await forwarder.forward(), UNREACHABLE);
      await using backend = new RawBackend(
        (conn) => write(conn, answer("{}", "Connection: close")),
        listen() as unknown as Deno.Listener<Deno.TcpConn>,
      );
      deepStrictEqual(await forwarder.forward(), taken("{}"));
      strictEqual(backend.requests.length, 1);
    }
  });

  testWith("::1", `${name}: a backend at an IPv6 address is reached`, async () => {
    const listener = Deno.listen({ hostname: "::1", port: 0 });
    await using backend = new RawBackend(
      ok200,
      listener as unknown as Deno.Listener<Deno.TcpConn>,
    );
    using forwarder = new TestForwarder(name, `http://[::1]:${backend.port}/`);
    deepStrictEqual(await forwarder.forward(), taken("{}"));
    match(backend.requests[0]!, new RegExp(`^host: \\[::1\\]:${backend.port}\r$`, "mi"));
  });

  testWith(
    "openssl",
    `${name}: a backend with TLS is reached when its certificate is trusted`,
    async (t) => {
      using dir = new TempDir();
      const { cert, key } = await makeCertificate(dir);
      const other = await makeCertificate(dir);
      const rows: [name: string, caCerts: string[], reply: BackendReply][] = [
        ["trusted", [cert], taken("{}")],
        ["one of several trusted ones", [other.cert, cert], taken("{}")],
        ["trusted by nobody", [], UNREACHABLE],
        ["not the trusted one", [other.cert], UNREACHABLE],
      ];
      for (const [row, caCerts, reply] of rows) {
        await t.step(row, async () => {
          const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
          await using backend = new RawBackend<Deno.TlsConn>(
            ok200,
            listener as unknown as Deno.Listener<Deno.TlsConn>,
          );
          const url = `https://127.0.0.1:${backend.port}/`;
          using forwarder = new TestForwarder(name, url, { caCerts });
          for (let i = 0; i < 2; i++) deepStrictEqual(await forwarder.forward(), reply);
          strictEqual(backend.requests.length, reply.ok ? 2 : 0);
          if (reply.ok) strictEqual(backend.connections, 1);
        });
      }
    },
  );
}

Deno.test("tcp: a request is these bytes", async () => {
  await using backend = new RawBackend(ok200);
  using forwarder = new TestForwarder("tcp", `${backend.url}base/`);
  await forwarder.forward({ ...REQUEST, body: '{"ü":1}', origin: ORIGIN });
  strictEqual(
    backend.requests[0],
    [
      "POST /base/call/Act/CP1/1 HTTP/1.1",
      `Host: 127.0.0.1:${backend.port}`,
      "User-Agent: ws2api/test",
      "Content-Type: application/json",
      "Accept: application/json",
      "Accept-Encoding: identity",
      "X-Ws2api-Connection: 0190-7",
      "X-Forwarded-For: 10.0.0.1",
      "X-Ws2api-Protocol: ocpp2.1",
      "Content-Length: 8",
      "",
      '{"\xc3\xbc":1}',
    ].join("\r\n"),
  );
});

Deno.test("what needs more permissions than these tests have: localhost, and a socket file", async () => {
  const file = fileURLToPath(new URL("address_cases.ts", import.meta.url));
  await using program = new Program(Deno.execPath(), ["test", "--allow-all", "--no-check", file]);
  const { code, stdout, stderr } = await program.ended();
  strictEqual(code, 0, stdout + stderr);
});
