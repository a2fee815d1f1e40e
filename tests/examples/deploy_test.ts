import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { type Config, readInvocation } from "../../lib/config/config.ts";
import { inTime } from "../support/deadline.ts";
import { startCommand, startExportLimits } from "../support/program.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

function read(file: string): string {
  return Deno.readTextFileSync(`${EXAMPLES}${file}`);
}

/** All files of a folder and the folders in it, from there. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${EXAMPLES}${folder}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}${name}/`) : [`${folder}${name}`]
  );
}

type Variables = Record<string, string>;

/** What the program makes of its variables; each must be one of its own. */
function configOf(variables: Variables): Config {
  const asked = new Set<string>();
  const invocation = readInvocation([], (name) => {
    asked.add(name);
    return variables[name];
  }, "0.0.0-test");
  ok(invocation.kind === "run", JSON.stringify(invocation));
  const strange = Object.keys(variables).filter((name) => !asked.has(name));
  deepStrictEqual(strange, [], "variables that the program does not know");
  return invocation.config;
}

interface Service {
  readonly image?: string;
  readonly build?: string | { context: string; dockerfile: string };
  readonly environment?: Variables;
  readonly volumes?: string[];
  readonly ports?: string[];
  readonly secrets?: string[];
  readonly depends_on?: string[] | Record<string, unknown>;
  readonly healthcheck?: { test: string[] };
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly secrets: Record<string, unknown>;
  readonly volumes: Record<string, unknown>;
}

const COMPOSE: Compose = parse(read("compose.yaml"), { merge: true });

/** A service's variables, those from outside with a value as somebody would give them. */
function variablesOf(service: string): Variables {
  const { environment = {} } = COMPOSE.services[service]!;
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      strictEqual(typeof value, "string", `${service}: ${name} must be a text for compose`);
      return [name, value.replaceAll(/\$\{\w+(?::[?-][^}]*)?\}/g, "given")];
    }),
  );
}

/** What the program takes beyond its drain time-out at most. */
const FAREWELL_MS = 2000;

/** Whoever stops the program by SIGTERM must not kill it before it has ended. */
function endsInTime({ drainTimeoutMs }: Config, graceMs: number): void {
  const leastMs = drainTimeoutMs + FAREWELL_MS;
  ok(graceMs >= leastMs, `${graceMs} ms of grace are less than ${leastMs} ms`);
}

/** A time as compose and systemd write it. */
function msOf(text: string): number {
  const [, number, unit] = /^(\d+)(s|m)$/.exec(text) ?? [];
  ok(unit !== undefined, `${JSON.stringify(text)} is no time`);
  return Number(number) * (unit === "m" ? 60_000 : 1000);
}

function hostAndPort(url: string): [host: string, port: number] {
  const { hostname, port } = new URL(url);
  return [hostname, Number(port)];
}

Deno.test("every YAML file of the examples can be read", () => {
  const files = filesIn("").filter((file) => /\.ya?ml$/.test(file));
  ok(files.includes("compose.yaml") && files.includes("roadrunner/.rr.yaml"), String(files));
  for (const file of files) {
    const documents = parseAllDocuments(read(file));
    ok(Array.isArray(documents) && documents.length > 0, file);
    for (const { errors, warnings } of documents) {
      deepStrictEqual([errors, warnings], [[], []], file);
    }
  }
});

Deno.test("each file that compose builds from or mounts exists, and each name in it", () => {
  const from = (path: string): string => resolve(EXAMPLES, path);
  const names = Object.keys(COMPOSE.services);
  for (const [name, service] of Object.entries(COMPOSE.services)) {
    const { build, image, volumes = [], secrets = [], depends_on = [] } = service;
    strictEqual(build === undefined, image !== undefined, `${name}: either built or an image`);
    if (build !== undefined) {
      const { context, dockerfile } = typeof build === "string"
        ? { context: build, dockerfile: "Dockerfile" }
        : build;
      const folder = `${from(context)}/`;
      const text = Deno.readTextFileSync(`${folder}${dockerfile}`);
      for (const [, sources = ""] of text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
        for (const source of sources.split(" ")) ok(Deno.statSync(`${folder}${source}`), source);
      }
    }
    for (const volume of volumes) {
      const [, source = ""] = /^(\$\{[^}]+\}|[^:]+):\//.exec(volume) ?? [];
      if (source.startsWith("./")) ok(Deno.statSync(from(source)), source);
      else ok(source.startsWith("${") || source in COMPOSE.volumes, `${name}: ${volume}`);
    }
    for (const secret of secrets) ok(secret in COMPOSE.secrets, secret);
    const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const other of needed) ok(names.includes(other), other);
  }
});

Deno.test("compose's gateway accepts its variables, and names and ports fit together", () => {
  const config = configOf(variablesOf("gateway"));
  ok(config.connectHook && config.disconnectHook && config.trustProxy);
  strictEqual(config.listen.port, 4000);
  const apiPort = config.apiListen?.port;
  strictEqual(apiPort, 4001);

  const { http } = parse(read("roadrunner/.rr.yaml"));
  const [backend, backendPort] = hostAndPort(config.backend);
  ok(backend in COMPOSE.services);
  strictEqual(http.address, `0.0.0.0:${backendPort}`);
  // Without it RoadRunner's own faults are the application's word.
  strictEqual(http.internal_error_code, 503);
  deepStrictEqual(hostAndPort(variablesOf(backend)["GATEWAY"]!), ["gateway", apiPort]);
  deepStrictEqual(config.nats, {
    servers: ["nats:4222"],
    isTls: false,
    user: "ws2api",
    password: "given",
  });
  ok("nats" in COMPOSE.services);
  // NATS takes messages of 1 MiB.
  ok(4 * config.maxMessageBytes <= 1024 ** 2);

  const proxy = variablesOf("haproxy");
  strictEqual(proxy["GATEWAY_ADDRESS"], `gateway:${config.listen.port}`);
  strictEqual(proxy["GATEWAY_API_PORT"], String(apiPort));
  deepStrictEqual(COMPOSE.services["haproxy"]!.ports, [`8443${proxy["PROXY_LISTEN"]}`]);
  ok(read("haproxy/haproxy.cfg").includes(`path_reg ^${config.wsPath}[^/]+$`));

  const { scrape_configs, rule_files } = parse(read("prometheus/prometheus.yml"));
  deepStrictEqual(scrape_configs[0].static_configs, [{ targets: [`gateway:${apiPort}`] }]);
  const secret = scrape_configs[0].authorization.credentials_file.replace("/run/secrets/", "");
  ok(secret in COMPOSE.secrets && COMPOSE.services["prometheus"]!.secrets?.includes(secret));
  deepStrictEqual(rule_files, ["alerts.yml"]);
  const { datasources } = parse(read("grafana/provisioning/datasources/prometheus.yml"));
  deepStrictEqual(hostAndPort(datasources[0].url), ["prometheus", 9090]);
  const { providers } = parse(read("grafana/provisioning/dashboards/ws2api.yml"));
  const mounts = COMPOSE.services["grafana"]!.volumes!.join("\n");
  ok(mounts.includes(`dashboard.json:${providers[0].options.path}/`));

  const health = COMPOSE.services["gateway"]!.healthcheck!.test.join(" ");
  ok(health.includes(`http://127.0.0.1:${apiPort}/readyz`), health);
  endsInTime(config, msOf(COMPOSE.services["gateway"]!.stop_grace_period!));
  // Whoever reaches these from elsewhere commands every client, or sees them.
  for (const [name, { ports = [] }] of Object.entries(COMPOSE.services)) {
    if (name !== "haproxy") { for (const port of ports) match(port, /^127\.0\.0\.1:(\d+):\1$/); }
  }
});

Deno.test("the gateway on Kubernetes accepts its variables", () => {
  const [deployment] = parseAllDocuments(read("kubernetes/ws2api.yaml")).map((d) => d.toJS());
  const env: { name: string; value?: string }[] = deployment.spec.template.spec.containers[0].env;
  const own = env.filter(({ name }) => name.startsWith("WS2API_"));
  const others = env.filter(({ name }) => !own.some((variable) => variable.name === name));
  deepStrictEqual(others.map(({ name }) => name), ["NATS_PASSWORD"]);
  // Kubernetes fills in only what stands before.
  ok(env.indexOf(others[0]!) < env.findIndex(({ name }) => name === "WS2API_NATS"));
  const variables = own.map(({ name, value = "given" }) => [
    name,
    value.replaceAll("$(NATS_PASSWORD)", "given"),
  ]);
  const config = configOf(Object.fromEntries(variables));
  strictEqual(config.listen.port, 4000);
  deepStrictEqual(config.nats, {
    servers: ["nats-0.nats:4222", "nats-1.nats:4222", "nats-2.nats:4222"],
    isTls: false,
    user: "ws2api",
    password: "given",
  });
  const { containers, terminationGracePeriodSeconds } = deployment.spec.template.spec;
  // It counts from before `preStop`.
  const { preStop } = containers[0].lifecycle;
  endsInTime(config, 1000 * (terminationGracePeriodSeconds - preStop.sleep.seconds));
  const ports: { name: string }[] = containers[0].ports;
  const monitor = parse(read("kubernetes/monitoring.yaml"));
  for (const { port } of monitor.spec.podMetricsEndpoints) {
    ok(ports.some(({ name }) => name === port));
  }
});

Deno.test("the service of systemd starts the program as the start task does, and accepts its variables", () => {
  const unit = read("systemd/ws2api.service").replaceAll("\\\n", " ").split("\n")
    .map((line) => /^(\w+)=(.*)$/.exec(line)).filter((line) => line !== null);
  const valuesOf = (name: string): string[] =>
    unit.filter((line) => line[1] === name).map((line) => line[2]!.replaceAll(/ +/g, " "));
  deepStrictEqual(valuesOf("ExecStart"), [
    ["/usr/local/bin/deno", "run", "--cached-only", "--frozen", ...startCommand().slice(1)].join(
      " ",
    ),
  ]);
  const lines = [...valuesOf("Environment"), ...read("systemd/ws2api.env").split("\n")];
  const variables = lines.map((line) => /^(WS2API_\w+)=(.*)$/.exec(line))
    .filter((line) => line !== null).map((line) => [line[1]!, line[2]!]);
  const config = configOf(Object.fromEntries(variables));
  strictEqual(config.apiTokenFile, "%d/api-token");
  deepStrictEqual(valuesOf("LimitNOFILE"), [String(config.openFiles)]);
  const [seconds = "", ...others] = valuesOf("TimeoutStopSec");
  deepStrictEqual(others, []);
  endsInTime(config, msOf(seconds));
});

Deno.test("containers are stopped by SIGTERM, and get the time that the program takes", () => {
  const dockerfile = Deno.readTextFileSync(`${EXAMPLES}../Dockerfile`);
  deepStrictEqual(dockerfile.match(/^STOPSIGNAL .*$/gm), ["STOPSIGNAL SIGTERM"]);
  const page = Deno.readTextFileSync(`${EXAMPLES}../docs/operating.md`).replaceAll("\\\n", " ");
  const runs = page.match(/^ *docker run .*$/gm) ?? [];
  ok(runs.length > 0);
  for (const run of runs) {
    const variables = [...run.matchAll(/ -e (WS2API_\w+)(?:=(\S+))?/g)];
    const config = configOf(
      Object.fromEntries(variables.map(([, name, value = "given"]) => [name, value])),
    );
    // Docker's own are 10 s.
    const [, seconds = "10"] = / --stop-timeout[ =](\d+)/.exec(run) ?? [];
    endsInTime(config, 1000 * Number(seconds));
  }
});

Deno.test("however the program is started, a collector of spans that hangs does not hold its end", () => {
  const limits = startExportLimits();
  deepStrictEqual(Object.keys(limits).sort(), [
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
  ]);
  const dockerfile = Deno.readTextFileSync(`${EXAMPLES}../Dockerfile`);
  const unit = read("systemd/ws2api.service");
  for (const [name, value] of Object.entries(limits)) {
    match(dockerfile, new RegExp(`^(?:ENV|) .*\\b${name}=${value}\\b`, "m"));
    match(unit, new RegExp(`^Environment=.*\\b${name}=${value}\\b`, "m"));
  }
});

Deno.test("the service's reload is SIGHUP to the program, without programs beyond the shell", async () => {
  const [, command = ""] = /^ExecReload=(.*)$/m.exec(read("systemd/ws2api.service")) ?? [];
  // systemd puts the number in before the shell sees it.
  const [, script = ""] = /^\/bin\/sh -c '([^']*)'$/.exec(
    command.replace("$MAINPID", String(Deno.pid)),
  ) ?? [];
  const hangup = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGHUP", hangup.resolve);
  try {
    const { code } = await new Deno.Command("/bin/sh", {
      args: ["-c", script],
      env: { PATH: "" },
      stdin: "null",
    }).output();
    strictEqual(code, 0);
    await inTime(hangup.promise, "SIGHUP");
  } finally {
    Deno.removeSignalListener("SIGHUP", hangup.resolve);
  }
});
