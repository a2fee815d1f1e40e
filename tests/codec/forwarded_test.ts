import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readForwardedFor } from "../../lib/codec/forwarded.ts";

Deno.test("the for of the last element is read as it stands, without its quotes", async (t) => {
  const rows: [header: string, node: string | undefined][] = [
    ["for=192.0.2.60", "192.0.2.60"],
    ["For=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"],
    ["proto=http ; FOR=192.0.2.60 ;by=203.0.113.43", "192.0.2.60"],
    ['for="_gazonk"', "_gazonk"],
    ['for="[2001:db8:cafe::17]:4711"', "[2001:db8:cafe::17]:4711"],
    ["for=[2001:db8:cafe::17]:4711", "[2001:db8:cafe::17]:4711"],
    ["for=192.0.2.60:4711", "192.0.2.60:4711"],
    ["for=unknown", "unknown"],
    ["for=192.0.2.43, for=198.51.100.17", "198.51.100.17"],
    ['for=192.0.2.43,for="[2001:db8::1]";by=x', "[2001:db8::1]"],
    ["for=192.0.2.43;;proto=http;", "192.0.2.43"],
    [String.raw`for="1\92.0.2.1\""`, '192.0.2.1"'],
    ['by="a,b;for=6.6.6.6";for=192.0.2.1', "192.0.2.1"],
    [String.raw`by="\",for=6.6.6.6";for=192.0.2.1`, "192.0.2.1"],
    ['for="6.6.6.6, for=192.0.2.1', "192.0.2.1"],
    ['for="6.6.6.6", x"y, for=192.0.2.1;by="z"', "192.0.2.1"],
    ["", undefined],
    [",", undefined],
    ["192.0.2.1", undefined],
    ["for", undefined],
    ["for=", undefined],
    ["for= 192.0.2.1", undefined],
    ["for =192.0.2.1", undefined],
    ["for=192.0.2.1 x", undefined],
    ["for=192.0.2.1, proto=https", undefined],
    ["for=192.0.2.1,", undefined],
    ["for=192.0.2.1;for=192.0.2.2", undefined],
    ['for="192.0.2.1', undefined],
    ['for="192.0.2.1"x', undefined],
    ["xfor=192.0.2.1", undefined],
  ];
  for (const [header, node] of rows) {
    await t.step(header === "" ? "nothing" : header, () => {
      strictEqual(readForwardedFor(header), node);
    });
  }
});

Deno.test("whatever a client has written before it, the proxy's own element counts", () => {
  const node = fc.constantFrom("192.0.2.1", "[2001:db8::1]:4711", "unknown", "_x", '"\\,;');
  const quoted = (text: string) => `"${text.replaceAll(/[\\"]/g, "\\$&")}"`;
  fc.assert(fc.property(fc.string(), node, fc.string(), (before, named, by) => {
    const header = `${before}, by=${quoted(by.replaceAll(/[\n\r\u2028\u2029]/g, ""))};for=${
      quoted(named)
    };proto=https`;
    strictEqual(readForwardedFor(header), named);
  }));
});

Deno.test("any text names a node or none", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
    const node = readForwardedFor(text);
    strictEqual(typeof node === "string" || node === undefined, true);
    strictEqual(readForwardedFor(`for=192.0.2.1, ${text},`), undefined);
  }));
});
