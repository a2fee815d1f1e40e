import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { RecordingBackend } from "../support/backend.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";

const AS_BROWSER = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

/** The texts of all elements of this name. */
function contents(html: string, tag: string): string[] {
  return [...html.matchAll(new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, "gs"))]
    .map(([, content]) => content!);
}

Deno.test("GET / is a page for a browser and the counters for anybody else", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const page = await gateway.api("/", { headers: AS_BROWSER });
  strictEqual(page.status, 200);
  strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8");
  match(page.text, /^<!DOCTYPE html>/);
  const counters = await gateway.api("/");
  strictEqual(counters.headers.get("content-type"), "text/plain; charset=utf-8");
  match(counters.text, /^connections_opened 0$/m);
  for (const { headers } of [page, counters]) strictEqual(headers.get("vary"), "Accept");
  assertProblem(await gateway.api("/", { method: "POST", headers: AS_BROWSER }), 405);
  strictEqual((await gateway.api("/", { method: "HEAD", headers: AS_BROWSER })).text, "");
});

Deno.test("the page runs only its own scripts and styles, and reaches only the gateway", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const { text, headers } = await gateway.api("/", { headers: AS_BROWSER });
  const hashesOf = (tag: string) =>
    contents(text, tag).map((content) =>
      `'sha256-${createHash("sha256").update(content).digest("base64")}'`
    ).join(" ");
  deepStrictEqual(headers.get("content-security-policy")?.split("; "), [
    "default-src 'none'",
    `script-src ${hashesOf("script")}`,
    `style-src ${hashesOf("style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  strictEqual(headers.get("x-content-type-options"), "nosniff");
  strictEqual(headers.get("referrer-policy"), "no-referrer");
  strictEqual(headers.get("cross-origin-opener-policy"), "same-origin");
  strictEqual(contents(text, "script").length, 2);
  const markup = text.replaceAll(/<(script|style)(?: [^>]*)?>.*?<\/\1>/gs, "");
  ok(!/\son\w+=|\sstyle=|<script[^>]+src|<link[^>]+stylesheet/.test(markup), markup);
  ok(!/^\s*(?:import|export)\b/m.test(contents(text, "script")[1]!));
});

Deno.test("with --api-listen the page is there and not with the clients", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-listen=127.0.0.1:0"]);
  match((await gateway.api("/", { headers: AS_BROWSER })).text, /^<!DOCTYPE html>/);
  for (const path of ["/", "/status/clients", "/status/stream"]) {
    const response = await fetch(gateway.url + path, { headers: AS_BROWSER });
    ok(response.status >= 400, path);
    ok(!(await response.text()).includes("<html"), path);
  }
});

Deno.test("the page links to the document of the API, which needs no token either", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
  const { text } = await gateway.api("/", { headers: AS_BROWSER });
  const [, href] = /<a href="([^"#]+)">API<\/a>/.exec(text) ?? [];
  const { status, headers } = await gateway.api(`/${href}`, { headers: AS_BROWSER });
  deepStrictEqual([status, headers.get("content-type")], [200, "application/json"]);
});
