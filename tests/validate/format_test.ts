import { strictEqual } from "node:assert/strict";
import { isDateTime, isDateTimeOfStation, isUri } from "../../lib/validate/format.ts";

const DATES: readonly string[] = [
  "2026-01-02T03:04:05Z",
  "2026-01-02T03:04:05.1Z",
  "2026-01-02T03:04:05.123Z",
  "2026-01-02t03:04:05.12z",
  "2026-01-02T03:04:05+01:00",
  "2026-01-02T03:04:05.000-23:59",
  "2026-01-02T03:04:05-00:00",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "2024-02-29T00:00:00Z",
  "2000-02-29T00:00:00Z",
  // Leap seconds.
  "2016-12-31T23:59:60Z",
  "2016-12-31T23:59:60.999Z",
  "1990-12-31T15:59:60-08:00",
  "2017-01-01T00:59:60+01:00",
  "2015-06-30T23:59:60Z",
];

/** What stations of 1.6 send beyond RFC 3339, each seen in public reports or allowed by ISO 8601. */
const STATIONS_DATES: readonly string[] = [
  "2023-10-19T15:28:07",
  "2026-01-02T03:04:05.123",
  "2024-04-26T14:35:02+02",
  "2026-01-02T03:04:05-0130",
  "2026-01-02T03:04:05,5Z",
  "2026-01-02T03:04:05,123456+0100",
  "2026-01-02T03:04:05.1234Z",
  "2021-07-06T07:31:22.301252",
  "2026-01-02T03:04:05.123456789Z",
  "2022-02-29T07:02:33.000Z",
  "1900-02-29T00:00:00Z",
  "2026-04-31T03:04:05Z",
  "2026-01-02T03:04:60Z",
  "2017-01-01T00:59:60Z",
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
  " 2026-01-02T03:04:05Z",
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
  "26-01-02T03:04:05Z",
  "+02026-01-02T03:04:05Z",
  "20260102T030405Z",
  "2026-01-02T03:04:05\u2212\u0030\u0031:00",
  "٢026-01-02T03:04:05Z",
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

Deno.test("a date and time is RFC 3339's, with at most three decimals", () => {
  for (const text of DATES) strictEqual(isDateTime(text), true, text);
  for (const text of [...STATIONS_DATES, ...NO_DATES]) {
    strictEqual(isDateTime(text), false, text.slice(0, 50));
  }
});

Deno.test("a date and time of a station is taken as stations write it", () => {
  for (const text of [...DATES, ...STATIONS_DATES]) {
    strictEqual(isDateTimeOfStation(text), true, text);
  }
  for (const text of NO_DATES) strictEqual(isDateTimeOfStation(text), false, text.slice(0, 50));
});

Deno.test("a URI has a scheme and no blanks", () => {
  for (const text of URIS) strictEqual(isUri(text), true, text);
  for (const text of NO_URIS) strictEqual(isUri(text), false, text.slice(0, 50));
});
