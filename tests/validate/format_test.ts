import { strictEqual } from "node:assert/strict";
import { isDateTime, isUri } from "../../lib/validate/format.ts";

const DATES: readonly string[] = [
  "2026-01-02T03:04:05Z",
  "2026-01-02T03:04:05.123Z",
  "2026-01-02t03:04:05.123456789z",
  "2026-01-02T03:04:05+01:00",
  "2026-01-02T03:04:05-0130",
  "2026-01-02T03:04:05+01",
  "2026-01-02T03:04:05",
  "2026-01-02T03:04:05,5",
  "2016-12-31T23:59:60Z",
  "2024-02-29T00:00:00Z",
];

const NO_DATES: readonly string[] = [
  "",
  "now",
  "2026-01-02",
  "03:04:05Z",
  "2026-01-02 03:04:05Z",
  "2026-01-02T03:04Z",
  "2026-01-02T03:04:05.Z",
  "2026-01-02T03:04:05Z ",
  "2026-01-02T03:04:05ZZ",
  "2026-01-02T03:04:05+1:00",
  "2026-01-02T03:04:05+24:00",
  "2026-01-02T03:04:05+01:60",
  "2026-01-02T03:04:61Z",
  "2026-01-02T03:60:05Z",
  "2026-01-02T24:00:00Z",
  "2026-13-02T03:04:05Z",
  "2026-00-02T03:04:05Z",
  "2026-01-00T03:04:05Z",
  "2026-01-32T03:04:05Z",
  "2026-02-29T03:04:05Z",
  "2026-04-31T03:04:05Z",
  "26-01-02T03:04:05Z",
  "+02026-01-02T03:04:05Z",
  `2026-01-02T03:04:05.${"0".repeat(100_000)}Z`,
  `2026-01-02T03:04:05Z\n`,
];

const URIS: readonly string[] = [
  "ftp://user:pa$$word@example.com/a/b?c#d",
  "https://[::1]:8443/",
  "urn:x",
  "http://münchen.example/ä",
];

const NO_URIS: readonly string[] = [
  "",
  ":",
  "ftp:",
  "example.com/a",
  "//example.com/a",
  "1a:b",
  "a b:c",
  "http://a b/",
  "http://a\n",
  "http://a\0",
  "x".repeat(1_000_000),
];

Deno.test("a date and time is taken as stations write it, and refused when there is none such", () => {
  for (const text of DATES) strictEqual(isDateTime(text), true, text);
  for (const text of NO_DATES) strictEqual(isDateTime(text), false, text.slice(0, 50));
});

Deno.test("a URI has a scheme and no blanks", () => {
  for (const text of URIS) strictEqual(isUri(text), true, text);
  for (const text of NO_URIS) strictEqual(isUri(text), false, text.slice(0, 50));
});
