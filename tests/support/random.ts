/**
 * Random inputs that come again with the same seed.
 *
 * @module
 */

import { upgradeHead } from "./client.ts";
import { closeBytes, fragments, frameBytes, OPCODE } from "./websocket_bytes.ts";

/** A seeded generator (mulberry32): small, fast, and the same on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to but not including `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
  }

  /** True this often, 0 to 1. */
  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** What breaks JSON, UTF-8, paths and those who count characters. */
const PIECES = [
  ...'[]{}",:\\/.0123456789-+eE \t\r\n',
  ..."\0\x1f\x7f\x80é☃\u2028\ufeff\ufffd😀",
  ...["\\u0000", "\\ud800", '\\"', "\\\\", "null", "true", "1e999", "-0", "0.1", "..", "%2e", "%"],
  ...["{}", "[]", '""', "[[[[", "}}}}", '{"a":', "__proto__", "👩‍👩‍👧‍👦", "12345678901234567890"],
];

/** A text with one small damage. */
function mutated(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + random.below(random.chance(0.8) ? 3 : 40));
  switch (random.below(8)) {
    case 0: // delete
      return text.slice(0, at) + text.slice(to);
    case 1: // insert
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at);
    case 2: // replace
      return text.slice(0, at) + random.pick(PIECES) + text.slice(to);
    case 3: { // swap two pieces
      const end = Math.min(text.length, to + to - at);
      return text.slice(0, at) + text.slice(to, end) + text.slice(at, to) + text.slice(end);
    }
    case 4: // truncate
      return random.chance(0.5) ? text.slice(0, at) : text.slice(at);
    case 5: // duplicate a piece
      return text.slice(0, to) + text.slice(at);
    case 6: // many of a piece
      return text.slice(0, at) + random.pick(PIECES).repeat(random.below(300)) + text.slice(at);
    default: // another code unit, also half of a pair
      return text.slice(0, at) + String.fromCharCode(random.below(65536)) + text.slice(to);
  }
}

/** Frames of all types, as honest clients send them; ID stands for a fresh MessageId. */
const FRAMES = [
  '[2,"ID","Heartbeat",{}]',
  '[2,"ID","BootNotification",{"chargePointVendor":"Véndor","chargePointModel":"M 1"}]',
  '[2, "ID" , "MeterValues", {"connectorId":1,"meterValue":[{"sampledValue":[{"value":"1.0"}]}]}]',
  '[2,"ID","DataTransfer",{"data":"{\\"a\\":[1,2.50,-0,1e400]}","u":"\\u00e9\\ud83d\\ude00","a":1,"a":2}]',
  '[2,"ID","StatusNotification",null]',
  '[3,"ID",{"status":"Accepted"}]',
  '[4,"ID","NotImplemented","no such thing",{"detail":[]}]',
  '[5,"ID","FormatViolation","what?",{}]',
  '[6,"ID","NotifyPeriodicEventStream",{"id":1,"data":[{"t":0,"v":"1"}]}]',
  '[7,"ID","Future",{}]',
];

/** A frame's text, whole or damaged, always valid Unicode. */
export function randomText(random: Random, messageId: string): string {
  let text = random.pick(FRAMES).replace("ID", messageId);
  for (let n = random.below(4); n > 0; n--) text = mutated(text, random);
  return text.toWellFormed();
}

/** What a WebSocket has to take: a text, whole or in fragments that may cut characters, or a control frame. */
function honestBytes(random: Random): Uint8Array {
  const control = frameBytes(random.bytes(random.below(126)), {
    opcode: random.pick([OPCODE.ping, OPCODE.pong]),
  });
  const text = randomText(random, String(random.below(1e9)));
  switch (random.below(3)) {
    case 0:
      return control;
    case 1:
      return frameBytes(text);
    default: {
      const bytes = new TextEncoder().encode(text);
      const at = random.below(bytes.length + 1);
      return fragments([bytes.subarray(0, at), bytes.subarray(at)], { between: control });
    }
  }
}

/** Bytes on an open WebSocket: what it has to take, a frame with random parts, a damaged one, or no frame at all. */
export function randomBytes(random: Random): Uint8Array {
  if (random.chance(0.6)) return honestBytes(random);
  const text = random.pick(FRAMES).replace("ID", String(random.below(1e9)));
  const payload = random.chance(0.4)
    ? new TextEncoder().encode(random.chance(0.5) ? text : mutated(text, random))
    : random.bytes(random.below(random.chance(0.9) ? 130 : 2000));
  const mask = [random.below(256), random.below(256), random.below(256), 0] as const;
  const isOdd = (): boolean => random.chance(0.06);
  const frame = random.chance(0.1)
    ? closeBytes(random.below(6000), payload.subarray(0, 100))
    : frameBytes(payload, {
      opcode: isOdd() ? random.below(16) : random.pick(Object.values(OPCODE)),
      fin: random.chance(0.7),
      rsv: isOdd() ? random.below(8) : 0,
      mask: isOdd() ? null : mask,
      ...(isOdd() ? { lengthBits: 64 } : {}),
      ...(isOdd() ? { length: payload.length + random.below(100) } : {}),
    });
  switch (random.below(12)) {
    case 0:
      return random.bytes(1 + random.below(100));
    case 1:
      return frame.with(random.below(frame.length), random.below(256));
    case 2:
      return frame.subarray(0, random.below(frame.length));
    default:
      return frame;
  }
}

const SEGMENTS = [
  ...[
    "call",
    "send",
    "clients",
    "metrics",
    "healthz",
    "readyz",
    "target",
    "Act",
    "1",
    "",
    ".",
    "..",
  ],
  ...[
    "%2e%2e",
    "%2F",
    "%00",
    "%ff",
    "%",
    "%zz",
    "é".repeat(3),
    "a".repeat(300),
    "?limit=1",
    "#x",
    "*",
    ";",
  ],
];
const HEADERS = [
  ...["Content-Length: 2", "Content-Length: 0", "Content-Length: x", "Transfer-Encoding: chunked"],
  ...[
    "Connection: close",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "Expect: 100-continue",
  ],
  ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Prefer: wait=1"],
  ...[
    "Authorization: Bearer x",
    "Host: other",
    "X-Forwarded-For: 1.2.3.4",
    "Cookie: a",
    "X: \xff",
    "X: \0",
  ],
  ...[
    "X",
    " folded",
    "Range: bytes=0-1",
    "If-None-Match: *",
    "Accept: text/html",
    "Sec-WebSocket-Protocol: ,",
  ],
];

/** A request that is mostly none. */
export function randomRequest(random: Random): string {
  const path = random.chance(0.3)
    ? `/call/Act/target/${random.below(1e9)}`
    : Array.from({ length: 1 + random.below(5) }, () => `/${random.pick(SEGMENTS)}`).join("");
  const method = random.pick(["GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "BREW"]);
  let request = random.chance(0.2)
    ? upgradeHead(path)
    : `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  for (let n = random.below(4); n > 0; n--) {
    request = request.replace("\r\n\r\n", `\r\n${random.pick(HEADERS)}\r\n\r\n`);
  }
  if (/Content-Length: 2/.test(request)) request += "{}";
  if (/chunked/.test(request)) request += "2\r\n{}\r\n0\r\n\r\n";
  return random.chance(0.3) ? mutated(request, random) : request;
}
