import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readInvocation } from "../../lib/config/config.ts";
import { nonsenseOf, warningsOf } from "../../lib/config/sense.ts";

function invoke(flags: string, variables: Record<string, string> = {}) {
  const args = flags === "" ? [] : flags.split(" ");
  const invocation = readInvocation(args, (name) => variables[name], "1.2.3");
  ok(invocation.kind === "run", JSON.stringify(invocation));
  return invocation;
}

Deno.test("what can never be meant is refused in one line that names the flag", async (t) => {
  const rows: [flags: string, line: RegExp][] = [
    ["--nats-creds f", /^--nats-creds: .*--nats URL$/],
    ["--nats-ca f", /^--nats-ca: .*--nats URL$/],
    ["--api-listen 127.0.0.1:4000", /^--api-listen: 127\.0\.0\.1:4000 .*another port/],
    ["--listen :4000 --api-listen 127.0.0.1:4000", /^--api-listen: .*beside --listen :4000/],
    ["--listen [::1]:9 --api-listen :9 --insecure-api", /^--api-listen: :9 .*--listen \[::1\]:9/],
    ["--listen 127.0.0.1:9 --api-listen localhost:9", /^--api-listen: /],
    ["--listen 127.0.0.1:9 --backend http://127.0.0.1:9/", /^--backend: /],
    ["--listen 127.0.0.1:9 --backend http://localhost:9/x", /^--backend: /],
    ["--listen :80 --insecure-api --backend http://127.0.0.1", /^--backend: /],
    ["--listen :1 --api-listen 127.0.0.1:9 --backend http://127.0.0.1:9", /^--backend: /],
    ["--cpuprofile k --tls-cert c --tls-key k", /^--cpuprofile: "k" .*--tls-key's file/],
    ["--memprofile t --api-tokens-file t", /^--memprofile: "t" .*--api-tokens-file's file/],
    ["--cpuprofile o/outbox.sqlite --outbox o", /^--cpuprofile: .*--outbox's file/],
    ["--outbox nats", /^--outbox: nats .*--nats URL, or a folder \(\.\/nats\)$/],
    ["--outbox-max-bytes 1GiB", /^--outbox-max-bytes: .*--outbox nats$/],
    ["--outbox-max-bytes 2GiB --outbox o --nats a", /^--outbox-max-bytes: .*--outbox nats$/],
    ["--memprofile a.toml --config a.toml", /^--memprofile: "a.toml" .*--config's file/],
  ];
  for (const [flags, line] of rows) {
    await t.step(flags, () => {
      const nonsense = nonsenseOf(invoke(flags).config) ?? "";
      match(nonsense, line);
      ok(!nonsense.includes("\n"));
    });
  }
});

Deno.test("what can be meant is not refused", async (t) => {
  const rows = [
    "",
    "--nats nats://a --nats-creds f --nats-ca g",
    "--listen 127.0.0.1:0 --api-listen 127.0.0.1:0",
    "--listen 127.0.0.1:9 --api-listen 127.0.0.2:9",
    "--listen 127.0.0.1:9 --api-listen 127.0.0.1:10",
    "--listen 127.0.0.1:5000 --backend http://127.0.0.2:5000/",
    "--listen 127.0.0.1:443 --backend http://127.0.0.1/",
    "--listen :9 --insecure-api --backend http://10.0.0.1:9/",
    "--cpuprofile o/c --memprofile o/m --outbox o --reuse-port",
    "--cpuprofile c --memprofile m --tls-cert t --tls-key k",
    "--outbox nats --outbox-max-bytes 2GiB --nats a --cpuprofile nats/outbox.sqlite",
    "--outbox ./nats",
  ];
  for (const flags of rows) {
    await t.step(flags, () => strictEqual(nonsenseOf(invoke(flags).config), undefined));
  }
});

Deno.test("what is hardly meant is a warning that names the flag", async (t) => {
  const rows: [flags: string, warned: string[]][] = [
    ["", []],
    ["--ping-interval 4.9s", ["ping-interval"]],
    ["--ping-interval 5s", []],
    ["--ping-interval 0s", []],
    ["--drain-timeout 61m", ["drain-timeout"]],
    ["--drain-timeout 1h", []],
    ["--nats-subject eu", ["nats-subject"]],
    ["--nats-subject eu --nats a", []],
    ["--allow-action A", ["allow-action"]],
    ["--allow-action A --validate warn", []],
    ["--away-hold 301s", ["away-hold"]],
    ["--away-hold 5m --backend-away answer", []],
    ["--outcome-retention 9.9s", ["outcome-retention"]],
    ["--outcome-retention 10s", []],
    ["--report-ttl 29s", ["report-ttl"]],
    ["--report-ttl 30s --outbox o", []],
    ["--report-ttl 30s --backend-timeout 31s", ["report-ttl"]],
    ["--max-reports 1", []],
    ["--max-queue 300 --max-waiting 299", ["max-queue"]],
    ["--max-waiting 1", []],
    ["--max-buffered 1KiB", ["max-buffered"]],
    ["--max-message 1KiB --max-buffered 1KiB", []],
    ["--insecure-api --api-token-file f", ["insecure-api"]],
    ["--api-token t", ["api-token"]],
    ["--api-token-file t", []],
    ["--nats nats://u:p@a", ["nats"]],
    ["--nats nats://t@a", ["nats"]],
    ["--nats nats://a", []],
    ["--ping-interval 1s --allow-action A", ["ping-interval", "allow-action"]],
  ];
  for (const [flags, warned] of rows) {
    await t.step(flags, () => {
      const { config, settings } = invoke(flags);
      const warnings = warningsOf(config, settings);
      deepStrictEqual(warnings.map(({ flag }) => flag), warned);
    });
  }
  await t.step("a proxy that is passed by", () => {
    const proxy = { HTTP_PROXY: "http://p" };
    const { config, settings } = invoke("--forwarder tcp", proxy);
    deepStrictEqual(warningsOf(config, settings).map(({ flag }) => flag), ["forwarder"]);
    const auto = invoke("", proxy);
    deepStrictEqual(warningsOf(auto.config, auto.settings), []);
  });
  await t.step("a secret by a variable is none", () => {
    const { config, settings } = invoke("", { WS2API_API_TOKEN: "t", WS2API_NATS: "nats://u:p@a" });
    deepStrictEqual(warningsOf(config, settings), []);
  });
});
