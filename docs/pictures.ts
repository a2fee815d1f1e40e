// deno-lint-ignore-file no-console

/**
 * Takes the pictures of the status page below docs/pictures, from gateways that it brings into the
 * states that they show: `deno task docs:pictures`. Takes some two minutes.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { json, RecordingBackend } from "../tests/support/backend.ts";
import { TestPage } from "../tests/support/browser.ts";
import { TestClient } from "../tests/support/client.ts";
import { inTime, until } from "../tests/support/deadline.ts";
import { NatsServer } from "../tests/support/nats.ts";
import { type Program, startProgram, urlOf } from "../tests/support/program.ts";

const DIRECTORY = new URL("./pictures/", import.meta.url);
const MAX_BYTES = 150 * 1024;
/** How long all goes well, and how long it then goes as the picture's name says. */
const [CALM_MS, TROUBLE_MS] = [55_000, 35_000];
const PERIOD_MS = 1000;
/** Lower ones are tried when a picture is too large. */
const HEIGHTS = [1000, 900, 800, 700, 600, 500, 400];

const ACTIONS = ["Heartbeat", "StatusNotification", "MeterValues"];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Stations that send a CALL each second, and connect again when they are closed. */
class Fleet implements AsyncDisposable {
  readonly #url: string;
  readonly #stations = new Map<string, TestClient>();
  readonly #timer: ReturnType<typeof setInterval>;
  #round = 0;

  constructor(url: string, first: number, count: number) {
    this.#url = url.replace("http", "ws");
    for (let i = first; i < first + count; i++) this.#connect(`CP${String(i).padStart(4, "0")}`);
    this.#timer = setInterval(() => this.#send(), PERIOD_MS);
  }

  #connect(name: string): void {
    const station = new TestClient(`${this.#url}/${name}`);
    this.#stations.set(name, station);
    station.socket.addEventListener("error", (event) => event.preventDefault());
  }

  #send(): void {
    this.#round++;
    for (const [name, station] of this.#stations) {
      const { readyState } = station.socket;
      if (readyState === WebSocket.CLOSED) this.#connect(name);
      if (readyState !== WebSocket.OPEN) continue;
      const action = ACTIONS[this.#round % ACTIONS.length];
      station.send(`[2,"${this.#round}","${action}",{}]`);
    }
    // A few come and go, and one sends what is no frame.
    const names = [...this.#stations.keys()];
    for (const name of names.slice(0, 1 + this.#round % 3)) {
      this.#stations.get(name)?.socket.close();
    }
    const bad = this.#stations.get(names.at(-1) ?? "");
    if (this.#round % 7 === 0 && bad?.socket.readyState === WebSocket.OPEN) bad.send("no frame");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const { socket } of this.#stations.values()) socket.close();
    await Promise.all(
      [...this.#stations.values()].map(({ closed }) => Promise.race([closed, pause(3000)])),
    );
  }
}

/** A backend that answers after so many milliseconds, more or less. */
class Backend extends RecordingBackend {
  delayMs = 15;

  constructor() {
    super();
    this.answer = async () => {
      // It keeps each request: nobody asks for them here.
      this.requests.length = 0;
      await pause(this.delayMs * (0.5 + Math.random()));
      return json('{"status":"Accepted"}');
    };
  }
}

interface Picture {
  readonly name: string;
  readonly url: string;
  readonly width: number;
  /** What the page shows when the picture may be taken. */
  readonly ready: [selector: string, pattern: RegExp];
}

/** Writes one that is small enough. */
async function take({ name, url, width, ready }: Picture): Promise<void> {
  await using test = await TestPage.open(url);
  const { page } = test;
  await page.setViewportSize({ width, height: HEIGHTS[0]! });
  await test.text("#state", /^Live$/);
  await test.text(...ready);
  // A percentile is that of ten seconds, and the clients have been listed.
  await pause(11_000);
  await test.text(...ready);
  for (const height of HEIGHTS) {
    const bytes = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
    if (bytes.length > MAX_BYTES) continue;
    writeFileSync(new URL(`${name}.png`, DIRECTORY), bytes);
    console.log(`${name}.png: ${width} x ${height}, ${Math.ceil(bytes.length / 1024)} KiB`);
    return;
  }
  throw new Error(`${name}: no height is small enough`);
}

async function main(): Promise<void> {
  mkdirSync(DIRECTORY, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await NatsServer.start());
  const start = async (backend: Backend, ...flags: string[]): Promise<[Program, string]> => {
    const common = ["--listen=127.0.0.1:0", "--drain-timeout=1s", `--backend=${backend.url}`];
    const program = stack.use(startProgram([...common, ...flags]));
    return [program, await urlOf(program)];
  };
  const backend = () => stack.use(new Backend());
  const fleet = (url: string, first: number, count: number) =>
    void stack.use(new Fleet(url, first, count));

  const [, healthy] = await start(backend());
  fleet(healthy, 0, 150);
  const slow = backend();
  const [, overload] = await start(slow, "--max-waiting=150", "--backend-connections=16");
  fleet(overload, 0, 150);
  const mortal = new Backend();
  const [, down] = await start(mortal, "--away-hold=5s");
  fleet(down, 0, 100);
  const shared = backend();
  const [, one] = await start(shared, `--nats=${nats.url}`);
  const [, two] = await start(shared, `--nats=${nats.url}`);
  fleet(one, 0, 60);
  fleet(two, 60, 90);
  await until("the instances to know each other", async () => {
    const response = await inTime(fetch(`${one}/clients?limit=1`), "the list of clients");
    return (await response.json()).total >= 100;
  }, 30_000);

  console.log(`all is well for ${CALM_MS / 1000} s …`);
  await pause(CALM_MS);
  slow.delayMs = 4000;
  await mortal[Symbol.asyncDispose]();
  console.log(`two are in trouble for ${TROUBLE_MS / 1000} s …`);
  await pause(TROUBLE_MS);
  const WIDE = 1280;
  await take({
    ...{ name: "overload", url: overload, width: WIDE },
    ready: ["#tile-failed", /refused/],
  });
  await take({
    ...{ name: "backend-down", url: down, width: WIDE },
    ready: ["#tile-backend", /Away|Unreachable/],
  });
  await take({ name: "healthy", url: healthy, width: WIDE, ready: ["#tile-backend", /p50/] });
  await take({
    ...{ name: "two-instances", url: one, width: WIDE },
    ready: ["#about", /of 2$/],
  });
  await take({ name: "phone", url: overload, width: 390, ready: ["#tile-failed", /refused/] });
}

await main();
