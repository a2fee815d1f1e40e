import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Handler } from "../../lib/listener/http_server.ts";
import { respond } from "../../lib/problem.ts";
import { write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import { makeCertificate, TempDir } from "../support/program.ts";
import { TestListener } from "../support/test_listener.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const BIG = "x".repeat(4 * 1024 ** 2);

/** All that comes until the other end closes; null where it does without a word of TLS. */
async function readAll(conn: Deno.Conn): Promise<{ text: string; isTold: boolean }> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (;;) {
      const n = await inTime(conn.read(buffer), "an answer's next bytes or its end");
      if (n === null) return { text, isTold: true };
      text += decoder.decode(buffer.subarray(0, n));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.UnexpectedEof)) throw error;
    return { text, isTold: false };
  }
}

for (const websocket of ["deno", "ws"] as const) {
  testWith(
    ["openssl"],
    `${websocket}: over TLS who ends its side behind its requests gets its answers, and is let go`,
    async (t) => {
      using dir = new TempDir();
      const server = await makeCertificate(dir);
      let begun = Promise.withResolvers<() => void>();
      const handler: Handler = async ({ url }) => {
        // It comes when the end has been seen, or may have been.
        if (url.endsWith("/held")) await new Promise<void>((resolve) => begun.resolve(resolve));
        return respond(url.endsWith("/big") ? BIG : "ok", 200);
      };
      await using listener = await TestListener.start(server, handler, websocket);
      const rows: [name: string, text: string, statuses: number[], isHeld: boolean][] = [
        ["nothing", "", [], false],
        ["half a request", "GET / HT", [], false],
        ["one", GET, [200], false],
        ["three", GET.repeat(3), [200, 200, 200], false],
        ["one whose answer is large", GET.replace("/", "/big"), [200], false],
        ["one whose answer comes late", GET.replace("/", "/held"), [200], true],
        ["an upgrade that is refused late", upgradeHead("/held"), [200], true],
        ["one that is not valid", "GET / HTTP/1.1\r\n\r\n", [400], false],
      ];
      for (const [name, text, statuses, isHeld] of rows) {
        await t.step(name, async () => {
          using conn = await Deno.connectTls({
            ...{ hostname: "127.0.0.1", port: listener.port, caCerts: [server.cert] },
          });
          await conn.handshake();
          await write(conn, text);
          await conn.closeWrite();
          const all = readAll(conn);
          if (isHeld) {
            const goOn = await inTime(begun.promise, "the request");
            begun = Promise.withResolvers();
            // This one's bytes came later than those, and are behind them.
            using other = await Deno.connectTls({
              ...{ hostname: "127.0.0.1", port: listener.port, caCerts: [server.cert] },
            });
            await write(other, GET);
            await inTime(other.read(new Uint8Array(1000)), "another one's answer");
            goOn();
          }
          const { text: got, isTold } = await all;
          deepStrictEqual(
            Array.from(got.matchAll(/HTTP\/1.1 (\d+)/g), ([, status]) => Number(status)),
            statuses,
          );
          if (text.includes("/big")) strictEqual(got.endsWith(BIG), true);
          if (websocket === "ws") strictEqual(isTold, true, "the end is told by TLS");
        });
      }
    },
  );
}
