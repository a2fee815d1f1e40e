import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  allSubject,
  clientIdOf,
  clientSubject,
  peerSubject,
} from "../../../lib/cluster/nats/subject.ts";
import { decodeClientId } from "../../../lib/codec/route.ts";
import { runs } from "../../support/runs.ts";

/** What has a meaning in subjects, in percent-encoding, or for those who count characters. */
const AWKWARD = [
  ...[".", "*", ">", " ", "%", "%2E", "%2e", "$", "$SYS", "_INBOX", "client", "peer", "all"],
  ...["é", "e\u0301", "😀", "\u2028", "\ufeff", "'", "(", ")", "!", "~", "-", "_", "+", "&"],
];
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...AWKWARD),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 }),
  ),
  minLength: 1,
  maxLength: 60,
});
/** Any ClientId that the gateway lets in. */
const clientId = text.filter((id) => decodeClientId(encodeURIComponent(id)) === id);

Deno.test("any ClientId comes back from its subject", () => {
  fc.assert(
    fc.property(clientId, (id) => {
      strictEqual(clientIdOf("ws2api", clientSubject("ws2api", id)), id);
      strictEqual(clientIdOf("a.b", clientSubject("a.b", id)), id);
    }),
    { numRuns: runs(2000) },
  );
});

Deno.test("two different ClientIds have different subjects", () => {
  // By chance they are hardly ever alike: one is made of the other.
  const pair = fc.tuple(
    clientId,
    fc.oneof(
      clientId,
      clientId.map((id) => encodeURIComponent(id)),
      clientId.map((id) => id.normalize("NFC")),
      clientId.map((id) => id.toLowerCase()),
    ),
  );
  fc.assert(
    fc.property(pair, fc.nat(), ([a, other], at) => {
      const changed = a.slice(0, at % a.length) + a.slice(at % a.length + 1);
      for (const b of [other, changed, `${a}.`, `${a} `, a.replaceAll(".", "%2E")]) {
        if (!b.isWellFormed()) continue;
        strictEqual(clientSubject("p", a) === clientSubject("p", b), a === b);
      }
    }),
    { numRuns: runs(2000) },
  );
});

Deno.test("a ClientId is one token of a subject that NATS takes literally", () => {
  fc.assert(
    fc.property(clientId, (id) => {
      const subject = clientSubject("ws2api", id);
      ok(subject.startsWith("ws2api.client."));
      const token = subject.slice("ws2api.client.".length);
      ok(/^[!-~]+$/.test(token) && !/[.*>]/.test(token), token);
    }),
    { numRuns: runs(2000) },
  );
});

Deno.test("no ClientId has the subject of an instance or of all", () => {
  for (const id of ["all", "peer", "peer.x", "client", "../all", "x"]) {
    const subject = clientSubject("p", id);
    for (const other of [peerSubject("p", id), allSubject("p"), peerSubject("p", "x")]) {
      ok(subject !== other, subject);
    }
    strictEqual(clientIdOf("p", peerSubject("p", id)), undefined);
  }
});

Deno.test("what is no client's subject has no ClientId", () => {
  const subjects = ["", "p", "p.all", "p.client", "q.client.x", "p.peer.x", "p.client.%zz"];
  for (const subject of subjects) strictEqual(clientIdOf("p", subject), undefined, subject);
});
