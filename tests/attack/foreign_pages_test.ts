/**
 * Pages that somebody who may use the gateway has open in a browser: of another origin, and under a
 * name that was pointed at this machine (DNS rebinding).
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { headerOf, rawAnswer, rawStatus } from "../support/raw_client.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const EVIL = "https://evil.example";
const OPS = "https://ops.example.com";

/** An upgrade of this client, as a browser would send it. */
function upgrade(headers: Record<string, string | undefined>, path = "/CP1"): string {
  return upgradeHead(path, { Host: "127.0.0.1", ...headers });
}

/** Any other request. */
function request(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ "Content-Length": "0", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${lines}\r\n`;
}

test("on this machine no page of another origin takes over a client", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = ({ body }) => json(body);
  const victim = await connected(gateway);
  const { port } = new URL(gateway.url);
  const rows: [name: string, headers: Record<string, string | undefined>][] = [
    ["another origin", { Origin: EVIL }],
    ["another port of this machine", { Host: `127.0.0.1:${port}`, Origin: "http://127.0.0.1:1" }],
    ["another name of this machine", {
      Host: `127.0.0.1:${port}`,
      Origin: `http://localhost:${port}`,
    }],
    ["a page without an origin", { Origin: "null" }],
    ["an empty origin", { Origin: "" }],
    ["another scheme", { Host: `127.0.0.1:${port}`, Origin: `app://127.0.0.1:${port}` }],
    ["a name that was pointed here", {
      Host: `evil.example:${port}`,
      Origin: `http://evil.example:${port}`,
    }],
    ["such a name without an origin", { Host: "evil.example" }],
    ["a name that looks like an address", { Host: "127.0.0.1.evil.example" }],
    ["a name that looks like localhost", { Host: "localhost.evil.example" }],
    ["a name below localhost", { Host: "evil.localhost" }],
    ["two origins", { Origin: `http://127.0.0.1\r\nOrigin: ${EVIL}` }],
  ];
  for (const [name, headers] of rows) {
    for (const path of ["/CP1", "/other", "/clients", "/a/b/c"]) {
      await t.step(`${name}, ${path}`, async () => {
        strictEqual(await rawStatus(gateway.url, upgrade(headers, path)), 403);
      });
    }
  }
  strictEqual(await victim.ask('[2,"1","Echo",{"still":1}]'), '[3,"1",{"still":1}]');
  deepStrictEqual(backend.paths().filter((path) => !path.startsWith("/call/Echo/CP1/")), []);
});

test("on this machine a name that was pointed here reads nothing, by any method", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await connected(gateway);
  const paths = ["/", "/clients", "/clients/CP1", "/metrics", "/healthz", "/readyz"];
  paths.push("/status/stream", "/status/clients", "/status/stream?tail=CP1&payloads=1");
  paths.push("/call/Reset/CP1/1", "/send/Reset/CP1/1", "/no/such", "/CP1");
  for (const path of paths) {
    for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PURGE"]) {
      await t.step(`${method} ${path}`, async () => {
        for (const host of ["evil.example", "evil.example:4000", "a.127.0.0.1.evil.example"]) {
          const text = request(method, path, { Host: host, Accept: "text/html" });
          const { status, head } = await rawAnswer(gateway.url, text);
          strictEqual(status, 403);
          strictEqual(headerOf(head, "content-type"), "application/problem+json");
        }
      });
    }
  }
  strictEqual(JSON.parse((await gateway.api("/clients")).text).total, 1);
});

test("on this machine no page of another origin uses the API, by any method", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const victim = await connected(gateway);
  const { host } = new URL(gateway.url);
  const rows = [["GET", "/clients"], ["GET", "/healthz"], ["DELETE", "/clients/CP1"]];
  rows.push(["POST", "/call/Reset/CP1/1"], ["OPTIONS", "/call/Reset/CP1/1"]);
  for (const [method = "", path = ""] of rows) {
    await t.step(`${method} ${path}`, async () => {
      for (const origin of [EVIL, "null", "http://localhost:1"]) {
        const text = request(method, path, {
          Host: host,
          Origin: origin,
          "Access-Control-Request-Method": "POST",
        });
        const { status, head } = await rawAnswer(gateway.url, text);
        strictEqual(status, 403);
        strictEqual(headerOf(head, "access-control-allow-origin"), undefined);
      }
    });
  }
  strictEqual(await victim.ask('[2,"1","Echo",{}]'), '[3,"1",{}]');
});

test("on this machine no page of another origin holds a stream that it cannot read", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const ask = (path: string, site: string, mode: string) =>
    rawStatus(
      gateway.url,
      request("GET", path, {
        Host: "127.0.0.1",
        "Sec-Fetch-Site": site,
        "Sec-Fetch-Mode": mode,
        Accept: "text/html",
      }),
    );
  for (const site of ["cross-site", "same-site"]) {
    strictEqual(await ask("/status/stream", site, "no-cors"), 403);
    strictEqual(await ask("/status/stream?tail=CP1", site, "no-cors"), 403);
    // A link to the page.
    strictEqual(await ask("/", site, "navigate"), 200);
  }
  strictEqual(await ask("/status/stream", "same-origin", "cors"), 200);
  strictEqual(await ask("/clients", "none", "navigate"), 200);
});

test("on this machine who is no browser, or a page of the gateway's own, gets through", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const { port } = new URL(gateway.url);
  const rows: [name: string, headers: Record<string, string>][] = [
    ["an address", { Host: "127.0.0.1" }],
    ["an address and a port", { Host: `127.0.0.1:${port}` }],
    ["another address", { Host: `192.0.2.7:${port}` }],
    ["IPv6", { Host: `[::1]:${port}` }],
    ["localhost", { Host: `LocalHost:${port}` }],
    ["its own origin", { Host: `127.0.0.1:${port}`, Origin: `http://127.0.0.1:${port}` }],
    ["its own origin over TLS", { Host: "localhost", Origin: "https://localhost" }],
    ["a port that is the scheme's own", { Host: "localhost:80", Origin: "http://localhost" }],
    // Of libraries that name what they connect to.
    ["its own origin as ws", { Host: `[::1]:${port}`, Origin: `ws://[::1]:${port}` }],
  ];
  for (const [name, headers] of rows) {
    await t.step(name, async () => {
      strictEqual(await rawStatus(gateway.url, upgrade(headers)), 101);
      strictEqual(await rawStatus(gateway.url, request("GET", "/clients", headers)), 200);
      strictEqual(await rawStatus(gateway.url, request("GET", "/healthz", headers)), 200);
    });
  }
});

test("with a token, or elsewhere, clients connect under any name and from any page", async (t) => {
  await using backend = new RecordingBackend();
  const foreign = { Host: "gateway.example", Origin: EVIL };
  const rows = [["--api-token=s3cret"], ["--listen=:0", "--insecure-api"]];
  for (const flags of rows) {
    await t.step(flags.join(" "), async () => {
      await using gateway = await TestGateway.start(backend.url, flags);
      const url = `http://127.0.0.1:${new URL(gateway.url).port}`;
      strictEqual(await rawStatus(url, upgrade(foreign)), 101);
      strictEqual(await rawStatus(url, request("GET", "/healthz", foreign)), 200);
      // Nobody reads lists there but with a token, or from a page of the gateway's own.
      ok([401, 403].includes(await rawStatus(url, request("GET", "/clients", foreign))));
    });
  }
});

test("of two listeners each is judged by itself", async () => {
  await using backend = new RecordingBackend();
  const flags = ["--listen=:0", "--api-listen=127.0.0.1:0"];
  await using gateway = await TestGateway.start(backend.url, flags);
  const clients = `http://127.0.0.1:${new URL(gateway.url).port}`;
  const rebound = { Host: "evil.example", Origin: "http://evil.example" };
  strictEqual(await rawStatus(clients, upgrade(rebound)), 101);
  strictEqual(await rawStatus(gateway.gateway.apiUrl!, request("GET", "/clients", rebound)), 403);
  const here = { Host: "127.0.0.1" };
  strictEqual(await rawStatus(gateway.gateway.apiUrl!, request("GET", "/clients", here)), 200);
});

test("pages of --allow-origin may connect and use the API, with a token and without", async (t) => {
  await using backend = new RecordingBackend();
  for (const token of [undefined, "s3cret"]) {
    await t.step(token ?? "no token", async (t) => {
      const flags = [`--allow-origin=${OPS}, http://localhost:8080`];
      if (token !== undefined) flags.push(`--api-token=${token}`);
      await using gateway = await TestGateway.start(backend.url, flags);
      const { host } = new URL(gateway.url);
      const page = { Host: host, Origin: OPS };
      strictEqual(await rawStatus(gateway.url, upgrade(page)), 101);
      const own = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const answer = await rawAnswer(gateway.url, request("GET", "/clients", { ...page, ...own }));
      strictEqual(answer.status, 200);
      strictEqual(headerOf(answer.head, "access-control-allow-origin"), OPS);
      match(headerOf(answer.head, "vary") ?? "", /\bOrigin\b/);
      const exposed = headerOf(answer.head, "access-control-expose-headers") ?? "";
      for (const name of ["Ws2api-Outcome", "Location", "Retry-After", "Preference-Applied"]) {
        match(exposed, new RegExp(`\\b${name}\\b`, "i"));
      }
      await t.step("a preflight", async () => {
        const ask = { ...page, "Access-Control-Request-Method": "POST" };
        for (const path of ["/call/Reset/CP1/1", "/clients/CP1", "/status/stream"]) {
          const { status, head } = await rawAnswer(gateway.url, request("OPTIONS", path, ask));
          strictEqual(status, 204);
          strictEqual(headerOf(head, "access-control-allow-origin"), OPS);
          strictEqual(headerOf(head, "access-control-allow-credentials"), undefined);
          match(headerOf(head, "access-control-allow-methods") ?? "", /\bDELETE\b.*|POST|GET/);
          const allowed = headerOf(head, "access-control-allow-headers") ?? "";
          for (const name of ["Authorization", "Content-Type", "Prefer", "Idempotency-Key"]) {
            match(allowed, new RegExp(`\\b${name}\\b`, "i"));
          }
        }
      });
      await t.step("a problem can be read too", async () => {
        const text = request("POST", "/call/Reset/nobody/1", { ...page, ...own });
        const { status, head } = await rawAnswer(gateway.url, text);
        deepStrictEqual([status, headerOf(head, "access-control-allow-origin")], [404, OPS]);
      });
      await t.step("no other page is let in with them", async () => {
        for (
          const origin of [EVIL, `${OPS}.evil.example`, "http://ops.example.com", `${OPS}:8443`]
        ) {
          const headers = { Host: host, Origin: origin, ...own };
          const text = request("GET", "/clients", headers);
          const { status, head } = await rawAnswer(gateway.url, text);
          strictEqual(status, token === undefined ? 403 : 200);
          strictEqual(headerOf(head, "access-control-allow-origin"), undefined);
          match(headerOf(head, "vary") ?? "", /\bOrigin\b/);
          const isLetIn = token !== undefined;
          strictEqual(await rawStatus(gateway.url, upgrade(headers)), isLetIn ? 101 : 403);
        }
      });
      await t.step("a name that was pointed here is no address for them either", async () => {
        const headers = { Host: "evil.example", Origin: OPS };
        strictEqual(
          await rawStatus(gateway.url, upgrade(headers)),
          token === undefined ? 403 : 101,
        );
      });
    });
  }
});
