import { strictEqual } from "node:assert/strict";
import { createAuthorize, type Denial } from "../../lib/api/authorize.ts";

Deno.test("with a token nothing but that token counts", async (t) => {
  const authorize = createAuthorize("s3cret", true);
  const rows: [authorization: string | null, denial: Denial | null][] = [
    [null, "no_token"],
    ["", "no_token"],
    ["s3cret", "no_token"],
    ["Basic s3cret", "no_token"],
    ["Bearer s3cre", "no_token"],
    ["Bearer s3cret2", "no_token"],
    ["Bearer s3cret x", "no_token"],
    ["Bearer s3cret", null],
    ["bearer  s3cret ", null],
  ];
  for (const [authorization, denial] of rows) {
    await t.step(String(authorization), () => {
      const headers = new Headers({ origin: "https://elsewhere.example", host: "127.0.0.1:4000" });
      if (authorization !== null) headers.set("authorization", authorization);
      strictEqual(authorize(headers), denial);
    });
  }
});

Deno.test("without a token pages of the gateway's own origin may use it, others may not", async (t) => {
  const local = "127.0.0.1:4000";
  const rows: [origin: string | null, host: string | null, isLocal: boolean, may: boolean][] = [
    // No browser, or one that only reads.
    [null, local, true, true],
    [null, "gateway.example", true, true],
    ["http://127.0.0.1:4000", local, true, true],
    ["http://localhost:4000", "LOCALHOST:4000", true, true],
    ["http://[::1]:4000", "[::1]:4000", true, true],
    ["https://evil.example", local, true, false],
    ["http://127.0.0.1:5000", local, true, false],
    ["null", local, true, false],
    ["", local, true, false],
    ["http://127.0.0.1:4000", null, true, false],
    // A name that was pointed at this machine.
    ["http://evil.example:4000", "evil.example:4000", true, false],
    ["http://127.0.0.1.evil.example", "127.0.0.1.evil.example", true, false],
    ["http://gateway.example:4000", "gateway.example:4000", false, true],
    ["https://evil.example", "gateway.example:4000", false, false],
  ];
  for (const [origin, host, isLocal, may] of rows) {
    await t.step(`${origin} to ${host}, ${isLocal ? "local" : "public"}`, () => {
      const headers = new Headers();
      if (origin !== null) headers.set("origin", origin);
      if (host !== null) headers.set("host", host);
      strictEqual(createAuthorize(undefined, isLocal)(headers), may ? null : "foreign_origin");
    });
  }
});
