/**
 * The proof for "a CALL that may have arrived is not repeated" (contract, section 4): the backend
 * cuts the connection at each byte of a request and of its answer, and counts what arrives.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { Retries } from "../../lib/forwarder/retry.ts";
import { type Cut, CutBackend } from "../support/cut_backend.ts";
import { TestGateway } from "../support/gateway.ts";
import {
  answer,
  chunked,
  type ForwarderName,
  FORWARDERS,
  REQUEST,
  taken,
  TestForwarder,
} from "./implementations.ts";
import { asked, innermost } from "../support/layers.ts";

const BODY = '{"a":1}';
const BROKEN: BackendReply = { ok: false, fault: "broken" };
const NO_CUT: Cut = { after: Infinity, inside: "request", bytes: 0, how: "fin" };
/** So many cases run at once. */
const AT_ONCE = 16;

interface Outcome {
  readonly reply: BackendReply;
  /** How often the request came, whole. */
  readonly arrived: number;
  /** How often a first byte of it came. */
  readonly begun: number;
}

/** Forwards one request, with retries that do not pause, to a backend that cuts. */
async function forwardCut(
  name: ForwarderName,
  kind: RequestKind,
  cut: Cut,
  bytes: string,
): Promise<Outcome> {
  await using backend = new CutBackend(cut, bytes);
  using forwarder = new TestForwarder(name, backend.url);
  const retrying = new Retries(innermost(forwarder), {
    retries: 3,
    clock: { ...systemClock, setTimeout: (callback) => setTimeout(callback, 0) },
    random: () => 0,
    onRetry: () => {},
  });
  for (let i = 0; i < cut.after; i++) {
    deepStrictEqual(await forwarder.forward({ path: "warm" }), taken(BODY));
  }
  const warm = backend.begun;
  const path = `${kind}/Act/CP1/1`;
  const reply = await asked(retrying).forward({ ...REQUEST, kind, path });
  const arrived = backend.arrived.filter((each) => each === `/${path}`).length;
  return { reply, arrived, begun: backend.begun - warm };
}

/** The length of a request of this kind. */
async function requestBytes(name: ForwarderName, kind: RequestKind): Promise<number> {
  await using backend = new CutBackend(NO_CUT, answer(BODY));
  using forwarder = new TestForwarder(name, backend.url);
  await forwarder.forward({ kind, path: `${kind}/Act/CP1/1` });
  return backend.requestBytes;
}

/** Runs `each` for 0 to `last`, some at once. */
async function forAll(last: number, each: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next <= last) await each(next++);
  }));
}

for (const kind of ["call", "send", "result"] as const) {
  for (const after of [0, 1]) {
    const where = after === 0 ? "a fresh connection" : "a kept connection";
    Deno.test(`tcp: a ${kind} whose connection is cut at any byte, on ${where}, arrives at most once`, async (t) => {
      const length = await requestBytes("tcp", kind);
      for (const how of ["fin", "reset"] as const) {
        await t.step(`inside the request, ${how}`, async () => {
          await forAll(length - 1, async (bytes) => {
            const cut: Cut = { after, inside: "request", bytes, how };
            const { reply, arrived, begun } = await forwardCut("tcp", kind, cut, answer(BODY));
            const row = `${bytes} of ${length} bytes: ${JSON.stringify({ reply, arrived, begun })}`;
            if (bytes > 0) {
              deepStrictEqual([reply, arrived, begun], [BROKEN, 0, 1], row);
            } else if (reply.ok) {
              // The end was known before the request was written.
              deepStrictEqual([reply, arrived, begun], [taken(BODY), 1, 1], row);
            } else {
              deepStrictEqual([reply, arrived, begun], [BROKEN, 0, 0], row);
            }
          });
        });
        for (
          const [row, text] of [["a length", answer(BODY)], ["chunks", chunked(BODY)]] as const
        ) {
          await t.step(`inside an answer with ${row}, ${how}`, async () => {
            await forAll(text.length, async (bytes) => {
              const cut: Cut = { after, inside: "answer", bytes, how, requestBytes: length };
              const { reply, arrived } = await forwardCut("tcp", kind, cut, text);
              const isWhole = bytes === text.length;
              deepStrictEqual(
                [reply, arrived],
                isWhole ? [taken(BODY), 1] : [BROKEN, 1],
                `${bytes} of ${text.length} bytes`,
              );
            });
          });
        }
      }
    });
  }
}

Deno.test("tcp: a large CALL that was taken in part is not sent again", async () => {
  const body = `"${"x".repeat(8 * 1024 ** 2)}"`;
  for (const bytes of [1, 1000, 100_000, 1_000_000]) {
    const cut: Cut = { after: 0, inside: "request", bytes, how: "reset" };
    await using backend = new CutBackend(cut, answer(BODY));
    using forwarder = new TestForwarder("tcp", backend.url);
    deepStrictEqual(await forwarder.forward({ body }), BROKEN);
    deepStrictEqual([backend.arrived.length, backend.begun], [0, 1]);
  }
});

Deno.test("fetch sends a CALL again by itself when a kept connection is cut before the answer's headers are whole: its docstring says so", async (t) => {
  for (const [row, text] of [["a length", answer(BODY)], ["chunks", chunked(BODY)]] as const) {
    for (const after of [0, 1]) {
      await t.step(
        `${row}, ${after === 0 ? "on a fresh connection" : "on a kept one"}`,
        async () => {
          await forAll(text.length - 1, async (bytes) => {
            const cut: Cut = { after, inside: "answer", bytes, how: "fin" };
            const { reply, arrived } = await forwardCut("fetch", "call", cut, text);
            const isRepeated = after === 1 && bytes < headBytes(text);
            // The gateway cannot even tell.
            deepStrictEqual(
              [reply, arrived],
              isRepeated ? [taken(BODY), 2] : [BROKEN, 1],
              `${bytes}`,
            );
          });
        },
      );
    }
  }
});

function headBytes(text: string): number {
  return text.indexOf("\r\n\r\n") + 4;
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: through a gateway a CALL that is cut arrives at most once, and an outcome at least once`, async () => {
    const whole = answer(BODY).length;
    const cuts: Cut[] = [0, 1].flatMap((after) => [
      ...[0, 1, 50, 200].flatMap((bytes): Cut[] => [
        { after, inside: "request", bytes, how: "fin" },
        { after, inside: "request", bytes, how: "reset" },
      ]),
      ...[0, 1, whole - 1, whole].map((bytes): Cut => ({
        after,
        inside: "answer",
        bytes,
        how: "fin",
      })),
    ]);
    await Promise.all(cuts.map(async (cut) => {
      const row = JSON.stringify(cut);
      await using backend = new CutBackend(cut, answer(BODY));
      await using gateway = await TestGateway.start(backend.url, [`--forwarder=${name}`]);
      const client = await gateway.connect("CP1");
      if (cut.after === 1) strictEqual(await client.ask('[2,"w","Warm",{}]'), `[3,"w",${BODY}]`);
      const reply = await client.ask('[2,"c","Act",{}]');
      ok(/^\[(?:3,"c",\{"a":1\}|4,"c","InternalError",.*broke off.*)\]$/.test(reply), reply);
      const arrived = backend.arrived.filter((path) => path === "/call/Act/CP1/c").length;
      // The known difference.
      const isRepeated = name === "fetch" && cut.after === 1 && cut.inside === "answer" &&
        cut.bytes < headBytes(answer(BODY));
      if (isRepeated) strictEqual(arrived, 2, row);
      else ok(arrived <= 1, `${arrived} CALLs: ${row}`);
      if (reply.startsWith("[3")) ok(arrived >= 1, row);
    }));
    await Promise.all(cuts.map(async (cut) => {
      const row = JSON.stringify(cut);
      await using backend = new CutBackend(cut, answer(BODY));
      await using gateway = await TestGateway.start(backend.url, [`--forwarder=${name}`]);
      const client = await gateway.connect("CP1");
      if (cut.after === 1) strictEqual(await client.ask('[2,"w","Warm",{}]'), `[3,"w",${BODY}]`);
      strictEqual((await gateway.call("Do/CP1/r")).status, 202);
      await client.next('[2,"r"');
      client.send('[3,"r",{}]');
      await backend.arrivals.take(`an outcome: ${row}`, (path) => path === "/result/Do/CP1/r");
      const isLost = cut.inside === "answer" && cut.bytes < whole;
      if (isLost) {
        await backend.arrivals.take(`the repeat: ${row}`, (path) => path === "/result/Do/CP1/r");
      }
      // The shutdown waits for what is under way.
      await gateway.shutdown();
      const arrived = backend.arrived.filter((path) => path === "/result/Do/CP1/r").length;
      strictEqual(arrived, isLost ? 2 : 1, row);
    }));
  });
}
