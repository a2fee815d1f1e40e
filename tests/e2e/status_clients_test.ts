import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { HOSTILE, TestPage } from "../support/browser.ts";
import { connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { NatsGateway, NatsServer } from "../support/nats.ts";
import { testWith } from "../support/needs.ts";

/** A client that the gateway has heard, and in whose frames nothing was wrong. */
async function heard(gateway: TestGateway, id: string) {
  const client = await gateway.connect(id);
  await client.ask('[2,"1","Heartbeat",{}]');
  return client;
}

async function openList(gateway: TestGateway, hash = ""): Promise<TestPage> {
  const test = await TestPage.open(`${gateway.url}/${hash}`);
  await test.page.locator("#clients").scrollIntoViewIfNeeded();
  return test;
}

/** Waits until the list has these rows, in this order. */
async function rows({ page }: TestPage, ids: readonly string[]): Promise<void> {
  const names = page.locator("#clients-rows th");
  await until(`the rows ${ids}`, async () => (await names.allTextContents()).join() === ids.join());
}

function hashOf({ page }: TestPage): string {
  return decodeURIComponent(new URL(page.url()).hash);
}

testWith("chromium", "the client in trouble is found in one step", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  await using gateway = await TestGateway.start(backend.url);
  await heard(gateway, "calm");
  const wrong = await heard(gateway, "wrong");
  await wrong.ask("[2,3]");
  const flood = await heard(gateway, "flood");
  for (let i = 0; i < 3; i++) await (await heard(gateway, `flapping${HOSTILE}`)).close();
  await using test = await openList(gateway);
  const { page } = test;
  await rows(test, ["calm", "flood", "wrong"]);

  let isDone = false;
  const flooding = (async () => {
    while (!isDone) await flood.ask('[2,"f","Heartbeat",{}]');
  })();
  try {
    await page.getByRole("button", { name: "Flooding" }).click();
    await test.text("#clients-rows tr:first-child th", /^flood$/);
    strictEqual(hashOf(test), "#sort=-messages");
    strictEqual(await page.locator("th[aria-sort=descending]").innerText(), "Messages / s");
  } finally {
    isDone = true;
    await flooding;
  }

  await page.getByRole("button", { name: "With errors" }).click();
  await rows(test, ["wrong"]);
  await test.text("#clients-note", /^1 client found$/);

  await page.getByRole("button", { name: "Come and go" }).click();
  await rows(test, [`flapping${HOSTILE}`]);
  await test.text("#clients-rows td.ends", /^3$/);
  await test.text("#clients-rows", /not connected.*left \d+ s ago/s);

  await page.getByRole("button", { name: "Gone silent" }).click();
  await test.text("#clients-note", /^0 clients found$/);
  await test.text("#clients-empty", /^No client fits/);
  await page.getByLabel("Silent for").selectOption("");
  await rows(test, ["calm", "wrong", "flood"]);

  // By the head of a column, and the other way round.
  await page.getByRole("button", { name: "Errors", exact: true }).click();
  await rows(test, ["wrong", "calm", "flood"]);
  await page.getByRole("button", { name: "Errors", exact: true }).click();
  await rows(test, ["calm", "flood", "wrong"]);

  // By what they are.
  await page.getByLabel("Subprotocol").fill("ocpp2.1");
  await test.text("#clients-note", /^0 clients found$/);
  await page.getByLabel("Subprotocol").fill("ocpp1.6");
  await page.getByLabel("Address begins").fill("127.");
  await page.getByLabel("Has errors").check();
  await rows(test, ["wrong"]);
  strictEqual(hashOf(test), "#sort=errors&filter=protocol:ocpp1.6,address:127.,errors");
  await page.getByRole("button", { name: "All" }).click();
  await rows(test, ["calm", "flood", "wrong"]);
  await test.assertUnharmed();
  deepStrictEqual(test.complaints, []);
});

testWith(
  "chromium",
  "search, order, filter and page are in the address: reload, Back and a link lead to the same",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    const ids = Array.from({ length: 120 }, (_, i) => `CP${100 + i}`);
    for (const id of ids) await connected(gateway, id);
    await using test = await openList(gateway);
    const { page } = test;
    await rows(test, ids.slice(0, 50));
    await page.getByRole("button", { name: "ClientId", exact: true }).click();
    const down = ids.toReversed();
    await rows(test, down.slice(0, 50));
    await page.getByRole("button", { name: "Next" }).click();
    await rows(test, down.slice(50, 100));
    await page.getByRole("button", { name: "Next" }).click();
    await rows(test, down.slice(100));
    strictEqual(hashOf(test), "#sort=-id&page=3&after=CP120");
    await page.goBack();
    await rows(test, down.slice(50, 100));
    await page.reload();
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await rows(test, down.slice(50, 100));
    await test.text("#clients-note", /^120 clients connected, page 2$/);
    await page.goForward();
    await rows(test, down.slice(100));
    await page.getByRole("button", { name: "Previous" }).click();
    await rows(test, down.slice(50, 100));
    await page.getByRole("searchbox", { name: "Search" }).fill("cp21");
    await rows(test, down.slice(0, 10));
    const link = new URL(page.url()).hash;
    strictEqual(link, "#sort=-id&search=cp21");

    await using other = await openList(gateway, link);
    await rows(other, down.slice(0, 10));
    strictEqual(await other.page.getByRole("searchbox", { name: "Search" }).inputValue(), "cp21");
    strictEqual(await other.page.locator("th[aria-sort=descending]").innerText(), "ClientId");
    // The skip link leads to the list, and leaves the address as it is.
    await other.page.locator("a.skip").focus();
    await other.page.keyboard.press("Enter");
    strictEqual(await other.page.evaluate("document.activeElement.id"), "clients");
    strictEqual(new URL(other.page.url()).hash, link);
    // What a hand wrote into the address is no worse than what it says.
    await other.page.goto(`${gateway.url}/#sort=size&filter=x&page=-1`);
    await test.text("#clients-rows", /CP219/);
    await other.text("#clients-note", /^Cannot be listed: sort must be one of/);
    deepStrictEqual(test.complaints, []);
  },
);

testWith(
  "chromium",
  "a press on a client is not lost while the list changes, and marked text stays",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    for (const id of ["CP2", "CP4", "CP6"]) await connected(gateway, id);
    await using test = await openList(gateway);
    const { page } = test;
    await rows(test, ["CP2", "CP4", "CP6"]);
    // The list is drawn anew between the press and the release.
    const row = page.locator("#clients").getByRole("rowheader", { name: "CP4", exact: true })
      .getByRole("button");
    const { x, y, width, height } = (await row.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    const news = () => page.waitForResponse(/\/status\/clients/);
    await connected(gateway, "CP1");
    for (let i = 0; i < 2; i++) await (await news()).finished();
    await test.text("#clients-note", /^4 clients connected$/);
    await page.mouse.up();
    strictEqual(await page.locator("#client-title").innerText(), "CP4");
    await page.getByRole("button", { name: "All clients" }).click();
    await page.mouse.move(0, 0);
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await rows(test, ["CP1", "CP2", "CP4", "CP6"]);

    // Text that is marked stays so, whatever comes and goes.
    const marked = () => page.evaluate("String(document.getSelection())");
    await page.evaluate(`
    getSelection().selectAllChildren(document.querySelectorAll("#clients-rows tr")[1].cells[2]);
  `);
    strictEqual(await marked(), "127.0.0.1");
    await connected(gateway, "CP0");
    for (let i = 0; i < 2; i++) await (await news()).finished();
    await test.text("#clients-note", /^5 clients connected$/);
    strictEqual(await marked(), "127.0.0.1");
    await page.evaluate("getSelection().removeAllRanges()");
    await rows(test, ["CP0", "CP1", "CP2", "CP4", "CP6"]);

    // The keyboard stays in its row, wherever that goes.
    await page.locator("#clients").getByRole("rowheader", { name: "CP2", exact: true }).getByRole(
      "button",
    ).focus();
    await connected(gateway, "CP00");
    await rows(test, ["CP0", "CP00", "CP1", "CP2", "CP4", "CP6"]);
    strictEqual(await page.evaluate("document.activeElement.textContent"), "CP2");
    deepStrictEqual(test.complaints, []);
  },
);

testWith(
  "chromium",
  "a ClientId is copied at a press, over plain HTTP from another host too",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret"]);
    await connected(gateway, encodeURIComponent("CP é 1"));
    await using test = await TestPage.open(gateway.url.replace("127.0.0.1", "gw.example"), [
      "gw.example",
    ]);
    const { page } = test;
    strictEqual(await page.evaluate("isSecureContext"), false);
    await test.give("s3cret");
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "Copy ClientId" }).click();
    await test.text("#clients-rows .copy", /^Copied$/);
    await page.getByRole("searchbox", { name: "Search" }).focus();
    await page.keyboard.press("Control+V");
    strictEqual(await page.getByRole("searchbox", { name: "Search" }).inputValue(), "CP é 1");
  },
);

testWith("chromium", "without clients the list says where they connect", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--ws-path=/ocpp/"]);
  await using test = await openList(gateway);
  const host = new URL(gateway.url).host;
  await test.text("#clients-empty", /^No client is connected\./);
  ok(
    (await test.page.locator("#clients-empty").innerText()).includes(
      `ws://${host}/ocpp/<ClientId>`,
    ),
  );
  await connected(gateway, "ocpp/CP1");
  await rows(test, ["CP1"]);
  strictEqual(await test.page.locator("#clients-empty").isVisible(), false);
  match(await test.page.locator("#clients-note").innerText(), /^1 client connected$/);
});

testWith(
  ["chromium", "nats-server"],
  "while other instances cannot be reached the list says so, in place of nobody found",
  async () => {
    await using nats = await NatsServer.startToRestart();
    await using backend = new RecordingBackend();
    await using gateway = await NatsGateway.ready(backend.url, nats.url);
    await gateway.connect("CP1");
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await test.text("#clients-note", /^1 client connected$/);
    strictEqual(await page.locator("#clients-rows td.instance").isVisible(), false);
    await page.getByRole("button", { name: "ClientId", exact: true }).click();
    await page.locator("#clients-rows td.instance").filter({ hasText: /^[^–]+$/ }).waitFor();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.getByRole("searchbox", { name: "Search" }).fill("nobody");
    await test.text("#clients-note", /^0 clients found$/);
    await nats.kill();
    await test.text("#clients-note", /^incomplete: other instances cannot be reached$/);
    await page.getByRole("searchbox", { name: "Search" }).fill("");
    await test.text("#clients-note", /^1 client connected, incomplete: other instances cannot be/);
  },
);
