import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { accessTo, type Deed, generalAccess, may } from "../../lib/api/may.ts";
import type { Role, Token } from "../../lib/config/token.ts";

function tokenOf(role: Role, bounds: Pick<Token, "actions" | "clients"> = {}): Token {
  return { name: "t", sha256: "", role, ...bounds };
}

function command(action: string, clientId: string): Deed {
  return { kind: "command", action, clientId };
}

Deno.test("each role may what those before it may, and more", () => {
  const deeds: Deed[] = [
    command("Reset", "CP1"),
    { kind: "disconnect", clientId: "CP1" },
    { kind: "payloads", clientId: "CP1" },
  ];
  const allowed = (role: Role) => deeds.map((deed) => may(tokenOf(role), deed) === null);
  deepStrictEqual(allowed("read"), [false, false, false]);
  deepStrictEqual(allowed("command"), [true, false, false]);
  deepStrictEqual(allowed("admin"), [true, true, true]);
  match(may(tokenOf("read"), deeds[0]!)!, /"t" has the role read .* command or admin is needed$/);
  match(
    may(tokenOf("command"), deeds[1]!)!,
    /role command .*disconnect.* the role admin is needed$/,
  );
});

Deno.test("patterns bound Actions and ClientIds, with a * at their end or none", async (t) => {
  const rows: [patterns: string[], name: string, fits: boolean][] = [
    [["Reset"], "Reset", true],
    [["Reset"], "reset", false],
    [["Reset"], "ResetX", false],
    [["Reset"], "Rese", false],
    [["Get*"], "GetLog", true],
    [["Get*"], "Get", true],
    [["Get*"], "get", false],
    [["Get*"], "UnGet", false],
    [["*"], "anything", true],
    [["A", "B*"], "Bx", true],
    [["A", "B*"], "C", false],
    // No expression of any other kind.
    [["Get."], "GetX", false],
    [["[A-Z]*"], "Get", false],
    [["__proto__"], "toString", false],
  ];
  for (const [patterns, name, fits] of rows) {
    await t.step(`${patterns} ${name}`, () => {
      strictEqual(
        may(tokenOf("command", { actions: patterns }), command(name, "c")) === null,
        fits,
      );
      strictEqual(
        may(tokenOf("command", { clients: patterns }), command("a", name)) === null,
        fits,
      );
    });
  }
});

Deno.test("both bounds must fit, and those of an admin hold for all that it may", () => {
  const bounds = { actions: ["Reset"], clients: ["CP-*"] };
  const token = tokenOf("command", bounds);
  strictEqual(may(token, command("Reset", "CP-1")), null);
  match(may(token, command("Reset", "X-1"))!, /may not send to this client$/);
  match(may(token, command("Clear", "CP-1"))!, /may not send this Action$/);
  const admin = tokenOf("admin", bounds);
  for (const kind of ["disconnect", "payloads"] as const) {
    strictEqual(may(admin, { kind, clientId: "CP-1" }), null);
    match(may(admin, { kind, clientId: "X-1" })!, /this client/);
  }
});

Deno.test("what the page is told is what may be done", () => {
  const none = { disconnect: false, payloads: false, actions: [] };
  deepStrictEqual(accessTo(tokenOf("read"), "CP1"), none);
  deepStrictEqual(accessTo(tokenOf("command"), "CP1"), { ...none, actions: null });
  const all = { disconnect: true, payloads: true, actions: null };
  deepStrictEqual(accessTo(tokenOf("admin"), "CP1"), all);
  const bounded = tokenOf("command", { actions: ["Get*"], clients: ["CP*"] });
  deepStrictEqual(accessTo(bounded, "CP1"), { ...none, actions: ["Get*"] });
  deepStrictEqual(accessTo(bounded, "X"), none);
});

Deno.test("the page is told whose reports may be seen", () => {
  const clients = ["CP*"];
  const rows: [Parameters<typeof tokenOf>, readonly string[] | null][] = [
    [["read"], []],
    [["command", { clients }], []],
    [["admin"], null],
    [["admin", { clients }], clients],
  ];
  for (const [of, reports] of rows) deepStrictEqual(generalAccess(tokenOf(...of)), { reports });
});
