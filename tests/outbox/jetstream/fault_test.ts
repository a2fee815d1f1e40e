import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  isOfStream,
  type PutAnswer,
  putOf,
  refusalOf,
  removalOf,
} from "../../../lib/outbox/jetstream/fault.ts";

function refused(err_code: number, description = "", code = 400): string {
  return JSON.stringify({ error: { code, err_code, description } });
}

Deno.test("the answer to a write says what came of it, and what is not understood is unknown", async (t) => {
  const rows: [text: string, put: PutAnswer][] = [
    ['{"stream":"s","seq":7}', { kind: "stored", seq: 7 }],
    ['{"stream":"s","seq":7,"duplicate":true}', { kind: "stored", seq: 7 }],
    ['{"stream":"s","seq":0}', { kind: "unknown" }],
    ['{"stream":"s","seq":"7"}', { kind: "unknown" }],
    ['{"stream":"s","seq":1e300}', { kind: "unknown" }],
    ["{}", { kind: "unknown" }],
    ["", { kind: "unknown" }],
    ["null", { kind: "unknown" }],
    ["7", { kind: "unknown" }],
    [refused(10071, "wrong last sequence: 12"), { kind: "conflict", last: 12 }],
    [refused(10071, "wrong last sequence: 0"), { kind: "conflict", last: 0 }],
    [refused(10071, "wrong last sequence"), { kind: "conflict", last: undefined }],
    [refused(10071, "wrong last sequence: -1"), { kind: "conflict", last: undefined }],
    [refused(10164, "wrong last sequence"), { kind: "conflict", last: undefined }],
    [refused(10077, "maximum bytes exceeded"), { kind: "full" }],
    [refused(10077, "maximum messages exceeded"), { kind: "full" }],
    [refused(10077, "no space left on device"), { kind: "full" }],
    [refused(10077, "raft: not leader"), { kind: "unknown" }],
    [refused(10002, "resource limits exceeded for account"), { kind: "full" }],
    [refused(10023, "insufficient resources"), { kind: "full" }],
    [refused(10047, "insufficient storage resources available"), { kind: "full" }],
    [refused(10054, "message size exceeds maximum allowed"), { kind: "too_large" }],
    [refused(10008, "JetStream system temporarily unavailable", 503), { kind: "unknown" }],
    [refused(99999), { kind: "unknown" }],
    ['{"error":{}}', { kind: "unknown" }],
  ];
  for (const [text, put] of rows) await t.step(text, () => deepStrictEqual(putOf(text), put));
});

Deno.test("the answer to a removal says whether it was there", () => {
  const rows: [text: string, removal: string][] = [
    ['{"success":true}', "removed"],
    ['{"success":false}', "unknown"],
    [refused(10057, "no message found"), "absent"],
    [refused(10057, "stream store EOF"), "absent"],
    [refused(10057, "deleted message"), "absent"],
    [refused(10057, "some fault of the disk"), "unknown"],
    [refused(10037, "no message found"), "absent"],
    [refused(10059, "stream not found"), "unknown"],
    [refused(10008, "", 503), "unknown"],
    ["nothing", "unknown"],
  ];
  for (const [text, removal] of rows) strictEqual(removalOf(text), removal, text);
  strictEqual(isOfStream(refused(10071)), true);
  strictEqual(isOfStream(refused(10008, "", 503)), false);
  strictEqual(isOfStream("nothing"), false);
});

Deno.test("what no waiting mends is told apart from what passes", () => {
  const said = (err_code: number, description: string, code: number): JetStreamApiError =>
    new JetStreamApiError({ err_code, description, code });
  const rows: [error: Error, kind: string, reason: RegExp][] = [
    [said(10065, "subjects overlap", 400), "definite", /overlap; take another --nats-subject$/],
    [said(10047, "no storage", 500), "definite", /no storage; .*--outbox-max-bytes$/],
    [said(10052, "bad config", 500), "definite", /^JetStream: bad config$/],
    [
      new Error("off", { cause: said(10039, "not for account", 503) }),
      "definite",
      /not for account/,
    ],
    [said(10076, "not enabled", 503), "definite", /not enabled/],
    [said(10008, "temporarily unavailable", 503), "passing", /temporarily/],
    [said(10009, "not leader", 500), "passing", /not leader/],
    [said(10005, "no suitable peers", 400), "passing", /no suitable peers/],
    [said(10023, "insufficient resources", 503), "passing", /insufficient/],
    [new errors.TimeoutError(), "passing", /^JetStream does not answer: /],
    [new errors.NoRespondersError("$JS.API.INFO"), "silent", /^nobody answers for JetStream/],
    [new Error("off", { cause: new errors.NoRespondersError("s") }), "silent", /nobody/],
  ];
  for (const [error, kind, reason] of rows) {
    const refusal = refusalOf(error);
    strictEqual(refusal.kind, kind, error.message);
    match(refusal.reason, reason);
  }
});
