import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import type { ClientOptions } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";

/** A page's ids and where the next one begins. */
async function page(
  gateway: TestGateway,
  query: string,
): Promise<{ total: number; ids: string[]; next: string | null }> {
  const { status, text } = await gateway.api(`/clients${query}`);
  strictEqual(status, 200, text);
  const { total, clients, next } = JSON.parse(text);
  return { total, ids: clients.map(({ id }: { id: string }) => id), next };
}

Deno.test("/clients lists who is connected, page by page, in UTF-16 order", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  await t.step("nobody", async () => {
    deepStrictEqual(await page(gateway, ""), { total: 0, ids: [], next: null });
  });
  // By code points the emoji would come last: its first code unit is U+D83D.
  const sorted = ["B", "a b", "a-+?&#", "aa", "é", "😀", "\uff5e"];
  for (const id of ["😀", "aa", "é", "B", "\uff5e", "a b", "a-+?&#"]) {
    await connected(gateway, encodeURIComponent(id));
  }
  await t.step("all", async () => {
    deepStrictEqual(await page(gateway, ""), { total: 7, ids: sorted, next: null });
  });
  for (const limit of [1, 2, 3, 6, 7, 1000]) {
    await t.step(`by pages of ${limit}`, async () => {
      const ids: string[] = [];
      let query = `?limit=${limit}`;
      for (let next: string | null = ""; next !== null;) {
        const one = await page(gateway, query);
        strictEqual(one.total, 7);
        ids.push(...one.ids);
        next = one.next;
        strictEqual(next, ids.length < 7 ? one.ids.at(-1) : null);
        query = `?limit=${limit}&after=${encodeURIComponent(next ?? "")}`;
      }
      deepStrictEqual(ids, sorted);
    });
  }
  await t.step("after an id that is not connected", async () => {
    deepStrictEqual((await page(gateway, "?after=b")).ids, sorted.slice(4));
    deepStrictEqual(await page(gateway, "?after=%EF%BD%9E"), { total: 7, ids: [], next: null });
  });
  for (const limit of ["0", "1001", "-1", "1.5", "1e2", "", "x", "%20", "99999999999999999999"]) {
    await t.step(`limit ${JSON.stringify(limit)} is 400`, async () => {
      assertProblem(await gateway.api(`/clients?limit=${limit}`), 400);
    });
  }
});

Deno.test("/clients?search= lists those whose ClientId contains the text", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const id of ["Site.A-1", "site.a-2", "SITE-3", "Sitexa", "é", "%"]) {
    await connected(gateway, encodeURIComponent(id));
  }
  const rows: [search: string, ids: string[]][] = [
    ["site.a", ["Site.A-1", "site.a-2"]],
    ["SITE", ["SITE-3", "Site.A-1", "Sitexa", "site.a-2"]],
    ["3", ["SITE-3"]],
    ["%C3%89", ["é"]],
    ["%25", ["%"]],
    ["(", []],
    ["nobody", []],
    ["", ["%", "SITE-3", "Site.A-1", "Sitexa", "site.a-2", "é"]],
  ];
  for (const [search, ids] of rows) {
    await t.step(JSON.stringify(search), async () => {
      const expected = { total: ids.length, ids, next: null };
      deepStrictEqual(await page(gateway, `?search=${search}`), expected);
    });
  }
  await t.step("page by page", async () => {
    const first = await page(gateway, "?search=site&limit=3");
    deepStrictEqual(first, { total: 4, ids: ["SITE-3", "Site.A-1", "Sitexa"], next: "Sitexa" });
    const second = await page(gateway, "?search=site&limit=3&after=Sitexa");
    deepStrictEqual(second, { total: 4, ids: ["site.a-2"], next: null });
  });
  await t.step("one that is too long is 400", async () => {
    assertProblem(await gateway.api(`/clients?search=${"a".repeat(256)}`), 400);
  });
});

Deno.test("/clients/<ClientId> tells of one client", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const before = Date.now();
  const client = await connected(gateway, "C%C3%A9%201", { protocols: ["ocpp2.1"] });
  await connected(gateway, "none", { protocols: [] });
  await t.step("with its protocol, its address and since when", async () => {
    const { status, text, headers } = await gateway.api("/clients/C%C3%A9%201");
    strictEqual(status, 200);
    match(headers.get("content-type") ?? "", /^application\/json/);
    const { id, protocol, remoteAddress, connectedAt, connection } = JSON.parse(text);
    deepStrictEqual([id, protocol, remoteAddress], ["Cé 1", "ocpp2.1", "127.0.0.1"]);
    match(connectedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    strictEqual(Date.parse(connectedAt) >= before && Date.parse(connectedAt) <= Date.now(), true);
    client.send('[2,"1","Heartbeat",{}]');
    strictEqual((await backend.next()).headers.get("x-ws2api-connection"), connection);
    const { clients } = JSON.parse((await gateway.api("/clients")).text);
    const { lastActivityAt, heardAt, errors, framesIn, framesOut, ...rest } = JSON.parse(text);
    const { waiting, outstanding, ...listed } = rest;
    deepStrictEqual(clients[0], listed);
    strictEqual(Date.parse(lastActivityAt) >= Date.parse(connectedAt), true);
    // That it is connected was seen by a frame and its answer.
    deepStrictEqual([framesIn, framesOut, waiting, outstanding], [1, 1, 0, 0]);
    // By no frame, that is, and by an error.
    deepStrictEqual([heardAt, errors], [null, 1]);
  });
  await t.step("protocol is null without one", async () => {
    strictEqual(JSON.parse((await gateway.api("/clients/none")).text).protocol, null);
  });
  for (const path of ["nobody", "C%C3%89%201", "C%25C3"]) {
    await t.step(`${path} is 404`, async () => {
      for (const method of ["GET", "DELETE"]) {
        assertProblem(await gateway.api(`/clients/${path}`, { method }), 404);
      }
    });
  }
  for (const path of ["a%2Fb", "%FF", "a%00", "a".repeat(256)]) {
    await t.step(`${path.slice(0, 20)} is 400`, async () => {
      assertProblem(await gateway.api(`/clients/${path}`), 400);
    });
  }
});

/** Clients that the gateway has heard, and answered. */
async function heard(gateway: TestGateway, id: string, options?: ClientOptions) {
  const client = await gateway.connect(id, options);
  await client.ask('[2,"1","Heartbeat",{}]');
  return client;
}

Deno.test("/clients?sort=&filter= finds the client in trouble", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = ({ path }) => json("{}", path.startsWith("/call/Bad/") ? 400 : 200);
  await heard(gateway, "calm");
  const wrong = await heard(gateway, "wrong", { protocols: ["ocpp2.1"] });
  await wrong.ask("[2,3]");
  // A CALLRESULT to nothing is a frame, and no error; a CALLERROR is one, though it leads nowhere.
  wrong.send('[3,"x",{}]');
  wrong.send('[4,"x","GenericError","",{}]');
  await wrong.ask('[2,"2","Bad",{}]');
  const flood = await heard(gateway, "flood");
  for (let i = 0; i < 100; i++) await flood.ask(`[2,"f${i}","Heartbeat",{}]`);
  const flapping = await heard(gateway, "flapping");
  await flapping.close();
  await (await heard(gateway, "flapping")).close();
  await until("the end", async () => (await page(gateway, "")).total === 3);

  const rows: [query: string, ids: string[]][] = [
    ["sort=-errors", ["wrong", "calm", "flood"]],
    ["sort=errors", ["calm", "flood", "wrong"]],
    ["filter=errors", ["wrong"]],
    ["filter=protocol:ocpp1.6", ["calm", "flood"]],
    ["filter=protocol:none", []],
    ["filter=address:127.", ["calm", "flood", "wrong"]],
    ["filter=address:10.", []],
    ["filter=instance:gw", []],
    ["filter=silent:0s", ["calm", "flood", "wrong"]],
    ["filter=silent:1h", []],
    ["sort=connected", ["calm", "wrong", "flood"]],
    ["sort=-connected&search=L", ["flood", "calm"]],
    ["sort=-id", ["wrong", "flood", "calm"]],
    ["sort=-waiting", ["calm", "flood", "wrong"]],
    ["sort=-ends", ["flapping"]],
    ["sort=-ends&filter=errors", []],
  ];
  for (const [query, ids] of rows) {
    await t.step(query, async () => {
      const expected = { total: ids.length, ids, next: null };
      deepStrictEqual(await page(gateway, `?${query}`), expected);
    });
  }
  await t.step("with their state", async () => {
    const { clients } = JSON.parse((await gateway.api("/clients?sort=-errors")).text);
    const { id, errors, framesIn, framesOut, waiting, heardAt, lastActivityAt } = clients[0];
    deepStrictEqual([id, errors, framesIn, framesOut, waiting], ["wrong", 3, 5, 3, 0]);
    for (const time of [heardAt, lastActivityAt]) {
      strictEqual(Date.now() - Date.parse(time) < 60_000, true);
    }
  });
  await t.step("messages a second", async () => {
    let isDone = false;
    const asked = gateway.api("/clients?sort=-messages&limit=1").finally(() => isDone = true);
    while (!isDone) await flood.ask('[2,"g","Heartbeat",{}]');
    const { total, clients: [client] } = JSON.parse((await asked).text);
    deepStrictEqual([total, client.id, typeof client.messagesPerSecond], [3, "flood", "number"]);
  });
  await t.step("those that come and go, with the end of the last connection", async () => {
    const { clients: [client] } = JSON.parse((await gateway.api("/clients?sort=-ends")).text);
    strictEqual(client.ends, 2);
    strictEqual(Date.parse(client.endedAt) >= Date.parse(client.connectedAt), true);
    strictEqual("framesIn" in client, false);
    await heard(gateway, "flapping");
    const { clients: [back] } = JSON.parse((await gateway.api("/clients?sort=-ends")).text);
    deepStrictEqual([back.ends, back.framesIn, "endedAt" in back], [2, 1, false]);
  });
  await t.step("page by page", async () => {
    const first = await page(gateway, "?sort=-errors&limit=1");
    deepStrictEqual(first, { total: 4, ids: ["wrong"], next: "3~wrong" });
    const second = await page(gateway, "?sort=-errors&limit=2&after=3~wrong");
    deepStrictEqual(second, { total: 4, ids: ["calm", "flapping"], next: "0~flapping" });
    const third = await page(gateway, "?sort=-errors&limit=2&after=0~flapping");
    deepStrictEqual(third, { total: 4, ids: ["flood"], next: null });
  });
  for (const query of ["sort=size", "filter=x", "sort=errors&after=x", "sort=ends"]) {
    await t.step(`${query} is 400`, async () => {
      assertProblem(await gateway.api(`/clients?${query}`), 400);
    });
  }
});

Deno.test("DELETE /clients/<ClientId> closes the client and ends its CALLs", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const other = await connected(gateway, "CP2");
  for (const id of ["sent", "queued"]) await gateway.call(`Act/CP1/${id}`);
  const { status, text } = await gateway.api("/clients/CP1", { method: "DELETE" });
  deepStrictEqual([status, text], [204, ""]);
  deepStrictEqual(await client.whenClosed(), { code: 1000, reason: "closed by the operator" });
  for (const id of ["sent", "queued"]) {
    const { path, body } = await backend.next();
    strictEqual(path, `/error/Act/CP1/${id}`);
    strictEqual(JSON.parse(body).code, "GenericError");
    notStrictEqual(JSON.parse(body).description, "");
  }
  strictEqual((await gateway.api("/clients/CP1", { method: "DELETE" })).status, 404);
  assertProblem(await gateway.call("Act/CP1/1"), 404, "not-sent");
  deepStrictEqual((await page(gateway, "")).ids, ["CP2"]);
  strictEqual(other.socket.readyState, WebSocket.OPEN);
  await connected(gateway);
  strictEqual((await gateway.call("Act/CP1/1")).status, 202);
});
