import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { onClosedPort, RecordingBackend } from "../support/backend.ts";
import { HOSTILE, TestPage } from "../support/browser.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { testWith } from "../support/needs.ts";
import { startProgram, TempDir, urlOf } from "../support/program.ts";
import { tokensFile } from "../support/tokens.ts";

const CARD = "#tile-reports dd";
const SECRET = '{"secret": 1.0}';

/** What the backend answers, by ClientId; 200 to all others. */
function answers(backend: RecordingBackend, statuses: Readonly<Record<string, number>>): void {
  backend.answer = ({ path }) => {
    const clientId = decodeURIComponent(path.split("/")[3] ?? "");
    return new Response(null, { status: statuses[clientId] ?? 200 });
  };
}

/** A CALL to a client, which answers it: so there is a report. */
async function report(
  gateway: TestGateway,
  client: TestClient,
  path: string,
  headers: Record<string, string> = {},
): Promise<void> {
  strictEqual((await gateway.call(path, "{}", headers)).status, 202);
  const [, messageId] = JSON.parse(await client.next("[2,"));
  client.send(`[3,${JSON.stringify(messageId)},${SECRET}]`);
}

/** Waits until the gateway has counted so many reports. */
async function whenThereAre(gateway: TestGateway, waiting: number, parked: number): Promise<void> {
  await until(`${waiting} reports to wait and ${parked} to be parked`, async () => {
    const series = await scrape(gateway);
    return series.get('ws2api_outbox{state="waiting"}') === waiting &&
      series.get('ws2api_outbox{state="parked"}') === parked;
  });
}

/** The bodies that are in the page, shown or not. */
async function bodiesIn({ page }: TestPage): Promise<number> {
  return (await page.content()).split("secret").length - 1;
}

testWith(
  "chromium",
  "the status page lists what the backend has not taken, and an operator decides",
  async (t) => {
    await using backend = new RecordingBackend();
    answers(backend, { CP1: 400, CP2: 503, [HOSTILE]: 404 });
    await using gateway = await TestGateway.start(backend.url);
    const [one, two, hostile] = [
      await connected(gateway, "CP1"),
      await connected(gateway, "CP2"),
      await connected(gateway, encodeURIComponent(HOSTILE)),
    ];
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    const rows = page.locator("#reports-rows tr");
    const focused = "document.activeElement.getAttribute('aria-label')";

    await t.step("the card is calm while nothing waits", async () => {
      await test.text("#tile-reports", /Reports waiting.*0none parked · 0 of 100,000 places/s);
      strictEqual(await page.locator("#tile-reports").getAttribute("data-level"), "");
      ok(!await page.locator("#reports").isVisible());
    });

    for (let i = 1; i <= 22; i++) {
      await report(gateway, one, `Reset/CP1/r${String(i).padStart(2, "0")}`);
    }
    await report(gateway, two, "Reset/CP2/w1");
    const called = encodeURIComponent(HOSTILE);
    await report(gateway, hostile, `Reset/${called}/${encodeURIComponent(HOSTILE.slice(0, 30))}`);
    await whenThereAre(gateway, 1, 23);

    await t.step("it stands out when some are parked", async () => {
      await test.text(CARD, /^1 \+ 23 parkedoldest .* · 1 of 100,000 places$/);
      strictEqual(await page.locator("#tile-reports").getAttribute("data-level"), "bad");
    });

    await t.step("the list opens by keyboard, page by page, without bodies", async () => {
      const opener = page.getByRole("button", { name: "List of reports" });
      await opener.focus();
      await page.keyboard.press("Enter");
      strictEqual(await page.evaluate("document.activeElement.id"), "reports-title");
      strictEqual(await opener.getAttribute("aria-expanded"), "true");
      await test.text("#reports-note", /^24 reports, oldest first, page 1$/);
      await test.text("#reports-said", /^24 reports, oldest first, page 1$/);
      strictEqual(await rows.count(), 20);
      match(
        await rows.first().innerText(),
        /\d\d:\d\d:\d\d\s+\d+ s ago\s+CP1\s+result Reset r01\s+parked\s+1\s+status 400/,
      );
      await page.locator("#reports-next").click();
      await test.text("#reports-note", /page 2$/);
      strictEqual(await rows.count(), 4);
      await page.locator("#reports-previous").click();
      await test.text("#reports-note", /page 1$/);
      strictEqual(await bodiesIn(test), 0);
    });

    await t.step("it is filtered by state and by client", async () => {
      await page.getByLabel("State").selectOption("waiting");
      await test.text("#reports-note", /^1 report found$/);
      match(await rows.innerText(), /CP2\s+result Reset w1\s+waiting/);
      // What waits is tried anyway.
      strictEqual(await rows.getByRole("button", { name: "Retry" }).count(), 0);
      strictEqual(await rows.getByRole("button", { name: "Remove" }).count(), 0);
      await page.getByLabel("State").selectOption("parked");
      await test.text("#reports-note", /^23 reports found, page 1$/);
      await page.getByLabel("Client", { exact: true }).fill(HOSTILE);
      await test.text("#reports-note", /^1 report found$/);
      strictEqual(await rows.getByRole("rowheader").innerText(), HOSTILE);
      await rows.getByRole("button", { name: "Body" }).click();
      await test.text("#reports-rows pre", /secret/);
      await test.assertUnharmed();
      await page.getByLabel("Client", { exact: true }).fill("CP1");
      await test.text("#reports-note", /^22 reports found, page 1$/);
    });

    await t.step("a body is shown when it is asked for, byte for byte", async () => {
      strictEqual(await bodiesIn(test), 0);
      const body = rows.first().getByRole("button", { name: /^Body: result Reset r01 of CP1$/ });
      await body.click();
      await test.text("#reports-rows pre", /secret/);
      strictEqual(await rows.first().locator("pre").innerText(), SECRET);
      await body.click();
      strictEqual(await bodiesIn(test), 0);
    });

    await t.step(
      "one is removed by two clicks, and the keyboard goes on with the next",
      async () => {
        const remove = rows.first().getByRole("button", {
          name: /^(Remove|Click again.*): result/,
        });
        await remove.focus();
        await page.keyboard.press("Enter");
        match(await remove.innerText(), /^Click again/);
        strictEqual(await rows.count(), 20);
        await page.keyboard.press("Enter");
        await test.text("#reports-done", /^result Reset r01 of CP1 is removed\.$/);
        await test.text("#reports-note", /^21 reports found, page 1$/);
        strictEqual(await page.evaluate(focused), "Body: result Reset r02 of CP1");
      },
    );

    await t.step("one is tried again", async () => {
      answers(backend, { CP2: 503 });
      backend.requests.length = 0;
      await rows.first().getByRole("button", { name: /^Retry: result Reset r02 of CP1$/ }).click();
      await test.text("#reports-done", /^result Reset r02 of CP1 is tried again\.$/);
      await test.text("#reports-note", /^20 reports found$/);
      await until("the backend to get it", () => backend.paths("/result/Reset/CP1/").length > 0);
      deepStrictEqual(backend.paths("/result/Reset/CP1/"), ["/result/Reset/CP1/r02"]);
    });

    await t.step("one that is tried again and waits keeps the keyboard", async () => {
      answers(backend, { CP1: 503, CP2: 503 });
      await page.getByLabel("State").selectOption("");
      const row = rows.filter({ hasText: "r03" });
      await row.getByRole("button", { name: "Retry: result Reset r03 of CP1" }).focus();
      await page.keyboard.press("Enter");
      await test.text("#reports-done", /^result Reset r03 of CP1 is tried again\.$/);
      await row.getByText("waiting").waitFor();
      strictEqual(await page.evaluate(focused), "Body: result Reset r03 of CP1");
      answers(backend, { CP2: 503 });
    });

    await t.step("all that are parked are tried again, whatever is shown", async () => {
      await page.getByRole("button", { name: "Retry all parked" }).click();
      await test.text("#reports-done", /^20 are tried again\.$/);
      await test.text("#reports-note", /^0 reports found$/);
      await test.text(CARD, /^1none parked/);
      strictEqual(backend.paths(`/result/Reset/${called}/`).length, 1);
    });

    await t.step("on a phone it is no wider", async () => {
      await page.getByLabel("Client", { exact: true }).fill("");
      await page.getByLabel("State").selectOption("");
      await test.text("#reports-note", /^1 report, oldest first$/);
      await page.setViewportSize({ width: 375, height: 800 });
      strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 375);
    });

    await t.step("it closes by keyboard, and a client is opened from it", async () => {
      await rows.getByRole("rowheader").getByRole("button").click();
      strictEqual(await page.locator("#client-title").innerText(), "CP2");
      await page.keyboard.press("Escape");
      await page.locator("#reports-title").focus();
      await page.keyboard.press("Escape");
      strictEqual(await page.evaluate("document.activeElement.id"), "reports-open");
      ok(!await page.locator("#reports").isVisible());
      strictEqual(await rows.count(), 0);
    });

    await test.assertUnharmed();
    deepStrictEqual(test.complaints, []);
  },
);

testWith("chromium", "the card of reports says since when the backend is away", async () => {
  const gone = await onClosedPort((port) => new RecordingBackend(port));
  const { port, url } = gone;
  await gone[Symbol.asyncDispose]();
  await using gateway = await TestGateway.start(url);
  const client = await connected(gateway, "CP1");
  await report(gateway, client, "Reset/CP1/r1");
  await using test = await TestPage.open(gateway.url);
  await test.text(CARD, /^1none parked.*Backend away since \d\d:\d\d:\d\d, \d+ s$/);
  await using backend = await RecordingBackend.again(port);
  await backend.next("/result/Reset/CP1/r1");
  await test.text(CARD, /^0none parked · 0 of 100,000 places$/);
  ok(!await test.page.locator("#reports-outage").isVisible());
});

testWith("chromium", "the list of reports is over all workers", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--drain-timeout=1s", "--workers=2"],
  ]);
  const url = await urlOf(program);
  // So many that each worker has some: 2 to the power of -29 is never.
  const ids = Array.from({ length: 30 }, (_, i) => `CP${String(i).padStart(2, "0")}`);
  answers(backend, Object.fromEntries(ids.map((id) => [id, 400])));
  const clients: TestClient[] = [];
  for (const id of ids) {
    const client = new TestClient(`${url.replace("http", "ws")}/${id}`);
    clients.push(client);
    await inTime(client.opened, id);
    await until(`${id} to be known everywhere`, async () => {
      const response = await fetch(`${url}/call/Reset/${id}/r1`, { method: "POST", body: "{}" });
      await response.body?.cancel();
      return response.status === 202;
    });
    const [, messageId] = JSON.parse(await client.next("[2,"));
    client.send(`[3,"${messageId}",{}]`);
  }
  await using test = await TestPage.open(url);
  const { page } = test;
  await test.text(CARD, /^0 \+ 30 parked/);
  await page.getByRole("button", { name: "List of reports" }).click();
  await test.text("#reports-note", /^30 reports, oldest first, page 1$/);
  const names = () => page.locator("#reports-rows th").allInnerTexts();
  const first = await names();
  await page.locator("#reports-next").click();
  await test.text("#reports-note", /page 2$/);
  deepStrictEqual([...first, ...await names()].sort(), ids);
  // Whichever worker has it.
  for (const id of ids.slice(-3)) {
    const remove = page.getByRole("button", { name: new RegExp(`: result Reset r1 of ${id}$`) })
      .last();
    await remove.click();
    await remove.click();
    await test.text("#reports-done", new RegExp(`^result Reset r1 of ${id} is removed\\.$`));
  }
  answers(backend, {});
  await page.getByRole("button", { name: "Retry all parked" }).click();
  await test.text("#reports-done", /^27 are tried again\.$/);
  await test.text(CARD, /^0none parked · 0 of 100,000 places$/);
  // The page whose last reports went gives way to the one before it.
  await test.text("#reports-note", /^0 reports, oldest first$/);
  for (const client of clients) await client.close();
  deepStrictEqual(test.complaints, []);
});

testWith(
  "chromium",
  "the list of reports is for those who may see it, and theirs alone",
  async (t) => {
    using dir = new TempDir();
    const file = tokensFile(dir, [
      { name: "reader", role: "read" },
      { name: "caller", role: "command" },
      { name: "bounded", role: "admin", clients: ["CP1"] },
      { name: "ops", role: "admin" },
    ]);
    await using backend = new RecordingBackend();
    answers(backend, { CP1: 400, CP2: 400 });
    await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
    const headers = { authorization: "Bearer ops" };
    for (const id of ["CP1", "CP2"]) {
      await report(gateway, await connected(gateway, id), `Reset/${id}/r1`, headers);
    }
    const open = async (test: TestPage, token: string) => {
      const asked = test.page.waitForResponse(/\/status\/access$/);
      await test.give(token);
      await (await asked).finished();
      await test.text(CARD, /^0 \+ 2 parked/);
      return test.page.getByRole("button", { name: "List of reports" });
    };
    const isSeen = ({ page }: TestPage, name: string) =>
      page.getByRole("button", { name, exact: true }).isVisible();

    for (const token of ["reader", "caller"]) {
      await t.step(token, async () => {
        await using test = await TestPage.open(gateway.url);
        ok(!await (await open(test, token)).isVisible());
        ok(!test.requests.some((url) => url.includes("/outbox")));
        strictEqual(await bodiesIn(test), 0);
        deepStrictEqual(test.complaints, []);
      });
    }

    await t.step("admin of some clients", async () => {
      await using test = await TestPage.open(gateway.url);
      await (await open(test, "bounded")).click();
      await test.text("#reports-note", /^This token may see reports of: CP1\. Whose\?$/);
      ok(!await isSeen(test, "Retry all parked"));
      ok(!test.requests.some((url) => url.includes("/outbox")));
      await test.page.getByLabel("Client", { exact: true }).fill("CP1");
      await test.text("#reports-note", /^1 report found$/);
      strictEqual(await bodiesIn(test), 0);
      await test.page.getByRole("button", { name: "Body: result Reset r1 of CP1" }).click();
      await test.text("#reports-rows pre", /secret/);
      await test.page.getByLabel("Client", { exact: true }).fill("CP2");
      await test.text(
        "#reports-note",
        /^Cannot be listed: .*may not look at this client's reports/,
      );
      strictEqual(await bodiesIn(test), 0);
    });

    await t.step("admin", async () => {
      await using test = await TestPage.open(gateway.url);
      await (await open(test, "ops")).click();
      await test.text("#reports-note", /^2 reports, oldest first$/);
      ok(await isSeen(test, "Retry all parked"));
      strictEqual(await bodiesIn(test), 0);
      deepStrictEqual(test.complaints, []);
    });
  },
);
