/** A station with a certificate of its own, which may compress: what `--websocket ws` is for. */

import { strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { WebSocket } from "ws";
import { ClientAuthority } from "../support/client_certificate.ts";
import { Inbox, inTime } from "../support/deadline.ts";
import { makeCertificate, TempDir } from "../support/program.ts";
import type { StationEnd, Way } from "./day.ts";

/** By WSS. @param isCompressing Whether both sides compress what is long enough. */
export async function secureWay(isCompressing: boolean): Promise<Way & AsyncDisposable> {
  const dir = new TempDir();
  const server = await makeCertificate(dir);
  const authority = await ClientAuthority.make(dir, "stations");
  const shown = await authority.issue("/O=Example/CN=SN-1");
  const { serialNumber: hex, fingerprint256 } = new X509Certificate(shown.cert);
  // Whole bytes, of which the runtime leaves a zero at the beginning out.
  const serialNumber = hex.padStart(2 * Math.ceil(hex.length / 2), "0");
  const http = Deno.createHttpClient({ caCerts: [server.cert], ...shown });
  return {
    flags: [
      "--websocket=ws",
      ...isCompressing ? ["--compression"] : [],
      `--tls-cert=${dir.file("server.crt", server.cert)}`,
      `--tls-key=${dir.file("server.key", server.key)}`,
      `--client-ca=${dir.file("ca.crt", authority.cert)}`,
    ],
    told: {
      tls: true,
      clientCertificate: { subject: { CN: "SN-1", O: "Example" }, serialNumber, fingerprint256 },
    },
    http,
    async connect(gateway, path, { protocols, headers }) {
      const socket = new WebSocket(`${gateway.url.replace("https", "wss")}/${path}`, protocols, {
        ca: server.cert,
        ...shown,
        ...headers && { headers },
        // As OCPP stations do, a few bytes are compressed as well.
        perMessageDeflate: isCompressing && { threshold: 1 },
      });
      const station = new SecureStation(socket);
      await inTime(station.opened, "the upgrade");
      strictEqual(socket.extensions, isCompressing ? "permessage-deflate" : "");
      return station;
    },
    // deno-lint-ignore require-await -- the day that uses it is disposed of without waiting.
    async [Symbol.asyncDispose]() {
      http.close();
      dir[Symbol.dispose]();
    },
  };
}

class SecureStation implements StationEnd {
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  readonly #closed: Promise<{ code: number; reason: string }>;
  readonly #inbox = new Inbox<string>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    this.#closed = new Promise((resolve) => {
      socket.on(
        "close",
        (code: number, reason: Uint8Array) =>
          resolve({ code, reason: new TextDecoder().decode(reason) }),
      );
    });
    socket.on("message", (data: Uint8Array) => this.#inbox.put(new TextDecoder().decode(data)));
  }

  get left(): readonly string[] {
    return this.#inbox.left;
  }

  next(prefix = ""): Promise<string> {
    return this.#inbox.take(`a frame ${prefix}`, (text) => text.startsWith(prefix));
  }

  send(text: string): void {
    this.socket.send(text);
  }

  whenClosed(): Promise<{ code: number; reason: string }> {
    return inTime(this.#closed, "the close of the station's socket");
  }
}
