import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Page } from "playwright-core";
import { json, RecordingBackend } from "../support/backend.ts";
import { HOSTILE, TestPage } from "../support/browser.ts";
import { clientIds, connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";
import { RawClient } from "../support/raw_client.ts";
import { tokensFile } from "../support/tokens.ts";

/** Opens a client from the list. */
async function openClient({ page }: TestPage, name: string): Promise<void> {
  await page.locator("#clients").scrollIntoViewIfNeeded();
  await page.locator("#clients").getByRole("rowheader", { name, exact: true }).getByRole("button")
    .click();
}

/** Waits until so many exchanges of this name are seen. */
async function seen({ page }: TestPage, name: string, count: number): Promise<void> {
  const rows = page.locator("#tail-rows .name").filter({ hasText: name, visible: true });
  await rows.nth(count - 1).waitFor();
  strictEqual(await rows.count(), count);
}

/** Rows as a person reads them, the newest first, without their times. */
async function rowsOf(page: Page): Promise<string[]> {
  const cells = await page.locator("#tail-rows > li:visible").evaluateAll((rows) =>
    rows.map((row) =>
      [...row.querySelectorAll(".way, .name, .outcome")].map((each) => each.textContent)
    )
  );
  return cells.map((row) => row.filter((text) => text !== "").join(" | "));
}

/** Has the page save a file. @returns Its lines, as values. */
// deno-lint-ignore no-explicit-any
async function saved(page: Page, press: () => Promise<void>): Promise<any[]> {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  match(download.suggestedFilename(), /\.jsonl$/);
  const text = await Deno.readTextFile(await download.path());
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

testWith("chromium", "a client that boots and drops again and again shows all of it", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json('{"status":"Rejected"}');
  await using gateway = await TestGateway.start(backend.url);
  const first = await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  await openClient(test, "CP1");
  await test.text("#tail-note", /^Live/);
  await first.close();
  await test.text("#tail-note", /not connected/);
  for (let i = 0; i < 3; i++) {
    using client = await RawClient.connect(gateway, "/CP1");
    await client.send('[2,"1","BootNotification",{}]');
    match(await client.text(), /^\[3,"1"/);
    client[Symbol.dispose]();
    // Otherwise the next one may replace it.
    await until("the end of it", async () => (await clientIds(gateway)).length === 0);
  }
  await seen(test, "BootNotification", 3);
  await seen(test, "disconnected", 4);
  const once = [
    "disconnected | 1006, lost",
    "from client | BootNotification | CALLRESULT",
    "connected | no subprotocol · 127.0.0.1",
  ];
  deepStrictEqual(await rowsOf(test.page), [
    ...once,
    ...once,
    ...once,
    "disconnected | 1005, client",
  ]);
  await test.page.locator(".frame .num").filter({ hasText: / ms$/ }).first().waitFor();
  deepStrictEqual(test.complaints.filter((text) => !text.includes("status of 404 ")), []);
});

testWith("chromium", "a pause holds the drawing back and not the taking", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  await openClient(test, "CP1");
  await test.text("#tail-note", /^Live/);
  await client.ask('[2,"1","Before",{}]');
  await seen(test, "Before", 1);
  await page.getByRole("button", { name: "Pause" }).click();
  await client.ask('[2,"2","Meanwhile",{}]');
  // A client that comes and goes meanwhile is taken too.
  await client.close();
  using next = await RawClient.connect(gateway, "/CP1");
  await next.send('[2,"1","Meanwhile",{}]');
  await page.getByRole("button", { name: /^Resume \(4 new/ }).waitFor();
  strictEqual(await page.locator("#tail-rows .name").filter({ hasText: "Meanwhile" }).count(), 0);
  await page.getByRole("button", { name: /^Resume/ }).click();
  await seen(test, "Meanwhile", 2);
  strictEqual(await page.locator("#tail-rows .gap").count(), 0);
});

testWith("chromium", "what is more than the gateway keeps is a gap, and told", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  await openClient(test, "CP1");
  await test.text("#tail-note", /^Live/);
  // Far more than is kept between two questions.
  for (let batch = 0; batch < 20; batch++) {
    for (let i = 1; i <= 50; i++) client.send(`[2,"${batch}-${i}","Flood",{}]`);
    await client.next(`[3,"${batch}-50"`);
  }
  await test.text("#tail-rows .gap", /some is left out/);
});

testWith("chromium", "exchanges are filtered, opened at a click, copied and saved", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json(`{"text":${JSON.stringify(HOSTILE)}}`);
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  await openClient(test, "CP1");
  await test.text("#tail-note", /^Live/);
  await client.ask(`[2,"1","Heartbeat",{"a":"${HOSTILE} \u202e"}]`);
  await client.ask(`[2,"2","${HOSTILE}",{}]`);
  client.send("no frame");
  await seen(test, "no frame", 1);

  await page.getByLabel("Filter", { exact: true }).fill("heart");
  await seen(test, "Heartbeat", 1);
  deepStrictEqual((await rowsOf(page)).length, 1);
  // No payload has come to the page until now.
  const [before] = await saved(page, () => page.locator("#tail-download").click());
  deepStrictEqual([before.action, before.text], ["Heartbeat", null]);
  strictEqual(await page.locator("#tail-rows code").count(), 0);
  await page.locator("#tail-rows summary:visible").click();
  await test.text("#tail-rows code", /"a":"<img.* \\u\{202e\}"/);
  await test.text("#tail-rows code", /\[3,"1",\{"text":"<img/);
  strictEqual(await page.locator("#tail-rows details[open]").count(), 1);

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("#tail-rows").getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = String(await page.evaluate("navigator.clipboard.readText()"));
  deepStrictEqual(
    copied.trimEnd().split("\n").map((line) => JSON.parse(line).type),
    ["call", "result"],
  );

  await page.getByLabel("Filter", { exact: true }).fill("");
  await page.getByLabel("Kind of exchanges").selectOption("in");
  await seen(test, "Heartbeat", 1);
  deepStrictEqual((await rowsOf(page)).length, 2);
  const lines = await saved(page, () => page.locator("#tail-download").click());
  deepStrictEqual(lines.map(({ type }) => type), ["call", "result", "call", "result"]);
  ok(lines[0].text.includes(HOSTILE) && Date.parse(lines[0].at) > 0);
  await test.assertUnharmed();
  deepStrictEqual(test.complaints, []);
});

testWith(
  "chromium",
  "a client is recorded while no page is open, and downloaded later",
  async () => {
    await using backend = new RecordingBackend();
    backend.answer = () => json("{}");
    using dir = new TempDir();
    const file = tokensFile(dir, [
      { name: "reader", role: "read" },
      { name: "ops", role: "admin" },
    ]);
    await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
    const client = await connected(gateway);
    {
      await using test = await TestPage.open(gateway.url);
      const { page } = test;
      await test.give("ops");
      await openClient(test, "CP1");
      const button = page.getByRole("button", { name: "Record this client for an hour" });
      await button.click();
      await test.text("#recordings-rows", /CP1 recording since [\d:]+, until [\d:]+ · \d+ lines?/);
      ok(await button.isDisabled());
      await client.ask('[2,"1","Looked",{"secret":1}]');
      await seen(test, "Looked", 1);
    }
    await client.close();
    const next = await connected(gateway);
    await next.ask('[2,"1","Alone",{"secret":2}]');
    {
      await using test = await TestPage.open(gateway.url);
      const { page } = test;
      await test.give("ops");
      await openClient(test, "CP1");
      const press = (name: string) =>
        page.locator("#recordings-rows").getByRole("button", { name, exact: true }).click();
      await test.text("#recordings-rows", /recording since/);
      const lines = await saved(page, () => press("Download"));
      const kinds = lines.map(({ kind, action, type }) => action ?? type ?? kind);
      deepStrictEqual(
        kinds.filter((kind) => ["Looked", "Alone", "connected", "disconnected"].includes(kind)),
        ["Looked", "disconnected", "connected", "Alone"],
      );
      match(lines.find(({ action }) => action === "Alone").text, /"secret":2/);
      await press("End");
      await test.text("#record-note", /^Ended\.$/);
      await page.locator("#recordings-rows").getByRole("button", { name: "End", exact: true })
        .waitFor({ state: "hidden" });
      await press("Remove");
      await page.locator("#recordings-rows li").waitFor({ state: "detached" });
      deepStrictEqual(test.complaints, []);
    }
    await using test = await TestPage.open(gateway.url);
    const asked = test.page.waitForResponse(/\/status\/access\/CP1$/);
    await test.give("reader");
    await openClient(test, "CP1");
    await (await asked).finished();
    await test.text("#tail-note", /^Live/);
    strictEqual(await test.page.locator("#recordings").isVisible(), false);
    deepStrictEqual(test.complaints, []);
  },
);
