/**
 * The rooms of the house: the one table that tests and ARCHITECTURE.md go by.
 *
 * @module
 */

/** A folder of `lib`, or a file that is a room of its own. */
export interface Room {
  /** A room imports only itself and rooms of a smaller number. */
  readonly level: number;
  /** Its path below `lib`; `main.ts` stands beside it. */
  readonly name: string;
  /** What happens there, as ARCHITECTURE.md says it. */
  readonly does: string;
}

function room(level: number, name: string, does: string): Room {
  return { level, name, does };
}

/** From the highest room to the lowest; those of one level do not know each other. */
export const ROOMS: readonly Room[] = [
  room(18, "main.ts", "flags, environment, signals, exit code"),
  room(
    17,
    "program",
    "what the program does around its gateway: words at the start, stop requests",
  ),
  room(16, "worker", "a gateway in each of several threads, as one gateway"),
  room(15, "gateway", "builds the parts, leads a request to its room, shuts down"),
  room(14, "status", "the status page and the streams that it shows"),
  room(14, "listener", "the listening sockets, and TLS in front of them"),
  room(13, "api", "HTTP requests of the backend and of operators"),
  room(12, "cluster/nats", "many instances as one gateway, over NATS"),
  room(11, "cluster", "all clients, wherever they are connected; the bus between threads"),
  room(10, "door", "who gets in: upgrade, hook, rate, memory"),
  room(9, "client", "one client: its order, its CALLs, the CALLs to it"),
  room(8, "report", "what the backend is told: outcomes, ends of connections"),
  room(7, "forwarder", "one POST to the backend and its reply"),
  room(6, "socket", "a WebSocket's life beside its messages"),
  room(6, "outbox", "what must reach the backend, kept until it did, also on disk or in NATS"),
  room(5, "nats", "a connection to NATS, kept for ever"),
  room(5, "queue", "what waits in order, with bounds"),
  room(5, "trace", "spans of what happens, by OpenTelemetry"),
  room(5, "profile", "where CPU time and memory go, for pprof"),
  room(5, "validate", "payloads against the OCPP schemas"),
  room(4, "metrics", "all that is counted, over all threads"),
  room(3, "log", "lines on standard error, and the last warnings of them"),
  room(2, "ids.ts", "names in the order of time"),
  room(2, "config", "command line, environment and the files they name"),
  room(1, "clock.ts", "time, passed in"),
  room(1, "random.ts", "chance, passed in"),
  room(1, "identity.ts", "who is at the other end of a connection"),
  room(1, "problem.ts", "responses, and errors of the gateway's own over HTTP"),
  room(1, "uncaught.ts", "errors of a thread that nobody caught"),
  room(1, "request.ts", "a request that came in"),
  room(0, "codec", "text to frames and back; pure, imports no other room"),
];

/**
 * The room that a file belongs to: the deepest folder counts.
 *
 * @param file Its path from the project's root.
 * @returns Undefined when it belongs to none.
 */
export function roomOf(file: string, rooms: readonly Room[] = ROOMS): Room | undefined {
  const path = file.startsWith("lib/") ? file.slice("lib/".length) : file;
  return rooms.filter(({ name }) => path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/**
 * Reads the rooms out of ARCHITECTURE.md: the first block of code below the heading `Rooms`, a line
 * for each, with its level, its name and what it does.
 */
export function pictureOf(markdown: string): Room[] {
  const [, section = ""] = markdown.split(/^## Rooms$/m);
  const [, block = ""] = /^```\w*\n(.*?)^```$/ms.exec(section) ?? [];
  return block.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [, level = "", name = "", does = ""] = /^\s*(\d+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
    return room(Number(level), name, does);
  });
}

/** The picture as it stands in ARCHITECTURE.md. */
export function pictureText(rooms: readonly Room[] = ROOMS): string {
  const width = Math.max(...rooms.map(({ name }) => name.length));
  return rooms.map(({ level, name, does }) =>
    `${String(level).padStart(2)}  ${name.padEnd(width)}  ${does}\n`
  ).join("");
}
