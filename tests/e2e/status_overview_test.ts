import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import { BOUNDS } from "../../lib/metrics/labels.ts";
import type { Snapshot } from "../../lib/status/snapshot.ts";
import { point, snapshot } from "../status/page/snapshot.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestPage } from "../support/browser.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { FakeStatus } from "../support/fake_status.ts";
import { TestGateway } from "../support/gateway.ts";
import { NatsServer } from "../support/nats.ts";
import { testWith } from "../support/needs.ts";
import { startProgram, urlOf } from "../support/program.ts";

const NONE = { refused: 0, backend: 0, unreachable: 0, away: 0 };
/** Some time of day that is a whole five minutes. */
const NOON = Date.UTC(2026, 0, 1, 12);

/** Opens the page of a fake gateway. */
async function opened(fake: FakeStatus): Promise<TestPage> {
  const test = await TestPage.open(fake.url);
  await test.text("#state", /^Live$/);
  await fake.seen();
  return test;
}

/** Waits for a condition in the page, an expression. Not in the page itself: its policy forbids that. */
async function holds({ page }: TestPage, expression: string): Promise<void> {
  await until(expression, async () => await page.evaluate(expression) === true);
}

const [BLUE, AMBER, RED, GREY] = ["#2563c9", "#c2750e", "#cb2b2b", "#7a8494"] as const;

/** Whether the icon has this colour, as an expression. */
function hasIcon(color: string): string {
  return `decodeURIComponent(document.querySelector("link[rel=icon]").href)
    .includes("fill='${color}'")`;
}

/** Notes all texts that are drawn from now on, with where they begin and end. */
async function noteTexts({ page }: TestPage): Promise<void> {
  await page.evaluate(`
    globalThis.drawn = [];
    const { prototype } = CanvasRenderingContext2D;
    const fillText = prototype.fillText;
    prototype.fillText = function (text, x, y) {
      const width = this.measureText(text).width;
      const left = this.textAlign === "center" ? x - width / 2
        : this.textAlign === "right" ? x - width : x;
      const title = this.canvas.closest("figure").querySelector("h3").firstChild.nodeValue.trim();
      drawn.push({ title, text, left, right: left + width, end: this.canvas.width });
      return fillText.call(this, text, x, y);
    };
  `);
}

interface DrawnText {
  readonly title: string;
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly end: number;
}

/** Columns of a chart in which something is drawn in a colour of the style, as parts of its width. */
async function columnsOf({ page }: TestPage, title: string, color: string): Promise<number[]> {
  return await page.evaluate(`(() => {
    const figure = [...document.querySelectorAll("figure")].find((one) =>
      one.querySelector("h3").textContent.startsWith(${JSON.stringify(title)}));
    const canvas = figure.querySelector("canvas");
    const probe = figure.querySelector(".swatch.${color}");
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const columns = new Set();
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 100 && wanted.every((value, c) => Math.abs(value - data[i + c]) < 40)) {
        columns.add((i / 4) % width);
      }
    }
    return [...columns].map((x) => x / width).sort((a, b) => a - b);
  })()`) as number[];
}

testWith(
  "chromium",
  "CALLs that fail are shown, by part and cause, and then nothing is green",
  async () => {
    await using backend = new RecordingBackend();
    const release = Promise.withResolvers<void>();
    backend.answer = async () => {
      await release.promise;
      return json("{}");
    };
    await using gateway = await TestGateway.start(backend.url, [
      ...["--max-waiting=4", "--backend-connections=1"],
    ]);
    const clients = await Promise.all(
      Array.from({ length: 20 }, (_, i) => connected(gateway, `CP${i}`)),
    );
    await using test = await TestPage.open(gateway.url);
    await test.text("#tile-failed", /no CALL ended/);
    match(await test.page.title(), /^ws2api$/);
    const answers = Promise.allSettled(
      clients.map((client, i) => client.ask(`[2,"${i}","Heartbeat",{}]`)),
    );
    try {
      await test.text("#tile-failed", /\d+ %.*refused/s);
      // All at once: ten seconds later they are over.
      await holds(
        test,
        `document.querySelector("#tile-failed").dataset.level === "bad" &&
        document.querySelector("#tile-backend").dataset.level !== "good" &&
        document.title === "(!) ws2api" && ${hasIcon(RED)}`,
      );
    } finally {
      release.resolve();
      await answers;
    }
    deepStrictEqual(test.complaints, []);
  },
);

testWith(
  "chromium",
  "a gateway that hangs is shown as that, and followed again when it goes on",
  async () => {
    await using backend = new RecordingBackend();
    await using program = startProgram(["--listen=127.0.0.1:0", `--backend=${backend.url}`]);
    const url = await urlOf(program);
    const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
    await inTime(client.opened, "the upgrade");
    await using test = await TestPage.open(url);
    const { page } = test;
    await test.text("#tile-connections dd", /^1/);
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await page.locator("#clients").getByRole("rowheader", { name: "CP1", exact: true }).getByRole(
      "button",
    )
      .click();
    const disconnect = page.getByRole("button", { name: "Disconnect" });
    await disconnect.waitFor();
    ok(await disconnect.isEnabled());
    const title = await page.title();

    const givenUp = page.waitForEvent(
      "requestfailed",
      (request) => request.url().startsWith(`${url}/status/stream`),
    );
    // It is awaited below, unless the test has failed before.
    givenUp.catch(() => {});
    program.signal("SIGSTOP");
    try {
      await test.text("#state", /no data since \d\d:\d\d:\d\d \(\d+ s\)$/i);
      ok(await disconnect.isDisabled());
      match(await page.title(), /^\(\?\) ws2api/);
      for (
        const id of ["tiles", "departures-parts", "faults-part", "tail-rows", "client-details"]
      ) {
        const filter = `getComputedStyle(document.querySelector("#${id}")).filter`;
        strictEqual(await page.evaluate(filter), "grayscale(1)", id);
      }
      await givenUp;
    } finally {
      program.signal("SIGCONT");
    }
    await test.text("#state", /^Live$/);
    await holds(test, `document.title === ${JSON.stringify(title)}`);
    await holds(test, `!document.querySelector("#disconnect").matches(":disabled")`);
    strictEqual(await page.evaluate("document.body.hasAttribute('data-stale')"), false);
    client.socket.close();
    await inTime(client.closed, "the client's end");
  },
);

testWith(
  "chromium",
  "what takes eleven seconds is shown as about that, and as an estimate",
  async () => {
    await using fake = new FakeStatus();
    await using test = await opened(fake);
    const counts = Array<number>(BOUNDS.length + 1).fill(0);
    counts[BOUNDS.findIndex((bound) => bound >= 11)] = 100;
    const callSeconds = { bounds: BOUNDS, counts, sumSeconds: 1100 };
    const none = { ...callSeconds, counts: counts.map(() => 0) };
    fake.send("snapshot", snapshot({ callSeconds: none }));
    fake.send("snapshot", snapshot({ at: 1_001_000, callSeconds }));
    await test.text("#tile-latency dd", /^≈ /);
    const [, seconds] = /([\d.]+) s/.exec(await test.page.locator("#tile-latency dd").innerText())!;
    ok(Number(seconds) > 11 / 1.6 && Number(seconds) < 11 * 1.6, seconds);
    match(await test.page.locator("#tile-latency small").innerText(), /p99 ≈ /);
  },
);

testWith(
  "chromium",
  "a backend is slow against its own past, and not broken by one failure",
  async () => {
    await using fake = new FakeStatus();
    await using test = await opened(fake);
    const at = NOON;
    fake.send("history", {
      startedAt: 0,
      points: Array.from(
        { length: 60 },
        (_, i) => point({ at: at - 1000 * (60 - i), backendP50: 10, backendP95: 20 }),
      ),
    });
    const seconds = (...counts: number[]) => ({ bounds: [0.05, 0.5, 1], counts, sumSeconds: 0 });
    const tell = (changes: Partial<Snapshot>, after: number) =>
      fake.send("snapshot", snapshot({ ...changes, at: at + 1000 * after, startedAt: 0 }));
    tell({ backendRequests: { "2xx": 0 }, backendSeconds: seconds(0, 0, 0, 0) }, 0);
    tell({ backendRequests: { "2xx": 999, "5xx": 1 }, backendSeconds: seconds(999, 1, 0, 0) }, 1);
    await test.text("#tile-backend", /p95 ≈ .* · 1 of 1,000 failed/s);
    const level = "document.querySelector('#tile-backend').dataset.level";
    strictEqual(await test.page.evaluate(level), "idle");
    tell(
      { backendRequests: { "2xx": 1999, "5xx": 1 }, backendSeconds: seconds(999, 1, 1000, 0) },
      2,
    );
    await test.text("#tile-backend", /Backend\s*Slow.*p95 ≈ .*usually ≈ 20 ms/s);
    strictEqual(await test.page.evaluate(level), "warn");
  },
);

testWith(
  ["chromium", "nats-server"],
  "a page of one of two instances says so, and shows both",
  async () => {
    await using nats = await NatsServer.start();
    await using backend = new RecordingBackend();
    const flags = [
      ...["--listen=127.0.0.1:0", "--drain-timeout=1s"],
      ...[`--backend=${backend.url}`, `--nats=${nats.url}`],
    ];
    await using first = startProgram(flags);
    await using second = startProgram(flags);
    const [url, other] = [await urlOf(first), await urlOf(second)];
    const client = new TestClient(`${other.replace("http", "ws")}/CP1`);
    await inTime(client.opened, "the upgrade");
    await using test = await TestPage.open(url);
    await test.text("#about", /instance \S+, [12] of 2/);
    await test.text("#now-title", /^This instance: /);
    strictEqual(await test.page.locator("#instances-rows tr").count(), 2);
    // It is connected to the other one.
    await test.text("#instances-sum .num", /^1$/);
    await test.text("#tile-connections dd", /^0/);
    client.socket.close();
    await inTime(client.closed, "the client's end");
  },
);

testWith(
  "chromium",
  "what is known of the instances is told as incomplete when it is",
  async () => {
    await using fake = new FakeStatus();
    await using test = await opened(fake);
    const one = {
      ...{ instance: "gw-1", host: "h\u202e1", version: "1", startedAt: 0, clients: 3 },
      ...{
        inRate: 1,
        outRate: 1,
        failedRate: 0,
        waiting: 0,
        residentBytes: 0,
        lagMs: 0,
        self: true,
      },
    };
    fake.send("instances", { complete: false, list: [one] });
    fake.send("snapshot", snapshot({ instance: "gw-1" }));
    await test.text("#instances-note", /^Incomplete: other instances cannot be reached\.$/);
    await test.text("#about", /instance gw-1, 1 of 1 or more/);
    await test.text("#instances-rows", /h\\u\{202e\}1/);
    fake.send("instances", null);
    await holds(test, `document.querySelector("#instances").hidden`);
    await test.text("#now-title", /^Now$/);
  },
);

testWith("chromium", "invalid frames are no messages, and have a tile of their own", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  await test.text("#tile-invalid dt", /^Invalid frames \/ s$/);
  await test.text("#tile-invalid", /1 in all/);
  for (const frame of ["[", "[2,3]", '[2,"1","A"]']) client.send(frame);
  await test.text("#tile-invalid", /4 in all/);
  await test.text("#tile-in small", /^0 in all$/);
});

testWith(
  "chromium",
  "warnings and errors are told apart, each once for an event and a client",
  async () => {
    await using backend = new RecordingBackend();
    const faults = new RecentFaults(systemClock);
    const log = faults.watch(silentLog);
    await using gateway = await TestGateway.start(backend.url, [], log, undefined, faults);
    for (let i = 0; i < 50; i++) {
      log.warn("frame refused", {
        clientId: "FLOOD",
        messageId: `${i}`,
      });
    }
    log.warn("frame refused", { clientId: "CP\u202e1", reason: "zero\u200bwidth" });
    log.error("report parked", { clientId: "CP2" });
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await test.text("#faults-title", /^Warnings and errors$/);
    await test.text("#faults-note", /^1 error, 51 warnings, newest first\.$/);
    strictEqual(await page.locator("#errors-rows tr").count(), 1);
    strictEqual(await page.locator("#faults-rows tr").count(), 2);
    const flood = page.locator("#faults-rows tr").filter({ hasText: "FLOOD" });
    const [last, first, count, what] = await flood.locator("td").allInnerTexts();
    match(`${last} ${first}`, /^\d\d:\d\d:\d\d \d\d:\d\d:\d\d$/);
    deepStrictEqual([count, what], ["50", "frame refused clientId FLOOD messageId 49"]);
    // What cannot be seen is seen, and opens whom it names.
    await test.text("#faults-rows", /reason zero\\u\{200b\}width/);
    await Promise.all([
      page.waitForRequest(/\/(clients|status\/access)\/CP%E2%80%AE1/),
      page.getByRole("button", { name: "CP\\u{202e}1", exact: true }).click(),
    ]);
    await page.getByRole("button", { name: "All clients" }).click();
    // Another one counts up in its place.
    log.warn("frame refused", { clientId: "FLOOD", messageId: "50" });
    await test.text("#faults-rows", /51.*frame refused clientId FLOOD messageId 50/s);
    strictEqual(await page.locator("#faults-rows tr").count(), 2);
  },
);

testWith("chromium", "each tile holds its words, at every width", async () => {
  await using fake = new FakeStatus();
  await using test = await opened(fake);
  const { page } = test;
  const many = {
    ...{ connections: { none: 123_456 }, maxConnections: 200_000, opened: 12_345_678 },
    ...{ maxWaiting: 10_000, maxMemoryBytes: 8 * 1024 ** 3, residentBytes: 7 * 1024 ** 3 },
  };
  const ended = { answeredCalls: 1000, failedCalls: { ...NONE, unreachable: 1000 } };
  fake.send("snapshot", snapshot({ ...many, backendRequests: { unreachable: 0 } }));
  fake.send(
    "snapshot",
    snapshot({ ...many, ...ended, at: 1_001_000, backendRequests: { unreachable: 1000 } }),
  );
  await test.text("#tile-backend dd", /^Unreachable/);
  for (const width of [320, 360, 375, 480, 640, 681, 760, 900, 1180, 1181, 1300, 1440, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    const broken = await page.evaluate(`
      [...document.querySelectorAll(".tile")].flatMap((tile) => {
        const dd = tile.querySelector("dd");
        const range = document.createRange();
        range.selectNodeContents(dd.firstChild);
        const text = range.getBoundingClientRect();
        const isWhole = range.getClientRects().length === 1;
        const fits = text.right <= tile.getBoundingClientRect().right - 4;
        const isWide = [dd, ...tile.querySelectorAll("dt, small")]
          .some((one) => one.scrollWidth > one.clientWidth);
        return isWhole && fits && !isWide ? [] : [tile.id];
      })`);
    deepStrictEqual([width, broken], [width, []]);
    strictEqual(await page.evaluate("document.documentElement.scrollWidth"), width);
  }
});

testWith("chromium", "charts draw what is known, name its time, and mark a start", async (t) => {
  await using fake = new FakeStatus();
  await using test = await opened(fake);
  const { page } = test;
  await page.setViewportSize({ width: 1440, height: 1000 });
  const tell = async (startedAt: number, points: ReturnType<typeof point>[]) => {
    fake.send("history", { startedAt, points });
    await page.locator("figure canvas").nth(8).waitFor();
  };
  const known = Array.from({ length: 301 }, (_, i) =>
    point({
      ...{ at: NOON - 1000 * (300 - i), connections: 10, inRate: 50, outRate: 50 },
      residentBytes: 400 * 1024 ** 2,
    })).filter((_, i) => i < 100 || i >= 200);

  await t.step("no line stands over time of which nothing is known", async () => {
    await tell(NOON - 100_000, known);
    await until("the line", async () => (await columnsOf(test, "Connections", "s1")).length > 50);
    const columns = await columnsOf(test, "Connections", "s1");
    // The scale of values is at the left, half of a label at the right.
    const gaps = columns.map((x, i) => x - (columns[i - 1] ?? x));
    ok(Math.max(...gaps) > 0.2, `${Math.max(...gaps)}`);
  });

  await t.step("two lines of the same values are both seen", async () => {
    const under = await columnsOf(test, "Messages", "s1");
    const over = new Set(await columnsOf(test, "Messages", "s2"));
    const isUnderAlone = under.filter((x) => !over.has(x));
    ok(over.size > 40 && isUnderAlone.length > 40, `${over.size}, ${isUnderAlone.length}`);
  });

  await t.step("a start of the gateway is a mark, and told", async () => {
    await test.text("#charts-marks", /^Dashed: start at \d\d:\d\d:\d\d\.$/);
    const soft = await page.evaluate(`(() => {
      const canvas = document.querySelector("figure canvas");
      const { width, height } = canvas;
      const ink = getComputedStyle(document.querySelector(".plot")).color.match(/\\d+/g).map(Number);
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      const counts = Array(width).fill(0);
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] > 200 && [0, 1, 2].every((c) => Math.abs(ink[c] - data[i + c]) < 10)) {
          counts[(i / 4) % width]++;
        }
      }
      return Math.max(...counts);
    })()`) as number;
    // Half of some hundred pixels.
    ok(soft > 30, `${soft}`);
  });

  await t.step("no label of the time is cut, whenever it is", async () => {
    await noteTexts(test);
    for (let i = 0; i < 30; i++) {
      await tell(0, known.map((one) => ({ ...one, at: one.at + 2000 * i })));
    }
    const drawn = await page.evaluate("drawn") as DrawnText[];
    const times = drawn.filter(({ text }) => /^\d\d:\d\d/.test(text));
    ok(times.length > 100, `${times.length}`);
    deepStrictEqual(times.filter(({ left, right, end }) => left < 0 || right > end), []);
  });

  await t.step("memory is told in powers of two", async () => {
    const drawn = await page.evaluate("drawn") as DrawnText[];
    const texts = new Set(drawn.filter(({ title }) => title === "Memory").map(({ text }) => text));
    const ticks = [...texts].filter((text) => / [MG]iB$/.test(text));
    deepStrictEqual(ticks.sort(), ["0 MiB", "128 MiB", "256 MiB", "384 MiB"]);
  });

  await t.step("the mouse shows the time", async () => {
    const plot = page.locator("figure .u-over").first();
    await plot.hover({ position: { x: 5, y: 20 } });
    await test.text("figure .at", /^\d\d:\d\d:\d\d$/);
    strictEqual(
      await page.locator("figure .at").first().innerText(),
      await page.locator("figure .at").last().innerText(),
    );
    await page.mouse.move(0, 0);
    await holds(test, `document.querySelector("figure .at").textContent === ""`);
  });
});

testWith("chromium", "the last minutes are there at once when a page is opened", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await connected(gateway);
  await using first = await TestPage.open(gateway.url);
  await first.text("#tile-connections dd", /^1/);
  // Some seconds go by of which another page is told.
  await first.text("#about", /up/);
  await until("some seconds of history", async () => {
    const response = await fetch(`${gateway.url}/status/stream`);
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("event: snapshot")) break;
    }
    const [, data = "{}"] = /event: history\ndata: (.*)\n/.exec(text) ?? [];
    return (JSON.parse(data).points ?? []).length >= 4;
  });
  await using second = await TestPage.open(gateway.url);
  const openedAt = Date.now();
  await second.page.locator("figure canvas").nth(8).waitFor();
  const plot = second.page.locator("figure .u-over").first();
  const box = (await plot.boundingBox())!;
  // The oldest point is the nearest one to the left end.
  await second.page.mouse.move(box.x + 2, box.y + 20);
  await second.text("figure .at", /^\d\d:\d\d:\d\d$/);
  const [h, m, s] = (await second.page.locator("figure .at").first().innerText()).split(":");
  const day = new Date(openedAt);
  const seconds = (day.getHours() * 60 + day.getMinutes()) * 60 + day.getSeconds();
  const ago = (seconds - (Number(h) * 60 + Number(m)) * 60 - Number(s) + 86_400) % 86_400;
  ok(ago >= 2 && ago < 300, `${ago}`);
});

testWith(
  "chromium",
  "who went is told, with the cause, and how many were let in, closed and refused",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--max-connections=2"]);
    const gone = await connected(gateway, encodeURIComponent("CP\u200b1"));
    await connected(gateway, "CP2");
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await test.text("#tile-connections small", /^of 2 · 2 opened in all$/);
    const refused = gateway.begin("CP3");
    await inTime(refused.closed, "the refused one's end");
    await test.text("#refused-by", /^too many connections: 1/);
    gone.socket.close(1000, "bye\u202e");
    await test.text(
      "#departures-rows",
      /CP\\u\{200b\}1.*the client closed it.*1000.*bye\\u\{202e\}/s,
    );
    await test.text("#closed-by", /^the client closed it: 1/);
    // The one that comes and goes.
    for (let i = 0; i < 3; i++) {
      const client = await connected(gateway, "FLAP");
      client.socket.close();
      await client.whenClosed();
      await until(
        "its end",
        async () => await page.locator("#departures-rows tr").count() === 2 + i,
      );
    }
    await test.text("#departures-often", /^Most often: FLAP 3 times$/);
    await test.text("#departures-note", /^The last 4, newest first\.$/);
    deepStrictEqual(test.complaints, []);
  },
);

testWith("chromium", "title and icon tell the state of the instance", async () => {
  await using fake = new FakeStatus();
  await using test = await opened(fake);
  const calm = { instance: "gw-1", maxMemoryBytes: 100, maxWaiting: 100, maxConnections: 100 };
  fake.send("snapshot", snapshot(calm));
  await holds(test, `document.title === "ws2api gw-1" && ${hasIcon(BLUE)}`);
  fake.send("snapshot", snapshot({ ...calm, at: 1_001_000, residentBytes: 85 }));
  await holds(test, `document.title === "ws2api gw-1" && ${hasIcon(AMBER)}`);
  fake.send("snapshot", snapshot({ ...calm, at: 1_002_000, residentBytes: 95 }));
  await holds(test, `document.title === "(!) ws2api gw-1" && ${hasIcon(RED)}`);
  // And nothing more comes.
  await holds(test, `document.title === "(?) ws2api gw-1" && ${hasIcon(GREY)}`);
});
