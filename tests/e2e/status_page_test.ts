import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { silentLog } from "../../lib/ops/log.ts";
import { RecentFaults } from "../../lib/ops/recent_faults.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { hasChromium, TestPage } from "../support/browser.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";

const HOSTILE = "<img src=x onerror=globalThis.hacked=1>";

/** What only hostile input could have brought into the page. */
async function assertUnharmed({ page }: TestPage): Promise<void> {
  const found = await page.evaluate("[globalThis.hacked, document.images.length]");
  deepStrictEqual(found, [undefined, 0]);
}

Deno.test({
  name: "the status page shows what goes on, and reaches a client",
  ignore: !hasChromium,
  async fn() {
    await using backend = new RecordingBackend();
    backend.answer = () => json('{"b":2.0}');
    const faults = new RecentFaults();
    const log = faults.watch(silentLog);
    await using gateway = new TestGateway(backend.url, [], log, undefined, faults);
    const client = await connected(gateway, "CP00");
    for (let i = 1; i < 60; i++) await connected(gateway, `CP${String(i).padStart(2, "0")}`);
    await using test = await TestPage.open(gateway.url);
    const { page } = test;

    // Numbers move.
    await test.text("#state", /^Live$/);
    await test.text("#tile-connections dd", /^60/);
    await page.locator("figure canvas").nth(5).waitFor();
    strictEqual(await page.locator("figure canvas").count(), 6);
    const hostile = await connected(gateway, encodeURIComponent(HOSTILE));
    await test.text("#tile-connections dd", /^61/);
    await test.text("#tile-in small", /^0 in all$/);
    await client.ask('[2,"1","Heartbeat",{}]');
    await test.text("#tile-in small", /^1 in all$/);
    await test.text("figure", /CALL latency.*p50 [\d.]+ ms/s);

    // Clients, page by page, and found.
    const row = (name: string) => page.getByRole("rowheader", { name, exact: true });
    await page.getByRole("region", { name: "Table of clients" }).scrollIntoViewIfNeeded();
    await test.text("#clients-note", /^61 clients connected, page 1$/);
    await page.getByRole("button", { name: "Next" }).click();
    await test.text("#clients-note", /page 2$/);
    await row("CP59").waitFor();
    await page.getByRole("button", { name: "Previous" }).click();
    await row("CP00").waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("cp5");
    await test.text("#clients-note", /^10 clients found$/);
    strictEqual(await page.locator("#clients-rows tr").count(), 10);

    // A name is a text, whatever it looks like.
    await page.getByRole("searchbox", { name: "Search" }).fill("onerror");
    await row(HOSTILE).getByRole("button").click();
    strictEqual(await page.locator("#client-title").innerText(), HOSTILE);
    await test.text("#client-details", /ocpp1\.6/);
    await page.getByRole("button", { name: "Show payloads" }).click();
    await test.text("#tail-note", /Live/);
    hostile.send(`[2,"${HOSTILE.slice(0, 30)}","Act",{"a":"${HOSTILE}"}]`);
    await test.text("#tail-rows code", /onerror/);
    hostile.send("[2,3]");
    await test.text("#faults-rows", /frame refused.*MessageId/);
    await assertUnharmed(test);

    // By keyboard: the panel has the focus, and gives it back.
    await page.getByRole("searchbox", { name: "Search" }).fill("cp00");
    await test.text("#clients-note", /^1 client found$/);
    await row("CP00").getByRole("button").focus();
    await page.keyboard.press("Enter");
    strictEqual(await page.evaluate("document.activeElement.id"), "client-title");
    await page.keyboard.press("Escape");
    strictEqual(await page.evaluate("document.activeElement.textContent"), "CP00");
    await page.keyboard.press("Enter");

    // Frames as they pass, payloads only after the click.
    await test.text("#tail-note", /Live/);
    await client.ask('[2,"2","Heartbeat",{"a":1.0}]');
    await test.text("#tail-rows .frame", /from client.*CALL.*Heartbeat.*2/s);
    await test.text("#tail-rows .frame", /to client.*CALLRESULT.*2/s);
    strictEqual(await page.locator("#tail-rows code").count(), 0);
    await page.getByRole("button", { name: "Show payloads" }).click();
    await test.text("#tail-rows code", /\[2,"2","Heartbeat",\{"a":1\.0\}\]/);

    // A CALL to the client.
    await page.getByLabel("Action").fill("Reset");
    await page.getByLabel("Payload, a JSON object").fill('{"type":"Soft"}');
    const frame = client.next("[2,");
    await page.getByRole("button", { name: "Send" }).click();
    const [, messageId, action, payload] = JSON.parse(await frame);
    deepStrictEqual([action, payload], ["Reset", { type: "Soft" }]);
    client.send(`[3,"${messageId}",{"status":"Accepted"}]`);
    await test.text("#call-outcome", /^200 CALLRESULT · answered/);
    strictEqual(await page.locator("#call-answer").innerText(), '{"status":"Accepted"}');

    // On a phone, and in the dark.
    await page.setViewportSize({ width: 375, height: 800 });
    strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 375);
    await page.getByRole("button", { name: "Theme" }).click();
    strictEqual(await page.evaluate("document.documentElement.dataset.theme"), "dark");
    strictEqual(await page.locator("figure canvas").count(), 6);

    // Its end, by two clicks.
    await handled(client);
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByRole("button", { name: "Click again to disconnect" }).click();
    deepStrictEqual(await client.whenClosed(), { code: 1000, reason: "closed by the operator" });
    await test.text("#disconnect-note", /^Disconnected\.$/);
    await test.text("#tail-note", /not connected/);

    await assertUnharmed(test);
    // That the client is not there any more is a line in the console, and there is no other.
    deepStrictEqual(test.complaints.filter((text) => !text.includes("status of 404 ")), []);
    deepStrictEqual(
      test.requests.filter((url) => !url.startsWith(`${gateway.url}/`) && !url.startsWith("data:")),
      [],
    );
  },
});

Deno.test({
  name: "the status page asks for the token, and keeps it to itself",
  ignore: !hasChromium,
  async fn() {
    await using backend = new RecordingBackend();
    await using gateway = new TestGateway(backend.url, ["--api-token=s3cret", "--no-tail"]);
    await connected(gateway);
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    const give = async (token: string) => {
      await page.getByLabel("API token").fill(token);
      await page.getByRole("button", { name: "Open" }).click();
    };
    await page.getByRole("dialog").waitFor();
    // It need not be refused first.
    deepStrictEqual(test.requests.filter((url) => !url.startsWith("data:")), [`${gateway.url}/`]);
    for (const wrong of ["wrong", "s3cret2", "wröng…"]) {
      await give(wrong);
      await page.getByRole("alert").filter({ hasText: "The gateway refused this token." })
        .waitFor();
    }
    strictEqual(await page.locator("#tile-connections dd").innerText(), "–");
    await give("s3cret");
    await test.text("#tile-connections dd", /^1/);
    strictEqual(await page.getByRole("dialog").count(), 0);

    await page.locator("#clients").scrollIntoViewIfNeeded();
    await page.getByRole("button", { name: "CP1" }).click();
    await test.text("#client-details", /127\.0\.0\.1/);
    await test.text("#tail-note", /^Off: .*--no-tail/);

    const kept = await page.evaluate(
      "[localStorage.length, sessionStorage.length, document.cookie, location.href, history.state]",
    );
    deepStrictEqual(kept, [0, 0, "", `${gateway.url}/`, null]);
    deepStrictEqual((await page.context().storageState()).origins, []);
    ok(test.requests.every((url) => !url.includes("s3cret")));
    // A refused request is a line in the console, and there is no other.
    deepStrictEqual(test.complaints.filter((text) => !/status of 40[13] /.test(text)), []);
    await page.reload();
    await page.getByRole("dialog").waitFor();
  },
});
