/**
 * Flag values: text to a typed value, or to what would have been allowed.
 *
 * @module
 */

import type { NatsAddress } from "./nats_address.ts";
import { isAction } from "../codec/name.ts";

/** A value, or the words for what is allowed in its place. */
export type ReadValue<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly allowed: string };

/** Reads one flag's text. Pure; never throws. */
export type ValueReader<T> = (text: string) => ReadValue<T>;

/** Where to listen. */
export interface ListenAddress {
  /** A host name or address without brackets; empty for every interface. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** How often something may happen. */
export interface RateLimit {
  readonly perSecond: number;
  /** How often at once, after a quiet time. */
  readonly burst: number;
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

const MAX_WORKERS = 64;

const HOUR_MS = 3_600_000;

/** Timers hold 31 bits of milliseconds; a day is far inside and longer than anyone needs. */
const MAX_TIMER_HOURS = 24;

function ok<T>(value: T): ReadValue<T> {
  return { ok: true, value };
}

/**
 * A duration with its unit, in milliseconds.
 *
 * @param minMs The shortest allowed.
 * @param maxHours The longest allowed; more than a day only for what is no timer.
 */
export function duration(minMs: number, maxHours = MAX_TIMER_HOURS): ValueReader<number> {
  const allowed = `a duration of ${
    minMs === 0 ? "0s" : `${minMs}ms`
  } to ${maxHours}h, such as 500ms, 30s or 2m`;
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
    const ms = match === null ? NaN : Math.round(Number(match[1]) * MILLISECONDS[match[2]!]!);
    return ms >= minMs && ms <= maxHours * HOUR_MS ? ok(ms) : { ok: false, allowed };
  };
}

/**
 * A size with its unit, in bytes; a bare number is bytes.
 *
 * @param min The smallest allowed, in bytes.
 * @param max The largest allowed, in bytes, and `maxText` the same for people.
 */
export function size(min: number, max: number, maxText: string): ValueReader<number> {
  const allowed = `a size of ${min}B to ${maxText}, such as 512B, 64KiB or 1MiB`;
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|)$/.exec(text);
    const bytes = match === null ? NaN : Math.round(Number(match[1]) * BYTES[match[2]!]!);
    return bytes >= min && bytes <= max ? ok(bytes) : { ok: false, allowed };
  };
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): ValueReader<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max
      ? ok(value)
      : { ok: false, allowed: `a whole number from ${min} to ${max}` };
  };
}

/** Of a rate without a burst, the burst in seconds of the rate. */
const BURST_SECONDS = 10;

/** `N` or `N:BURST`. */
export const rateLimit: ValueReader<RateLimit> = (text) => {
  const [, rateText = "", burstText] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  const perSecond = integer(1, 1_000_000)(rateText);
  const burst = burstText === undefined ? undefined : integer(1, 10_000_000)(burstText);
  if (!perSecond.ok || burst?.ok === false) {
    return { ok: false, allowed: "N or N:BURST, N from 1 to 1000000, BURST from 1 to 10000000" };
  }
  const { value } = perSecond;
  return ok({ perSecond: value, burst: burst?.value ?? BURST_SECONDS * value });
};

/** Threads: a number of them, or one for each core. */
export const workerCount: ValueReader<number | "auto"> = (text) => {
  if (text === "auto") return ok("auto");
  const count = integer(1, MAX_WORKERS)(text);
  return count.ok ? count : { ok: false, allowed: `${count.allowed}, or auto` };
};

/** Open files as `ulimit -n` prints them; Infinity for no limit. */
export const openFileCount: ValueReader<number> = (text) => {
  if (text === "unlimited") return ok(Infinity);
  const count = integer(1, Number.MAX_SAFE_INTEGER)(text);
  return count.ok ? count : { ok: false, allowed: `${count.allowed}, or unlimited` };
};

/** One of a few words. */
export function oneOf<T extends string>(...words: readonly T[]): ValueReader<T> {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    return word === undefined ? { ok: false, allowed: words.join(", ") } : ok(word);
  };
}

/** A switch; its variable says which way. */
export const toggle: ValueReader<boolean> = (text) => {
  if (/^(?:true|1|yes|on)$/i.test(text)) return ok(true);
  if (/^(?:false|0|no|off)$/i.test(text)) return ok(false);
  return { ok: false, allowed: "true or false" };
};

/** `[HOST]:PORT`; an IPv6 address stands in brackets. */
export const listenAddress: ValueReader<ListenAddress> = (text) => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  return match !== null && port <= 65535 ? ok({ host: match[1] ?? match[2] ?? "", port }) : {
    ok: false,
    allowed: "[HOST]:PORT with a port from 0 to 65535, such as 127.0.0.1:4000, :4000 or [::1]:4000",
  };
};

/** The backend's base URL; its path gets the slash at its end that it lacks. Or a socket file. */
export const backendUrl: ValueReader<string> = (text) => {
  const allowed = "an http:// or https:// URL without user, query or fragment, or unix:/PATH";
  if (/^unix:\/[^\0]+$/.test(text)) return ok(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) {
    return { ok: false, allowed };
  }
  if (url.username !== "" || url.password !== "") return { ok: false, allowed };
  return ok(url.href.endsWith("/") ? url.href : `${url.href}/`);
};

/** NATS servers, with commas between; user and password, or a token, may stand in the first. */
export const natsUrls: ValueReader<NatsAddress> = (text) => {
  const allowed =
    "nats:// or tls:// URLs with commas between, such as nats://user:password@host:4222";
  const servers: string[] = [];
  let isTls = false;
  let login: URL | undefined;
  for (const part of text.split(",").map((each) => each.trim())) {
    const full = part.includes("://") ? part : `nats://${part}`;
    const url = URL.canParse(full) ? new URL(full) : undefined;
    if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === "") {
      return { ok: false, allowed };
    }
    if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
      return { ok: false, allowed };
    }
    isTls ||= url.protocol === "tls:";
    if (url.username !== "") login ??= url;
    servers.push(`${url.hostname}:${url.port === "" ? 4222 : url.port}`);
  }
  if (login === undefined) return ok({ servers, isTls });
  try {
    const user = decodeURIComponent(login.username);
    const password = decodeURIComponent(login.password);
    return ok(
      password === "" ? { servers, isTls, token: user } : { servers, isTls, user, password },
    );
  } catch {
    return { ok: false, allowed };
  }
};

/** A prefix of NATS subjects: tokens with dots between. */
export const subjectPrefix: ValueReader<string> = (text) =>
  /^[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,7}$/.test(text) ? ok(text) : {
    ok: false,
    allowed: "letters, digits, _ and - with dots between, such as ws2api or eu.ws2api",
  };

/** A path prefix; it gets the slash at its end that it lacks. */
export const pathPrefix: ValueReader<string> = (text) =>
  /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-]+\/)*[A-Za-z0-9._~!$&'()*+,;=:@%-]*$/.test(text) &&
    !/(?:^|\/)\.{1,2}(?:\/|$)/.test(text)
    ? ok(text.endsWith("/") ? text : `${text}/`)
    : { ok: false, allowed: "a path that begins with /, such as / or /ocpp/" };

/** Subprotocol names with commas between them. */
export const protocolList: ValueReader<readonly string[]> = (text) => {
  const names = text.split(",").map((name) => name.trim());
  // A name is an HTTP token (RFC 6455 §4.1, RFC 9110 §5.6.2).
  return names.every((name) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
    ? ok(names)
    : { ok: false, allowed: "subprotocol names with commas between, such as ocpp2.0.1,ocpp1.6" };
};

/** Origins with commas between them, written as browsers do (RFC 6454 §6.1). */
export const originList: ValueReader<readonly string[]> = (text) => {
  const origins = text.split(",").map((part) => originOf(part.trim()));
  return origins.every((origin) => origin !== undefined) ? ok(origins) : {
    ok: false,
    allowed: "origins with commas between, each http:// or https://, a host and a port or none, " +
      "such as https://ops.example.com",
  };
};

function originOf(text: string): string | undefined {
  // A parser would take `https:host`, and a path, a user or a `*` in it, for what they are not.
  if (!/^https?:\/\/[^\s/\\?#@*]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}

/** Names of Actions with commas between them. */
export const actionList: ValueReader<readonly string[]> = (text) => {
  const names = text.split(",").map((name) => name.trim());
  return names.every(isAction)
    ? ok(names)
    : { ok: false, allowed: "names of Actions with commas between, such as VendorReset,GetVendor" };
};

/** A token as it can stand in an Authorization header, never empty. */
export const bearerToken: ValueReader<string> = (text) =>
  /^[\x21-\x7e]+$/.test(text)
    ? ok(text)
    : { ok: false, allowed: "one or more printable ASCII characters without blanks" };

/** The outbox in JetStream; a folder of that name is `./nats`. */
export const NATS_OUTBOX = "nats";

/** Where what was accepted is kept: a folder, or the word for JetStream. */
export const outboxPlace: ValueReader<string> = (text) => {
  const isName = text !== "" && !text.includes("\0");
  return isName ? ok(text) : { ok: false, allowed: `the name of a folder, or ${NATS_OUTBOX}` };
};

/** A file's name; whether it can be read shows when it is read. */
export const filePath: ValueReader<string> = (text) =>
  text === "" || text.includes("\0") ? { ok: false, allowed: "the name of a file" } : ok(text);
