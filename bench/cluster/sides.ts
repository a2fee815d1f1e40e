/**
 * Callers and clients on two sides: two instances, or two workers.
 *
 * @module
 */

import { Caller } from "./caller.ts";
import { Responder } from "./responder.ts";

/** A caller and a client that it calls. */
export interface Pair {
  readonly caller: Caller;
  readonly clientId: string;
}

/** Who is where: false is one side, true the other. */
export interface Sides {
  readonly callers: readonly (readonly [Caller, side: boolean])[];
  readonly clients: readonly (readonly [Responder, side: boolean])[];
  close(): void;
}

/** Of each, on both sides together. */
const CALLERS = 96;
const CLIENTS = 96;
/** Of each, to begin with: who of them is where says where the others are. */
const REFERENCES = 8;
const CALLS = 15;
const WARM_UP_CALLS = 40;
/** How far the sides have to be apart to be told. */
const MIN_RATIO = 1.08;

/** Two gateways: a caller is where its port is. */
export async function sidesOfInstances(ports: readonly [number, number]): Promise<Sides> {
  const { callers, clients, close } = await connectAll((i) => ports[i % 2]!);
  return {
    callers: callers.map((caller, i) => [caller, i % 2 === 1]),
    clients: clients.map((client, i) => [client, i % 2 === 1]),
    close,
  };
}

/**
 * Two workers of one gateway. The kernel has dealt the connections out, and nobody says where they are;
 * it shows in how long CALLs take.
 *
 * @throws When the times do not fall into two groups.
 */
export async function sidesOfWorkers(port: number): Promise<Sides> {
  const { callers, clients, close } = await connectAll(() => port);
  for (let i = 0; i < WARM_UP_CALLS; i++) {
    await Promise.all(callers.map((caller, k) => caller.call(clients[k % CLIENTS]!.id)));
  }
  const firstCallers = callers.slice(0, REFERENCES);
  const firstClients = clients.slice(0, REFERENCES);
  const matrix: number[][] = [];
  for (const caller of firstCallers) {
    const row: number[] = [];
    for (const client of firstClients) row.push(await timeOf(caller, client));
    matrix.push(row);
  }
  const split = splitOf(matrix);
  const middle = (split.near + split.far) / 2;
  if (!(split.far > split.near * MIN_RATIO)) throw new Error("the workers could not be told apart");
  /** Where someone is whose CALLs to, or from, the references took so long. */
  function sideOf(times: readonly number[], sides: readonly boolean[]): boolean {
    const votes = times.reduce((sum, ms, i) => sum + ((ms > middle) === sides[i] ? -1 : 1), 0);
    return votes > 0;
  }
  const callerSides = [...split.rows];
  for (const caller of callers.slice(REFERENCES)) {
    const times: number[] = [];
    for (const client of firstClients) times.push(await timeOf(caller, client));
    callerSides.push(sideOf(times, split.columns));
  }
  const clientSides = [...split.columns];
  for (const client of clients.slice(REFERENCES)) {
    const times: number[] = [];
    for (const caller of firstCallers) times.push(await timeOf(caller, client));
    clientSides.push(sideOf(times, split.rows));
  }
  return {
    callers: callers.map((caller, i) => [caller, callerSides[i]!]),
    clients: clients.map((client, i) => [client, clientSides[i]!]),
    close,
  };
}

/**
 * Pairs with a caller and a client each of their own.
 *
 * @param isLocal Whether the two are on the same side.
 * @throws When there are not so many.
 */
export function pairsOf({ callers, clients }: Sides, isLocal: boolean, count: number): Pair[] {
  const pairs: Pair[] = [];
  for (const side of [false, true]) {
    const from = callers.filter(([, where]) => where === side);
    const to = clients.filter(([, where]) => (where === side) === isLocal);
    const half = count / 2;
    if (from.length < half || to.length < half) throw new Error("too few on one side");
    for (let i = 0; i < half; i++) pairs.push({ caller: from[i]![0], clientId: to[i]![0].id });
  }
  return pairs;
}

async function connectAll(
  portOf: (i: number) => number,
): Promise<{ callers: Caller[]; clients: Responder[]; close(): void }> {
  const callers: Caller[] = [];
  const clients: Responder[] = [];
  for (let i = 0; i < CALLERS; i++) callers.push(await Caller.connect(portOf(i), `c${i}`));
  for (let i = 0; i < CLIENTS; i++) clients.push(await Responder.connect(portOf(i), `cp${i}`));
  return {
    callers,
    clients,
    close() {
      for (const each of [...callers, ...clients]) each.close();
    },
  };
}

/** The lower quartile: what else this machine does only makes it longer. */
async function timeOf(caller: Caller, client: Responder): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) times.push(await caller.call(client.id));
  return times.sort((a, b) => a - b)[CALLS >> 2]!;
}

/** Rows and columns on two sides, and the median of what is on one side and what is across. */
export interface Split {
  readonly rows: readonly boolean[];
  readonly columns: readonly boolean[];
  readonly near: number;
  readonly far: number;
}

/**
 * Finds the sides of rows and columns such that what is across is larger than what is not.
 *
 * Pure. All divisions of the rows are tried, so there should not be more than a dozen.
 */
export function splitOf(matrix: readonly (readonly number[])[]): Split {
  const cells = matrix.flat();
  const mean = cells.reduce((sum, ms) => sum + ms, 0) / cells.length;
  let best = { rows: [] as boolean[], columns: [] as boolean[], score: -1 };
  for (let bits = 0; bits < 2 ** (matrix.length - 1); bits++) {
    const rows = matrix.map((_, i) => (bits >> i & 1) === 1);
    // Above 0 when what is across from the other side is larger: then it is on that one.
    const leanings = matrix[0]!.map((_, j) =>
      matrix.reduce((sum, row, i) => sum + (rows[i] ? mean - row[j]! : row[j]! - mean), 0)
    );
    const score = leanings.reduce((sum, leaning) => sum + Math.abs(leaning), 0);
    if (score > best.score) best = { rows, columns: leanings.map((each) => each > 0), score };
  }
  const { rows, columns } = best;
  function medianWhere(isNear: boolean): number {
    const some = matrix.flatMap((row, i) =>
      row.filter((_, j) => (rows[i] === columns[j]) === isNear)
    );
    return some.sort((a, b) => a - b)[some.length >> 1] ?? NaN;
  }
  return { rows, columns, near: medianWhere(true), far: medianWhere(false) };
}
