/**
 * Verdicts of the connect hook that are remembered, through a whole gateway.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { CLIENT_CERT } from "../support/client_cert_header.ts";
import { until } from "../support/deadline.ts";
import { testEachForwarder, TestGateway } from "../support/gateway.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { rawStatus } from "../support/raw_client.ts";

const OURS = { Authorization: "Basic Q1AxOm91cnM=" };
const OTHER = { Authorization: "Basic Q1AxOm90aGVy" };

/** The same names and number, signed anew. */
const OTHER_CERTIFICATE = resigned(CLIENT_CERT.header);

/** The signature ends the certificate. */
function resigned(header: string): string {
  const der = Uint8Array.fromBase64(header.slice(1, -1));
  der[der.length - 1]! ^= 1;
  return `:${der.toBase64()}:`;
}

/** Lets all in, and says that this may be remembered. */
function letIn(backend: RecordingBackend, cacheControl = "max-age=60"): void {
  backend.answer = () =>
    new Response(null, { status: 204, headers: { "cache-control": cacheControl } });
}

/** How often the backend is asked, with this status, while somebody connects. */
async function asks(
  backend: RecordingBackend,
  gateway: { readonly url: string },
  headers: Record<string, string> = OURS,
  clientId = "CP1",
  expected = 101,
): Promise<number> {
  const before = backend.paths("/connect/").length;
  strictEqual(await rawStatus(gateway.url, upgradeHead(`/${clientId}`, headers)), expected);
  return backend.paths("/connect/").length - before;
}

testEachForwarder(
  "a 2xx with max-age is remembered for the same ClientId and Authorization",
  async ({ TestGateway }) => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
    letIn(backend);
    strictEqual(await asks(backend, gateway), 1);
    for (let i = 0; i < 3; i++) strictEqual(await asks(backend, gateway), 0);
    strictEqual(await asks(backend, gateway, OURS, "CP2"), 1, "another ClientId");
    strictEqual(await asks(backend, gateway, {}), 1, "no Authorization");
    strictEqual(await asks(backend, gateway), 1, "the one before was forgotten for it");
    strictEqual(await asks(backend, gateway, OURS, "CP2"), 0);
  },
);

Deno.test("what is remembered holds for the very same certificate", async () => {
  await using backend = new RecordingBackend();
  const flags = ["--connect-hook", "--trust-proxy"];
  await using gateway = await TestGateway.start(backend.url, flags);
  letIn(backend);
  const shown = { ...OURS, "Client-Cert": CLIENT_CERT.header };
  strictEqual(await asks(backend, gateway, shown), 1);
  strictEqual(await asks(backend, gateway, shown), 0);
  strictEqual(await asks(backend, gateway, { ...shown, "X-Forwarded-Proto": "https" }), 0);
  strictEqual(await asks(backend, gateway, OURS), 1, "no certificate");
  strictEqual(await asks(backend, gateway, { ...shown, ...OTHER }), 1, "another password");
  strictEqual(await asks(backend, gateway, shown), 1, "the one before was forgotten for it");
  const another = { ...shown, "Client-Cert": OTHER_CERTIFICATE };
  strictEqual(await asks(backend, gateway, another), 1, "another certificate");
});

testEachForwarder("nothing else is remembered", async ({ TestGateway, t }) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  const rows: [status: number, headers: [string, string][], expected: number][] = [
    [204, [], 101],
    [204, [["cache-control", "max-age=0"]], 101],
    [204, [["cache-control", "max-age=60, no-store"]], 101],
    [204, [["cache-control", "no-cache"], ["cache-control", "max-age=60"]], 101],
    [204, [["cache-control", "max-age=60"], ["cache-control", "no-store"]], 101],
    [204, [["expires", "Wed, 21 Oct 2099 07:28:00 GMT"]], 101],
    [401, [["cache-control", "max-age=60"]], 401],
    [403, [["cache-control", "max-age=60"]], 403],
    [301, [["cache-control", "max-age=60"]], 503],
    [500, [["cache-control", "max-age=60"]], 503],
  ];
  for (const [status, headers, expected] of rows) {
    await t.step(`${status} ${JSON.stringify(headers)}`, async () => {
      backend.answer = () => new Response(null, { status, headers });
      for (let i = 0; i < 2; i++) {
        strictEqual(await asks(backend, gateway, OURS, "CP1", expected), 1);
      }
    });
  }
});

Deno.test("a client that was let in from memory is as any other: its end is told", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--connect-hook",
    "--disconnect-hook",
  ]);
  letIn(backend);
  for (let i = 0; i < 3; i++) {
    const client = await gateway.connect("CP1", { protocols: ["ocpp1.6"] });
    await client.close();
    await backend.next("/disconnect/CP1");
  }
  strictEqual(backend.paths("/connect/").length, 1);
});

Deno.test("a later refusal, of whatever it showed, has the client asked about anew", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  letIn(backend);
  await asks(backend, gateway);
  strictEqual(await asks(backend, gateway), 0);
  backend.answer = () => new Response(null, { status: 401 });
  strictEqual(await asks(backend, gateway, OTHER, "CP1", 401), 1);
  strictEqual(await asks(backend, gateway, OURS, "CP1", 401), 1);
});

Deno.test("a backend that cannot be asked takes back no earlier word", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  letIn(backend);
  await asks(backend, gateway);
  backend.answer = () => new Response(null, { status: 500 });
  await asks(backend, gateway, OTHER, "CP1", 503);
  strictEqual(await asks(backend, gateway), 0);
});

Deno.test("DELETE has a client asked about anew, connected or not", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  letIn(backend);
  for (const id of ["CP1", "CP2"]) await asks(backend, gateway, OURS, id);
  const client = await gateway.connect("CP1", { headers: OURS });
  strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 204);
  await client.whenClosed();
  strictEqual(await asks(backend, gateway), 1);
  await until(
    "nobody connected",
    async () => (await gateway.api("/clients/CP1")).status === 404,
  );
  strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 404);
  strictEqual(await asks(backend, gateway), 1);
  strictEqual(await asks(backend, gateway, OURS, "CP2"), 0);
});

Deno.test("a question that is under way at a DELETE is not remembered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  let release = (): void => {};
  const released = new Promise<void>((resolve) => release = resolve);
  backend.answer = async () => {
    await released;
    return new Response(null, { status: 204, headers: { "cache-control": "max-age=60" } });
  };
  const upgrade = rawStatus(gateway.url, upgradeHead("/CP1", OURS));
  await backend.next("/connect/CP1");
  await gateway.api("/clients/CP1", { method: "DELETE" });
  release();
  strictEqual(await upgrade, 101);
  strictEqual(await asks(backend, gateway), 1);
  strictEqual(await asks(backend, gateway), 0);
});

Deno.test("SIGHUP and DELETE reach all workers", async () => {
  await using backend = new RecordingBackend();
  letIn(backend);
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--workers=2", "--connect-hook"],
    "--drain-timeout=0s",
  ]);
  const gateway = { url: await urlOf(program) };
  /** Connects until each worker has its own verdict: then nobody is asked 20 times in a row. */
  const remembered = async (): Promise<number> => {
    const before = backend.paths("/connect/").length;
    for (let inARow = 0; inARow < 20; inARow++) {
      if (await asks(backend, gateway) > 0) inARow = -1;
    }
    return backend.paths("/connect/").length - before;
  };
  // Two at the most, and both most likely: each worker asks once.
  deepStrictEqual([await remembered(), await remembered()], [2, 0]);
  program.signal("SIGHUP");
  await program.logged("answers to the connect hook forgotten");
  strictEqual(await remembered(), 2);
  const response = await fetch(`${gateway.url}/clients/CP1`, { method: "DELETE" });
  await response.body?.cancel();
  strictEqual(await remembered(), 2);
});

Deno.test("a yes that comes after a later refusal is not remembered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  let allow = (): void => {};
  backend.answer = () =>
    new Promise((resolve) =>
      allow = () =>
        resolve(new Response(null, { status: 204, headers: { "cache-control": "max-age=60" } }))
    );
  const first = rawStatus(gateway.url, upgradeHead("/CP1", OURS));
  await backend.next("/connect/");
  backend.answer = () => new Response(null, { status: 401 });
  strictEqual(await rawStatus(gateway.url, upgradeHead("/CP1", OURS)), 401);
  allow();
  strictEqual(await first, 101);
  strictEqual(await asks(backend, gateway, OURS, "CP1", 401), 1);
});
