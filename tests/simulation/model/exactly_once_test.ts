/**
 * Exactly once, whatever happens: random events against the gateway's core, and after each one a
 * model says what must have come of it (contract sections 2 to 6, above all 4).
 *
 * A failure shows the seed and the shortest sequence found that fails.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { runs } from "../../support/runs.ts";
import type { Try } from "./backend.ts";
import { CLIENTS, type Command, commands, MESSAGE_IDS, type Which } from "./command.ts";
import { ConnectionModel, Core, type CoreConfig, FakeSocket, quiesce } from "./core.ts";
import { Model } from "./model.ts";

/** All times are multiples of this, so that no timer is due between two steps. */
const STEP_MS = 100;
/** Longer than all retries, time-outs and grace periods one after the other. */
const MAX_END_STEPS = 1000;

const BASE: CoreConfig = {
  callTimeoutMs: 3000,
  callConcurrency: 1,
  maxQueue: 2,
  maxMessageBytes: 1024,
  maxBufferedBytes: 1024,
  maxQueueChars: Infinity,
  maxWaiting: 1000,
  isPressed: false,
  retries: 2,
  slots: 100,
  maxSlotWaitMs: 2000,
  holdMs: 2000,
  isAway: false,
  disconnectHook: false,
  protocol: null,
};

/** A gateway's core and its model, which live through the same events. */
class Run {
  readonly #core: Core;
  readonly #model: Model;
  /** Makes what is said tell-tale. */
  #serial = 0;

  constructor(core: Core, config: CoreConfig) {
    this.#core = core;
    this.#model = new Model(config, core);
  }

  async execute(command: Command): Promise<void> {
    switch (command.do) {
      case "connect": {
        const connection = this.#connect(command.client);
        if (!command.opensLater) this.#open(connection);
        break;
      }
      case "open":
        this.#open(this.#find(command.client, "opening"));
        break;
      case "hang up":
        this.#hangUp(this.#find(command.client, command.which), command);
        break;
      case "operator":
        this.#operator(this.#find(command.client, "open"), command.cuts);
        break;
      case "break": {
        const connection = this.#find(command.client, "open");
        if (connection !== undefined) connection.socket.isBroken = true;
        break;
      }
      case "api":
        for (const id of idsOf(command)) {
          this.#api({ ...command, id });
          await this.#settle();
        }
        break;
      case "answer":
        this.#answer(this.#find(command.client, command.which), command);
        break;
      case "call":
        for (const id of idsOf(command)) {
          this.#call(this.#find(command.client, command.which), { ...command, id });
          await this.#settle();
        }
        break;
      case "refuse":
        this.#refuse(this.#find(command.client, command.which), command);
        break;
      case "backend":
        this.#backend(command);
        break;
      case "outage":
        this.#core.backend.answerAll(command.reply);
        await this.#settle();
        await this.#pass(command.ms);
        this.#core.backend.answerAll(undefined);
        break;
      case "tick":
        await this.#pass(command.ms);
        break;
    }
    await this.#settle();
  }

  /** All clients go, the backend gets well, and time goes by until nothing is left. */
  async finish(ending: "hang up" | "drain"): Promise<void> {
    const { backend, backlog, deliveries, sockets, clock, connections } = this.#core;
    backend.answerAll(200);
    await this.#settle();
    for (const connection of this.#model.connections) {
      if (ending === "drain" && connection.state === "open") {
        connection.isDraining = true;
        connection.real.closeWhenIdle();
        // Before others of its client go: their ends are told in order.
        await this.#settle();
      } else if (connection.socket.state !== "closed") {
        this.#hangUp(connection, { isClean: true, twice: false });
      }
    }
    await this.#settle();
    // What is parked is looked at now and then, by one timer.
    const isBusy = (): boolean =>
      backlog.count + sockets.count + deliveries.waiting > 0 || clock.timers > 1;
    for (let steps = 0; isBusy() && steps < MAX_END_STEPS; steps++) await this.#tick();
    deliveries.close();
    // The backend is looked for until the next look, by one timer too.
    for (let steps = 0; clock.timers > 0 && steps < MAX_END_STEPS; steps++) await this.#tick();
    const counts = [backlog.count, sockets.count, deliveries.waiting];
    const left = [...counts, clock.timers, connections.size];
    deepStrictEqual(left, [0, 0, 0, 0, 0], "something is left");
  }

  /** Contract section 4, said once more without the model's help. */
  checkGuarantee({ disconnectHook }: CoreConfig): void {
    const { backend } = this.#core;
    for (const { action, response } of this.#model.apiCalls) {
      ok(response !== undefined, `${action} has no response`);
      const arrival = backend.arrivals.get(action);
      if (response.status !== 202) {
        strictEqual(arrival, undefined, `${action} had its response, and an outcome too`);
        continue;
      }
      ok(arrival !== undefined, `${action} has no outcome`);
      strictEqual(arrival.finals, 1, `${action}: outcomes`);
    }
    for (const { id, clientId } of this.#model.connections) {
      const kinds = backend.reports(clientId)
        .filter(({ request }) => request.origin.connectionId === id)
        .map(({ request }) => request.kind);
      const at = kinds.indexOf("disconnect");
      strictEqual(at, disconnectHook ? kinds.length - 1 : -1, `${id}: ${kinds}`);
    }
  }

  #find(client: string, which: Which): ConnectionModel | undefined {
    return this.#model.connections.findLast(({ clientId, state, socket }) =>
      clientId === client && (which === "closing" ? socket.state === which : state === which)
    );
  }

  #connect(client: string): ConnectionModel {
    // Sorted as they come, as the real ones are.
    const connectionId = `connection ${String(this.#model.connections.length).padStart(4, "0")}`;
    const connection = new ConnectionModel(client, connectionId, new FakeSocket());
    this.#model.adds(connection);
    this.#core.connect(connection.socket, client, connectionId);
    return connection;
  }

  #open(connection: ConnectionModel | undefined): void {
    if (connection === undefined) return;
    this.#model.opens(connection);
    connection.socket.open();
    const real = this.#core.connections.get(connection.clientId);
    if (real?.connectionId === connection.id) connection.real = real;
  }

  #hangUp(
    connection: ConnectionModel | undefined,
    { isClean, twice }: { isClean: boolean; twice: boolean },
  ): void {
    if (connection === undefined) return;
    const reason = "bye";
    const code = isClean ? 1000 : 1006;
    this.#model.ends(connection, { code, reason, why: /disconnected/, by: "client" });
    for (let i = 0; i < (twice ? 2 : 1); i++) {
      connection.socket.end(isClean ? code : 1005, reason, isClean);
    }
  }

  #operator(connection: ConnectionModel | undefined, cuts: boolean): void {
    if (connection === undefined) return;
    if (cuts) {
      const reason = "out of memory";
      this.#model.ends(connection, { code: 1006, reason, why: /memory/, by: "cut" });
      connection.real.cut();
    } else {
      const reason = "closed by the operator";
      this.#model.ends(connection, { code: 1000, reason, why: /operator/, by: "gateway" });
      connection.real.closeByOperator();
    }
  }

  #api({ client, id, seconds, stalled }: Extract<Command, { do: "api" }>): void {
    if (stalled) this.#stall(this.#model.current(client));
    const call = this.#model.submits(client, id, seconds);
    void this.#core.call([call.action, client, id], call.payload, seconds).then((response) => {
      call.response = response;
    });
  }

  #answer(
    connection: ConnectionModel | undefined,
    { id, kind, times, stalled }: Extract<Command, { do: "answer" }>,
  ): void {
    const messageId = id ?? connection?.outstanding[0]?.messageId;
    if (connection === undefined || messageId === undefined) return;
    if (stalled) this.#stall(connection);
    for (let i = 0; i < times; i++) {
      const payload = `{"answer":${this.#serial++}}`;
      const [body, frame] = {
        result: [payload, `[3,"${messageId}",${payload}]`],
        error: [
          `{"code":"C","description":"d","details":${payload}}`,
          `[4,"${messageId}","C","d",${payload}]`,
        ],
        broken: [/^{"code":"GenericError",.*3 elements","details":{}}$/, `[3,"${messageId}"]`],
      }[kind] as [string | RegExp, string];
      this.#model.answers(connection, messageId, kind, body);
      connection.socket.receive(frame);
    }
  }

  #call(
    connection: ConnectionModel | undefined,
    { id, repeated, stalled }: Extract<Command, { do: "call" }>,
  ): void {
    if (connection === undefined) return;
    if (stalled) this.#stall(connection);
    const serial = this.#serial++;
    const [action, payload] = [`C${serial}`, `{"call":${serial}}`];
    for (let i = 0; i < (repeated ? 2 : 1); i++) {
      this.#model.calls(connection, id, action, payload);
      connection.socket.receive(`[2,"${id}","${action}",${payload}]`);
    }
  }

  #refuse(
    connection: ConnectionModel | undefined,
    { id, times }: Extract<Command, { do: "refuse" }>,
  ): void {
    const messageId = id ?? connection?.results.at(-1)?.messageId;
    if (connection === undefined || messageId === undefined) return;
    for (let i = 0; i < times; i++) {
      const details = `{"refused":${this.#serial++}}`;
      const body = `{"code":"C","description":"d","details":${details}}`;
      this.#model.refuses(connection, messageId, body);
      connection.socket.receive(`[5,"${messageId}","C","d",${details}]`);
    }
  }

  #backend({ nth, reply, many, stalled, thenGoes }: Extract<Command, { do: "backend" }>): void {
    const { underWay } = this.#core.backend;
    if (stalled) this.#model.connections.forEach((each) => this.#stall(each));
    const chosen = new Map<string, Try>();
    for (let i = 0; i < (many ? 3 : 1) && underWay.length > 0; i++) {
      const attempt = underWay[(nth + i) % underWay.length]!;
      // One for each connection: the order of two in the same moment would be anybody's guess.
      chosen.set(attempt.delivery.request.origin.connectionId, attempt);
    }
    for (const attempt of chosen.values()) this.#core.backend.answer(attempt, reply);
    if (!thenGoes) return;
    const gone = this.#model.connections.filter(({ id, state }) =>
      chosen.has(id) && state === "open"
    );
    for (const connection of gone) this.#hangUp(connection, { isClean: false, twice: false });
  }

  #stall(connection: ConnectionModel | undefined): void {
    if (connection !== undefined) connection.socket.bufferedAmount = 1e6;
  }

  async #pass(ms: number): Promise<void> {
    // One that does not open within seconds is taken for gone; here all open before time goes by.
    for (const connection of this.#model.connections) {
      if (connection.socket.state === "opening") this.#open(connection);
    }
    await this.#settle();
    for (; ms > 0; ms -= STEP_MS) await this.#tick();
  }

  async #tick(): Promise<void> {
    this.#core.clock.tick(STEP_MS);
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await quiesce();
    this.#model.settle();
    for (const { socket } of this.#model.connections) socket.bufferedAmount = 0;
  }
}

/** The MessageIds of an event that comes many times, or once. */
function idsOf({ id, many }: { id: string; many: boolean }): string[] {
  if (!many) return [id];
  const at = MESSAGE_IDS.indexOf(id);
  return [...MESSAGE_IDS.slice(at), ...MESSAGE_IDS.slice(0, at)];
}

function check(name: string, ending: "hang up" | "drain", options: Partial<CoreConfig>): void {
  const config = { ...BASE, ...options };
  const property = fc.asyncProperty(commands, async (sequence) => {
    const run = new Run(await Core.start(config), config);
    for (const client of CLIENTS) await run.execute({ do: "connect", client, opensLater: false });
    for (const command of sequence) await run.execute(command);
    await run.finish(ending);
    run.checkGuarantee(config);
  });
  Deno.test(`every CALL ends exactly once, in order: ${name}`, async () => {
    // The same ones each time, and some that nobody has seen before.
    await fc.assert(property, { numRuns: runs(150), seed: 6 });
    await fc.assert(property, { numRuns: runs(150) });
  });
}

check("one at a time", "hang up", {});
check("two at a time, told of disconnects, drained", "drain", {
  callConcurrency: 2,
  maxQueue: 3,
  disconnectHook: true,
  protocol: "ocpp2.1",
});
check("little room everywhere", "hang up", {
  maxWaiting: 4,
  isPressed: true,
  slots: 2,
  retries: 1,
  disconnectHook: true,
});
check("a backend that is away", "drain", { isAway: true, retries: 3 });
