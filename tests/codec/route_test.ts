import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  backendPath,
  decodeClientId,
  decodeSegment,
  isSegment,
  MAX_CLIENT_ID_UNITS,
  rawPath,
} from "../../lib/codec/route.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

const KINDS = ["call", "send", "result", "error"] as const;

/** Names that try to leave their place, among any others that have a percent-encoding. */
const segment = fc.oneof(
  fc.string({ unit: CHARACTER, minLength: 1 }),
  fc.string({ unit: fc.constantFrom(..."./\\%2eEF?#:@;& +"), minLength: 1, maxLength: 8 }),
  fc.constantFrom("...", "%2e", "%2E%2e", "//h/x", "a/b\\c", "é😀", " "),
).filter(isSegment);

Deno.test("a text that would not stay where it is put is no segment", async (t) => {
  const none = [
    ...["", ".", "..", "\ud800", "\udc00", "a\ud800", "\udc00\ud800"],
    // What a proxy may resolve once it has decoded the path.
    ...[
      "../a",
      "a/..",
      "./a",
      "a/.",
      "a/../b",
      "a/./b",
      "..\\a",
      "a\\..",
      "a\\.\\b",
      "a/..\\b",
      "/..",
      "../",
    ],
    // Control characters, C1 too.
    ...["\0", "a\n", "\x1f", "\x7f", "\x80", "a\x9fb"],
  ];
  for (const text of none) {
    await t.step(JSON.stringify(text), () => strictEqual(isSegment(text), false));
  }
  for (
    const text of [
      "a",
      "...",
      ".a",
      "..a",
      "a.",
      "a..b",
      "a/.b",
      "a/b../c",
      "%2e",
      "/",
      "//",
      "\\",
      " ",
      "\xa0",
      "😀",
    ]
  ) {
    await t.step(JSON.stringify(text), () => strictEqual(isSegment(text), true));
  }
});

Deno.test("a segment is percent-decoded once, as UTF-8", async (t) => {
  const rows: [raw: string, text: string | undefined][] = [
    ["CP1", "CP1"],
    ["RDAM%20123", "RDAM 123"],
    ["a+b", "a+b"],
    ["a%2Fb", "a/b"],
    ["%252e", "%2e"],
    ["%25", "%"],
    ["%C3%A9%F0%9F%98%80", "é😀"],
    ["a:b@c;d=e&f", "a:b@c;d=e&f"],
    ["", undefined],
    [".", undefined],
    ["..", undefined],
    ["%2e", undefined],
    ["%2E.", undefined],
    [".%2e", undefined],
    ["%", undefined],
    ["%2", undefined],
    ["%zz", undefined],
    ["a%", undefined],
    ["%FF", undefined],
    ["%C3", undefined],
    ["%C0%AE", undefined],
    ["%ED%A0%80", undefined],
    ["%F4%90%80%80", undefined],
  ];
  for (const [raw, text] of rows) {
    await t.step(JSON.stringify(raw), () => strictEqual(decodeSegment(raw), text));
  }
});

Deno.test("a ClientId is one segment without control characters or slashes", async (t) => {
  const longest = "x".repeat(MAX_CLIENT_ID_UNITS);
  const rows: [raw: string, clientId: string | undefined][] = [
    ["CP1", "CP1"],
    ["RDAM%20123", "RDAM 123"],
    ["RDAM%7C123", "RDAM|123"],
    ["%C2%A0", "\u00a0"],
    ["clients", "clients"],
    ["metrics", "metrics"],
    ["...", "..."],
    [longest, longest],
    // 255 UTF-16 code units, not characters: an emoji has two of them.
    ["%F0%9F%98%80".repeat(127) + "x", "😀".repeat(127) + "x"],
    ["", undefined],
    [".", undefined],
    ["..", undefined],
    ["%2e%2E", undefined],
    ["a%2Fb", undefined],
    ["a%2fb", undefined],
    ["a/b", undefined],
    ["%2F", undefined],
    ["a%00", undefined],
    ["a%0Ab", undefined],
    ["%1f", undefined],
    ["%7F", undefined],
    ["%C2%80", undefined],
    ["%C2%9F", undefined],
    ["%ED%A0%80", undefined],
    ["%FF", undefined],
    ["%", undefined],
    [longest + "x", undefined],
    ["%F0%9F%98%80".repeat(128), undefined],
  ];
  for (const [raw, clientId] of rows) {
    const name = raw.length > 30 ? `${raw.slice(0, 12)}… (${raw.length})` : JSON.stringify(raw);
    await t.step(name, () => strictEqual(decodeClientId(raw), clientId));
  }
});

Deno.test("any names at all make four segments that parse back to them", () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), segment, segment, segment, (kind, ...names) => {
      const [action, clientId, messageId] = names;
      const path = backendPath(kind, action, encodeURIComponent(clientId), messageId);
      const [first, ...rest] = path.split("/");
      strictEqual(first, kind);
      deepStrictEqual(rest.map(decodeSegment), names);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a name is encoded as encodeURIComponent does it", () => {
  for (let code = 0; code < 0x300; code++) {
    const name = `a${String.fromCharCode(code)}b`;
    const encoded = encodeURIComponent(name);
    strictEqual(backendPath("call", name, "CP1", name), `call/${encoded}/CP1/${encoded}`);
  }
});

Deno.test("no name leads out of the backend's prefix", () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), segment, segment, segment, (kind, ...names) => {
      const [action, clientId, messageId] = names;
      const path = backendPath(kind, action, encodeURIComponent(clientId), messageId);
      const url = new URL(`http://h/base/${path}`);
      strictEqual(url.pathname, `/base/${path}`);
      deepStrictEqual([url.host, url.search, url.hash], ["h", "", ""]);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a path is the request line's, dot segments and escapes untouched", async (t) => {
  const rows: [url: string, host: string | null, path: string | undefined][] = [
    ["http://h/CP1", "h", "/CP1"],
    ["http://h:4000/CP1", "h:4000", "/CP1"],
    ["http://[::1]:4000/CP1", "[::1]:4000", "/CP1"],
    ["http://h/CP1", null, "/CP1"],
    ["https://h/CP1", "h", "/CP1"],
    ["http://h/", "h", "/"],
    ["http://h", "h", "/"],
    ["http://h/a/../b", "h", "/a/../b"],
    ["http://h/a/%2e%2e/b", "h", "/a/%2e%2e/b"],
    ["http://h//a", "h", "//a"],
    ["http://h/a/", "h", "/a/"],
    ["http://h/a?x=/b", "h", "/a"],
    ["http://h/a?b?c", "h", "/a"],
    ["http://h/a%3Fb", "h", "/a%3Fb"],
    ["http://x/clients/CP1", "x/clients", undefined],
    ["http://x?/CP1", "x?", undefined],
    ["http://x#/CP1", "x#", undefined],
    ["http://x\\/CP1", "x\\", undefined],
    ["http://u@x/CP1", "u@x", undefined],
    ["http://x y/CP1", "x y", undefined],
  ];
  for (const [url, host, path] of rows) {
    await t.step(`${url} for ${host}`, () => strictEqual(rawPath(url, host), path));
  }
});

Deno.test("whatever names a path was built from can be read from the request's URL", () => {
  fc.assert(
    fc.property(segment, segment, segment, (...names) => {
      const path = `/call/${names.map(encodeURIComponent).join("/")}`;
      const read = rawPath(`http://h${path}?wait=/x`, "h");
      strictEqual(read, path);
      deepStrictEqual(read.split("/").slice(2).map(decodeSegment), names);
    }),
  );
});

Deno.test("any raw text is a segment or none, never an exception", () => {
  const raw = fc.oneof(
    fc.string({ unit: CHARACTER }),
    fc.string({ unit: fc.constantFrom(..."%2eCc3aAfF0./\ud800") }),
  );
  fc.assert(
    fc.property(raw, (text) => {
      const decoded = decodeSegment(text);
      ok(decoded === undefined || isSegment(decoded));
      const clientId = decodeClientId(text);
      ok(clientId === undefined || (clientId === decoded && clientId.length <= 255));
    }),
    { numRuns: runs(1000) },
  );
});
