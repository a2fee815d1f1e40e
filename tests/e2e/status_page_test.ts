import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { RecentFaults } from "../../lib/log/recent_faults.ts";
import { json, onClosedPort, RecordingBackend } from "../support/backend.ts";
import { HOSTILE, TestPage } from "../support/browser.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";
import { tokensFile } from "../support/tokens.ts";

/** Opens a client from the list. */
async function openClient({ page }: TestPage, name: string): Promise<void> {
  const back = page.getByRole("button", { name: "All clients" });
  if (await back.isVisible()) await back.click();
  await page.locator("#clients").scrollIntoViewIfNeeded();
  await page.locator("#clients").getByRole("rowheader", { name, exact: true }).getByRole("button")
    .click();
}

testWith("chromium", "the status page shows what goes on, and reaches a client", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json('{"b":2.0}');
  const faults = new RecentFaults(systemClock);
  const log = faults.watch(silentLog);
  await using gateway = await TestGateway.start(backend.url, [], log, undefined, faults);
  const client = await connected(gateway, "CP00");
  for (let i = 1; i < 60; i++) await connected(gateway, `CP${String(i).padStart(2, "0")}`);
  await using test = await TestPage.open(gateway.url);
  const { page } = test;

  // Numbers move.
  await test.text("#state", /^Live$/);
  await test.text("#tile-connections dd", /^60/);
  await page.locator("figure canvas").nth(8).waitFor();
  strictEqual(await page.locator("figure canvas").count(), 9);
  const hostile = await connected(gateway, encodeURIComponent(HOSTILE));
  await test.text("#tile-connections dd", /^61/);
  await test.text("#tile-in small", /^0 in all$/);
  await client.ask('[2,"1","Heartbeat",{}]');
  await test.text("#tile-in small", /^1 in all$/);
  await test.text("figure", /CALL latency.*p50 ≈ [\d.]+ ms/s);

  // Clients, page by page, and found.
  const row = (name: string) =>
    page.locator("#clients").getByRole("rowheader", { name, exact: true });
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
  await page.getByRole("button", { name: "All clients" }).click();
  await test.text("#faults-rows", /frame refused.*MessageId/);
  await test.assertUnharmed();

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
  await test.text("#tail-rows .frame", /from client.*Heartbeat.*CALLRESULT/s);
  strictEqual(await page.locator("#tail-rows code").count(), 0);
  await page.getByRole("button", { name: "Show payloads" }).click();
  await test.text("#tail-rows code", /\[2,"2","Heartbeat",\{"a":1\.0\}\]/);

  // A CALL to the client.
  await page.getByLabel("Action").fill("Reset");
  await page.getByLabel("Payload, a JSON object").fill('{"type":"Soft"}');
  const frame = client.next("[2,");
  await page.getByRole("button", { name: "Send Reset to CP00" }).click();
  await page.getByRole("button", { name: "Click again to send Reset to CP00" }).click();
  const [, messageId, action, payload] = JSON.parse(await frame);
  deepStrictEqual([action, payload], ["Reset", { type: "Soft" }]);
  client.send(`[3,"${messageId}",{"status":"Accepted"}]`);
  await test.text("#sent-rows .outcome", /^200 CALLRESULT · answered/);
  strictEqual(
    await page.locator("#sent-rows .sent > pre").innerText(),
    '{\n  "status": "Accepted"\n}',
  );

  // On a phone, and in the dark.
  await page.setViewportSize({ width: 375, height: 800 });
  strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 375);
  await page.getByLabel("Theme").selectOption("dark");
  strictEqual(await page.evaluate("document.documentElement.dataset.theme"), "dark");
  strictEqual(await page.locator("figure canvas").count(), 9);

  // Its end, by two clicks.
  await handled(client);
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.getByRole("button", { name: "Click again to disconnect" }).click();
  deepStrictEqual(await client.whenClosed(), { code: 1000, reason: "closed by the operator" });
  await test.text("#disconnect-note", /^Disconnected\.$/);
  await test.text("#tail-note", /not connected/);

  await test.assertUnharmed();
  // That the client is not there any more is a line in the console, and there is no other.
  deepStrictEqual(test.complaints.filter((text) => !text.includes("status of 404 ")), []);
  deepStrictEqual(
    test.requests.filter((url) => !url.startsWith(`${gateway.url}/`) && !url.startsWith("data:")),
    [],
  );
});

testWith("chromium", "the status page asks for the token, and keeps it to itself", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret", "--no-tail"]);
  await connected(gateway);
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  await page.getByRole("dialog").waitFor();
  // It need not be refused first.
  deepStrictEqual(test.requests.filter((url) => !url.startsWith("data:")), [`${gateway.url}/`]);
  for (const wrong of ["wrong", "s3cret2", "wröng…"]) {
    await test.give(wrong);
    await page.getByRole("alert").filter({ hasText: "The gateway refused this token." })
      .waitFor();
  }
  strictEqual(await page.locator("#tile-connections dd").innerText(), "–");
  await test.give("s3cret");
  await test.text("#tile-connections dd", /^1/);
  strictEqual(await page.getByRole("dialog").count(), 0);

  await openClient(test, "CP1");
  await test.text("#client-details", /127\.0\.0\.1/);
  await test.text("#tail-note", /^Off: .*--no-tail/);

  const kept = await page.evaluate(
    "[localStorage.length, sessionStorage.length, document.cookie, location.href, history.state]",
  );
  deepStrictEqual(kept, [0, 0, "", `${gateway.url}/#client=CP1`, null]);
  deepStrictEqual((await page.context().storageState()).origins, []);
  ok(test.requests.every((url) => !url.includes("s3cret")));
  // A refused request is a line in the console, and there is no other.
  deepStrictEqual(test.complaints.filter((text) => !/status of 40[13] /.test(text)), []);
  await page.reload();
  await page.getByRole("dialog").waitFor();
});

testWith(
  "chromium",
  "the status page reaches a client over plain HTTP from another host",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret"]);
    const client = await connected(gateway);
    const url = gateway.url.replace("127.0.0.1", "gw.example");
    await using test = await TestPage.open(url, ["gw.example"]);
    const { page } = test;
    strictEqual(await page.evaluate("isSecureContext"), false);
    await test.give("s3cret");
    await openClient(test, "CP1");
    const messageIds = new Set<string>();
    for (const action of ["One", "Two"]) {
      await page.getByLabel("Action").fill(action);
      const frame = client.next("[2,");
      await page.getByRole("button", { name: `Send ${action} to CP1` }).click();
      // OCPP knows no such Action.
      await page.getByRole("button", { name: "Send anyway" }).click();
      const [, messageId, sent] = JSON.parse(await frame);
      strictEqual(sent, action);
      match(messageId, /^[0-9a-f]{32}$/);
      messageIds.add(messageId);
      client.send(`[3,"${messageId}",{"to":"${action}"}]`);
      await test.text("#sent-rows .sent", new RegExp(`${action}.*200 CALLRESULT`, "s"));
    }
    strictEqual(messageIds.size, 2);
    // Over plain HTTP the browser leaves one header of the page out, and says so.
    deepStrictEqual(
      test.complaints.filter((text) => !text.startsWith("The Cross-Origin-Opener-Policy header")),
      [],
    );
  },
);

testWith(
  "chromium",
  "the status page goes on with a client after another token was asked for",
  async () => {
    await using backend = new RecordingBackend();
    // Another one comes on its port, which nobody must get meanwhile.
    const first = await onClosedPort((port) =>
      TestGateway.start(backend.url, ["--api-token=one", `--listen=127.0.0.1:${port}`])
    );
    const { url } = first;
    await connected(first);
    await using test = await TestPage.open(url);
    const { page } = test;
    await test.give("one");
    await openClient(test, "CP1");
    await test.text("#tail-note", /^Live/);
    await first[Symbol.asyncDispose]();

    const listen = `--listen=${new URL(url).host}`;
    await using second = await TestGateway.start(backend.url, ["--api-token=two", listen]);
    const client = await connected(second);
    const alert = page.getByRole("alert").filter({ hasText: "The gateway refused this token." });
    await alert.waitFor();
    await test.give("wrong");
    await alert.waitFor();
    await test.give("two");
    await test.text("#tail-note", /^Live/);
    await test.text("#client-details", /Frames.*1 in, 1 out/s);
    await client.ask('[2,"1","Heartbeat",{}]');
    await test.text("#tail-rows .frame", /from client.*Heartbeat.*CALLRESULT/s);
    await test.text("#client-details", /Frames.*2 in, 2 out/s);
  },
);

testWith(
  "chromium",
  "a status page that nobody sees lets go of its stream, and goes on when it is seen again",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    const client = await connected(gateway);
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await openClient(test, "CP1");
    await test.text("#tail-note", /^Live/);
    await client.ask('[2,"1","Before",{}]');
    await test.text("#tail-rows .frame", /Before/);

    const end = page.waitForEvent(
      "requestfailed",
      (request) => request.url().startsWith(`${gateway.url}/status/stream?`),
    );
    await test.setHidden(true);
    await end;
    await test.text("#state", /^Paused$/);
    await client.ask('[2,"2","Meanwhile",{}]');
    strictEqual(await page.locator("#client-title").innerText(), "CP1");

    await test.setHidden(false);
    await test.text("#state", /^Live$/);
    await test.text("#tail-note", /^Live/);
    await client.ask('[2,"3","After",{}]');
    await test.text("#tail-rows .frame", /After/);
    // Each once: what was shown stays, and what passed meanwhile is still kept for a moment.
    const names = await page.locator("#tail-rows .name").allInnerTexts();
    deepStrictEqual(names.filter((name) => name !== ""), ["After", "Meanwhile", "Before"]);
    deepStrictEqual(test.complaints, []);
  },
);

testWith("chromium", "a client whose name was cut cannot be opened from a fault", async () => {
  await using backend = new RecordingBackend();
  const faults = new RecentFaults(systemClock);
  const log = faults.watch(silentLog);
  await using gateway = await TestGateway.start(backend.url, [], log, undefined, faults);
  log.warn("whole", { clientId: "CP1" });
  log.warn("cut", { clientId: "x".repeat(255), reason: "é".repeat(300), error: "é".repeat(300) });
  await using test = await TestPage.open(gateway.url);
  await test.text("#faults-rows", /cut.*clientId x+….*whole/s);
  deepStrictEqual(await test.page.locator("#faults-rows button").allInnerTexts(), ["CP1"]);
});

testWith("chromium", "the status page shows what the token may do, and nothing else", async (t) => {
  const bounds = { actions: ["Reset", "Get*"], clients: ["CP1"] };
  using dir = new TempDir();
  const file = tokensFile(dir, [
    { name: "reader", role: "read" },
    { name: "caller", role: "command", ...bounds },
    { name: "ops", role: "admin" },
  ]);
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [`--api-tokens-file=${file}`]);
  const [client] = [await connected(gateway), await connected(gateway, "CP2")];
  let number = 0;
  const open = async (test: TestPage, token: string) => {
    await test.give(token);
    await openClient(test, "CP1");
    await test.text("#tail-note", /^Live/);
    const payload = `{"secret":${++number}}`;
    await client.ask(`[2,"${number}","Heartbeat",${payload}]`);
    await test.text("#tail-rows .frame", /from client.*Heartbeat.*CALLRESULT/s);
  };
  const seen = async ({ page }: TestPage) => ({
    disconnect: await page.getByRole("button", { name: "Disconnect" }).isVisible(),
    send: await page.getByRole("button", { name: "Send" }).isVisible(),
    payloads: await page.getByRole("button", { name: "Show payloads" }).isVisible(),
    actions: (await page.locator("#actions option").evaluateAll((options) =>
      options.map((option) =>
        option.getAttribute("value")
      )
    )).join(),
  });

  await t.step("read", async () => {
    await using test = await TestPage.open(gateway.url);
    const asked = test.page.waitForResponse(/\/status\/access\/CP1$/);
    await open(test, "reader");
    await (await asked).finished();
    const nothing = { disconnect: false, send: false, payloads: false, actions: "" };
    deepStrictEqual(await seen(test), nothing);
    ok(!(await test.page.content()).includes("secret"));
    strictEqual(await test.page.locator("#tail-rows code").count(), 0);
    deepStrictEqual(test.complaints, []);
  });

  await t.step("command, with bounds", async () => {
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await open(test, "caller");
    await page.getByLabel("Action").fill("Reset");
    await page.locator("#call-fields").waitFor();
    deepStrictEqual(await seen(test), {
      ...{ disconnect: false, send: true, payloads: false },
      actions: "GetCompositeSchedule,GetConfiguration,GetDiagnostics," +
        "GetInstalledCertificateIds,GetLocalListVersion,GetLog,Reset",
    });
    await test.text("#call-note", /^Allowed: Reset, Get\*$/);
    const frame = client.next("[2,");
    await page.getByRole("button", { name: /^Send Reset/ }).click();
    await page.getByRole("button", { name: /^Click again to send/ }).click();
    client.send(`[3,"${JSON.parse(await frame)[1]}",{}]`);
    await test.text("#sent-rows .outcome", /^200 CALLRESULT/);
    await page.getByLabel("Action").fill("ClearChargingProfile");
    await page.getByRole("button", { name: /^Send ClearChargingProfile/ }).click();
    await test.text("#sent-rows .sent", /"caller" may not send this Action/);
    // Of a client that it may not command it sees the frames alone.
    const asked = page.waitForResponse(/\/status\/access\/CP2$/);
    await openClient(test, "CP2");
    await (await asked).finished();
    await test.text("#tail-note", /^Live/);
    const nothing = { disconnect: false, send: false, payloads: false, actions: "" };
    deepStrictEqual(await seen(test), nothing);
  });

  await t.step("admin", async () => {
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await open(test, "ops");
    await page.getByRole("button", { name: "Show payloads" }).click();
    await test.text("#tail-rows code", /"secret":3/);
    const { actions, ...rest } = await seen(test);
    deepStrictEqual(rest, { disconnect: true, send: true, payloads: true });
    match(actions, /ClearCache.*UnlockConnector/);
    deepStrictEqual(test.complaints, []);
  });
});
