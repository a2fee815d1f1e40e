import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { HOSTILE, TestPage } from "../support/browser.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { testWith } from "../support/needs.ts";

/** Turns what follows it around, is not seen, and is markup. */
const BIDI = `\u202e\u200b${HOSTILE}`;
/** How it is shown. */
const BIDI_SHOWN = `\\u{202e}\\u{200b}${HOSTILE}`;
/** What may stand nowhere on the page as it is. */
const UNSEEN = /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/;

/** Asserts that nothing of it became markup, nor turns other texts around. */
async function assertHarmless(test: TestPage): Promise<void> {
  await test.assertUnharmed();
  const texts = `[document.title, document.body.textContent,
    ...[...document.querySelectorAll("[aria-label], [title]")].map((each) =>
      each.getAttribute("aria-label") + each.title)].join("\\n")`;
  const text = String(await test.page.evaluate(texts));
  const found = UNSEEN.exec(text);
  strictEqual(found && text.slice(Math.max(0, found.index - 60), found.index + 60), null);
}

testWith("chromium", "hostile texts do no harm wherever the page shows them", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json(JSON.stringify({ text: BIDI }));
  await using gateway = await TestGateway.start(backend.url);
  const longest = BIDI.padEnd(255, "充");
  const id = encodeURIComponent(longest);
  for (let i = 0; i < 3; i++) {
    const gone = await connected(gateway, id);
    gone.socket.close(4000, `\u202e\u200f${HOSTILE}`);
    await gone.whenClosed();
  }
  const client = await connected(gateway, id);
  const other = await connected(gateway, encodeURIComponent("שלום-1"));
  client.send(JSON.stringify([2, `1\u202e<b>`, "Act", { a: BIDI }]));
  await client.next(`[3,`);
  client.send(JSON.stringify([4, "x", BIDI, BIDI, {}]));
  client.send(BIDI);
  await handled(client);
  await handled(other);

  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  await test.text("#state", /^Live$/);
  const departed = page.locator("#departures-rows tr");
  await departed.nth(2).waitFor();
  match(await departed.first().innerText(), /\\u\{202e\}\\u\{200f\}<img/);
  ok((await departed.first().innerText()).includes(longest.slice(2)));
  ok((await page.locator("#departures-often").innerText()).includes(BIDI_SHOWN));
  await page.locator("#clients").scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "With errors" }).click();
  const name = BIDI_SHOWN + longest.slice(BIDI.length);
  await page.locator("#clients-rows").getByRole("rowheader", { name, exact: true }).waitFor();
  await assertHarmless(test);

  // As a departure names it: the whole of it.
  await departed.first().getByRole("button").click();
  strictEqual(await page.locator("#client-title").innerText(), name);
  await test.text("#tail-note", /^Live/);
  client.send(JSON.stringify([2, `2\u202e<b>`, "Act", { a: BIDI }]));
  client.send(JSON.stringify([2, "3", BIDI.slice(0, 40), { a: BIDI }]));
  client.send(BIDI);
  await test.text("#tail-rows", /Act/);
  await page.locator("#tail-payloads").click();
  await test.text("#tail-rows", /<img/);
  await page.locator("#record").click();
  await test.text("#recordings-rows", /recording since/);
  ok((await page.locator("#recordings-rows").innerText()).includes(BIDI_SHOWN));
  await page.locator("#call-action").fill(`Get${HOSTILE}`);
  await page.locator("#call-payload").fill(JSON.stringify({ a: BIDI }));
  await page.locator("#call-send").click();
  await test.text("#call-fault", /./);
  await page.locator("#call-anyway").click();
  await page.locator("#sent-rows > li").first().waitFor();
  // The CALL's answer is an error full of it.
  const call = await client.next("[2,");
  client.send(JSON.stringify([4, JSON.parse(call)[1], "InternalError", BIDI, { a: BIDI }]));
  await test.text("#sent-rows .outcome", /CALLERROR/);
  await assertHarmless(test);
});

testWith("chromium", "a link with what is no ClientId shows that, and the page lives", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await connected(gateway);
  for (const bad of ["..", "a/../b", "x".repeat(300), "a\u0007"]) {
    await using test = await TestPage.open(
      `${gateway.url}/#client=${encodeURIComponent(bad)}&sort=${encodeURIComponent(HOSTILE)}`,
    );
    const { page } = test;
    await test.text("#state", /^Live$/);
    await test.text("#tail-note", /no ClientId/);
    await page.locator("#client-close").click();
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await test.text("#clients-note", /Cannot be listed/);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.getByRole("rowheader", { name: "CP1", exact: true }).getByRole("button").click();
    await test.text("#tail-note", /^Live/);
    await test.assertUnharmed();
    deepStrictEqual(test.requests.filter((url) => !url.startsWith(gateway.url)), []);
  }
});
