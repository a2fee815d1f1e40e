import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  isSampled,
  readTraceContext,
  spanIdOf,
  traceHeaders,
  traceIdOf,
} from "../../lib/codec/trace_context.ts";
import { CHARACTER } from "../support/character.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";
const VALID = `00-${TRACE_ID}-${SPAN_ID}-01`;

Deno.test("a valid traceparent is read, and written as version 00", async (t) => {
  const rows: [given: string, read: string][] = [
    [VALID, VALID],
    [`00-${TRACE_ID}-${SPAN_ID}-00`, `00-${TRACE_ID}-${SPAN_ID}-00`],
    [`00-${TRACE_ID}-${SPAN_ID}-03`, VALID],
    [`00-${TRACE_ID}-${SPAN_ID}-fe`, `00-${TRACE_ID}-${SPAN_ID}-00`],
    [`01-${TRACE_ID}-${SPAN_ID}-01`, VALID],
    [`cc-${TRACE_ID}-${SPAN_ID}-01-what-the-future-brings`, VALID],
  ];
  for (const [given, traceparent] of rows) {
    await t.step(given, () => {
      const read = readTraceContext(given, null)!;
      deepStrictEqual(read, { traceparent });
      deepStrictEqual(
        [traceIdOf(read), spanIdOf(read), isSampled(read)],
        [TRACE_ID, SPAN_ID, traceparent.endsWith("01")],
      );
    });
  }
});

Deno.test("what is no traceparent counts as absent", async (t) => {
  const rows = [
    "",
    "00",
    VALID.toUpperCase(),
    `${VALID}-`,
    `${VALID}-01`,
    `${VALID} `,
    ` ${VALID}`,
    `${VALID}, ${VALID}`,
    `${VALID}\r\nX-Evil: 1`,
    `${VALID}\n`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `0-${TRACE_ID}-${SPAN_ID}-01`,
    `01-${TRACE_ID}-${SPAN_ID}-01x`,
    `00-${"0".repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${"0".repeat(16)}-01`,
    `00-${TRACE_ID.slice(1)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}g-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-1`,
    `00-${TRACE_ID}-${SPAN_ID}`,
    `00_${TRACE_ID}_${SPAN_ID}_01`,
  ];
  for (const given of rows) {
    await t.step(JSON.stringify(given), () => {
      strictEqual(readTraceContext(given, "a=b"), undefined);
    });
  }
});

Deno.test("a tracestate goes along, and one that is not valid is dropped alone", async (t) => {
  const rows: [state: string, isKept: boolean][] = [
    ["vendor=opaque", true],
    ["rojo=00f067aa0ba902b7, congo=t61rcWkgMzE", true],
    ["tenant@vendor=a;b:c", true],
    [`a=${"x".repeat(510)}`, true],
    [`a=${"x".repeat(511)}`, false],
    ["", false],
    ["no-value", false],
    ["=value", false],
    ["a=b\r\nX-Evil: 1", false],
    ["a=ü", false],
  ];
  for (const [tracestate, isKept] of rows) {
    await t.step(JSON.stringify(tracestate), () => {
      deepStrictEqual(
        readTraceContext(VALID, tracestate),
        isKept ? { traceparent: VALID, tracestate } : { traceparent: VALID },
      );
    });
  }
});

Deno.test("any text gives a context whose headers are visible ASCII, or none", () => {
  const text = fc.oneof(fc.string({ unit: CHARACTER }), fc.constant(VALID));
  fc.assert(fc.property(text, text, (traceparent, tracestate) => {
    const read = readTraceContext(traceparent, tracestate);
    for (const [, value] of read === undefined ? [] : traceHeaders(read)) match(value, /^[ -~]+$/);
  }));
});
