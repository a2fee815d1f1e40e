import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { configureLog, createLog, limitLines, type Log, silentLog } from "../../lib/log/log.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import type { Clock } from "../../lib/clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A log that is limited, its time, and what comes out of it. */
class Setup {
  readonly clock = new FakeClock();
  readonly lines: [level: string, event: string, fields: unknown][] = [];
  readonly counted: string[] = [];
  readonly log = limitLines(
    {
      ...silentLog,
      ...this.#writer("info"),
      ...this.#writer("warn"),
      ...this.#writer("error"),
    },
    this.clock,
    (level) => this.counted.push(level),
  );

  #writer(level: "info" | "warn" | "error"): Partial<Log> {
    return { [level]: (event: string, fields: unknown) => this.lines.push([level, event, fields]) };
  }

  /** What came out since the last time. */
  take(): unknown[] {
    return this.lines.splice(0);
  }
}

const MANY = 2000;

Deno.test("of lines that name no client so many are written in ten seconds", async (t) => {
  for (const [level, limit] of [["info", 1000], ["warn", 10], ["error", 100]] as const) {
    await t.step(level, () => {
      const { clock, log, counted, ...setup } = new Setup();
      for (let n = 1; n <= MANY; n++) log[level]("noisy", { n });
      strictEqual(setup.lines.length, limit);
      strictEqual(counted.length, MANY - limit);
      deepStrictEqual([...new Set(counted)], [level]);
      log[level]("other");
      deepStrictEqual(setup.lines.pop(), [level, "other", {}]);
      setup.lines.splice(0);
      clock.tick(9_999);
      log[level]("noisy", { n: 0 });
      deepStrictEqual(setup.lines, []);
      clock.tick(1);
      deepStrictEqual(setup.lines.splice(0), [
        [level, "lines left out", { event: "noisy", suppressed: MANY - limit + 1 }],
      ]);
      log[level]("noisy", { n: 1 });
      deepStrictEqual(setup.lines.splice(0), [[level, "noisy", { n: 1 }]]);
      strictEqual(clock.timers, 0);
    });
  }
});

Deno.test("a client that writes many lines hides no other one", async (t) => {
  for (const [level, limit] of [["info", 20], ["warn", 10], ["error", 20]] as const) {
    await t.step(level, () => {
      const setup = new Setup();
      const { clock, log } = setup;
      for (let n = 0; n < MANY; n++) log[level]("frame refused", { clientId: "noisy", n });
      strictEqual(setup.take().length, limit);
      log[level]("frame refused", { clientId: "quiet" });
      deepStrictEqual(setup.take(), [[level, "frame refused", { clientId: "quiet" }]]);
      log[level]("frame refused", { remoteAddress: "192.0.2.1" });
      strictEqual(setup.take().length, 1);
      clock.tick(10_000);
      const suppressed = MANY - limit;
      deepStrictEqual(setup.take(), [
        [level, "lines left out", { event: "frame refused", suppressed, clientId: "noisy" }],
      ]);
    });
  }
});

Deno.test("many clients that write many lines leave room for the first line of others, within a bound", () => {
  const setup = new Setup();
  const { log } = setup;
  const warn = (clientId: string) => log.warn("frame refused", { clientId });
  for (let n = 0; n < 30; n++) for (let id = 0; id < 50; id++) warn(`noisy${id}`);
  strictEqual(setup.take().length, 100);
  for (let id = 0; id < MANY; id++) warn(`quiet${id}`);
  strictEqual(setup.take().length, 100);
});

Deno.test("whoever takes many names has half of the lines, at one address", () => {
  const setup = new Setup();
  const { log } = setup;
  const warn = (clientId: string, remoteAddress: string) =>
    log.warn("upgrade refused", { clientId, remoteAddress });
  for (let id = 0; id < MANY; id++) warn(`made up ${id}`, "192.0.2.1");
  strictEqual(setup.take().length, 100);
  warn("CP1", "192.0.2.2");
  strictEqual(setup.take().length, 1);
});

Deno.test("what was left out is told when the log ends, once", () => {
  const setup = new Setup();
  const { clock, log } = setup;
  for (let n = 0; n < 15; n++) log.warn("frame refused", { clientId: "CP1" });
  for (let n = 0; n < 12; n++) log.warn("bare");
  log.warn("whole");
  setup.take();
  log.flush();
  deepStrictEqual(setup.take(), [
    ["warn", "lines left out", { event: "frame refused", suppressed: 5, clientId: "CP1" }],
    ["warn", "lines left out", { event: "bare", suppressed: 2 }],
  ]);
  strictEqual(clock.timers, 0);
  log.flush();
  clock.tick(60_000);
  deepStrictEqual(setup.take(), []);
});

Deno.test("a timer that is late tells before the next line, and only once", () => {
  const clock = new FakeClock();
  let late = 0;
  const lines: string[] = [];
  const log = limitLines(
    { ...silentLog, warn: (event) => void lines.push(event) },
    { ...lateClock(clock), now: () => clock.now() + late },
  );
  for (let n = 0; n < 11; n++) log.warn("noisy");
  lines.splice(0);
  late = 15_000;
  log.warn("noisy");
  deepStrictEqual(lines, ["lines left out", "noisy"]);
  strictEqual(clock.timers, 0);
});

/** Its methods as a plain object's, so that one of them can be another. */
function lateClock(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    setImmediate: (callback) => clock.setImmediate(callback),
  };
}

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
