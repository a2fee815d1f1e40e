/** Whatever one client's CALL is answered, another client's CALL gets its own answer. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { taken, TestForwarder } from "../forwarder/implementations.ts";
import {
  ANSWER_SHAPES,
  type AnswerShape,
  ShapeBackend,
  SHAPES_MAX_BYTES,
} from "../support/answer_shapes.ts";
import { inTime } from "../support/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TestGateway } from "../support/gateway.ts";

/** More than the kernel takes of a request whose other end does not read. */
const LARGE_BODY = `"${"x".repeat(8 * 1024 ** 2)}"`;

/** CALLs of others that follow the one that is answered strangely. */
const OTHERS = ["other/1", "other/2"];

/** Waits until the connection that had the shape is as it will be for the next CALL. */
async function settle(backend: ShapeBackend, { whenIdle, early }: AnswerShape): Promise<void> {
  if (early === "reads on") await inTime(backend.written.promise, "the request's end");
  if (whenIdle === undefined) return;
  await backend.beIdle();
  strictEqual(await backend.ends.take("the connection's end"), 1);
}

for (const shape of ANSWER_SHAPES) {
  Deno.test(`a CALL gets its own answer behind: ${shape.name}`, async () => {
    const clock = new FakeClock();
    await using backend = new ShapeBackend(shape);
    using forwarder = new TestForwarder("tcp", backend.url, { clock, maxBytes: SHAPES_MAX_BYTES });
    const body = shape.early === undefined ? "{}" : LARGE_BODY;
    const first = forwarder.forward({ path: "first", body });
    if (!shape.reply.ok && shape.reply.fault === "timeout") {
      await inTime(backend.written.promise, "what is written");
      clock.tick(5000);
    }
    deepStrictEqual(await first, shape.reply);
    await settle(backend, shape);
    for (const path of OTHERS) {
      const origin = {
        clientId: "CP1",
        connectionId: path,
        protocol: null,
        remoteAddress: "127.0.0.1",
      };
      const reply = await forwarder.forward({ path, origin });
      deepStrictEqual(reply, taken(ShapeBackend.bodyOf(path)));
    }
    deepStrictEqual(backend.paths, ["first", ...OTHERS], "each came once");
    strictEqual(backend.connections, shape.isKept ? 1 : 2);
  });
}

Deno.test("what crosses the next request and is no answer costs that CALL, and is not taken for its answer", async (t) => {
  // That it came before the request did, nobody can see: HTTP does not say what an answer is for.
  const [shape] = ANSWER_SHAPES;
  for (const before of ["}", "\0", "0\r\n\r\n", '{"of":"evil"}\r\n\r\n', "HTTP/1.1 200 OK\r\n\0"]) {
    await t.step(JSON.stringify(before), async () => {
      await using backend = new ShapeBackend({ ...shape!, before });
      using forwarder = new TestForwarder("tcp", backend.url);
      deepStrictEqual(await forwarder.forward({ path: "first" }), shape!.reply);
      const crossed = await forwarder.forward({ path: "crossed" });
      deepStrictEqual(crossed, { ok: false, fault: "broken" });
      strictEqual(await backend.ends.take("the connection's end"), 1);
      const reply = await forwarder.forward({ path: "other" });
      deepStrictEqual(reply, taken(ShapeBackend.bodyOf("other")));
      deepStrictEqual(backend.paths, ["first", "crossed", "other"], "none is sent again");
    });
  }
});

Deno.test("the table of answers has at least forty shapes that differ, kept and not", () => {
  const names = new Set(ANSWER_SHAPES.map(({ name }) => name));
  strictEqual(names.size, ANSWER_SHAPES.length);
  ok(names.size >= 40);
  ok(ANSWER_SHAPES.filter(({ isKept }) => isKept).length >= 15);
});

/** Those that end at once: a whole gateway has the machine's clock, and its body no 8 MB. */
const QUICK = ANSWER_SHAPES.filter(({ reply, early }) =>
  early === undefined && (reply.ok || reply.fault !== "timeout")
);

for (const shape of QUICK) {
  Deno.test(`a client gets the answer to its own CALL behind another's: ${shape.name}`, async () => {
    await using backend = new ShapeBackend(shape);
    const flags = ["--forwarder=tcp", `--max-message=${SHAPES_MAX_BYTES}`, "--retries=0"];
    await using gateway = await TestGateway.start(backend.url, flags);
    const hostile = await gateway.connect("CP1");
    const other = await gateway.connect("CP2");
    const answered = await hostile.ask('[2,"first","Act",{}]');
    ok(answered.startsWith('[3,"first",') || answered.startsWith('[4,"first",'), answered);
    await settle(backend, shape);
    for (const id of ["1", "2"]) {
      const expected = ShapeBackend.bodyOf(`call/Act/CP2/${id}`);
      strictEqual(await other.ask(`[2,"${id}","Act",{}]`), `[3,"${id}",${expected}]`);
    }
    strictEqual(backend.paths.length, 3, "each came once");
  });
}
