import { deepStrictEqual, throws } from "node:assert/strict";
import { NONE, SETTINGS, settingsOf, withSetting } from "../../bench/v8/settings.ts";
import { startCommand } from "../support/program.ts";

Deno.test("settings of V8 have semicolons between them, and commas inside", () => {
  deepStrictEqual(settingsOf("--a-b=30,--c=6; none ;--single-threaded-gc;none;"), [
    "--a-b=30,--c=6",
    "none",
    "--single-threaded-gc",
  ]);
  deepStrictEqual(settingsOf(SETTINGS.join(";")), SETTINGS);
});

Deno.test("what is no V8 flag is no setting", () => {
  for (const text of ["", ";", "a", "-a", "--a b", "--a,none", "--a=1,", "--a=$(x)"]) {
    throws(() => settingsOf(text), text);
  }
});

Deno.test("a setting takes the place of the V8 flags, and of nothing else", () => {
  const command = startCommand();
  const others = command.filter((arg) => !arg.startsWith("--v8-flags"));
  deepStrictEqual(others.length, command.length - 1);
  deepStrictEqual(withSetting(command, "--a=1,--b"), [
    "run",
    "--v8-flags=--a=1,--b",
    ...others.slice(1),
  ]);
  deepStrictEqual(withSetting(command, NONE), others);
});

Deno.test("the first setting of V8 is the one that the gateway has", () => {
  const [own] = startCommand().filter((arg) => arg.startsWith("--v8-flags="));
  deepStrictEqual(SETTINGS[0], own?.slice("--v8-flags=".length) ?? NONE);
});
