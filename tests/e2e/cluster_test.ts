import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Recorded, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { until } from "../support/deadline.ts";
import { NatsCluster, testWithNats as test } from "../support/nats.ts";
import { type Program, startProgram, urlOf } from "../support/program.ts";
import { Random } from "../support/random.ts";

const CLIENTS = 300;
const CALLERS = 6;
/** How long it may take until everyone is reachable from everywhere. */
const REACHABLE_MS = 5000;

/** A gateway's process. */
interface Instance {
  readonly program: Program;
  readonly url: string;
  isKilled: boolean;
}

/** A client that comes back, somewhere, when its connection ends. Each 20th answers no CALL. */
class Roamer {
  readonly id: string;
  readonly isMute: boolean;
  #client: TestClient | undefined;
  #isStopped = false;
  #running: Promise<void>;

  constructor(number: number, instances: () => readonly Instance[], random: Random) {
    this.id = `CP ${number}`;
    this.isMute = number % 20 === 0;
    this.#running = this.#roam(instances, random);
  }

  get isConnected(): boolean {
    return this.#client?.socket.readyState === WebSocket.OPEN;
  }

  get path(): string {
    return encodeURIComponent(this.id);
  }

  /** Leaves, and comes back elsewhere. */
  leave(): void {
    this.#client?.socket.close();
  }

  async #roam(instances: () => readonly Instance[], random: Random): Promise<void> {
    while (!this.#isStopped) {
      const { url } = random.pick(instances());
      const client = new TestClient(`${url.replace("http", "ws")}/${this.path}`);
      client.socket.addEventListener("message", ({ data }) => {
        const [type, id, action] = JSON.parse(String(data));
        // What a check asks is answered by the mute ones too.
        if (type === 2 && (!this.isMute || action === "Check")) client.send(`[3,"${id}",{}]`);
      });
      this.#client = client;
      await client.closed;
      await new Promise((resolve) => setTimeout(resolve, 20 + random.below(500)));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.leave();
    await this.#running;
  }
}

/** The whole of it: NATS, gateways, clients, and the backend's calls. */
class Scene implements AsyncDisposable {
  readonly random = new Random(20_261_124);
  readonly backend: RecordingBackend;
  readonly nats: NatsCluster;
  readonly instances: Instance[] = [];
  readonly roamers: Roamer[];
  /** Accepted CALLs, by `<Action>/<ClientId>/<MessageId>`, and by whom. */
  readonly accepted = new Map<string, Instance>();
  readonly outcomes = new Map<string, number>();
  readonly statuses = new Map<number, number>();
  readonly #stack: AsyncDisposableStack;
  #isCalling = true;
  #calling: Promise<unknown> = Promise.resolve();

  private constructor(
    stack: AsyncDisposableStack,
    nats: NatsCluster,
    backend: RecordingBackend,
    instances: readonly Instance[],
  ) {
    this.#stack = stack;
    this.nats = nats;
    this.backend = backend;
    this.instances.push(...instances);
    const living = (): Instance[] => this.instances.filter(({ isKilled }) => !isKilled);
    this.roamers = Array.from({ length: CLIENTS }, (_, i) => new Roamer(i, living, this.random));
    backend.answer = (request) => this.#count(request);
  }

  static async start(): Promise<Scene> {
    const stack = new AsyncDisposableStack();
    try {
      const nats = stack.use(await NatsCluster.start());
      const backend = stack.use(new RecordingBackend());
      const starting = [0, 1, 2].map((k) => Scene.startInstance(stack, nats, backend, k));
      return new Scene(stack, nats, backend, await Promise.all(starting));
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  static async startInstance(
    stack: AsyncDisposableStack,
    nats: NatsCluster,
    backend: RecordingBackend,
    k: number,
  ): Promise<Instance> {
    const program = stack.use(startProgram([
      "--listen=127.0.0.1:0",
      `--backend=${backend.url}`,
      `--nats=${nats.urlsFrom(k)}`,
      "--call-timeout=5s",
      "--call-concurrency=20",
      "--drain-timeout=3s",
    ]));
    const instance = { program, url: await urlOf(program), isKilled: false };
    await program.logged("nats connected");
    return instance;
  }

  #count({ path }: Recorded): Response {
    const [, kind, ...call] = path.split("/");
    ok(kind === "result" || kind === "error", path);
    const key = call.join("/");
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
    return new Response("{}");
  }

  /** A random request to a random instance, again and again. */
  async #call(caller: number): Promise<void> {
    for (let n = 0; this.#isCalling; n++) {
      const instance = this.random.pick(this.instances);
      if (instance.isKilled) continue;
      const path = this.random.pick(this.roamers).path;
      const call = `Act/${path}/m${caller}-${n}`;
      try {
        const kind = this.random.below(10);
        if (kind === 0) await this.#ask(instance, `/clients/${path}`, "GET");
        else if (kind === 1) await this.#ask(instance, "/clients?limit=50", "GET");
        else {
          const headers = kind === 2 ? { prefer: "wait=1" } : undefined;
          const status = await this.#ask(instance, `/call/${call}`, "POST", headers);
          if (status === 202) this.accepted.set(call, instance);
        }
      } catch {
        // Killed meanwhile, and nobody knows what became of it.
      }
    }
  }

  async #ask(
    { url }: Instance,
    path: string,
    method: string,
    headers: Record<string, string> = {},
  ): Promise<number> {
    const response = await fetch(url + path, { method, headers });
    await response.body?.cancel();
    this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
    return response.status;
  }

  beginCalling(): void {
    this.#calling = Promise.all(Array.from({ length: CALLERS }, (_, k) => this.#call(k)));
  }

  async endCalling(): Promise<void> {
    this.#isCalling = false;
    await this.#calling;
  }

  /** All clients are connected, and each of them answers a CALL from each instance, in time. */
  async assertReachable(event: string): Promise<void> {
    await until(
      `all clients back after ${event}`,
      () => this.roamers.every(({ isConnected }) => isConnected),
    );
    const start = performance.now();
    const instances = this.instances.filter(({ isKilled }) => !isKilled);
    let left = instances.flatMap((instance) =>
      this.roamers.map((roamer) => ({ instance, roamer, status: 0 }))
    );
    for (let round = 0; left.length > 0; round++) {
      const queue = left.values();
      const asking = async (): Promise<void> => {
        for (const pair of queue) {
          const { instance: { url }, roamer } = pair;
          const messageId = `k${event}-${round}-${instances.indexOf(pair.instance)}`;
          const response = await fetch(`${url}/call/Check/${roamer.path}/${messageId}`, {
            method: "POST",
            headers: { prefer: "wait=3" },
          });
          await response.body?.cancel();
          pair.status = response.status;
        }
      };
      await Promise.all(Array.from({ length: 20 }, asking));
      left = left.filter(({ status }) => status !== 200);
      if (performance.now() - start < REACHABLE_MS) continue;
      const seen = left.slice(0, 5).map(({ roamer, status }) => `${roamer.id}: ${status}`);
      strictEqual(left.length, 0, `not reachable after ${event}: ${seen.join(", ")}`);
    }
    for (const { url } of instances) {
      const response = await fetch(`${url}/clients?limit=1000`);
      const { total, clients } = await response.json();
      const ids = clients.map(({ id }: { id: string }) => id);
      deepStrictEqual([total, ids], [CLIENTS, this.roamers.map(({ id }) => id).sort()]);
    }
  }

  async killInstance(k: number): Promise<void> {
    const instance = this.instances[k]!;
    instance.isKilled = true;
    instance.program.signal("SIGKILL");
    await instance.program.ended();
  }

  async replaceInstance(k: number): Promise<void> {
    this.instances[k] = await Scene.startInstance(this.#stack, this.nats, this.backend, k);
  }

  /** Accepted CALLs without an outcome, but those whose accepting instance was killed. */
  get owed(): string[] {
    return [...this.accepted].filter(([call, instance]) =>
      !instance.isKilled && !this.outcomes.has(call)
    ).map(([call]) => call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endCalling();
    const stopping = this.roamers.map((roamer) => roamer.stop());
    await this.#stack.disposeAsync();
    await Promise.all(stopping);
  }
}

test("three gateways over three NATS servers, killed one by one: everyone is reachable, no CALL is lost", async () => {
  await using scene = await Scene.start();
  const { random, instances, nats, roamers } = scene;
  await scene.assertReachable("start");
  scene.beginCalling();

  for (const roamer of roamers) if (random.chance(0.3)) roamer.leave();
  await scene.assertReachable("roaming");

  const victim = random.below(3);
  await scene.killInstance(victim);
  await scene.assertReachable("killed");
  await scene.replaceInstance(victim);

  const node = random.below(3);
  await nats.servers[node]!.kill();
  await scene.assertReachable("node");
  await nats.servers[node]!.restart();

  // The next one's clients go to the one that has just come.
  await scene.killInstance((victim + 1) % 3);
  await scene.assertReachable("again");

  await scene.endCalling();
  await until("an outcome of each accepted CALL", () => scene.owed.length === 0, 20_000);
  const twice = [...scene.outcomes].filter(([, n]) => n > 1).map(([call]) => call);
  // One that was killed between its post and its word of it to the accepting instance.
  ok(twice.length <= 10, `${twice.length} came twice`);
  ok(scene.accepted.size > 500, `${scene.accepted.size} accepted, ${[...scene.statuses]}`);
  const stray = [...scene.statuses.keys()].filter((status) =>
    ![200, 202, 404, 410, 422, 429, 503, 504].includes(status)
  );
  deepStrictEqual(stray, []);

  const living = instances.filter(({ isKilled }) => !isKilled);
  for (const { program } of living) program.signal("SIGTERM");
  for (const { program } of living) strictEqual((await program.ended()).code, 0);
});
