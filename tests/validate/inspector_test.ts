import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Log, type LogFields, silentLog } from "../../lib/log/log.ts";
import { createInspector, type Inspected } from "../../lib/validate/inspector.ts";
import { createValidator } from "../../lib/validate/validator.ts";

const CONNECTION = { clientId: "CP 1", connectionId: "c-1", protocol: "ocpp2.1" };
const GOOD: Inspected = {
  direction: "in",
  type: "call",
  action: "Heartbeat",
  messageId: "7",
  payload: "{}",
};
const BAD: readonly (readonly [frame: Inspected, reason: string])[] = [
  [{ ...GOOD, payload: '{"a":1}' }, "/a is no property of the schema"],
  [{ ...GOOD, direction: "out", type: "result" }, "/currentTime is missing"],
  [
    { ...GOOD, direction: "out", action: "Nonsense" },
    "the Action is no CALL of this OCPP version",
  ],
  [{ ...GOOD, action: "Reset" }, "the Action is the CSMS's to send"],
  [{ ...GOOD, direction: "out" }, "the Action is the station's to send"],
  [
    {
      ...GOOD,
      type: "send",
      action: "NotifyPeriodicEventStream",
      payload: '{"id":1,"pending":0,"basetime":"now","data":[{"t":0,"v":"1"}]}',
    },
    '/basetime must match format "date-time"',
  ],
];

/** An inspector, with all that it said and counted. */
function create(mode: "warn" | "strict"): {
  inspect: ReturnType<typeof createInspector>;
  lines: [event: string, fields: LogFields | undefined][];
  counts: string[];
} {
  const lines: [string, LogFields | undefined][] = [];
  const counts: string[] = [];
  const log: Log = { ...silentLog, warn: (event, fields) => void lines.push([event, fields]) };
  const inspect = createInspector({
    validator: createValidator({ allowedActions: new Set() }),
    mode,
    log,
    count: (direction, type) => void counts.push(`${direction} ${type}`),
  });
  return { inspect, lines, counts };
}

Deno.test("a good payload passes without a word", () => {
  for (const mode of ["warn", "strict"] as const) {
    const { inspect, lines, counts } = create(mode);
    strictEqual(inspect(CONNECTION, GOOD), undefined);
    const answer: Inspected = { ...GOOD, type: "result", payload: '{"currentTime":"now"}' };
    // Any version but OCPP's own has no schemas.
    strictEqual(inspect({ ...CONNECTION, protocol: "soap" }, answer), undefined);
    deepStrictEqual([lines, counts], [[], []]);
  }
});

Deno.test("a bad payload is logged and counted, and refused only in strict", () => {
  for (const mode of ["warn", "strict"] as const) {
    const { inspect, lines, counts } = create(mode);
    for (const [frame] of BAD) {
      strictEqual(inspect(CONNECTION, frame) !== undefined, mode === "strict");
    }
    const event = mode === "strict" ? "payload refused" : "payload not valid";
    deepStrictEqual(
      lines,
      BAD.map(([{ direction, type, action }, reason]) => [event, {
        clientId: "CP 1",
        connectionId: "c-1",
        direction,
        type,
        action,
        messageId: "7",
        reason,
      }]),
    );
    deepStrictEqual(counts, [
      "in call",
      "out result",
      "out call",
      "in call",
      "out call",
      "in send",
    ]);
  }
});
