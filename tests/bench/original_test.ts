import { deepStrictEqual } from "node:assert/strict";
import { argsOf } from "../../bench/peers/original.ts";

const ADDRESSES = { port: 4001, backend: "http://127.0.0.1:5001/" };

Deno.test("the original's arguments are told its port and its backend", () => {
  deepStrictEqual(argsOf("-listen=:{port} -url {backend}x", ADDRESSES), [
    "-listen=:4001",
    "-url",
    "http://127.0.0.1:5001/x",
  ]);
});

Deno.test("the original is given no arguments unless there are some", () => {
  deepStrictEqual(argsOf("", ADDRESSES), []);
  deepStrictEqual(argsOf("  -v ", ADDRESSES), ["-v"]);
});
