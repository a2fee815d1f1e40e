import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readTokens, type Token } from "../../lib/config/token.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const OTHER = "f".repeat(64);

function read(list: unknown): readonly Token[] {
  const read = readTokens(JSON.stringify(list));
  ok(read.ok, JSON.stringify(read));
  return read.tokens;
}

function faultOf(text: string): string {
  const read = readTokens(text);
  ok(!read.ok, text);
  return read.fault;
}

Deno.test("a file of tokens is read as it stands there", () => {
  const tokens = read([
    { name: "grafana", sha256: SHA256, role: "read" },
    { name: "php ü", sha256: OTHER.toUpperCase(), role: "command", actions: ["Reset"] },
    { name: "ops", sha256: "0".repeat(64), role: "admin", clients: ["CP-*", "*"] },
  ]);
  const [first, second, third] = tokens;
  deepStrictEqual([first?.name, first?.role, first?.actions], ["grafana", "read", undefined]);
  deepStrictEqual([second?.sha256, second?.actions], [OTHER, ["Reset"]]);
  deepStrictEqual([third?.role, third?.clients], ["admin", ["CP-*", "*"]]);
});

Deno.test("a file that is no list of tokens is refused", async (t) => {
  const rows = ["", "x", "{}", "null", "[]", '"a"', "[", '[{"name":"a"},]'];
  rows.push(JSON.stringify(Array.from({ length: 1001 }, () => ({}))));
  for (const text of rows) {
    await t.step(text.slice(0, 20), () => match(faultOf(text), /^(?:is no JSON|must be a list)/));
  }
});

Deno.test("a bad entry is named by its number, and its digest is not told", async (t) => {
  const good = { name: "a", sha256: SHA256, role: "command" };
  const rows: [name: string, entry: unknown, fault: RegExp][] = [
    ["null", null, /object/],
    ["a list", [], /object/],
    ["a text", "a", /object/],
    ["an unknown key", { ...good, scope: 1 }, /"scope" is not allowed; allowed are name, sha256/],
    ["a key in capitals", { ...good, Role: "read" }, /"Role" is not allowed/],
    ["without a name", { ...good, name: undefined }, /name/],
    ["an empty name", { ...good, name: "" }, /name/],
    ["a name that is none", { ...good, name: 1 }, /name/],
    ["a long name", { ...good, name: "x".repeat(65) }, /name/],
    ["a name with a line feed", { ...good, name: "a\nb" }, /name/],
    ["a name with a C1 control", { ...good, name: "a\x9bb" }, /name/],
    ["half a character", { ...good, name: "\ud800" }, /name/],
    ["nobody's name", { ...good, name: "-" }, /name/],
    ["the flag's name", { ...good, name: "api-token" }, /name/],
    ["without a digest", { ...good, sha256: undefined }, /sha256 must be 64 hex digits/],
    ["a short digest", { ...good, sha256: SHA256.slice(1) }, /sha256/],
    ["a long digest", { ...good, sha256: `${SHA256}0` }, /sha256/],
    ["a digest with a line feed", { ...good, sha256: `${SHA256}\n` }, /sha256/],
    ["the token itself", { ...good, sha256: "hunter2" }, /sha256/],
    ["without a role", { ...good, role: undefined }, /role/],
    ["an unknown role", { ...good, role: "root" }, /role "root" .*read, command, admin/],
    ["a role in capitals", { ...good, role: "Admin" }, /role "Admin"/],
    ["a role by its number", { ...good, role: 0 }, /role/],
    ["no patterns", { ...good, actions: [] }, /actions .*leave it out for all/],
    ["a pattern alone", { ...good, clients: "CP-*" }, /clients must be a list/],
    ["null for all", { ...good, clients: null }, /clients/],
    ["an empty pattern", { ...good, actions: [""] }, /actions/],
    ["a pattern that is none", { ...good, actions: [1] }, /actions/],
    ["a * in the middle", { ...good, actions: ["a*b"] }, /actions/],
    ["two *", { ...good, actions: ["a**"] }, /actions/],
    ["a long pattern", { ...good, actions: ["a".repeat(257)] }, /actions/],
    ["bounds of one who reads", { ...good, role: "read", clients: ["CP1"] }, /clients .*role read/],
    ["a name that is taken", { ...good, name: "first" }, /"first" is taken/],
    ["a token that is taken", { ...good, sha256: OTHER }, /its token is that of entry 1 too/],
  ];
  for (const [name, entry, fault] of rows) {
    await t.step(name, () => {
      const first = { name: "first", sha256: OTHER.toUpperCase(), role: "read" };
      const told = faultOf(JSON.stringify([first, entry]));
      match(told, /^entry 2: /);
      match(told, fault);
      strictEqual(/0123456789abcdef|ffffff|hunter2/i.test(told), false, told);
      strictEqual(/[\n\x9b]/.test(told), false);
    });
  }
});

Deno.test("a key called __proto__ is an unknown key", () => {
  const text = `[{"name":"a","sha256":"${SHA256}","role":"read","__proto__":{"role":"admin"}}]`;
  match(faultOf(text), /"__proto__" is not allowed/);
});
