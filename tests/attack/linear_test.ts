/**
 * Text from outside is read in time that grows with its length alone.
 *
 * @module
 */

import { ok } from "node:assert/strict";
import { prefersHtml } from "../../lib/codec/accept.ts";
import { readMaxAgeSeconds } from "../../lib/codec/cache_control.ts";
import { readFrame } from "../../lib/codec/frame.ts";
import { readWaitSeconds } from "../../lib/codec/prefer.ts";
import { decodeClientId, isSegment, rawPath } from "../../lib/codec/route.ts";
import { isObjectText } from "../../lib/codec/scan.ts";
import { negotiate, offeredProtocols } from "../../lib/codec/subprotocol.ts";
import { summaryOf } from "../../lib/codec/summary.ts";
import { readTraceContext } from "../../lib/codec/trace_context.ts";
import { addressOf, type Believed, certificateOf, tlsOf } from "../../lib/door/proxy.ts";

const SIZE = 64 * 1024;
/** A quadratic expression takes seconds; all that is linear takes a few milliseconds. */
const MAX_MS = 500;

/** What makes an expression try again and again, in the words of each reader. */
const PIECES = [
  ...[
    '"',
    '"a',
    "\\",
    '\\"',
    ",",
    ", ",
    ";",
    "; ",
    "=",
    " ",
    "\t",
    "a",
    "a,",
    "/",
    "/.",
    "\\.",
    ".",
  ],
  ...[
    "wait=",
    'wait="',
    "wait = ",
    "max-age=",
    "0",
    "1-",
    "[",
    "[[",
    "{",
    "}",
    ":",
    "*",
    "%",
    "%2e",
  ],
  ...["text/html,", "text/html;q=", "bearer ", "é", "😀", "\ud800", "\n", "a=b,", "00-"],
];

/** One header alone, of any text. */
function named(name: string, text: string): Believed {
  return { get: (asked) => asked === name ? text : null };
}

const READERS: Record<string, (text: string) => unknown> = {
  prefer: readWaitSeconds,
  "cache-control": readMaxAgeSeconds,
  accept: prefersHtml,
  traceparent: (text) => readTraceContext(text, null),
  tracestate: (text) => readTraceContext(`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, text),
  "subprotocols offered": offeredProtocols,
  "the subprotocol agreed": (text) => negotiate(text, ["ocpp1.6"]),
  host: (text) => rawPath("http://a/b", text),
  path: (text) => rawPath(`http://a/${text}`, "a"),
  "a ClientId": decodeClientId,
  "a name": isSegment,
  "an address in X-Forwarded-For": (text) => addressOf("127.0.0.1", named("x-forwarded-for", text)),
  "an address in Forwarded": (text) => addressOf("127.0.0.1", named("forwarded", text)),
  "a word of X-Forwarded-Proto": (text) => tlsOf(false, named("x-forwarded-proto", text)),
  "a certificate in Client-Cert": (text) => certificateOf(named("client-cert", text)),
  "a frame": (text) => readFrame(text, "ocpp1.6"),
  "a frame's payload": (text) => readFrame(`[2,"1","A",{"a":"${text}"}]`, "ocpp2.1"),
  "an object": (text) => isObjectText(`{"a":${text}}`),
  "a summary": (text) => summaryOf(text),
};

for (const [name, read] of Object.entries(READERS)) {
  Deno.test(`${name} of 64 Ki characters is read at once`, () => {
    for (const piece of PIECES) {
      const filled = piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE);
      for (
        const text of [filled, `wait${filled}`, `for=${filled}`, `for="${filled}`, `${filled}!`]
      ) {
        const since = performance.now();
        try {
          read(text);
        } catch (error) {
          throw new Error(`${JSON.stringify(piece)} throws`, { cause: error });
        }
        const took = performance.now() - since;
        ok(took < MAX_MS, `${JSON.stringify(piece)} repeated takes ${Math.round(took)} ms`);
      }
    }
  });
}
