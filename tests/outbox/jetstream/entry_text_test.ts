import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { AcceptedCall, KeptReport, Report } from "../../../lib/outbox/entry.ts";
import { callText, readEntry, reportText } from "../../../lib/outbox/jetstream/entry_text.ts";
import { readSign, type Sign, signText } from "../../../lib/outbox/jetstream/sign_text.ts";

/** A record as the program makes them. */
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const name = fc.string({ minLength: 1, unit: "grapheme" });
const time = fc.integer({ min: 0, max: 8.64e15 });
const ord = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const client = plain({
  clientId: name,
  connectionId: name,
  protocol: fc.option(name),
  remoteAddress: fc.string(),
  connectedAt: time,
});
const trace = fc.option(
  plain({
    traceparent: fc.constant("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    tracestate: fc.constant("a=b"),
  }),
  { nil: undefined },
);
const key = fc.option(plain({ key: fc.string(), fingerprint: fc.string() }), {
  nil: undefined,
});
const accepted: fc.Arbitrary<AcceptedCall> = plain({
  ...{ id: name, client, action: name, messageId: name, trace, acceptedAt: time, key },
});
const body = fc.string({ unit: "grapheme" });
const report: fc.Arbitrary<Report> = fc.oneof(
  plain({ kind: fc.constant("disconnect" as const), body }),
  plain({
    ...{ kind: fc.constantFrom("result" as const, "error" as const, "resulterror" as const) },
    ...{ action: name, messageId: name, trace, body },
  }),
);
const parked = fc.option(
  plain({ at: time, failure: fc.string(), tries: fc.nat() }),
  { nil: undefined },
);
const kept: fc.Arbitrary<KeptReport> = plain({
  ...{ id: name, client, report, since: time, parked },
});

Deno.test("an accepted CALL comes back from its message as it was", () => {
  fc.assert(fc.property(accepted, ord, (call, n) => {
    deepStrictEqual(readEntry(callText(call, n)), { entry: { call }, ord: n });
  }));
});

Deno.test("a report comes back from its message as it was, with its CALL's key", () => {
  fc.assert(fc.property(kept, ord, key, (report, n, k) => {
    const expected = k === undefined ? report : { ...report, key: k };
    deepStrictEqual(readEntry(reportText(report, n, k)), { entry: { report: expected }, ord: n });
  }));
});

Deno.test("the body of a report is not written anew", () => {
  const body = `{ "n" : 1.0, "a":"\\u00e9" }\n{}`;
  const { id, client, since } = fc.sample(kept, 1)[0]!;
  const text = reportText(
    { id, client, since, report: { kind: "disconnect", body } },
    1,
    undefined,
  );
  strictEqual(text.endsWith(`}\n${body}`), true);
});

Deno.test("what is no entry is read as none, whatever it is", () => {
  const entry = fc.tuple(accepted, ord).map(([call, n]) => callText(call, n));
  const broken = fc.tuple(entry, fc.nat(), fc.string({ maxLength: 3 })).map(([text, at, other]) =>
    text.slice(0, at % text.length) + other + text.slice(at % text.length + 1)
  );
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), broken), (text) => {
    const read = readEntry(text);
    if (read === undefined) return;
    const { entry } = read;
    const again = "call" in entry
      ? callText(entry.call, read.ord)
      : reportText(entry.report, read.ord, entry.report.key);
    deepStrictEqual(readEntry(again), read);
  }));
  for (const text of ["", "\n", "{}\n", "[]\n{}", '{"kind":"accepted"}\n', "null\n"]) {
    strictEqual(readEntry(text), undefined);
  }
});

Deno.test("a sign of life comes back as it was, and nothing else is one", () => {
  const token = fc.stringMatching(/^[\w-]{1,64}$/);
  const sign: fc.Arbitrary<Sign> = plain({
    owner: token,
    number: fc.nat(),
    place: fc.option(fc.string()),
    isGone: fc.boolean(),
    heir: fc.option(token),
  });
  fc.assert(fc.property(sign, (one) => deepStrictEqual(readSign(signText(one)), one)));
  for (const text of ["", "{}", '{"owner":"a.b","number":1}', '{"owner":"a","number":"1"}']) {
    strictEqual(readSign(text), undefined);
  }
});
