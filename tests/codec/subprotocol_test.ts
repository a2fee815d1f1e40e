import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { dialectOf, negotiate } from "../../lib/codec/subprotocol.ts";

const SERVED = ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"];

Deno.test("the first subprotocol in the client's own order that is served wins", async (t) => {
  const rows: [offered: string, agreed: string][] = [
    ["ocpp1.6", "ocpp1.6"],
    ["ocpp1.6,ocpp2.1", "ocpp1.6"],
    ["ocpp2.1, ocpp1.6", "ocpp2.1"],
    ["ocpp1.2,\tocpp1.5 ,ocpp2.0.1", "ocpp2.0.1"],
    ["soap,ocpp1.6", "ocpp1.6"],
    [" ocpp1.6 ", "ocpp1.6"],
    [",,ocpp1.6,", "ocpp1.6"],
    ["ocpp1.6,ocpp1.6", "ocpp1.6"],
  ];
  for (const [offered, protocol] of rows) {
    await t.step(JSON.stringify(offered), () => {
      deepStrictEqual(negotiate(offered, SERVED), { kind: "agreed", protocol });
    });
  }
});

Deno.test("an offer without a served subprotocol agrees on none", async (t) => {
  const rows = [
    "soap",
    "ocpp2.0",
    "ocpp1.5, ocpp1.2",
    "OCPP1.6",
    "ocpp1.60",
    "ocpp1.6j",
    "ocpp1,6",
    "ocpp1.6;ocpp2.1",
    "ocpp1.6 ocpp2.1",
    '"ocpp1.6"',
    "constructor",
  ];
  for (const offered of rows) {
    await t.step(JSON.stringify(offered), () => {
      deepStrictEqual(negotiate(offered, SERVED), { kind: "none_in_common" });
    });
  }
  await t.step("nothing is served", () => {
    deepStrictEqual(negotiate("ocpp1.6", []), { kind: "none_in_common" });
  });
});

Deno.test("an offer that names nothing is no offer", async (t) => {
  for (const offered of [null, "", " ", ",", " , \t,"]) {
    await t.step(JSON.stringify(offered), () => {
      deepStrictEqual(negotiate(offered, SERVED), { kind: "none_offered" });
    });
  }
});

Deno.test("what is agreed was offered and is served, and nothing before it is", () => {
  const name = fc.constantFrom<string[]>("a", "b", "c", "d", "e");
  fc.assert(fc.property(fc.array(name, { minLength: 1 }), fc.array(name), (offered, served) => {
    const negotiation = negotiate(offered.join(", "), served);
    if (negotiation.kind === "agreed") {
      const at = offered.indexOf(negotiation.protocol);
      ok(at !== -1 && served.includes(negotiation.protocol));
      ok(!offered.slice(0, at).some((earlier) => served.includes(earlier)));
    } else {
      strictEqual(negotiation.kind, "none_in_common");
      ok(!offered.some((one) => served.includes(one)));
    }
  }));
});

Deno.test("a connection follows the dialect of its subprotocol, else ocpp1.6's", async (t) => {
  const rows: [protocol: string | null, dialect: string][] = [
    ["ocpp2.1", "ocpp2.1"],
    ["ocpp2.0.1", "ocpp2.0.1"],
    ["ocpp2.0", "ocpp2.0.1"],
    ["ocpp1.6", "ocpp1.6"],
    ["ocpp1.5", "ocpp1.6"],
    ["soap", "ocpp1.6"],
    ["OCPP2.1", "ocpp1.6"],
    ["", "ocpp1.6"],
    [null, "ocpp1.6"],
  ];
  for (const [protocol, dialect] of rows) {
    await t.step(`${protocol}`, () => strictEqual(dialectOf(protocol), dialect));
  }
});
