/**
 * A backend, or whoever has got in between, that answers what no honest one does.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { problem, respond } from "../../lib/problem.ts";
import { FORWARDERS, taken, TestForwarder } from "../forwarder/implementations.ts";
import { RawBackend, write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { headerOf, rawAnswer } from "../support/raw_client.ts";

/** All control characters but those that a header can hold (9) or that end it (10). */
const CONTROLS = [...Array(32).keys(), 127].filter((code) => code !== 9 && code !== 10);

for (const [name] of FORWARDERS) {
  // In a process of its own: the runtime panicked, which would end this one too.
  Deno.test(`${name}: no control character in a header of the backend ends the program`, async () => {
    let line = "";
    let status = 401;
    await using backend = new RawBackend((conn) =>
      write(conn, `HTTP/1.1 ${status} No\r\n${line}\r\nContent-Length: 2\r\n\r\n{}`)
    );
    const flags = [`--backend=${backend.url}`, "--connect-hook", `--forwarder=${name}`];
    await using program = startProgram(["--listen=127.0.0.1:0", ...flags]);
    const url = await urlOf(program);
    const ask = async (): Promise<[status: number, challenge: string | undefined]> => {
      const { status, head } = await rawAnswer(url, upgradeHead("/CP1"));
      return [status, headerOf(head, "www-authenticate")];
    };
    for (const code of CONTROLS) {
      const value = `Basic realm="a${String.fromCharCode(code)}b"`;
      for (status of [401, 403, 404]) {
        line = `WWW-Authenticate: ${value}`;
        // `fetch` takes no such answer at all.
        deepStrictEqual(await ask(), [name === "tcp" ? status : 503, undefined], `byte ${code}`);
      }
      line = `X-Other: ${value}`;
      deepStrictEqual(await ask(), [503, undefined], `byte ${code} in another header`);
      line = `WWW-Authenticate: ${value}`;
      status = 200;
      deepStrictEqual(await ask(), [503, undefined], `byte ${code} beside 200`);
    }
    status = 401;
    line = "WWW-Authenticate: Basic\trealm=\xe9";
    deepStrictEqual(await ask(), [401, "Basic\trealm=\xe9"], "tabs and bytes beyond ASCII stay");
  });
}

Deno.test("a response of the gateway's own never has a header that the runtime cannot write", async (t) => {
  for (const code of [...CONTROLS, 10, 0x100, 0x2028, 0xd800]) {
    await t.step(`character ${code}`, () => {
      const headers = { "x-bad": `a${String.fromCharCode(code)}b`, "x-good": "\té" };
      for (const response of [respond("", 200, headers), problem(400, "no", headers)]) {
        strictEqual(response.headers.get("x-bad"), null);
        // A `Headers` trims.
        strictEqual(response.headers.get("x-good"), "é");
      }
    });
  }
});

/** What buffers take beside the heap; of what nobody has written to, the system has given nothing yet. */
function memory(): number {
  return Deno.memoryUsage().external;
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: an answer in chunks of one byte takes no memory for each`, async () => {
    // Kept as they came they would take 64 KiB each.
    const chunks = 10_000;
    const chunk = "1\r\nx\r\n".repeat(500);
    await using backend = new RawBackend(async (conn) => {
      await write(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let i = 0; i < chunks; i += 500) await write(conn, chunk);
      await write(conn, "0\r\n\r\n");
    });
    using forwarder = new TestForwarder(name, backend.url, { maxBytes: chunks, timeoutMs: 60_000 });
    const before = memory();
    let most = 0;
    const look = () => most = Math.max(most, memory());
    const looking = setInterval(look, 1);
    const reply = await forwarder.forward();
    look();
    clearInterval(looking);
    deepStrictEqual(reply, taken("x".repeat(chunks)));
    const grown = Math.round((most - before) / 1024 ** 2);
    ok(grown < 150, `${grown} MiB for ${chunks} bytes`);
  });

  Deno.test(`${name}: a length beside chunks is no way round the bound`, async () => {
    let sent = 0;
    await using backend = new RawBackend(async (conn) => {
      await write(
        conn,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
      for (; sent < 2048; sent++) await write(conn, chunk);
      await write(conn, "0\r\n\r\n");
    });
    using forwarder = new TestForwarder(name, backend.url);
    deepStrictEqual(await forwarder.forward(), { ok: false, fault: "ambiguous" });
    strictEqual(await backend.ends.take("the connection's end"), 1);
    ok(sent < 2048, "it is cut long before 64 MiB");
  });
}
