import { deepStrictEqual, match, ok } from "node:assert/strict";
import { cursorText, isPlain, readClientQuery } from "../../lib/api/client_query.ts";

const LIMITS = { normal: 100, most: 1000 };

function read(query: string) {
  return readClientQuery(new URLSearchParams(query), LIMITS);
}

const PLAIN = {
  ...{ sort: "id", isDescending: false, filter: {}, search: undefined },
  ...{ after: null, limit: 100 },
};

Deno.test("what is asked of the list of clients is read", () => {
  const rows: [query: string, what: object][] = [
    ["", {}],
    ["sort=&filter=", {}],
    ["sort=-id", { isDescending: true }],
    ["sort=-activity&limit=1&search=cp", {
      ...{ sort: "activity", isDescending: true, limit: 1, search: "cp" },
    }],
    ["sort=messages", { sort: "messages" }],
    ["sort=-ends", { sort: "ends", isDescending: true }],
    ["after=CP~1", { after: { rank: 0, id: "CP~1" } }],
    ["sort=-errors&after=12~CP~1", {
      ...{ sort: "errors", isDescending: true, after: { rank: 12, id: "CP~1" } },
    }],
    ["sort=messages&after=0.5~", { sort: "messages", after: { rank: 0.5, id: "" } }],
    ["filter=errors", { filter: { hasErrors: true } }],
    ["filter=protocol:none,silent:90s", { filter: { protocol: null, silentMs: 90_000 } }],
    ["filter=protocol:ocpp1.6,address:10.1.,instance:gw-1,errors,silent:2h", {
      filter: {
        ...{ protocol: "ocpp1.6", address: "10.1.", instance: "gw-1", hasErrors: true },
        silentMs: 7_200_000,
      },
    }],
    ["filter=address:2001%253Adb8%253A%253A", { filter: { address: "2001:db8::" } }],
    // A colon need not be encoded, only a comma.
    ["filter=address:2001:db8::,instance:a%252Cb", {
      filter: { address: "2001:db8::", instance: "a,b" },
    }],
  ];
  for (const [query, what] of rows) {
    deepStrictEqual(read(query), { query: { ...PLAIN, ...what } }, query);
  }
});

Deno.test("what is no query of the list is told in words", () => {
  const rows: [query: string, words: RegExp][] = [
    ...["0", "1001", "-1", "1.5", "1e2", "", "x"].map((limit): [string, RegExp] => [
      `limit=${limit}`,
      /^limit must be/,
    ]),
    [`search=${"a".repeat(256)}`, /^search must not be longer/],
    ...["size", "-", "--id", "ID", "id,errors", "constructor"].map((sort): [string, RegExp] => [
      `sort=${sort}`,
      /^sort must be one of id, activity, .*, ends/,
    ]),
    ["sort=ends", /^ends are sorted as -ends/],
    ["sort=errors&after=CP1", /^after must be/],
    ["sort=errors&after=", /^after must be/],
    ["sort=errors&after=x~CP1", /^after must be/],
    ["sort=errors&after=1e9~CP1", /^after must be/],
    ...[
      ...["x", "errors:1", "errors,", ",errors", "protocol", "protocol:", "address", "instance:"],
      ...["silent:", "silent:1", "silent:-1s", "silent:1d", "silent:999999h", "address:%25ff"],
      ...["PROTOCOL:x", "constructor:x", `address:${"a".repeat(256)}`],
    ].map((filter): [string, RegExp] => [`filter=${filter}`, /^filter must be a list/]),
    ["filter=errors,errors", /^filter names errors twice/],
    ["filter=protocol:a,protocol:none", /^filter names protocol twice/],
    [`filter=address:${"a".repeat(2000)}`, /^filter must not be longer/],
  ];
  for (const [query, words] of rows) {
    const answer = read(query);
    ok("wrong" in answer, query);
    match(answer.wrong, words, query);
  }
});

Deno.test("a page's end is where the next one goes on", () => {
  for (const sort of ["id", "messages", "activity"] as const) {
    for (const rank of sort === "id" ? [0] : [0, 0.1, 12, 1_700_000_000_000]) {
      for (const id of ["", "CP1", "a~b", "1~2", "é\n😀"]) {
        const after = cursorText({ rank, id }, sort)!;
        const answer = read(String(new URLSearchParams({ sort, after })));
        ok("query" in answer, after);
        deepStrictEqual(answer.query.after, { rank, id });
      }
    }
  }
  deepStrictEqual(cursorText(null, "id"), null);
});

Deno.test("only the list by ClientId of all that a search finds is plain", () => {
  for (
    const [query, expected] of [
      ["", true],
      ["sort=id&search=a&limit=3&after=x", true],
      ["sort=-id", false],
      ["sort=errors", false],
      ["filter=errors", false],
    ] as const
  ) {
    const answer = read(query);
    ok("query" in answer);
    deepStrictEqual(isPlain(answer.query), expected, query);
  }
});
