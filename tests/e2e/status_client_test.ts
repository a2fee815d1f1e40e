import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Locator } from "playwright-core";
import { RecordingBackend } from "../support/backend.ts";
import { TestPage } from "../support/browser.ts";
import type { TestClient } from "../support/client.ts";
import { connected, handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { until } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";

/** Opens a client from the list. */
async function openClient({ page }: TestPage, name: string): Promise<void> {
  await page.locator("#clients").scrollIntoViewIfNeeded();
  await page.locator("#clients").getByRole("rowheader", { name, exact: true }).getByRole("button")
    .click();
  await page.locator("#client-title").getByText(name, { exact: true }).waitFor();
}

/** Goes back to the list. */
async function closeClient({ page }: TestPage): Promise<void> {
  await page.locator("#client-close").click();
}

/** Writes a CALL, and leaves it at that. */
async function write({ page }: TestPage, action: string, payload = "{}"): Promise<void> {
  await page.locator("#call-action").fill(action);
  await page.locator("#call-payload").fill(payload);
}

/** Sends what is written. */
async function send({ page }: TestPage): Promise<void> {
  await page.locator("#call-send").click();
}

/** Takes the next CALL that a client gets: its MessageId, Action and payload. */
async function nextCall(client: TestClient): Promise<[string, string, unknown]> {
  const [, ...rest] = JSON.parse(await client.next("[2,"));
  return rest as [string, string, unknown];
}

/** How far below the top of the page an element begins, and how high the page is, in pixels. */
async function placeOf(page: TestPage["page"], locator: Locator) {
  const box = await locator.boundingBox();
  return {
    top: box!.y + Number(await page.evaluate("scrollY")),
    height: Number(await page.evaluate("document.documentElement.scrollHeight")),
  };
}

testWith("chromium", "the outcome of a CALL stands in its own row, whoever is shown", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const [one, two] = [await connected(gateway, "CS-001"), await connected(gateway, "CS-002")];
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  const rows = page.locator("#sent-rows > li");

  await openClient(test, "CS-001");
  await write(test, "GetConfiguration");
  await send(test);
  const [first] = await nextCall(one);
  await closeClient(test);
  await openClient(test, "CS-002");
  strictEqual(await rows.count(), 0);
  await closeClient(test);
  await openClient(test, "CS-001");
  await write(test, "GetLocalListVersion");
  await send(test);

  // The later one is under way behind the earlier one, which ends first, with an error.
  one.send(`[4,"${first}","InternalError","the first",{}]`);
  const [second] = await nextCall(one);
  await test.text("#sent-rows > li", /^#1 GetConfiguration.*422 CALLERROR.*the first/s);
  match(await rows.first().innerText(), /^#2 GetLocalListVersion.*Waiting/s);
  ok(!(await rows.first().innerText()).includes("the first"));
  one.send(`[3,"${second}",{"listVersion":2}]`);
  await test.text("#sent-rows > li", /^#2 GetLocalListVersion.*200 CALLRESULT.*"listVersion": 2/s);
  match(await rows.first().innerText(), /\d\d:\d\d:\d\d/);

  // Again, as it was sent, with a number of its own.
  await write(test, "ClearCache");
  await rows.last().getByRole("button", { name: "Again: #1 GetConfiguration" }).click();
  const [third, action] = await nextCall(one);
  strictEqual(action, "GetConfiguration");
  one.send(`[3,"${third}",{}]`);
  await test.text("#sent-rows > li", /^#3 GetConfiguration.*200 CALLRESULT/s);
  strictEqual(await page.locator("#call-action").inputValue(), "ClearCache");
  await handled(two);
  deepStrictEqual(two.left.filter((text) => text.startsWith("[2,")), []);
});

testWith(
  "chromium",
  "a draft belongs to its client, and the button says what goes where",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    await connected(gateway, "CS-001");
    await connected(gateway, "CS-002");
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    const [action, payload] = [page.locator("#call-action"), page.locator("#call-payload")];

    await openClient(test, "CS-001");
    await write(test, "GetDiagnostics", '{"location":"ftp://one.example/"}');
    await page.locator("#call-wait").selectOption("120");
    await page.getByRole("button", { name: "Send GetDiagnostics to CS-001", exact: true })
      .waitFor();
    await closeClient(test);
    await openClient(test, "CS-002");
    deepStrictEqual([await action.inputValue(), await payload.inputValue()], ["", "{}"]);
    strictEqual(await page.locator("#call-wait").inputValue(), "30");
    await page.getByRole("button", { name: "Send a CALL to CS-002", exact: true }).waitFor();
    await closeClient(test);
    await openClient(test, "CS-001");
    strictEqual(await action.inputValue(), "GetDiagnostics");
    strictEqual(await payload.inputValue(), '{"location":"ftp://one.example/"}');
    strictEqual(await page.locator("#call-wait").inputValue(), "120");
  },
);

testWith(
  "chromium",
  "what may interrupt a station is asked once more, and no double click does it",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    const client = await connected(gateway, "CS-001");
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await openClient(test, "CS-001");
    await test.text("#client-details", /ocpp1\.6/);

    for (const name of ["Reset", "UnlockConnector"]) {
      await write(test, name, name === "Reset" ? '{"type":"Soft"}' : '{"connectorId":1}');
      await page.locator("#call-send").dblclick();
      const again = page.getByRole("button", { name: `Click again to send ${name} to CS-001` });
      await again.waitFor();
      await handled(client);
      deepStrictEqual(client.left, []);
      await again.click();
      const [messageId, action] = await nextCall(client);
      strictEqual(action, name);
      client.send(`[3,"${messageId}",{}]`);
      await test.text("#sent-rows > li", new RegExp(`${name}.*200 CALLRESULT`, "s"));
    }
    // To do it again is no smaller thing.
    const again = page.getByRole("button", { name: "Again: #2 UnlockConnector" });
    await again.dblclick();
    await page.getByRole("button", { name: "Click again: #2 UnlockConnector" }).waitFor();

    // Of others a double click sends one.
    await write(test, "GetConfiguration");
    await page.locator("#call-send").dblclick();
    const [messageId] = await nextCall(client);
    client.send(`[3,"${messageId}",{}]`);
    await test.text("#sent-rows > li", /#3 GetConfiguration.*200 CALLRESULT/s);
    await handled(client);
    deepStrictEqual(client.left, []);

    // Nor does one disconnect, and what is under way is not begun a second time.
    let deletes = 0;
    const clicked = Promise.withResolvers<void>();
    await page.route(/\/clients\/CS-001$/, async (route) => {
      if (route.request().method() === "DELETE") {
        deletes++;
        await clicked.promise;
      }
      await route.continue();
    });
    const disconnect = page.locator("#disconnect");
    await disconnect.dblclick();
    match(await disconnect.innerText(), /^Click again to disconnect CS-001$/);
    await handled(client);
    await disconnect.click({ trial: true });
    await page.evaluate(
      "for (let i = 0; i < 3; i++) document.getElementById('disconnect').click()",
    );
    // One more DELETE would have come before this.
    strictEqual(await page.evaluate("fetch('clients/CS-001').then(({ status }) => status)"), 200);
    clicked.resolve();
    await client.whenClosed();
    await test.text("#disconnect-note", /^Disconnected\.$/);
    strictEqual(deletes, 1);
  },
);

testWith("chromium", "the form for a CALL knows the client's version of OCPP", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const old = await connected(gateway, "CS-016");
  const fresh = await connected(gateway, "CS-201", { protocols: ["ocpp2.0.1"] });
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  const payload = page.locator("#call-payload");
  const proposed = async () =>
    await page.locator("#actions option").evaluateAll((options) =>
      options.map((option) => option.getAttribute("value"))
    );

  await t.step("it proposes what a CSMS may send", async () => {
    await openClient(test, "CS-201");
    await page.locator("#actions option[value=GetVariables]").waitFor({ state: "attached" });
    ok(!(await proposed()).includes("RemoteStopTransaction"));
    ok(!(await proposed()).includes("BootNotification"));
    await closeClient(test);
    await openClient(test, "CS-016");
    await page.locator("#actions option[value=RemoteStopTransaction]").waitFor({
      state: "attached",
    });
    strictEqual((await proposed()).length, 26);
  });

  await t.step("it begins the payload, and does not touch what was written", async () => {
    await page.locator("#call-action").fill("RemoteStartTransaction");
    await page.locator("#call-fields").waitFor();
    strictEqual(await payload.inputValue(), '{\n  "idTag": ""\n}');
    await page.locator("#call-fields-title").click();
    await test.text("#call-field-rows li", /^connectorId integer$/);
    await page.locator("#call-action").fill("Reset");
    await test.text("#call-fields-title", /^Fields of Reset$/);
    strictEqual(await payload.inputValue(), '{\n  "type": "Soft"\n}');
    await payload.fill('{"mine":1}');
    await page.locator("#call-action").fill("ChangeConfiguration");
    await test.text("#call-fields-title", /^Fields of ChangeConfiguration$/);
    strictEqual(await payload.inputValue(), '{"mine":1}');
    await page.getByRole("button", { name: "Begin anew" }).click();
    strictEqual(await payload.inputValue(), '{\n  "key": "",\n  "value": ""\n}');
  });

  await t.step("what is wrong is shown with its place, and not sent", async () => {
    await payload.fill('{\n  "key": "a",\n  "value": 7\n}');
    await send(test);
    await test.text("#call-fault", /^line 3, column 12: \/value must be string$/);
    const selected = "[document.activeElement.id, document.activeElement.value.slice(" +
      "document.activeElement.selectionStart, document.activeElement.selectionEnd)]";
    deepStrictEqual(await page.evaluate(selected), ["call-payload", "7"]);
    await payload.fill('{"key": "a",}');
    await test.text("#call-fault", /^line 1, column 13: a name in double quotes is missing here$/);
    await send(test);
    ok(!await page.locator("#call-anyway").isVisible());
    await handled(old);
    deepStrictEqual(old.left, []);
  });

  await t.step("what is right is sent, with the wait that was chosen", async () => {
    await payload.fill('{"key": "a", "value": "b"}');
    strictEqual(await page.locator("#call-fault").innerText(), "");
    await page.getByLabel("Wait for the answer").selectOption("60");
    const asked = page.waitForRequest(/\/call\//);
    await send(test);
    strictEqual((await asked).headers()["prefer"], "wait=60");
    const [messageId, action, got] = await nextCall(old);
    deepStrictEqual([action, got], ["ChangeConfiguration", { key: "a", value: "b" }]);
    old.send(`[3,"${messageId}",{"status":"Accepted","deep":[1.0]}]`);
    await test.text("#sent-rows .outcome", /^200 CALLRESULT · answered · /);
    strictEqual(
      await page.locator("#sent-rows .sent > pre").innerText(),
      '{\n  "status": "Accepted",\n  "deep": [\n    1.0\n  ]\n}',
    );
  });

  await t.step("what OCPP does not know is sent on request", async () => {
    await closeClient(test);
    await openClient(test, "CS-201");
    await test.text("#client-details", /ocpp2\.0\.1/);
    await write(test, "VendorReset", '{"a":1}');
    await send(test);
    await test.text("#call-fault", /the Action is no CALL of this OCPP version/);
    await page.getByRole("button", { name: "Send anyway" }).click();
    const [messageId, action] = await nextCall(fresh);
    strictEqual(action, "VendorReset");
    fresh.send(`[3,"${messageId}",{}]`);
    await test.text("#sent-rows .outcome", /^200 CALLRESULT/);
  });

  await test.assertUnharmed();
  deepStrictEqual(test.complaints.filter((text) => !text.includes("status of 422 ")), []);
});

testWith(
  "chromium",
  "a client is a view of its own, which a link, a reload and Back lead to",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    for (let i = 10; i < 60; i++) await connected(gateway, `CP${i}`);
    const odd = await connected(gateway, encodeURIComponent("CP 1+ä&b=#"));
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    const [panel, list] = [page.locator("#client"), page.locator("#clients")];
    await page.setViewportSize({ width: 375, height: 800 });

    await openClient(test, "CP42");
    await test.text("#client-details", /ocpp1\.6/);
    await page.locator("#call-form").waitFor();
    const { top, height } = await placeOf(page, panel);
    ok(top < 200, `the client begins at ${top} px`);
    ok(height < 3800, `the page is ${height} px high`);
    ok(!await list.isVisible());
    strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 375);

    await page.reload();
    await test.text("#client-title", /^CP42$/);
    await test.text("#client-details", /ocpp1\.6/);
    await test.text("#tail-note", /^Live/);
    await page.goBack();
    await list.waitFor();
    ok(!await panel.isVisible());
    await page.goForward();
    await test.text("#client-title", /^CP42$/);
    await closeClient(test);
    await list.waitFor();
    ok(!page.url().includes("CP42"), page.url());

    // A name stands in the address whatever it is, and a link leads to one that is not there yet.
    await openClient(test, "CP 1+ä&b=#");
    const url = page.url();
    await page.goto("about:blank");
    await odd.close();
    await page.goto(url);
    await test.text("#client-title", /^CP 1\+ä&b=#$/);
    await test.text(
      "#client-details",
      /Not connected\. This view goes on when the client connects/,
    );
    await connected(gateway, encodeURIComponent("CP 1+ä&b=#"));
    await test.text("#client-details", /ocpp1\.6/);
  },
);

testWith(
  "chromium",
  "the client's details stay where they are while they are looked at",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    const client = await connected(gateway, "CS-001");
    await using test = await TestPage.open(gateway.url);
    const { page } = test;
    await openClient(test, "CS-001");
    await test.text("#client-details", /Frames.*1 in/s);
    await page.locator("#client-details dd").nth(1).selectText();
    const selected = String(await page.evaluate("getSelection().toString()"));
    match(selected, /^127\.0\.0\.1/);
    await client.ask('[2,"1","Heartbeat",{}]');
    await test.text("#client-details", /Frames.*2 in/s);
    strictEqual(await page.evaluate("getSelection().toString()"), selected);
  },
);

testWith("chromium", "the theme is automatic, light or dark, and is remembered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  const theme = page.getByLabel("Theme");
  const background = () =>
    page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
  await page.emulateMedia({ colorScheme: "light" });
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  ok(light !== dark);
  await theme.selectOption("light");
  strictEqual(await background(), light);
  await page.reload();
  strictEqual(await theme.inputValue(), "light");
  strictEqual(await background(), light);
  await theme.selectOption("dark");
  await page.emulateMedia({ colorScheme: "light" });
  strictEqual(await background(), dark);
  await theme.selectOption("");
  strictEqual(await background(), light);
  await page.reload();
  strictEqual(await theme.inputValue(), "");
  strictEqual(await page.evaluate("localStorage.length"), 0);
});

testWith("chromium", "Escape does not close the dialog that asks for the token", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=s3cret"]);
  await connected(gateway);
  await using test = await TestPage.open(`${gateway.url}/#client=CP1`);
  const { page } = test;
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 4; i++) await page.keyboard.press("Escape");
  ok(await page.getByRole("dialog").isVisible());
  // Whatever closes it.
  await page.evaluate("document.getElementById('token-dialog').close()");
  await page.getByRole("dialog").waitFor();
  deepStrictEqual(test.requests.filter((url) => url.includes("/status/")), []);
  await test.give("s3cret");
  await test.text("#client-details", /ocpp1\.6/);
  strictEqual(await page.getByRole("dialog").count(), 0);
});

testWith("chromium", "a client is printed as a whole, without buttons", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CS-001");
  await using test = await TestPage.open(gateway.url);
  const { page } = test;
  await openClient(test, "CS-001");
  await test.text("#tail-note", /^Live/);
  for (let i = 0; i < 40; i++) await client.ask(`[2,"${i}","Heartbeat",{}]`);
  await until(
    "all of them to be shown",
    async () =>
      await page.locator("#tail-rows .frame").filter({ hasText: "Heartbeat" }).count() === 40,
  );
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const cut = "(() => { const rows = document.getElementById('tail-rows');" +
    " return rows.scrollHeight - rows.clientHeight; })()";
  ok(Number(await page.evaluate(cut)) <= 1);
  for (const id of ["client-close", "call-form", "tail-pause", "theme"]) {
    ok(!await page.locator(`#${id}`).isVisible(), id);
  }
  ok(await page.locator("#client-details").isVisible());
  strictEqual(
    await page.evaluate("getComputedStyle(document.documentElement).colorScheme"),
    "light",
  );
});
