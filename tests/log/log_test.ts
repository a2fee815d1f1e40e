import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  configureLog,
  createLog,
  limitLines,
  type Log,
  type LogFields,
  silentLog,
} from "../../lib/log/log.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import { FakeClock } from "../support/fake_clock.ts";

type Warning = [event: string, fields: unknown];

function collectWarnings(warnings: Warning[]): Log {
  return { ...silentLog, warn: (event, fields) => warnings.push([event, fields]) };
}

Deno.test("limitLines writes ten warnings of one event in ten seconds", async (t) => {
  const clock = new FakeClock();
  const warnings: Warning[] = [];
  const log = limitLines(collectWarnings(warnings), clock);
  await t.step("and keeps further ones back", () => {
    for (let n = 1; n <= 25; n++) log.warn("noisy", { n });
    deepStrictEqual(warnings, Array.from({ length: 10 }, (_, i) => ["noisy", { n: i + 1 }]));
  });
  await t.step("of this event only", () => {
    log.warn("other", { n: 1 });
    deepStrictEqual(warnings.at(-1), ["other", { n: 1 }]);
  });
  await t.step("until the window is over", () => {
    clock.tick(9_999);
    log.warn("noisy", { n: 26 });
    strictEqual(warnings.length, 11);
  });
  await t.step("and then tells once how many it kept back", () => {
    clock.tick(1);
    log.warn("noisy", { n: 27 });
    log.warn("noisy", { n: 28 });
    log.warn("other", { n: 2 });
    deepStrictEqual(warnings.slice(11), [
      ["noisy", { n: 27, suppressed: 16 }],
      ["noisy", { n: 28 }],
      ["other", { n: 2 }],
    ]);
  });
});

Deno.test("limitLines writes a thousand lines of one event at info in ten seconds", () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const log = limitLines(
    { ...silentLog, info: (event, fields) => lines.push([event, fields]) },
    clock,
  );
  for (let n = 0; n < 1500; n++) log.info("client connected", { n });
  log.info("other");
  strictEqual(lines.length, 1001);
  clock.tick(10_000);
  log.info("client connected", { n: 1500 });
  deepStrictEqual(lines.at(-1), ["client connected", { n: 1500, suppressed: 500 }]);
});

Deno.test("limitLines writes 100 errors of one event in ten seconds, and then how many it left out", () => {
  const clock = new FakeClock();
  const lines: [string, LogFields | undefined][] = [];
  const log = limitLines(
    { ...silentLog, error: (event, fields) => lines.push([event, fields]) },
    clock,
  );
  for (let n = 0; n < 1500; n++) log.error("report not taken by the backend", { n });
  log.error("other");
  strictEqual(lines.length, 101);
  clock.tick(10_000);
  log.error("report not taken by the backend", { n: 1500 });
  deepStrictEqual(lines.at(-1), [
    "report not taken by the backend",
    { n: 1500, suppressed: 1400 },
  ]);
});

Deno.test("limitLines lets debug and audit pass without a limit", () => {
  const seen: string[] = [];
  const log = limitLines(
    {
      ...silentLog,
      isDebug: true,
      debug: (event: string) => void seen.push(event),
      audit: (event: string) => void seen.push(event),
    },
    new FakeClock(),
  );
  for (let n = 0; n < 2000; n++) {
    log.debug("noisy");
    log.audit("noisy");
  }
  strictEqual(seen.length, 4000);
  ok(log.isDebug);
});

/** What a log wrote, one text for each call of the write function. */
async function written(
  level: "debug" | "info" | "warn" | "error",
  format: "text" | "json",
  use: (log: Log) => void,
): Promise<string[]> {
  const texts: string[] = [];
  await configureLog(level, format, (bytes) => texts.push(new TextDecoder().decode(bytes)));
  use(createLog(new FakeClock()));
  return texts;
}

const ODD_VALUE = 'line 1\nline 2\r\n"quoted" {brace} é😀';

Deno.test("a json line is one object", async () => {
  const texts = await written("info", "json", (log) => {
    log.info("client connected", { clientId: ODD_VALUE, n: 1.5, isNew: true, none: null });
    log.warn("frame refused");
  });
  strictEqual(texts.length, 2);
  for (const text of texts) match(text, /^\{[^\n\r]*\}\n$/);
  const [info, warning] = texts.map((text) => JSON.parse(text));
  deepStrictEqual(
    [info.message, info.clientId, info.n, info.isNew, info.none],
    ["client connected", ODD_VALUE, 1.5, true, null],
  );
  deepStrictEqual([info.level, warning.level], ["info", "warn"]);
  ok(Math.abs(Date.parse(info["@timestamp"]) - Date.now()) < 3_600_000);
});

Deno.test("a text line has time, level, event and fields, whatever they hold", async () => {
  const texts = await written("info", "text", (log) => {
    log.error("backend failed", { clientId: ODD_VALUE, n: 1.5, isNew: true, none: null });
    log.info("bare");
  });
  strictEqual(texts.length, 2);
  for (const text of texts) match(text, /^\d{4}-\d\d-\d\dT\S+ [A-Za-z]+ [^\n\r]*\n$/);
  ok(
    texts[0]!.endsWith(
      ` backend failed clientId=${JSON.stringify(ODD_VALUE)} n=1.5 isNew=true none=null\n`,
    ),
    texts[0],
  );
  match(texts[0]!, / error /i);
  match(texts[1]!, / info bare\n$/i);
});

Deno.test("a level has the name of --log-level in each format", async () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  const use = (log: Log): void => levels.forEach((level) => log[level]("at"));
  const text = await written("debug", "text", use);
  deepStrictEqual(text.map((line) => line.split(" ")[1]), levels);
  const json = await written("debug", "json", use);
  deepStrictEqual(json.map((line) => JSON.parse(line).level), levels);
});

Deno.test("the level can change while the log is in use, for all who have it", () => {
  const texts: string[] = [];
  const write = (bytes: Uint8Array): void => void texts.push(new TextDecoder().decode(bytes));
  const output = configureLog("info", "json", write);
  const clock = new FakeClock();
  const log = createLog(clock, {}, new RecentFaults(clock));
  const use = (): void => {
    if (log.isDebug) log.debug("frame in");
    log.info("client connected");
    log.error("a CALL failed");
  };
  const levels = ["info", "debug", "error", "info"] as const;
  for (const level of levels) {
    output.setLevel(level);
    use();
  }
  deepStrictEqual(texts.map((text) => JSON.parse(text).message), [
    ...["client connected", "a CALL failed"],
    ...["frame in", "client connected", "a CALL failed"],
    ...["a CALL failed"],
    ...["client connected", "a CALL failed"],
  ]);
});

Deno.test("a long value is cut, but not a frame that debug shows", async () => {
  const long = "x".repeat(1000);
  const texts = await written("debug", "json", (log) => {
    log.debug("frame in", { clientId: long, frame: long });
  });
  const { clientId, frame } = JSON.parse(texts[0]!);
  strictEqual(clientId, `${"x".repeat(300)}…`);
  strictEqual(frame, long);
});

Deno.test("a level leaves out what is below it", async (t) => {
  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [index, level] of levels.entries()) {
    await t.step(level, async () => {
      let isDebug: boolean | undefined;
      const texts = await written(level, "json", (log) => {
        for (const each of levels) log[each](`at ${each}`);
        isDebug = log.isDebug;
      });
      deepStrictEqual(
        texts.map((text) => JSON.parse(text).message),
        levels.slice(index).map((each) => `at ${each}`),
      );
      strictEqual(isDebug, level === "debug");
    });
  }
});

Deno.test("a line shows characters that a terminal would obey, or nobody would see", async (t) => {
  const hidden = [
    ...["\x1b[31m", "\x7f", "\x85", "\x9b2J", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f"],
    ...["\u200b", "\ufeff", "\u061c"],
  ];
  for (const format of ["text", "json"] as const) {
    for (const text of hidden) {
      await t.step(`${format} ${JSON.stringify(text)}`, async () => {
        const [line = ""] = await written("info", format, (log) => {
          log.info("client connected", { clientId: `a${text}b` });
        });
        match(line, /^[^\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2066\ufeff]*\n$/u);
        if (format === "json") strictEqual(JSON.parse(line).clientId, `a${text}b`);
      });
    }
  }
});
