import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { Authority } from "../../lib/api/authorize.ts";
import type { Token } from "../../lib/config/token.ts";

function tokenOf(name: string, text: string, role: Token["role"] = "read"): Token {
  return { name, sha256: createHash("sha256").update(text).digest("hex"), role };
}

/** The name of the token that a request is taken to have. */
function nameOf(authority: Authority, authorization: string | null): string | undefined {
  const headers = new Headers();
  if (authorization !== null) headers.set("authorization", authorization);
  return authority.authorize(headers)?.name;
}

Deno.test("with a token nothing but that token counts", async (t) => {
  const authority = new Authority("s3cret", undefined);
  const rows: [authorization: string | null, name: string | undefined][] = [
    [null, undefined],
    ["", undefined],
    ["s3cret", undefined],
    ["Basic s3cret", undefined],
    ["Bearer s3cre", undefined],
    ["Bearer s3cret2", undefined],
    ["Bearer s3cret x", undefined],
    ["Bearer s3cret", "api-token"],
    ["bearer  s3cret ", "api-token"],
  ];
  for (const [authorization, name] of rows) {
    await t.step(String(authorization), () => strictEqual(nameOf(authority, authorization), name));
  }
});

Deno.test("without any token everybody may everything", () => {
  const authority = new Authority(undefined, undefined);
  strictEqual(authority.needsToken, false);
  const { name, role } = authority.authorize(new Headers())!;
  deepStrictEqual([name, role], ["-", "admin"]);
});

Deno.test("each token of the file is known by its name, and so is that of the flag", () => {
  const tokens = [tokenOf("first", "one"), tokenOf("last", "two", "command")];
  const authority = new Authority("s3cret", tokens);
  strictEqual(nameOf(authority, "Bearer one"), "first");
  strictEqual(nameOf(authority, "Bearer two"), "last");
  strictEqual(nameOf(authority, "Bearer s3cret"), "api-token");
  for (const text of ["three", "one2", tokens[0]!.sha256, "first", "-", "api-token"]) {
    strictEqual(nameOf(authority, `Bearer ${text}`), undefined, text);
  }
  strictEqual(nameOf(authority, null), undefined);
});

Deno.test("other tokens take the place of the file's, and the flag's stays", () => {
  const authority = new Authority("s3cret", [tokenOf("old", "one")]);
  authority.replace([tokenOf("new", "two"), tokenOf("shadow", "s3cret")]);
  const names = ["one", "two", "s3cret"].map((text) => nameOf(authority, `Bearer ${text}`));
  deepStrictEqual(names, [undefined, "new", "api-token"]);
});

Deno.test("a file's tokens are needed, however few are left", () => {
  strictEqual(new Authority(undefined, []).needsToken, true);
  strictEqual(nameOf(new Authority(undefined, []), "Bearer "), undefined);
});
