import { strictEqual } from "node:assert/strict";
import { createFetchLook } from "../../lib/forwarder/fetch.ts";
import { createLook, type Look, type Sight } from "../../lib/forwarder/look.ts";
import { closedPort, RawBackend, write } from "../support/backend.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { inTime, until } from "../support/deadline.ts";

const MAKERS = [["of its own connections", createLook], ["by fetch", createFetchLook]] as const;
const LIVING = new AbortController().signal;

interface Bench {
  readonly clock: FakeClock;
  readonly look: Look;
}

function bench(make: typeof createLook, backend: string): Bench {
  const clock = new FakeClock();
  return { clock, look: make({ backend, userAgent: "test", clock }) };
}

function answer(status: string, body: string): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

Deno.test("a look for an answer tells what the answer says of the backend", async (t) => {
  const rows: [name: string, text: string, sight: Sight][] = [
    ["200", answer("200", "hello"), "answered"],
    ["204", "HTTP/1.1 204 X\r\n\r\n", "answered"],
    ["302", answer("302", ""), "answered"],
    ["404 for a backend without a page there", answer("404", ""), "answered"],
    ["500", answer("500", ""), "answered"],
    ["502", answer("502", "<h1>Bad Gateway</h1>"), "connected"],
    ["503", answer("503", "{}"), "connected"],
    ["504", answer("504", ""), "connected"],
    ["503 with a code of its own", answer("503", '{"code":"Busy"}'), "answered"],
  ];
  for (const [maker, make] of MAKERS) {
    for (const [name, text, sight] of rows) {
      await t.step(`${maker}: ${name}`, async () => {
        await using backend = new RawBackend(async (conn) => {
          await write(conn, text);
          conn.close();
        });
        const { look, clock } = bench(make, `${backend.url}base/`);
        strictEqual(await inTime(look("answer", LIVING), "a look"), sight);
        const [request = ""] = backend.requests;
        strictEqual(request.split(" HTTP/")[0], "GET /base/");
        strictEqual(/webhook|signature/i.test(request), false);
        strictEqual(clock.timers, 0);
      });
    }
  }
});

Deno.test("a look that gets no answer has seen a connection, or nothing by fetch", async (t) => {
  for (const [maker, make] of MAKERS) {
    const sight = make === createLook ? "connected" : "nothing";
    await t.step(`${maker}: cut`, async () => {
      await using backend = new RawBackend((conn) => conn.close());
      strictEqual(await inTime(bench(make, backend.url).look("answer", LIVING), "a look"), sight);
    });
    for (const end of ["late", "closed"]) {
      await t.step(`${maker}: ${end}`, async () => {
        await using backend = new RawBackend(() => {});
        const { look, clock } = bench(make, backend.url);
        const closing = new AbortController();
        const seen = look("answer", closing.signal);
        await until("the look to come", () => backend.requests.length > 0);
        if (end === "late") clock.tick(3000);
        else closing.abort();
        strictEqual(await inTime(seen, "a look"), sight);
        strictEqual(clock.timers, 0);
      });
    }
    await t.step(`${maker}: nobody there`, async () => {
      const { look } = bench(make, `http://127.0.0.1:${closedPort()}/`);
      for (const wanted of ["answer", "connection"] as const) {
        strictEqual(await inTime(look(wanted, LIVING), "a look"), "nothing");
      }
    });
  }
});

Deno.test("a look for a connection sends no request", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const { look } = bench(createLook, `http://127.0.0.1:${port}/`);
  const seen = look("connection", LIVING);
  using conn = await inTime(listener.accept(), "a connection");
  strictEqual(await inTime(seen, "a look"), "connected");
  strictEqual(await inTime(conn.read(new Uint8Array(1)), "its end"), null);
});
