import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Config, type Invocation, readInvocation } from "../../lib/config/config.ts";
import { type FlagName, FLAGS, variableOf } from "../../lib/config/flag.ts";
import { isLoopback } from "../../lib/config/place.ts";

function invoke(args: readonly string[], variables: Record<string, string> = {}): Invocation {
  return readInvocation(args, (name) => variables[name], "1.2.3");
}

function configOf(args: readonly string[], variables: Record<string, string> = {}): Config {
  const invocation = invoke(args, variables);
  ok(invocation.kind === "run", JSON.stringify(invocation));
  return invocation.config;
}

function refusalOf(args: readonly string[], variables: Record<string, string> = {}): string {
  const invocation = invoke(args, variables);
  ok(invocation.kind === "refuse", JSON.stringify(invocation));
  return invocation.message;
}

type Value = Config[keyof Config];

interface Row {
  readonly variable: string;
  /** Its setting; none for one that only decides whether the others are allowed. */
  readonly key?: keyof Config;
  readonly default?: Value;
  /** Texts that are taken, and what they mean. */
  readonly good: readonly (readonly [text: string, value: Value])[];
  readonly bad: readonly string[];
}

const HOSTS: Row["good"] = [
  ["127.0.0.1:1", { host: "127.0.0.1", port: 1 }],
  ["localhost:65535", { host: "localhost", port: 65535 }],
  ["[::1]:0", { host: "::1", port: 0 }],
];
const NO_HOSTS = ["4000", "localhost", "127.0.0.1:", ":65536", ":-1", "::1:4000", "[::1]", "a/b:1"];
const NO_WHOLE = ["-1", "1.5", "1e2", "0x10", "one", "1 ", "+1", "1000000000000000000"];
const DURATIONS: Row["good"] = [["500ms", 500], ["1.5s", 1500], ["2m", 120_000], [
  "24h",
  86_400_000,
]];
const NO_DURATIONS = ["30", "s", "-1s", "30 s", "30S", "1d", "1m30s", "24.1h", "1e3ms", ".5s"];
const SWITCH: Row["good"] = [
  ...["true", "1", "yes", "on", "TRUE"].map((text) => [text, true] as const),
  ...["false", "0", "no", "off", "False"].map((text) => [text, false] as const),
];
const NO_SWITCH = ["2", "y", "truee", " true", "null"];

// `Record` makes a new flag fail to compile here until its rules are written down.
const ROWS: Record<FlagName, Row> = {
  "listen": {
    variable: "WS2API_LISTEN",
    key: "listen",
    default: { host: "127.0.0.1", port: 4000 },
    good: HOSTS,
    bad: NO_HOSTS,
  },
  "backend": {
    variable: "WS2API_BACKEND",
    key: "backend",
    default: "http://127.0.0.1:5000/",
    good: [
      ["http://h", "http://h/"],
      ["https://h:8443/a/b", "https://h:8443/a/b/"],
      ["http://[::1]:5000/a/", "http://[::1]:5000/a/"],
      ["unix:/run/app.sock", "unix:/run/app.sock"],
    ],
    bad: [
      "h:5000",
      "/a",
      "ftp://h/",
      "http://",
      "http://u:p@h/",
      "http://h/?a",
      "http://h/#a",
      "http://h?",
      "unix:",
      "unix:run/app.sock",
      "unix:/a\0b",
    ],
  },
  "api-listen": { variable: "WS2API_API_LISTEN", key: "apiListen", good: HOSTS, bad: NO_HOSTS },
  "api-token": {
    variable: "WS2API_API_TOKEN",
    key: "apiToken",
    good: [["s3cret", "s3cret"], ["a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="]],
    bad: ["two words", "tab\there", "pässword", "line\nfeed", "blank "],
  },
  "api-token-file": {
    variable: "WS2API_API_TOKEN_FILE",
    key: "apiTokenFile",
    good: [["/run/secrets/token", "/run/secrets/token"]],
    bad: ["a\0b"],
  },
  "api-tokens-file": {
    variable: "WS2API_API_TOKENS_FILE",
    key: "apiTokensFile",
    good: [["/run/secrets/tokens.json", "/run/secrets/tokens.json"]],
    bad: ["a\0b"],
  },
  "allow-origin": {
    variable: "WS2API_ALLOW_ORIGIN",
    key: "allowOrigins",
    default: [],
    good: [
      ["https://ops.example.com", ["https://ops.example.com"]],
      ["http://localhost:8080, https://a.example", ["http://localhost:8080", "https://a.example"]],
      // As browsers write them.
      ["HTTPS://Ops.Example.com:443", ["https://ops.example.com"]],
      ["http://[0:0::1]:80", ["http://[::1]"]],
    ],
    bad: [
      ...["*", "null", "ops.example.com", "https://", "https:a", "https://a/", "https://a/b"],
      ...["https://a,", ",", "https://*.a", "https://u@a", "https://a?b", "https://a#b", "ws://a"],
      ...["https://a:99999", "https://a b", "https://a\\b", "file:///a", "app://a"],
    ],
  },
  "insecure-api": { variable: "WS2API_INSECURE_API", good: [], bad: NO_SWITCH },
  "no-tail": {
    variable: "WS2API_NO_TAIL",
    key: "noTail",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "ws-path": {
    variable: "WS2API_WS_PATH",
    key: "wsPath",
    default: "/",
    good: [["/ocpp", "/ocpp/"], ["/a/b/", "/a/b/"], ["/%20", "/%20/"]],
    bad: ["ocpp", "ocpp/", "//", "/a//b", "/a b", "/../a", "/a/..", "/./", "/a?b", "/a#b", "/é"],
  },
  "connect-hook": {
    variable: "WS2API_CONNECT_HOOK",
    key: "connectHook",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "disconnect-hook": {
    variable: "WS2API_DISCONNECT_HOOK",
    key: "disconnectHook",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "sign-key-file": {
    variable: "WS2API_SIGN_KEY_FILE",
    key: "signKeyFile",
    good: [["key.txt", "key.txt"]],
    bad: ["a\0b"],
  },
  "outbox": {
    variable: "WS2API_OUTBOX",
    key: "outbox",
    good: [["/var/lib/ws2api", "/var/lib/ws2api"], ["./nats", "./nats"], ["nats", "nats"]],
    bad: ["a\0b"],
  },
  "outbox-max-bytes": {
    variable: "WS2API_OUTBOX_MAX_BYTES",
    key: "outboxMaxBytes",
    default: 1024 ** 3,
    good: [["1MiB", 1024 ** 2], ["1024GiB", 1024 ** 4]],
    bad: ["1023KiB", "1025GiB", "all"],
  },
  "max-buffered": {
    variable: "WS2API_MAX_BUFFERED",
    key: "maxBufferedBytes",
    default: 4 * 1024 ** 2,
    good: [["128B", 128], ["1GiB", 1024 ** 3]],
    bad: ["127B", "1.1GiB", "big"],
  },
  "max-memory": {
    variable: "WS2API_MAX_MEMORY",
    key: "maxMemoryBytes",
    default: 8 * 1024 ** 3,
    good: [["64MiB", 64 * 1024 ** 2], ["1.5GiB", 1.5 * 1024 ** 3]],
    bad: ["63MiB", "1025GiB", "all"],
  },
  "open-files": {
    variable: "WS2API_OPEN_FILES",
    key: "openFiles",
    good: [["1", 1], ["1073741816", 1_073_741_816], ["unlimited", Infinity]],
    bad: ["0", "9007199254740992", "Unlimited", ...NO_WHOLE],
  },
  "connect-rate": {
    variable: "WS2API_CONNECT_RATE",
    key: "connectRate",
    good: [["1", 1], ["1000000", 1_000_000]],
    bad: ["0", "1000001", ...NO_WHOLE],
  },
  "client-rate": {
    variable: "WS2API_CLIENT_RATE",
    key: "clientRate",
    good: [
      ["1", { perSecond: 1, burst: 10 }],
      ["1000000", { perSecond: 1_000_000, burst: 10_000_000 }],
      ["5:1", { perSecond: 5, burst: 1 }],
      ["2:10000000", { perSecond: 2, burst: 10_000_000 }],
    ],
    bad: ["0", "1000001", "1:0", "1:10000001", "1:", ":1", "1:2:3", "1/s", ...NO_WHOLE],
  },
  "tcp-backlog": {
    variable: "WS2API_TCP_BACKLOG",
    key: "tcpBacklog",
    default: 4096,
    good: [["1", 1], ["65535", 65_535]],
    bad: ["0", "65536", ...NO_WHOLE],
  },
  // Only together: see below.
  "workers": {
    variable: "WS2API_WORKERS",
    key: "workers",
    default: 1,
    good: [["1", 1], ["2", 2], ["64", 64], ["auto", "auto"]],
    bad: ["0", "65", "-1", "1.5", "Auto", "all", "2 "],
  },
  "reuse-port": {
    variable: "WS2API_REUSE_PORT",
    key: "reusePort",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "nats": {
    variable: "WS2API_NATS",
    key: "nats",
    good: [
      ["nats://127.0.0.1:4222", { servers: ["127.0.0.1:4222"], isTls: false }],
      ["host", { servers: ["host:4222"], isTls: false }],
      ["tls://a:1, b:2,[::1]:3", { servers: ["a:1", "b:2", "[::1]:3"], isTls: true }],
      ["nats://u:p%40q@h", { servers: ["h:4222"], isTls: false, user: "u", password: "p@q" }],
      ["nats://s3cret@h", { servers: ["h:4222"], isTls: false, token: "s3cret" }],
    ],
    bad: [
      "http://h",
      "nats://",
      ",",
      "h,",
      "nats://h/path",
      "nats://h?x",
      "nats://%zz@h",
      "h:99999",
    ],
  },
  "nats-creds": {
    variable: "WS2API_NATS_CREDS",
    key: "natsCredsFile",
    good: [["a.creds", "a.creds"]],
    bad: ["a\0b"],
  },
  "nats-ca": {
    variable: "WS2API_NATS_CA",
    key: "natsCaFile",
    good: [["ca.pem", "ca.pem"]],
    bad: ["a\0b"],
  },
  "nats-subject": {
    variable: "WS2API_NATS_SUBJECT",
    key: "natsSubject",
    default: "ws2api",
    good: [["eu.ws2api", "eu.ws2api"], ["A_b-1", "A_b-1"]],
    bad: [".", "a.", ".a", "a..b", "a b", "a*", "a.>", "é"],
  },
  "validate": {
    variable: "WS2API_VALIDATE",
    key: "validate",
    default: "off",
    good: [["off", "off"], ["warn", "warn"], ["strict", "strict"]],
    bad: ["on", "true", "false", "Strict", "warn,strict", "strict "],
  },
  "allow-action": {
    variable: "WS2API_ALLOW_ACTION",
    key: "allowActions",
    default: [],
    good: [["VendorReset", ["VendorReset"]], ["A, b.c ,__proto__", ["A", "b.c", "__proto__"]]],
    bad: [",", "A,", "A,,B", "..", "A,.", "\ud800"],
  },
  "tls-cert": { variable: "WS2API_TLS_CERT", good: [], bad: ["a\0b"] },
  "tls-key": { variable: "WS2API_TLS_KEY", good: [], bad: ["a\0b"] },
  "client-ca": { variable: "WS2API_CLIENT_CA", good: [], bad: ["a\0b"] },
  "client-crl": { variable: "WS2API_CLIENT_CRL", good: [], bad: ["a\0b"] },
  "websocket": {
    variable: "WS2API_WEBSOCKET",
    key: "websocket",
    default: "deno",
    good: [["deno", "deno"], ["ws", "ws"]],
    bad: ["Deno", "true", "node"],
  },
  "compression": {
    variable: "WS2API_COMPRESSION",
    key: "compression",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "trust-proxy": {
    variable: "WS2API_TRUST_PROXY",
    key: "trustProxy",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "protocols": {
    variable: "WS2API_PROTOCOLS",
    key: "protocols",
    default: ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"],
    good: [["ocpp1.6", ["ocpp1.6"]], ["a, b", ["a", "b"]]],
    bad: [",", "ocpp1.6,", "a,,b", "a b", "a;b", "(a)", "é"],
  },
  "require-protocol": {
    variable: "WS2API_REQUIRE_PROTOCOL",
    key: "requireProtocol",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "no-common-protocol": {
    variable: "WS2API_NO_COMMON_PROTOCOL",
    key: "noCommonProtocol",
    default: "refuse",
    good: [["refuse", "refuse"], ["close", "close"]],
    bad: ["true", "false", "Close", "refuse,close"],
  },
  "away-hold": time("WS2API_AWAY_HOLD", "awayHoldMs", 15_000, true),
  "backend-away": {
    variable: "WS2API_BACKEND_AWAY",
    key: "backendAway",
    default: "close",
    good: [["close", "close"], ["answer", "answer"]],
    bad: ["true", "false", "Close", "close,answer"],
  },
  "backend-timeout": time("WS2API_BACKEND_TIMEOUT", "backendTimeoutMs", 30_000, false),
  "backend-connections": count(
    "WS2API_BACKEND_CONNECTIONS",
    "backendConnections",
    256,
    1,
    10_000,
  ),
  "forwarder": {
    variable: "WS2API_FORWARDER",
    key: "forwarder",
    default: "tcp",
    good: [["auto", "tcp"], ["tcp", "tcp"], ["fetch", "fetch"]],
    bad: ["TCP", "undici", "tcp,fetch"],
  },
  "retries": count("WS2API_RETRIES", "retries", 3, 0, 100),
  "outcome-retention": time("WS2API_OUTCOME_RETENTION", "outcomeRetentionMs", 600_000, false),
  "report-ttl": {
    variable: "WS2API_REPORT_TTL",
    key: "reportTtlMs",
    default: 72 * 3_600_000,
    good: [["1s", 1000], ["72h", 259_200_000], ["720h", 2_592_000_000]],
    bad: ["999ms", "721h", "3d", "-1s", "0s"],
  },
  "max-reports": count("WS2API_MAX_REPORTS", "maxReports", 100_000, 1, 10_000_000),
  "call-timeout": time("WS2API_CALL_TIMEOUT", "callTimeoutMs", 30_000, false),
  "call-concurrency": count("WS2API_CALL_CONCURRENCY", "callConcurrency", 1, 1, 1000),
  "max-queue": count("WS2API_MAX_QUEUE", "maxQueue", 256, 1, 100_000),
  "max-waiting": count("WS2API_MAX_WAITING", "maxWaiting", 10_000, 1, 10_000_000),
  "max-message": {
    variable: "WS2API_MAX_MESSAGE",
    key: "maxMessageBytes",
    default: 1024 ** 2,
    good: [["512", 512], ["512B", 512], ["64KiB", 65_536], ["1.5MiB", 1_572_864], [
      "64MiB",
      2 ** 26,
    ]],
    bad: ["127", "0", "65MiB", "1GiB", "-1", "1KB", "1kib", "1 MiB", "MiB", "lots"],
  },
  "max-connections": count("WS2API_MAX_CONNECTIONS", "maxConnections", 200_000, 1, 10_000_000),
  "ping-interval": time("WS2API_PING_INTERVAL", "pingIntervalMs", 30_000, true),
  "drain-timeout": time("WS2API_DRAIN_TIMEOUT", "drainTimeoutMs", 10_000, true),
  "config": {
    variable: "WS2API_CONFIG",
    key: "configFile",
    good: [["/etc/ws2api.toml", "/etc/ws2api.toml"]],
    bad: ["\0"],
  },
  "check": {
    variable: "WS2API_CHECK",
    key: "isCheck",
    default: false,
    good: SWITCH,
    bad: NO_SWITCH,
  },
  "log-level": {
    variable: "WS2API_LOG_LEVEL",
    key: "logLevel",
    default: "info",
    good: ["debug", "info", "warn", "error"].map((word) => [word, word] as const),
    bad: ["INFO", "trace", "warning", "1", "info,warn"],
  },
  "log-format": {
    variable: "WS2API_LOG_FORMAT",
    key: "logFormat",
    default: "text",
    good: [["text", "text"], ["json", "json"]],
    bad: ["JSON", "xml", "text json"],
  },
  "cpuprofile": {
    variable: "WS2API_CPUPROFILE",
    key: "cpuProfileFile",
    good: [["cpu.pprof", "cpu.pprof"], ["/tmp/a b", "/tmp/a b"]],
    bad: ["a\0b"],
  },
  "memprofile": {
    variable: "WS2API_MEMPROFILE",
    key: "memProfileFile",
    good: [["mem.pprof", "mem.pprof"]],
    bad: ["a\0b"],
  },
};

function count(
  variable: string,
  key: keyof Config,
  byDefault: number,
  min: number,
  max: number,
): Row {
  const good = [min, max].map((value) => [`${value}`, value] as const);
  return {
    variable,
    key,
    default: byDefault,
    good,
    bad: [...NO_WHOLE, `${max + 1}`, `${min - 1}`],
  };
}

function time(variable: string, key: keyof Config, byDefault: number, mayBeZero: boolean): Row {
  const zero: Row["good"] = mayBeZero ? [["0s", 0]] : [["1ms", 1]];
  const bad = [...NO_DURATIONS, ...(mayBeZero ? [] : ["0s", "0ms"])];
  return { variable, key, default: byDefault, good: [...DURATIONS, ...zero], bad };
}

const FLAG_ROWS = Object.entries(ROWS) as [FlagName, Row][];

Deno.test("every flag has its variable, and its default when neither is given", async (t) => {
  for (const [name, row] of FLAG_ROWS) {
    await t.step(name, () => {
      strictEqual(variableOf(name), row.variable);
      if (row.key === undefined) return;
      deepStrictEqual(configOf([])[row.key], row.default);
      // A variable that is empty counts as none; an empty token would open the API.
      if (!name.startsWith("api-token")) {
        deepStrictEqual(configOf([], { [row.variable]: "" }), configOf([]));
      }
    });
  }
});

Deno.test("a flag counts more than its variable, the variable more than the default", async (t) => {
  for (const [name, { variable, key, good, bad }] of FLAG_ROWS) {
    const isSwitch = good === SWITCH;
    for (const [text, value] of good) {
      await t.step(`${name} ${text}`, () => {
        deepStrictEqual(configOf([], { [variable]: text })[key!], value);
        if (isSwitch) return;
        const variables = { [variable]: bad[0]! };
        deepStrictEqual(configOf([`--${name}`, text], variables)[key!], value);
        deepStrictEqual(configOf([`--${name}=${text}`], variables)[key!], value);
      });
    }
    if (isSwitch) {
      await t.step(name, () => {
        strictEqual(configOf([`--${name}`])[key!], true);
        strictEqual(configOf([`--${name}`], { [variable]: "false" })[key!], true);
      });
    }
  }
});

Deno.test("a bad value is refused in one line that says where, what and what is allowed", async (t) => {
  for (const [name, { variable, bad, good }] of FLAG_ROWS) {
    for (const text of bad) {
      await t.step(`${name} ${JSON.stringify(text)}`, () => {
        const refusals = [[`--${name} (${variable})`, refusalOf([], { [variable]: text })]];
        if (good !== SWITCH && name !== "insecure-api") {
          refusals.push([`--${name}`, refusalOf([`--${name}=${text}`])]);
        }
        const isSecret = ["api-token", "nats"].includes(name) || text.includes("@");
        const shown = isSecret ? "the value given" : JSON.stringify(text);
        for (const [source, message = ""] of refusals) {
          ok(message.startsWith(`${source}: ${shown} is not allowed; allowed is `), message);
          match(message, /allowed is \S[^\n]+$/);
        }
      });
    }
  }
});

Deno.test("an empty value is refused on the command line, and an empty token everywhere", () => {
  for (const [name, { good }] of FLAG_ROWS) {
    if (good === SWITCH || name === "insecure-api") continue;
    match(refusalOf([`--${name}`, ""]), new RegExp(`^--${name}: .+ is not allowed; allowed is `));
    match(refusalOf([`--${name}`]), new RegExp(`^--${name}: no value given; allowed is `));
  }
  match(
    refusalOf([], { WS2API_API_TOKEN: "" }),
    /^--api-token \(WS2API_API_TOKEN\): .* is not allowed/,
  );
});

Deno.test("a long value is cut and stays in one line", () => {
  const message = refusalOf(["--listen", "x\n".repeat(10_000)]);
  ok(message.length < 500 && !message.includes("\n"));
});

Deno.test("a bad token is not shown", () => {
  for (
    const message of [
      refusalOf(["--api-token", "hunter2 x"]),
      refusalOf([], { WS2API_API_TOKEN: "hunter2 x" }),
      refusalOf(["--api-tokn=hunter2"]),
      refusalOf(["--api-token", "ok", "hunter2"]),
    ]
  ) {
    ok(!message.includes("hunter2"), message);
  }
});

Deno.test("what is no flag is refused by its name", async (t) => {
  for (const flag of ["--bogus", "--list", "--Listen", "-x", "--no-trust-proxy", "--ws_path"]) {
    await t.step(flag, () => {
      match(refusalOf([flag]), new RegExp(`^${flag}: no such flag; [^\n]*allowed are [^\n]+$`));
      match(refusalOf(["--retries", "1", flag, "2"]), new RegExp(`^${flag}: no such flag`));
    });
  }
  await t.step("the nearest flags are named", () => {
    match(
      refusalOf(["--bakend", "x"]),
      /^--bakend: no such flag; did you mean --backend\? allowed/,
    );
    match(refusalOf(["--tls-ky"]), /; did you mean --tls-key\? /);
    match(refusalOf(["--bogus"]), /no such flag; allowed/);
  });
  await t.step("an argument", () => {
    match(
      refusalOf(["here"]),
      /^"here": an argument that belongs to no flag is not allowed; allowed/,
    );
    match(refusalOf(["--retries", "1", "2\n"]), /^"2\\n": /);
  });
});

Deno.test("a flag that is given twice is refused, whatever its values", () => {
  for (
    const args of [
      ["--listen", ":0", "--listen", ":0"],
      ["--listen=:0", "--retries", "1", "--listen=:1"],
      ["--api-token", "hunter2", "--api-token", "hunter2"],
      ["--trust-proxy", "--trust-proxy"],
      ["--no-tail", "--no-tail"],
      ["-cpuprofile=a", "--cpuprofile=b"],
    ]
  ) {
    const flag = args[0]!.replace(/^-*/, "--").replace(/=.*/, "");
    strictEqual(refusalOf(args), `${flag}: given twice; allowed is once`);
  }
  strictEqual(configOf(["--retries", "1"], { WS2API_RETRIES: "2" }).retries, 1);
});

Deno.test("a file's value counts less than a variable and more than the default", () => {
  const texts = new Map<FlagName, string>([["retries", "7"], ["listen", "x"]]);
  const file = { name: "/etc/ws2api.toml", texts };
  const read = (args: string[], variables: Record<string, string> = {}): Invocation =>
    readInvocation(args, (name) => variables[name], "1.2.3", file);
  const bad = read([]);
  strictEqual(
    bad.kind === "refuse" && bad.message.slice(0, 66),
    '--listen (listen in "/etc/ws2api.toml"): "x" is not allowed; allow',
  );
  const sources = [
    [read(["--listen=:0", "--insecure-api"]), 7, "file"],
    [read(["--listen=:0", "--insecure-api"], { WS2API_RETRIES: "8" }), 8, "variable"],
    [read(["--listen=:0", "--insecure-api"], { WS2API_RETRIES: "" }), 7, "file"],
    [read(["--listen=:0", "--insecure-api", "--retries=9"], { WS2API_RETRIES: "8" }), 9, "flag"],
  ] as const;
  for (const [invocation, retries, source] of sources) {
    ok(invocation.kind === "run");
    strictEqual(invocation.config.retries, retries);
    strictEqual(invocation.settings.get("retries")?.source, source);
    strictEqual(invocation.settings.get("max-queue")?.source, "default");
  }
});

Deno.test("a setting shows no secret, and whether it is the default goes by its meaning", () => {
  const invocation = invoke([
    ...["--api-token=hunter2", "--nats=tls://us3r:hunter2@a,b:1", "--backend-timeout=30000ms"],
    ...["--max-message=2MiB", "--tls-cert=nats://us3r:hunter2@host", "--tls-key=k"],
  ]);
  ok(invocation.kind === "run");
  const set = [...invocation.settings].filter(([, { isDefault }]) => !isDefault)
    .map(([name, { shown }]) => [name, shown]);
  deepStrictEqual(Object.fromEntries(set), {
    "api-token": "set",
    "nats": "tls://a:4222,b:1",
    "max-message": "2MiB",
    "tls-cert": "the value given",
    "tls-key": "k",
  });
});

Deno.test("help lists every flag with its default and its variable", async (t) => {
  const printed = invoke(["--help"]);
  ok(printed.kind === "print");
  // The help is folded to the width of a terminal.
  const help = printed.text.replace(/\s+/g, " ");
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const { default: byDefault, placeholder }: { default?: string; placeholder?: string } =
      FLAGS[name];
    await t.step(name, () => {
      const from = help.indexOf(` --${name} `);
      ok(from !== -1);
      const shown = placeholder === undefined ? "off" : byDefault ?? "none";
      ok(help.slice(from).includes(`(default: ${shown}, env: ${variableOf(name)})`));
    });
  }
  await t.step("and shows no value of a variable", () => {
    deepStrictEqual(invoke(["--help"], { WS2API_API_TOKEN: "hunter2" }), printed);
  });
});

Deno.test("the version is printed, whatever else is wrong", () => {
  deepStrictEqual(invoke(["--version"]), { kind: "print", text: "1.2.3\n" });
  strictEqual(invoke(["--version"], { WS2API_RETRIES: "many" }).kind, "print");
  strictEqual(invoke(["--help"], { WS2API_RETRIES: "many" }).kind, "print");
});

Deno.test("an API that anyone could reach is refused, and the three ways are named", async (t) => {
  const rows: [args: string, source: string][] = [
    ["--listen :4000", "--listen"],
    ["--listen 0.0.0.0:4000", "--listen"],
    ["--listen [::]:4000", "--listen"],
    ["--listen 192.168.1.2:4000", "--listen"],
    ["--listen example.com:4000", "--listen"],
    ["--listen 127.0.0.1.example.com:4000", "--listen"],
    ["--listen localhost.example.com:4000", "--listen"],
    ["--api-listen :4001", "--api-listen"],
    ["--listen :4000 --api-listen 10.0.0.1:4001", "--api-listen"],
  ];
  for (const [args, source] of rows) {
    await t.step(args, () => {
      const message = refusalOf(args.split(" "));
      ok(message.startsWith(`${source}: `) && !message.includes("\n"), message);
      for (const way of ["--api-token", "--api-listen", "--insecure-api"]) {
        ok(message.includes(way), way);
      }
    });
  }
  await t.step("WS2API_INSECURE_API=false is no leave", () => {
    match(refusalOf(["--listen", ":4000"], { WS2API_INSECURE_API: "false" }), /^--listen: /);
  });
});

Deno.test("an API that is guarded, out of reach or allowed on purpose is served", async (t) => {
  const rows = [
    "--listen :4000 --api-token s3cret",
    "--listen :4000 --api-listen 127.0.0.1:4001",
    "--listen :4000 --api-listen [::1]:4001",
    "--listen :4000 --api-listen localhost:4001",
    "--listen :4000 --insecure-api",
    "--api-listen :4001 --insecure-api",
    "--api-listen :4001 --api-token s3cret",
    "--listen 127.1.2.3:4000",
  ];
  for (const args of rows) {
    await t.step(args, () => strictEqual(invoke(args.split(" ")).kind, "run"));
  }
  await t.step("by variables", () => {
    strictEqual(invoke(["--listen", ":1"], { WS2API_INSECURE_API: "true" }).kind, "run");
    strictEqual(invoke(["--listen", ":1"], { WS2API_API_TOKEN: "s3cret" }).kind, "run");
  });
  await t.step("loopback is what no other machine can reach", () => {
    for (const host of ["localhost", "::1", "127.0.0.1", "127.255.255.254"]) ok(isLoopback(host));
    for (
      const host of ["", "::", "0.0.0.0", "128.0.0.1", "1127.0.0.1", "127.0.0.1.nip.io", "::2"]
    ) {
      ok(!isLoopback(host), host);
    }
  });
});

Deno.test("any command line and any environment give an answer, never an exception", () => {
  const word = fc.oneof(
    fc.constantFrom(...Object.keys(FLAGS).map((name) => `--${name}`)),
    fc.constantFrom("--", "-", "--help", "-V", "", "1", ":0", "=", "--api-token=x"),
    fc.string(),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 5 }), fc.string(), (args, text) => {
    const invocation = readInvocation(args, () => text, "1.2.3");
    if (invocation.kind === "refuse") ok(!invocation.message.includes("\n"), invocation.message);
  }));
});

Deno.test("a certificate and its key come together or not at all", () => {
  deepStrictEqual(configOf([]).tls, undefined);
  deepStrictEqual(configOf(["--tls-cert", "c.pem", "--tls-key", "k.pem"]).tls, {
    certFile: "c.pem",
    keyFile: "k.pem",
  });
  match(refusalOf(["--tls-cert", "c.pem"]), /^--tls-cert: .*--tls-key FILE$/);
  match(refusalOf([], { WS2API_TLS_KEY: "k.pem" }), /^--tls-key: .*--tls-cert FILE$/);
});

Deno.test("a token comes from one place, and a file of it opens no API to the world", () => {
  const both = refusalOf(["--api-token", "t", "--api-token-file", "f"]);
  match(both, /^--api-token-file: .*--api-token/);
  deepStrictEqual(configOf(["--listen", ":0", "--api-token-file", "f"]).apiTokenFile, "f");
});

Deno.test("what may wait for a client follows the largest message", () => {
  deepStrictEqual(configOf(["--max-message", "1KiB"]).maxBufferedBytes, 4096);
});

Deno.test("auto takes fetch for https and for a proxy, and tcp otherwise", () => {
  strictEqual(configOf(["--backend", "http://h/"]).forwarder, "tcp");
  strictEqual(configOf(["--backend", "https://h/"]).forwarder, "fetch");
  strictEqual(configOf(["--backend", "https://h/", "--forwarder", "tcp"]).forwarder, "tcp");
  for (const name of ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"]) {
    strictEqual(configOf([], { [name]: "http://proxy:3128" }).forwarder, "fetch");
    strictEqual(configOf([], { [name]: "" }).forwarder, "tcp");
    strictEqual(configOf(["--forwarder", "tcp"], { [name]: "http://p" }).forwarder, "tcp");
  }
});

Deno.test("a backend's socket file is reached by tcp's own connections only", () => {
  strictEqual(configOf(["--backend", "unix:/run/app.sock"]).forwarder, "tcp");
  match(
    refusalOf(["--backend", "unix:/a.sock", "--forwarder", "fetch"]),
    /^--forwarder: fetch .*tcp$/,
  );
});

Deno.test("the profiles' flags may have one dash, as in Go's programs, and no others", () => {
  for (
    const args of [["-cpuprofile=c", "-memprofile=m"], ["-cpuprofile", "c", "-memprofile", "m"]]
  ) {
    const { cpuProfileFile, memProfileFile } = configOf(args);
    deepStrictEqual([cpuProfileFile, memProfileFile], ["c", "m"]);
  }
  strictEqual(configOf(["-cpuprofile=c"], { WS2API_CPUPROFILE: "v" }).cpuProfileFile, "c");
  match(refusalOf(["-cpuprofile="]), /^--cpuprofile: "" is not allowed; allowed is /);
  match(refusalOf(["-memprofile"]), /^--memprofile: no value given; allowed is /);
  for (const flag of ["-cpuprofiles", "-listen", "-cpuprofil=c"]) {
    match(refusalOf([flag]), /: no such flag; /);
  }
});

Deno.test("the two profiles do not go to one file", () => {
  match(
    refusalOf(["-cpuprofile=a", "-memprofile=a"]),
    /^--memprofile: .*; allowed is another one$/,
  );
});
