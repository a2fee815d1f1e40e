/**
 * JSON that is made to be dear: a text costs by its length, whatever it says, and is nested to a bound.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readFrame } from "../../lib/codec/frame.ts";
import { replyText } from "../../lib/codec/reply.ts";
import { createValidator } from "../../lib/validate/validator.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** The length of a frame by default. */
const UNITS = 1_000_000;
/** So many times as long as a plain text of that length a text may take; what is dear took up to 100 times. */
const FACTOR = 10;
/** The same for `JSON.parse`, which is much faster with numbers than with any strings; it was 300 times. */
const PARSED_FACTOR = 50;

/** An array's elements, up to the length. */
function elements(element: (i: number) => string): string {
  const texts: string[] = [];
  for (let i = 0, units = 0; units < UNITS; i++) {
    const text = element(i);
    texts.push(text);
    units += text.length + 1;
  }
  return texts.join(",");
}

/** Strings that the engine hashes to one value. */
const COLLIDING = elements((i) => `"${i * 16384}"`);

/** The shortest of some runs, in milliseconds: what else the machine does makes it no shorter. */
function shortest(run: () => void): number {
  let ms = Infinity;
  for (let i = 0; i < 3; i++) {
    const since = performance.now();
    run();
    ms = Math.min(ms, performance.now() - since);
  }
  return ms;
}

Deno.test("no frame takes much longer to read than a plain one of its length", async (t) => {
  const plain = `[2,"1","Act",{"a":[${elements((i) => String(i))}]}]`;
  const plainMs = shortest(() => void readFrame(plain, "ocpp2.1"));
  const frames: Record<string, string> = {
    "strings that collide": `[${COLLIDING}]`,
    "strings that collide, in a CALLERROR": `[4,"1","C","d",{"a":[${COLLIDING}]}]`,
    "objects of thousands of shapes": `[${elements((i) => `{"a${i}":1,"b":2}`)}]`,
    "brackets": "[".repeat(UNITS / 2) + "]".repeat(UNITS / 2),
    "brackets just as deep as allowed": `[${elements(() => "[".repeat(199) + "]".repeat(199))}]`,
    "escaped quotes": `[2,"1","Act",{"a":"${'\\"'.repeat(UNITS / 2)}"}]`,
    "backslashes": `["${"\\\\".repeat(UNITS / 2)}"]`,
    "a quote that never comes": `["${"\\\\".repeat(UNITS / 2)}`,
  };
  for (const [name, text] of Object.entries(frames)) {
    await t.step(name, () => {
      const ms = shortest(() => void readFrame(text, "ocpp2.1"));
      ok(ms < FACTOR * plainMs, `${ms.toFixed(1)} ms, a plain one ${plainMs.toFixed(1)} ms`);
    });
  }
});

Deno.test("no answer of a backend takes much longer to read than a plain one", () => {
  const plain = `{"code":"C","details":{"a":[${elements((i) => String(i))}]}}`;
  const dear = `{"code":"C","details":{"a":[${COLLIDING}]}}`;
  const plainMs = shortest(() => void replyText('"1"', 400, plain, "ocpp1.6"));
  const ms = shortest(() => void replyText('"1"', 400, dear, "ocpp1.6"));
  ok(ms < FACTOR * plainMs, `${ms.toFixed(1)} ms, a plain one ${plainMs.toFixed(1)} ms`);
});

Deno.test("no payload takes much longer to check than a plain one", () => {
  const { check } = createValidator({ allowedActions: new Set() });
  const plain = `{"a":[${elements((i) => String(i))}]}`;
  const dear = `{"a":[${COLLIDING}]}`;
  check("ocpp1.6", "in", "call", "Authorize", "{}");
  const plainMs = shortest(() => void check("ocpp1.6", "in", "call", "Authorize", plain));
  const ms = shortest(() => void check("ocpp1.6", "in", "call", "Authorize", dear));
  ok(ms < PARSED_FACTOR * plainMs, `${ms.toFixed(1)} ms, a plain one ${plainMs.toFixed(1)} ms`);
});

/** An object nested so deep, itself included. */
function nested(depth: number): string {
  return `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
}

test("JSON nested deeper than 200 is no valid frame, body or answer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  backend.answer = ({ path }) => json(path.endsWith("/deep") ? nested(201) : nested(199));

  // The frame is one array more.
  strictEqual(await client.ask(`[2,"1","Act",${nested(199)}]`), `[3,"1",${nested(199)}]`);
  strictEqual((await backend.next()).body, nested(199));
  match(await client.ask(`[2,"2","Act",${nested(200)}]`), /^\[4,"-1","FormationViolation",/);
  match(await client.ask(`[2,"3","Act",${nested(200_000)}]`), /^\[4,"-1","FormationViolation",/);
  match(await client.ask('[2,"deep","Act",{}]'), /^\[4,"deep","InternalError",.*no JSON object/);
  deepStrictEqual(backend.paths(), ["/call/Act/CP1/1", "/call/Act/CP1/deep"]);

  strictEqual((await gateway.call("Act/CP1/4", nested(200))).status, 202);
  strictEqual(await client.next(), `[2,"4","Act",${nested(200)}]`);
  strictEqual((await gateway.call("Act/CP1/5", nested(201))).status, 400);
  strictEqual((await gateway.call("Act/CP1/6", nested(200_000))).status, 400);
});
