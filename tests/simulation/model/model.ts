/**
 * What the gateway owes to each side, worked out from what happened to it.
 *
 * The model is told of each event before the gateway is. It knows no lanes, timers or retries: only
 * lists of what must come out, in order, for each connection. Three things it takes from the
 * outside, for they are the gateway's to choose: when a CALL is written to a client, when the
 * backend's reply to a request is final (`ScriptedBackend` checks that one by itself), and that a
 * client which does not read is closed. All that follows from those is worked out again here.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../../lib/forwarder/forwarder.ts";
import type { Delivery } from "./backend.ts";
import type {
  ApiCall,
  ConnectionModel,
  Core,
  CoreConfig,
  End,
  Foreseen,
  Post,
  ReportBook,
} from "./core.ts";

const REPLACED: End = { code: 1008, reason: "replaced", why: /replaced/, by: "gateway" };
const NOT_READING: End = { code: 1008, reason: "not reading", why: /not read/, by: "gateway" };
const SHUTDOWN: End = { code: 1001, reason: "shutting down", why: /shutting/, by: "gateway" };
/** A closed socket is cut when its close event is not there by then. */
const CLOSE_GRACE_MS = 5000;
/** Frames that lead nowhere are counted for so long. */
const COUNTED_MS = 10_000;

export class Model {
  readonly connections: ConnectionModel[] = [];
  readonly #current = new Map<string, ConnectionModel>();
  readonly apiCalls: ApiCall[] = [];
  readonly #unanswered = new Set<ApiCall>();

  constructor(readonly config: CoreConfig, readonly core: Core) {}

  get #now(): number {
    return this.core.clock.now();
  }

  /** What the bound on waiting messages counts. */
  get #backlog(): number {
    return this.connections.reduce((sum, { owedCalls }) => sum + owedCalls, 0);
  }

  /** The books of all clients. */
  readonly #books = new Map<string, ReportBook>();

  /** A connection begins to be. */
  adds(connection: ConnectionModel): void {
    const { clientId } = connection;
    connection.reports = this.#books.get(clientId) ?? connection.reports;
    this.#books.set(clientId, connection.reports);
    this.connections.push(connection);
  }

  current(clientId: string): ConnectionModel | undefined {
    return this.#current.get(clientId);
  }

  /** A connection opens; the one before it goes. */
  opens(connection: ConnectionModel): void {
    const other = this.current(connection.clientId);
    connection.state = "open";
    // One that opens late does not replace another whose upgrade came after its own.
    if (other !== undefined && other.id > connection.id) return this.ends(connection, REPLACED);
    this.#current.set(connection.clientId, connection);
    if (other !== undefined) this.ends(other, REPLACED);
  }

  /** A connection ends; CALLs to its client end with it, and then the backend is told. */
  ends(connection: ConnectionModel, end: End): void {
    if (connection.state === "ended") return;
    Object.assign(connection, { state: "ended", end, endedAt: this.#now, results: [] });
    const { clientId, posts } = connection;
    if (this.config.isPressed) {
      posts.calls.length = this.core.backend.calls(connection.id).length;
    }
    if (this.current(clientId) === connection) this.#current.delete(clientId);
    const next = connection.queued[0];
    for (const call of [...connection.live]) {
      const outcome = call.sentAt === undefined ? "not-sent" : "sent";
      // The one that a client does not read was on its way, and got as far as the frames that it has not read.
      const orSent = end === NOT_READING && call === next;
      const foreseen: Foreseen = { status: 410, outcome, orSent, body: end.why };
      this.#over(connection, call, foreseen, genericError(end.why));
    }
    if (!this.config.disconnectHook) return;
    const body = JSON.stringify({ code: end.code, reason: end.reason });
    connection.reports.posts.push({ path: `disconnect/${clientId}`, body, messageId: "" });
  }

  /** The backend sends a CALL to a client. */
  submits(clientId: string, messageId: string, seconds: number | undefined): ApiCall {
    const action = `A${this.apiCalls.length}`;
    const call: ApiCall = {
      action,
      clientId,
      messageId,
      payload: `{"for":"${action}"}`,
      seconds,
      deadline: seconds === undefined ? Infinity : this.#now + seconds * 1000,
      sentAt: undefined,
      foreseen: undefined,
      response: undefined,
    };
    this.apiCalls.push(call);
    this.#unanswered.add(call);
    const connection = this.current(clientId);
    const refusal = this.#refusal(connection, messageId);
    if (refusal !== undefined) call.foreseen = { status: refusal, outcome: "not-sent", body: /./ };
    else {
      connection!.live.push(call);
      if (seconds === undefined) call.foreseen = { status: 202, outcome: "queued", body: "" };
    }
    return call;
  }

  #refusal(connection: ConnectionModel | undefined, messageId: string): number | undefined {
    if (connection === undefined) return 404;
    if (this.#backlog >= this.config.maxWaiting) return 429;
    if (connection.live.some((other) => other.messageId === messageId)) return 409;
    return connection.queued.length >= this.config.maxQueue ? 429 : undefined;
  }

  /** The client answers a CALL, or what it takes for one. */
  answers(
    connection: ConnectionModel,
    messageId: string,
    kind: "result" | "error" | "broken",
    body: string | RegExp,
  ): void {
    const call = connection.outstanding.find((each) => each.messageId === messageId);
    if (connection.state !== "open") return;
    if (call === undefined) return this.#ledNowhere(connection);
    if (kind === "broken" && this.config.protocol === "ocpp2.1") {
      connection.answers.push(`[5,"${messageId}","RpcFrameworkError",`);
    }
    const isResult = kind === "result";
    const foreseen: Foreseen = { status: isResult ? 200 : 422, outcome: "answered", body };
    this.#over(connection, call, foreseen, { kind: isResult ? "result" : "error", body });
  }

  /** The client sends a CALL. No client is refused so many here that it is closed. */
  calls(connection: ConnectionModel, messageId: string, action: string, payload: string): void {
    if (connection.state !== "open") return;
    const handled = connection.posts.calls.slice(connection.done.calls);
    const path = `call/${action}/${connection.clientId}/${messageId}`;
    const namesake = handled.find((other) => other.messageId === messageId);
    if (namesake?.path === path && namesake.body === payload) {
      this.#ledNowhere(connection);
    } else if (namesake !== undefined) {
      const code = this.config.protocol === null ? "ProtocolError" : "RpcFrameworkError";
      connection.answers.push(`[4,"${messageId}","${code}",`);
      this.#ledNowhere(connection);
    } else if (handled.length > this.config.maxQueue) {
      connection.answers.push(`[4,"${messageId}","InternalError","queue full",`);
      this.#ledNowhere(connection);
    } else if (this.#backlog >= this.config.maxWaiting) {
      connection.answers.push(`[4,"${messageId}","InternalError","gateway overloaded",`);
      this.#ledNowhere(connection);
    } else {
      connection.posts.calls.push({ path, body: payload, messageId });
    }
  }

  /** The client cannot use the answer to a CALL of its own. */
  refuses(connection: ConnectionModel, messageId: string, body: string): void {
    const { results, clientId, reports } = connection;
    const result = results.find((each) => each.messageId === messageId);
    if (connection.state !== "open") return;
    if (result === undefined) return this.#ledNowhere(connection);
    results.splice(results.indexOf(result), 1);
    const underWay = this.core.backend.isReporting(clientId) ? 1 : 0;
    if (connection.owedReports - underWay >= this.config.maxQueue) {
      return this.#ledNowhere(connection);
    }
    const path = `resulterror/${result.action}/${clientId}/${messageId}`;
    reports.posts.push({ path, body, messageId });
  }

  /** A frame came to nothing. No client sends so many here that it is closed. */
  #ledNowhere(connection: ConnectionModel): void {
    if (connection.countedUntil <= this.#now) connection.countedUntil = this.#now + COUNTED_MS;
  }

  /** Takes in what the gateway did until it came to rest, and fails where it owed something else. */
  settle(): void {
    for (const connection of this.connections) {
      // In the order of things: time-outs and replies came first, frames are what they led to.
      connection.results = connection.results.filter(({ until }) => until > this.#now);
      for (const call of connection.outstanding) {
        if (call.sentAt! + this.config.callTimeoutMs <= this.#now) this.#timeOut(connection, call);
      }
      this.#takeReplies(connection);
      this.#takeFrames(connection);
      for (const call of [...connection.live]) {
        if (call.deadline <= this.#now) this.#giveUp(connection, call);
      }
      this.#takeClose(connection);
    }
    // Connections of one client share what it is owed.
    for (const connection of this.connections) {
      this.#takeReplies(connection);
      this.#checkPosts(connection);
      this.#checkSocket(connection);
    }
    this.#checkResponses();
    this.#checkRest();
  }

  #over(
    connection: ConnectionModel,
    call: ApiCall,
    foreseen: Foreseen,
    report: { kind: "result" | "error"; body: string | RegExp },
  ): void {
    connection.live.splice(connection.live.indexOf(call), 1);
    const { action, messageId } = call;
    // One that waits has its response only, and has had it when it gave up before.
    if (call.seconds !== undefined) call.foreseen ??= foreseen;
    else {
      const path = `${report.kind}/${action}/${connection.clientId}/${messageId}`;
      connection.reports.posts.push({ path, body: report.body, messageId });
    }
  }

  #timeOut(connection: ConnectionModel, call: ApiCall): void {
    const why = new RegExp(`no answer within ${this.config.callTimeoutMs / 1000}s`);
    this.#over(connection, call, { status: 504, outcome: "sent", body: /./ }, genericError(why));
  }

  /** `Prefer: wait` is over. What was sent stays outstanding, what was not never will be. */
  #giveUp(connection: ConnectionModel, call: ApiCall): void {
    const outcome = call.sentAt === undefined ? "not-sent" : "sent";
    call.foreseen ??= { status: 504, outcome, body: /./ };
    if (call.sentAt === undefined) connection.live.splice(connection.live.indexOf(call), 1);
  }

  #takeReplies(connection: ConnectionModel): void {
    const { reports } = connection;
    const reported = this.core.backend.reports(connection.clientId);
    while (connection.owedReports > 0 && reported[reports.done]?.reply !== undefined) {
      reports.done++;
    }
    const deliveries = this.core.backend.calls(connection.id);
    while (connection.owedCalls > 0 && deliveries[connection.done.calls]?.reply !== undefined) {
      const { request, reply } = deliveries[connection.done.calls++]!;
      if (connection.state !== "open") continue;
      const [, action, , messageId] = request.path.split("/");
      const answer = answerTo(messageId!, reply!);
      connection.answers.push(answer);
      if (answer.startsWith("[3,")) this.#remember(connection, messageId!, action!);
    }
  }

  /** The last eight CALLRESULTs, each for as long as a client may take to answer a CALL. */
  #remember(connection: ConnectionModel, messageId: string, action: string): void {
    if (this.config.protocol !== "ocpp2.1") return;
    const others = connection.results.filter((each) => each.messageId !== messageId);
    const until = this.#now + this.config.callTimeoutMs;
    connection.results = [...others, { messageId, action, until }].slice(-8);
  }

  #takeFrames(connection: ConnectionModel): void {
    for (const frame of connection.socket.frames.slice(connection.framesSeen)) {
      connection.framesSeen++;
      if (frame.startsWith("[2,")) this.#takeCall(connection, frame);
      else {
        const owed = connection.answers[connection.answersSeen++];
        ok(owed !== undefined && frame.startsWith(owed), `${frame} to the client, not ${owed}`);
      }
    }
  }

  /** CALLs are written in the order of their acceptance, `concurrency` at a time. */
  #takeCall(connection: ConnectionModel, frame: string): void {
    const { queued, outstanding } = connection;
    const [, messageId, action, payload] = JSON.parse(frame);
    while (queued[0] !== undefined && queued[0].action !== action) {
      ok(queued[0].deadline <= this.#now, `${action} was sent before ${queued[0].action}`);
      this.#giveUp(connection, queued.shift()!);
    }
    const call = queued[0];
    ok(call !== undefined, `nobody waits for ${action} to be sent`);
    deepStrictEqual([messageId, JSON.stringify(payload)], [call.messageId, call.payload]);
    ok(outstanding.length < this.config.callConcurrency, `${action} is one CALL too many`);
    call.sentAt = this.#now;
  }

  /** Closes that the gateway chose by itself. */
  #takeClose(connection: ConnectionModel): void {
    const { socket } = connection;
    if (connection.state !== "open" || socket.closedWith === undefined) return;
    if (socket.closedWith.code === NOT_READING.code) {
      ok(socket.bufferedAmount > this.config.maxBufferedBytes, "a client that reads was closed");
      this.ends(connection, NOT_READING);
      // What the backend answered in the same moment came too late.
      connection.answers.length = connection.answersSeen;
    } else {
      ok(connection.isDraining && connection.isIdle, "closed while something was under way");
      this.ends(connection, SHUTDOWN);
    }
  }

  /** Each lane is at the first request that is not done, and none is left out or doubled. */
  #checkPosts(connection: ConnectionModel): void {
    const { id, clientId, posts: { calls }, done, reports } = connection;
    const deliveries = this.core.backend.calls(id);
    const due = Math.min(done.calls + 1, calls.length);
    strictEqual(deliveries.length, due, `${id}: CALLs that were begun`);
    deliveries.forEach(({ request }, i) => same(request, calls[i]!));
    // While the backend cannot be reached, the first one is not begun either.
    const reported = this.core.backend.reports(clientId);
    const most = Math.min(reports.done + 1, reports.posts.length);
    ok(reported.length === most || reported.length === reports.done, `${clientId}: reports begun`);
    reported.forEach(({ request }, i) => same(request, reports.posts[i]!));
  }

  #checkSocket(connection: ConnectionModel): void {
    const { socket, state, end, endedAt } = connection;
    strictEqual(connection.answersSeen, connection.answers.length, "frames owed to the client");
    strictEqual(socket.lateSends, 0, "frames after the end");
    const { code, reason, by } = end ?? {};
    deepStrictEqual(socket.closedWith, by === "gateway" ? { code, reason } : undefined);
    const isCut = by === "cut" || (by === "gateway" && socket.wasCut);
    strictEqual(socket.wasCut, isCut, "the socket was cut");
    if (state === "ended" && socket.state !== "closed") {
      ok(this.#now < endedAt + CLOSE_GRACE_MS, "a socket lives on after its close");
    }
    if (state !== "open") return;
    ok(!connection.isDraining || !connection.isIdle, "idle, and not closed at the shutdown");
    const mayStall = connection.queued.length === 0 ||
      connection.outstanding.length === this.config.callConcurrency ||
      connection.owedReports >= this.config.maxQueue;
    ok(mayStall, "a CALL waits though nothing is before it");
  }

  #checkResponses(): void {
    for (const call of this.#unanswered) {
      const { foreseen, response, seconds, action } = call;
      if (foreseen === undefined && response === undefined) continue;
      this.#unanswered.delete(call);
      ok(foreseen !== undefined && response !== undefined, `${action}: response at the wrong time`);
      const { status, outcome, applied, body } = response;
      const said = foreseen.orSent === true && outcome === "sent" ? outcome : foreseen.outcome;
      deepStrictEqual([status, outcome], [foreseen.status, said], action);
      const isWaited = seconds !== undefined && foreseen.outcome !== "queued" &&
        ![404, 409, 429].includes(status);
      strictEqual(applied, isWaited ? `wait=${seconds}` : null);
      sameText(body, foreseen.body);
    }
  }

  #checkRest(): void {
    const { connections, backlog, sockets, clock, backend } = this.core;
    // Each has a timer until it is open, and one until it is closed.
    const onTheWay = ({ socket }: ConnectionModel): boolean =>
      socket.state === "opening" || socket.state === "closing";
    const held = this.connections.filter(({ socket }) => socket.state !== "closed").length;
    const outstanding = this.connections.reduce((sum, c) => sum + c.outstanding.length, 0);
    const remembering = this.connections.filter(({ results }) => results.length > 0).length;
    const counted = this.connections
      .filter(({ state, countedUntil }) => state === "open" && countedUntil > this.#now).length;
    const { reach, hold, slots } = this.core;
    const looks = reach.isWell ? 0 : 1;
    const holds = hold.count > 0 ? 1 : 0;
    const looksAtSlots = slots.isLooking ? 1 : 0;
    const timers = looks + holds + looksAtSlots + counted + outstanding + this.#unanswered.size +
      backend.pauses +
      remembering +
      this.connections.filter(onTheWay).length;
    const owedReports = [...this.#books.values()].map(({ posts, done }) => posts.length - done);
    const reports = owedReports.reduce((sum, owed) => sum + owed, 0);
    const { deliveries } = this.core;
    deepStrictEqual(
      { waiting: backlog.count, reports: deliveries.waiting, sockets: sockets.count },
      { waiting: this.#backlog, reports, sockets: held },
    );
    // One for each lane that is in a pause, one for the backend, and one to look at them all.
    const lanes = owedReports.filter((owed) => owed > 0).length;
    ok(clock.timers >= timers, "a timer is missing");
    ok(clock.timers <= timers + lanes + 2, "a timer too many");
    deepStrictEqual(backend.check(), []);
    const real = new Map(connections.all().map((each) => [each.clientId, each.connectionId]));
    strictEqual(real.size, this.#current.size, "connections in the map");
    for (const [clientId, { id }] of this.#current) strictEqual(real.get(clientId), id);
  }
}

function genericError(why: RegExp): { kind: "error"; body: RegExp } {
  return { kind: "error", body: new RegExp(`^{"code":"GenericError",.*${why.source}`) };
}

/** How the client's answer begins (contract section 3). */
function answerTo(messageId: string, reply: BackendReply): string {
  if (reply.ok && reply.status === 200) return `[3,"${messageId}",${reply.body}]`;
  if (reply.ok && reply.status === 204) return `[3,"${messageId}",{}]`;
  const code = reply.ok && reply.status === 404 ? "NotImplemented" : "InternalError";
  return `[4,"${messageId}","${code}",`;
}

function same({ path, body }: Delivery["request"], post: Post): void {
  strictEqual(path, post.path);
  sameText(body, post.body);
}

function sameText(text: string, wanted: string | RegExp): void {
  if (typeof wanted === "string") strictEqual(text, wanted);
  else match(text, wanted);
}
