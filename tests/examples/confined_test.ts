import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { connect } from "@nats-io/transport-node";
import { parse, parseAllDocuments } from "yaml";
import { closedPort, onClosedPort, RecordingBackend } from "../support/backend.ts";
import { inTime, until } from "../support/deadline.ts";
import { programOf, testWith } from "../support/needs.ts";
import { NatsGateway, NatsServer } from "../support/nats.ts";
import { Program, ROOT, TempDir } from "../support/program.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

function read(file: string): string {
  return Deno.readTextFileSync(`${EXAMPLES}${file}`);
}

/** What is looked at of a service in compose. */
interface Service {
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
  readonly cap_add?: string[];
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly security_opt?: string[];
  readonly secrets?: string[];
  readonly volumes?: string[];
}

Deno.test("each container of compose has no capability, gains no right, and writes only where it says", () => {
  const compose = parse(read("compose.yaml"), { merge: true });
  const services: [string, Service][] = Object.entries(compose.services);
  ok(services.length >= 6);
  for (const [name, service] of services) {
    deepStrictEqual(service.cap_drop, ["ALL"], name);
    deepStrictEqual(service.security_opt, ["no-new-privileges:true"], name);
    for (const more of ["cap_add", "privileged", "network_mode"] as const) {
      strictEqual(service[more], undefined, `${name}: ${more}`);
    }
    // Compose refuses a secret from the environment where nothing can be written.
    const takesSecret = service.secrets?.some((secret) => "environment" in compose.secrets[secret]);
    strictEqual(service.read_only, takesSecret !== true, name);
    for (const volume of service.volumes ?? []) {
      ok(!volume.includes("docker.sock"), volume);
      if (/^(?:\.|\$)/.test(volume)) match(volume, /:ro$/, name);
    }
  }
});

/** What is looked at of a container on Kubernetes. */
interface Container {
  readonly name: string;
  readonly securityContext?: unknown;
}

Deno.test("each container on Kubernetes has no root, capability, token, or writable file system", () => {
  const files = [...Deno.readDirSync(`${EXAMPLES}kubernetes`)].map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml"));
  const seen: string[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(read(`kubernetes/${file}`))) {
      const { kind, spec } = document.toJS();
      const pod = spec?.template?.spec;
      if (pod === undefined) continue;
      strictEqual(pod.automountServiceAccountToken, false, file);
      strictEqual(pod.securityContext.runAsNonRoot, true, file);
      ok(pod.securityContext.runAsUser > 0, file);
      deepStrictEqual(pod.securityContext.seccompProfile, { type: "RuntimeDefault" }, file);
      for (const more of ["hostNetwork", "hostPID", "hostIPC"]) strictEqual(pod[more], undefined);
      const all: Container[] = [...pod.containers, ...(pod.initContainers ?? [])];
      for (const { name, securityContext } of all) {
        seen.push(`${kind} ${name}`);
        deepStrictEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        }, name);
      }
    }
  }
  deepStrictEqual(seen.toSorted(), ["Deployment ws2api", "StatefulSet nats"]);
});

Deno.test("the service of systemd has no capability, gains no right, and writes nowhere", () => {
  const lines = read("systemd/ws2api.service").split("\n");
  for (
    const line of [
      "DynamicUser=yes",
      "CapabilityBoundingSet=",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "ProtectHome=yes",
      "PrivateTmp=yes",
      "PrivateDevices=yes",
      "ProtectKernelTunables=yes",
      "ProtectKernelModules=yes",
      "ProtectControlGroups=yes",
      "RestrictNamespaces=yes",
      "RestrictSUIDSGID=yes",
      "LockPersonality=yes",
      "SystemCallFilter=@system-service",
      "RemoveIPC=yes",
      "KeyringMode=private",
      "UMask=0077",
    ]
  ) ok(lines.includes(line), line);
});

Deno.test("the image gets the program and its packages, and nothing of tests", () => {
  const dockerfile = Deno.readTextFileSync(`${ROOT}Dockerfile`);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)]
    .flatMap(([, sources = ""]) => sources.split(" "));
  deepStrictEqual(copied.toSorted(), ["deno.json", "deno.lock", "lib", "main.ts"]);
  const { specifiers } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.lock`));
  const { imports } = JSON.parse(Deno.readTextFileSync(`${ROOT}tests/deno.json`));
  const { imports: own } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  const tests = Object.keys(imports).filter((name) => !(name in own));
  ok(tests.length >= 5);
  for (const name of tests) {
    ok(!Object.keys(specifiers).some((each) => each.startsWith(`npm:${name}@`)), name);
  }
  match(dockerfile, /^USER deno$/m);
  // The program's files belong to root: it cannot change them.
  match(dockerfile, /^COPY --from=build --chown=root:root /m);
});

const CONF = read("nats/nats.conf");

Deno.test("NATS on Kubernetes and in compose has one configuration", () => {
  const [map] = parseAllDocuments(read("kubernetes/nats.yaml")).map((each) => each.toJS());
  strictEqual(map.data["nats.conf"], CONF);
  const { nats } = parse(read("compose.yaml"), { merge: true }).services;
  deepStrictEqual(nats.command, ["--config", "/etc/nats/ws2api.conf", "--store_dir", "/data"]);
  deepStrictEqual(nats.volumes, ["./nats/nats.conf:/etc/nats/ws2api.conf:ro", "nats:/data"]);
});

const PASSWORD = "n0123456789abcdef";

testWith(
  "nats-server",
  "NATS with the examples' configuration ties gateways together, and lets nobody else in",
  async () => {
    // As the environment would give it.
    await using nats = await NatsServer.start((dir) =>
      `NATS_PASSWORD: ${PASSWORD}\n` +
      CONF.replace("jetstream {", `jetstream {\nstore_dir: ${JSON.stringify(dir.path("data"))}`)
    );
    await using backend = new RecordingBackend();
    const url = `nats://ws2api:${PASSWORD}@${nats.host}`;
    await using a = await NatsGateway.ready(backend.url, url);
    await using b = await NatsGateway.ready(backend.url, url);
    const client = await b.connect("CP1");
    await until("the client", async () => (await a.api("/clients/CP1")).status === 200);
    const answer = a.call("Reset/CP1/1", "{}", { prefer: "wait=10" });
    await client.next('[2,"1"');
    client.send('[3,"1",{}]');
    strictEqual((await answer).status, 200);
    const strangers = [{}, { user: "ws2api", pass: "other" }, { user: "other", pass: PASSWORD }];
    for (const login of strangers) {
      await rejects(connect({ servers: nats.host, ...login }), /Authorization/);
    }
    const friend = await connect({ servers: nats.host, user: "ws2api", pass: PASSWORD });
    for (const subject of [">", "_INBOX.>", "other.>", "$SYS.>"]) {
      const refused = Promise.withResolvers<void>();
      friend.subscribe(subject, {
        callback: (error) => {
          if (error !== null) refused.resolve();
        },
      });
      await inTime(refused.promise, `the refusal of ${subject}`);
    }
    await friend.close();
  },
);

testWith(
  "nats-server",
  "servers of NATS with the arguments of Kubernetes form a cluster that no other server joins",
  async () => {
    const documents = parseAllDocuments(read("kubernetes/nats.yaml")).map((each) => each.toJS());
    const [container] = documents.find(({ kind }) => kind === "StatefulSet")
      .spec.template.spec.containers;
    const given: string[] = container.args;
    ok(given.includes("--config=/etc/nats/ws2api/nats.conf"));
    deepStrictEqual(container.volumeMounts, [
      { name: "config", mountPath: "/etc/nats/ws2api", readOnly: true },
      { name: "data", mountPath: "/data" },
    ]);
    using dir = new TempDir();
    const conf = dir.file("nats.conf", CONF);

    async function numberOfRoutes(port: number): Promise<number> {
      try {
        return (await (await fetch(`http://127.0.0.1:${port}/routez`)).json()).num_routes;
      } catch {
        return -1;
      }
    }

    await onClosedPort(async (first) => {
      const ports = [first, closedPort(), closedPort()];
      const start = (own: number, routePassword: string): { program: Program; monitor: number } => {
        const monitor = closedPort();
        const args = given.map((arg) =>
          arg.replace("/etc/nats/ws2api/nats.conf", conf)
            .replace("=/data", `=${dir.path(String(own))}`)
            .replaceAll("$(ROUTE_PASSWORD)", routePassword)
            .replaceAll("$(POD_NAME)", `nats-${ports.indexOf(own)}`)
            .replace("0.0.0.0:6222", `127.0.0.1:${own}`)
            .replaceAll(/nats-(\d)\.nats:6222/g, (_, k) => `127.0.0.1:${ports[k]}`)
            .replace("8222", String(monitor))
        );
        const env = { NATS_PASSWORD: PASSWORD };
        const listen = ["--addr=127.0.0.1", "--port=-1"];
        return {
          program: new Program(programOf("nats-server"), [...args, ...listen], env),
          monitor,
        };
      };
      const [one, two] = [start(ports[0]!, "route-a"), start(ports[1]!, "route-a")];
      const other = start(ports[2]!, "route-b");
      try {
        await until(
          "the routes",
          async () =>
            await numberOfRoutes(one.monitor) >= 1 && await numberOfRoutes(two.monitor) >= 1,
        );
        // What stands in their volumes is theirs together.
        await until("a leader of JetStream", async () => {
          const answer = await fetch(`http://127.0.0.1:${one.monitor}/jsz`);
          return Boolean((await answer.json()).meta_cluster?.leader);
        }, 30_000);
        await other.program.logged("Authorization");
        // One that is just being refused counts for a moment; one that is let in stays.
        await until(
          "the other server to be alone",
          async () => await numberOfRoutes(other.monitor) === 0,
        );
      } finally {
        for (const { program } of [one, two, other]) await program[Symbol.asyncDispose]();
      }
    });
  },
);
