/**
 * Sockets straight from the C library, and `epoll` to wait for them.
 *
 * A generator of `Deno.connect` sockets costs more for each message than the gateway's own share of it
 * leaves on two cores. A system call by way of FFI costs what it costs in C. Needs `--allow-ffi`,
 * Linux 5.11 and glibc 2.35.
 *
 * @module
 */

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_IP = 0;
/** A port is then chosen at the connect, so that it need only be free towards that one peer. */
const IP_BIND_ADDRESS_NO_PORT = 24;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const MSG_NOSIGNAL = 0x4000;
/** By how much waits may be too long; 50 µs unless it is set. In nanoseconds. */
const PR_SET_TIMERSLACK = 29;
const TIMER_SLACK_NS = 1000n;

/** Bits of what is waited for and told. */
export const READABLE = 0x1;
export const WRITABLE = 0x4;
/** An error, or the end of both directions: reading tells which. */
export const BROKEN = 0x8 | 0x10;

/** The longest batch of `wait`. */
const MAX_EVENTS = 1024;
/** `struct epoll_event` is packed on x86-64 alone; in words of 32 bits. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const FD_WORD = EVENT_WORDS - 2;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  // Sizes are of 64 bits, but these stay far below 32, and as those they come without a bigint each.
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  prctl: { parameters: ["i32", "usize"], result: "i32" },
  epoll_pwait2: { parameters: ["i32", "buffer", "i32", "buffer", "buffer"], result: "i32" },
} as const;

/** An address as the C library takes it. */
export type Address = Uint8Array<ArrayBuffer>;

/** @param hostname Four numbers with dots. */
export function addressOf(hostname: string, port: number): Address {
  const address = new Uint8Array(16);
  address[0] = AF_INET;
  address[2] = port >> 8;
  address[3] = port & 255;
  address.set(hostname.split(".").map(Number), 4);
  return address;
}

/**
 * TCP sockets that never block, by their numbers, and one wait for all of them.
 *
 * The reason of a failure is not told: in between two calls the runtime may have changed `errno`.
 */
export class Sockets {
  readonly #c = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  readonly #one = new Uint8Array(new Uint32Array([1]).buffer);
  readonly #poll: number;
  readonly #events = new Int32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #eventsBytes = new Uint8Array(this.#events.buffer);
  readonly #event = new Int32Array(EVENT_WORDS);
  readonly #eventBytes = new Uint8Array(this.#event.buffer);
  /** `struct timespec`: seconds and nanoseconds of 64 bits, of which the lower halves do. */
  readonly #time = new Int32Array(4);
  readonly #timeBytes = new Uint8Array(this.#time.buffer);

  /** @throws Where there is no `epoll_pwait2`. */
  constructor() {
    this.#c.prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    this.#poll = this.#c.epoll_create1(SOCK_CLOEXEC);
    const count = this.#c.epoll_pwait2(this.#poll, this.#eventsBytes, 1, this.#timeBytes, null);
    if (count < 0) throw new Error("epoll_pwait2 cannot be had: it takes Linux 5.11");
  }

  /**
   * Begins to connect; that it failed shows in its events.
   *
   * @param source Its own address; the port should be 0.
   * @throws When there are no more sockets to be had.
   */
  connect(source: Address, target: Address): number {
    const fd = this.#open();
    this.#c.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, this.#one, 4);
    this.#c.bind(fd, source, source.length);
    this.#c.connect(fd, target, target.length);
    return fd;
  }

  /**
   * Listens on 127.0.0.1, on any free port.
   *
   * @throws When it cannot.
   */
  listen(): { readonly fd: number; readonly port: number } {
    const fd = this.#open();
    const address = addressOf("127.0.0.1", 0);
    const length = new Uint8Array(new Uint32Array([address.length]).buffer);
    const isListening = this.#c.bind(fd, address, address.length) === 0 &&
      this.#c.listen(fd, 4096) === 0 && this.#c.getsockname(fd, address, length) === 0;
    if (!isListening) throw new Error("cannot listen on 127.0.0.1");
    return { fd, port: address[2]! * 256 + address[3]! };
  }

  /** The next connection; -1 when there is none. */
  accept(listener: number): number {
    const fd = this.#c.accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) this.#c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, this.#one, 4);
    return fd;
  }

  /** @returns How many bytes came; 0 at the end of the stream; -1 when nothing is there, or broken. */
  read(fd: number, into: Uint8Array<ArrayBuffer>): number {
    return this.#c.read(fd, into, into.length);
  }

  /** @returns How many bytes went out; 0 when the socket is full, or broken. */
  write(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
    return Math.max(0, this.#c.send(fd, bytes, bytes.length, MSG_NOSIGNAL));
  }

  close(fd: number): void {
    this.#c.close(fd);
  }

  /** @param events `READABLE`, `WRITABLE` or both; `BROKEN` is always told. A close ends it. */
  watch(fd: number, events: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events);
  }

  /** Watches for something else from now on. */
  rewatch(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  /**
   * Waits; then `fdAt` and `eventsAt` of each tell what came.
   *
   * @param ms Up to some days; a fraction counts.
   * @returns How many sockets have something; 0 when the time is over.
   */
  wait(ms: number): number {
    const whole = Math.floor(ms / 1000);
    this.#time[0] = whole;
    this.#time[2] = Math.floor((ms - whole * 1000) * 1e6);
    const count = this.#c.epoll_pwait2(
      this.#poll,
      this.#eventsBytes,
      MAX_EVENTS,
      this.#timeBytes,
      null,
    );
    return Math.max(0, count);
  }

  fdAt(index: number): number {
    return this.#events[index * EVENT_WORDS + FD_WORD]!;
  }

  eventsAt(index: number): number {
    return this.#events[index * EVENT_WORDS]!;
  }

  #open(): number {
    const fd = this.#c.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error("no more sockets: too many open files?");
    this.#c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, this.#one, 4);
    return fd;
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event[0] = events;
    this.#event[FD_WORD] = fd;
    if (this.#c.epoll_ctl(this.#poll, operation, fd, this.#eventBytes) !== 0) {
      throw new Error(`epoll does not take ${fd}`);
    }
  }
}
